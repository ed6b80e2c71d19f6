"""The two sheets that explain an import template: what each column wants, and an example marked as made up.

Used by the writers of templates. No gate reads these sheets, so the example can never come in as data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

GUIDE_SHEET = "填写说明"
EXAMPLE_SHEET = "填写示例"
MARK = "合成示例：本表内容均为虚构，只示范怎样填写；导入时不读取本表。"
_HEADS = ("栏目", "是否必填", "填写要求", "可选值", "合成示例")
_WIDTHS = (26, 10, 36, 60, 36)


@dataclass(frozen=True)
class GuideLine:
    """What one column or entry wants, with an example value."""

    title: str
    required: bool
    how: str
    choices: tuple[str, ...]
    example: str


def add_guide(book: Any, lines: Sequence[GuideLine]) -> None:
    """Add both sheets to an xlsxwriter workbook, behind what it holds; every cell is a text."""
    head = book.add_format({"bold": True, "border": 1, "bg_color": "#E7ECF2", "text_wrap": True, "valign": "top"})
    cell = book.add_format({"num_format": "@", "border": 1, "text_wrap": True, "valign": "top"})
    mark = book.add_format({"bold": True, "font_color": "#C00000"})
    guide = book.add_worksheet(GUIDE_SHEET)
    for place, (title, width) in enumerate(zip(_HEADS, _WIDTHS, strict=True)):
        guide.set_column(place, place, width)
        guide.write_string(0, place, title, head)
    for row, line in enumerate(lines, start=1):
        texts = (line.title, "必填" if line.required else "选填", line.how, "、".join(line.choices), line.example)
        for place, text in enumerate(texts):
            guide.write_string(row, place, text, cell)
    example = book.add_worksheet(EXAMPLE_SHEET)
    example.write_string(0, 0, MARK, mark)
    example.set_column(0, len(lines) - 1, 16)
    for place, line in enumerate(lines):
        example.write_string(1, place, line.title, head)
    for place, line in enumerate(lines):
        example.write_string(2, place, line.example, cell)
