"""Looks at the bytes of an upload before any parser does: type, size, packing, macros, DTDs.

Called by the readers of this folder with the bytes as they came. Never trusts the media type or the file name alone,
never unpacks more than the caps allow.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from enum import StrEnum

from models.core.errors import DataFault
from models.core.messages import sentence

MAX_BYTES = 200 * 2**20
MAX_BYTES_PLAIN = 600 * 2**20  # a million people as CSV are some 400 MB
MAX_UNPACKED = 800 * 2**20  # a needs ledger of 100,000 rows unpacks to about 300 MB
MAX_PACKING = 200  # sheets of equal rows pack about 1:30, bombs from 1:1000
MAX_PARTS = 2_000
MAX_ROW = 200_000
_CHUNK = 2**20
_DTD = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)  # stands before the root element, so in the first chunk
_LONGEST_REFERENCE = 64
# cells beyond AZ (our templates end before), and row numbers of six and more digits; as everybody spells them, and as
# XML allows: the second pattern is ten times slower
_FAR_COLUMN = (re.compile(rb'r="(?:[B-Z][A-Z]|[A-Z]{3})[0-9]'), re.compile(rb"r\s*=\s*.(?:[B-Z][A-Z]|[A-Z]{3})[0-9]"))
_HIGH_ROW = (re.compile(rb'r="[A-Z]{0,3}([0-9]{6,})"'), re.compile(rb"r\s*=\s*.[A-Z]{0,3}([0-9]{6,})['\"]"))
_OTHER_SPELLING = re.compile(rb"r(?:\s|=[^\"])")

_ZIP = b"PK\x03\x04"
_PARQUET = b"PAR1"
_OLE = b"\xd0\xcf\x11\xe0"
_XLSX_PARTS = frozenset({"[Content_Types].xml", "xl/workbook.xml"})
_MEDIA_TYPES = {
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/csv": "csv",
    "application/json": "json",
    "application/vnd.apache.parquet": "parquet",
}


class FileKind(StrEnum):
    """The file types a gate reads."""

    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def unreadable(reason: str) -> DataFault:
    """Return the fault for a file that cannot be parsed at all; ``reason`` completes ``gate.reason.<reason>``."""
    return DataFault("gate.unreadable", rule="SYS-GATE", facts={"reason": sentence(f"gate.reason.{reason}")})


def inspect(*, data: bytes, media_type: str) -> FileKind:
    """Return the type of an upload that is safe to parse.

    Raises ``DataFault`` code ``gate.unreadable`` for an empty or oversized file, a type no gate reads, bytes that
    contradict the media type, an old or locked workbook, macros, DTDs, and a zip bomb.
    """
    if not data:
        raise unreadable("empty")
    if data.startswith(_OLE):
        raise unreadable("old_or_locked")
    name = _MEDIA_TYPES.get(media_type.partition(";")[0].strip().lower())
    if name is None:
        raise unreadable("unknown_type")
    kind = FileKind(name)
    if len(data) > (MAX_BYTES_PLAIN if kind in (FileKind.CSV, FileKind.PARQUET) else MAX_BYTES):
        raise unreadable("too_large")
    if (kind is FileKind.XLSX) != data.startswith(_ZIP) or (kind is FileKind.PARQUET) != data.startswith(_PARQUET):
        raise unreadable("not_what_it_says")
    if kind is FileKind.XLSX:
        _inspect_package(data)
    return kind


def _inspect_package(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            _inspect_parts(package, packed=len(data))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, RuntimeError) as err:
        raise unreadable("damaged") from err


def _inspect_parts(package: zipfile.ZipFile, *, packed: int) -> None:
    parts = package.infolist()
    names = {part.filename for part in parts}
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS or unpacked > min(MAX_UNPACKED, MAX_PACKING * packed):
        raise unreadable("bomb")
    if not names >= _XLSX_PARTS:
        raise unreadable("not_what_it_says")
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise unreadable("macros")
    for part in parts:
        _read_through(package, part)


def _read_through(package: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Read a part to its end, which proves its checksum and declared size; look for DTDs and far-away cells."""
    markup = part.filename.endswith((".xml", ".rels"))
    sheet = part.filename.startswith("xl/worksheets/")
    with package.open(part) as stream:
        tail, first = b"", True
        while chunk := stream.read(_CHUNK):
            if markup and first and _DTD.search(chunk):
                raise unreadable("dtd")
            if sheet:
                _check_extent(tail + chunk)
            tail, first = chunk[-_LONGEST_REFERENCE:], False


def _check_extent(text: bytes) -> None:
    """Refuse a sheet with a cell far away: a parser lays out every cell up to it, and memory ends before."""
    spelling = 1 if _OTHER_SPELLING.search(text) else 0
    if _FAR_COLUMN[spelling].search(text):
        raise unreadable("too_wide")
    if any(int(match[1]) > MAX_ROW for match in _HIGH_ROW[spelling].finditer(text)):
        raise unreadable("too_long")
