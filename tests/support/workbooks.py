"""Filling in an exported template as a person does in Excel: cells of the first sheet, everything else as it came."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import escape

_SHEET = "xl/worksheets/sheet1.xml"


def filled(template: bytes, cells: Mapping[tuple[int, int], str]) -> bytes:
    """Return the workbook with texts written at (row, column), both counted from 1."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(template)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            data = old.read(part)
            new.writestr(part, _written(data.decode(), cells).encode() if part.filename == _SHEET else data)
    return made.getvalue()


def _written(sheet: str, cells: Mapping[tuple[int, int], str]) -> str:
    for row in sorted({row for row, _ in cells}):
        texts = {column: text for (at, column), text in cells.items() if at == row}
        found = re.search(rf'<row r="{row}"[^>]*>(.*?)</row>', sheet)
        kept = found[1] if found else ""
        for column, text in texts.items():
            place = (
                f"{chr(ord('A') + (column - 1) // 26 - 1) if column > 26 else ''}{chr(ord('A') + (column - 1) % 26)}"
            )
            kept = re.sub(rf'<c r="{place}{row}"[^>]*(?:/>|>.*?</c>)', "", kept)
            kept += f'<c r="{place}{row}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
        made = f'<row r="{row}">{kept}</row>'
        sheet = sheet.replace(found[0], made) if found else sheet.replace("</sheetData>", f"{made}</sheetData>")
    return sheet
