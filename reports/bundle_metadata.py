"""The tag files of an archive bundle: catalogue, records, event chain, provenance, manifests, and how to check it.

Turns the view and the fixities of the written payload into the content of every tag file but the tag manifest. Called
by ``reports.bundle`` only. Pure; equal input gives equal bytes. Must never put the bundle's own identity into a file:
the identity covers these files, so it travels by another channel (receipt, ledger).
"""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from string import Template
from typing import Final
from xml.etree import ElementTree as ET

from models.core.bundle import BundleView, Fixity, PayloadPart, Source
from models.core.hashing import canonical_json
from models.core.messages import sentence
from reports import bundle_layout as layout
from reports.columns import Column
from reports.workbook import TableMeta, write_table

_COLUMNS: Final = (
    "archival_code",
    "item_no",
    "volume",
    "title",
    "document_no",
    "responsible",
    "formed_on",
    "pages",
    "secrecy",
    "retention",
    "retained_until",
    "openness",
    "format",
    "path",
    "size",
    "sha256",
    "sm3",
    "synthetic",
)
_WIDTHS: Final = {"title": 40, "path": 48, "sha256": 34, "sm3": 34, "responsible": 20, "archival_code": 20}
_NUMBERS: Final = frozenset({"item_no", "pages", "size"})


def tag_files(*, view: BundleView, payload: Sequence[Fixity]) -> dict[str, Source]:
    """Return path in the bag → content of every tag file except the tag manifest.

    ``payload`` holds one fixity a part of ``view``. Raises ``TypeError`` for floats in record, events or provenance.
    """
    with_sm3 = all(item.sm3 for item in payload)
    rows = _rows(view=view, payload=payload)
    files: dict[str, Source] = {
        layout.BAGIT: layout.DECLARATION,
        layout.BAG_INFO: _bag_info(view=view, payload=payload),
        layout.MANIFEST: "".join(layout.manifest_line(item.sha256, item.path) for item in payload).encode(),
        f"{layout.METADATA}目录.csv": _catalogue_csv(rows),
        f"{layout.METADATA}目录.xlsx": _catalogue_workbook(view=view, rows=rows),
        f"{layout.METADATA}records.xml": _records_xml(view=view, rows=rows),
        f"{layout.METADATA}project.json": _pretty(view.project),
        f"{layout.METADATA}project.schema.json": _pretty(view.project_schema),
        layout.EVENTS: _event_lines(view),
        f"{layout.METADATA}provenance.json": _provenance(view=view, with_sm3=with_sm3),
        f"{layout.METADATA}README_验真说明.txt": _readme(view=view, payload=payload, with_sm3=with_sm3),
        f"{layout.METADATA}验真.sh": _script("verify.sh"),
        f"{layout.METADATA}验真.py": _script("verify.python"),
        # Windows PowerShell 5.1 reads a script without a byte-order mark in the local code page, not as UTF-8.
        f"{layout.METADATA}验真.ps1": b"\xef\xbb\xbf" + _script("verify.ps1"),
    }
    if with_sm3:
        files[layout.SM3_MANIFEST] = "".join(
            layout.manifest_line(str(item.sm3), item.path) for item in payload
        ).encode()
    return files


def _plain_text(value: object) -> str:
    """One line of visible text: XML 1.0 and CSV readers choke on control characters."""
    text = " ".join(str(value).split())
    return "".join(
        char for char in text if unicodedata.category(char) not in {"Cc", "Cs"} and char not in "\ufffe\uffff"
    )


def _rows(*, view: BundleView, payload: Sequence[Fixity]) -> list[dict[str, str]]:
    """The catalogue, one row a file, in the order of 件号 and path; a value nobody stated is blank."""
    written = {item.path: item for item in payload}

    def row(part: PayloadPart) -> dict[str, str]:
        fixity = written[layout.PAYLOAD + part.path]
        values: dict[str, object] = vars(part.record) | {
            "path": fixity.path,
            "size": fixity.size,
            "sha256": fixity.sha256,
            "sm3": fixity.sm3,
            "synthetic": "、".join(part.record.synthetic),
        }
        return {name: "" if values[name] is None else _plain_text(values[name]) for name in _COLUMNS}

    return [row(part) for part in sorted(view.parts, key=lambda part: (part.record.item_no, part.path))]


def _catalogue_csv(rows: Sequence[Mapping[str, str]]) -> bytes:
    """UTF-8 with a byte-order mark for Excel; a text that a spreadsheet would run as a formula gets a leading quote."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([sentence(f"bundle.column.{name}") for name in _COLUMNS])
    for row in rows:
        writer.writerow(
            ["'" + value if name not in _NUMBERS and value[:1] in set("=+-@") else value for name, value in row.items()]
        )
    return out.getvalue().encode("utf-8-sig")


def _catalogue_workbook(*, view: BundleView, rows: Sequence[Mapping[str, str]]) -> bytes:
    columns = tuple(Column(name, sentence(f"bundle.column.{name}"), width=_WIDTHS.get(name, 10)) for name in _COLUMNS)
    title = sentence("bundle.catalogue", {"name": view.name})
    meta = TableMeta(
        sheet_name=sentence("bundle.catalogue.sheet"),
        issuer=_plain_text(view.source_organization),
        date=view.bagging_date,
        note=_synthetic_sentence(view),
    )
    return write_table(columns=columns, rows=rows, title=title, meta=meta)


def _records_xml(*, view: BundleView, rows: Sequence[Mapping[str, str]]) -> bytes:
    root = ET.Element(sentence("bundle.xml.root"))
    root.set(sentence("bundle.xml.project_no"), _plain_text(view.project_no))
    root.set(sentence("bundle.xml.version"), str(view.version))
    for row in rows:
        record = ET.SubElement(root, sentence("bundle.xml.record"))
        for name, value in row.items():
            ET.SubElement(record, sentence(f"bundle.column.{name}")).text = value
    ET.indent(root)
    xml: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml + b"\n"


def _pretty(value: Mapping[str, object]) -> bytes:
    """Canonical values (dates as text, no floats), laid out for people."""
    plain = json.loads(canonical_json(value))
    return (json.dumps(plain, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def _event_lines(view: BundleView) -> Callable[[], Iterator[bytes]]:
    return lambda: (canonical_json(event) + b"\n" for event in view.events)


def _provenance(*, view: BundleView, with_sm3: bool) -> bytes:
    digests: dict[str, object] = {"sha256": layout.MANIFEST, "sm3": layout.SM3_MANIFEST if with_sm3 else None}
    if not with_sm3:
        digests["sm3_absent_because"] = sentence("bundle.sm3_absent")
    made = {"software": view.provenance, "digests": digests, "synthetic_fields": sorted(view.synthetic_fields)}
    return _pretty(made)


def _synthetic_count(view: BundleView) -> int:
    return len(view.synthetic_fields) + sum(len(part.record.synthetic) for part in view.parts)


def _synthetic_sentence(view: BundleView) -> str:
    count = _synthetic_count(view)
    return sentence("bundle.synthetic", {"count": count}) if count else sentence("bundle.not_synthetic")


def _bag_info(*, view: BundleView, payload: Sequence[Fixity]) -> bytes:
    fields = [
        ("Source-Organization", view.source_organization),
        ("External-Identifier", view.project_no),
        ("Bag-Group-Identifier", view.bag_group),
        ("Internal-Sender-Identifier", view.name),
        ("Bagging-Date", view.bagging_date.isoformat()),
        *view.info,
        ("Payload-Oxum", f"{sum(item.size for item in payload)}.{len(payload)}"),
    ]
    if _synthetic_count(view):
        fields.append(("Synthetic-Content", _synthetic_sentence(view)))
    return "".join(f"{_plain_text(label)}: {_plain_text(value)}\n" for label, value in fields).encode()


def _readme(*, view: BundleView, payload: Sequence[Fixity], with_sm3: bool) -> bytes:
    text = Template(_script("readme.txt").decode()).substitute(
        name=view.name,
        organization=_plain_text(view.source_organization),
        project_no=view.project_no,
        bagged_on=view.bagging_date.isoformat(),
        files=len(payload),
        size=sum(item.size for item in payload),
        sm3=sentence("bundle.readme.sm3") if with_sm3 else sentence("bundle.sm3_absent"),
        synthetic=_synthetic_sentence(view),
    )
    return text.encode()


def _script(name: str) -> bytes:
    return (resources.files("reports") / "bundle_files" / name).read_bytes()
