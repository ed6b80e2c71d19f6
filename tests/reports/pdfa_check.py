"""Structural check of PDF/A-2a and PDF/UA-1, independent of the engine that wrote the file.

Not a validator: it looks for what archives refuse first. ``VERAPDF`` validation stays with sites that have it.
"""

from __future__ import annotations

import io
from typing import Any

import pikepdf

_ACTIVE = {"/JavaScript", "/JS", "/Launch", "/EmbeddedFile", "/RichMedia"}


def check(data: bytes) -> list[str]:
    """Return what is wrong with the file, empty when nothing is."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return [*_metadata(pdf), *_output_intent(pdf), *_structure(pdf), *_objects(pdf)]


def _metadata(pdf: pikepdf.Pdf) -> list[str]:
    with pdf.open_metadata() as xmp:
        wanted = {"pdfaid:part": "2", "pdfaid:conformance": "A", "pdfuaid:part": "1"}
        faults = [f"{key} is {xmp.get(key)}" for key, value in wanted.items() if xmp.get(key) != value]
        if not xmp.get("dc:title"):
            faults.append("no title")
    return faults + (["encrypted"] if pdf.is_encrypted else [])


def _output_intent(pdf: pikepdf.Pdf) -> list[str]:
    intents = list(pdf.Root.get("/OutputIntents", []))
    return [] if any("/DestOutputProfile" in intent for intent in intents) else ["no output intent with a profile"]


def _structure(pdf: pikepdf.Pdf) -> list[str]:
    faults = []
    if not pdf.Root.get("/MarkInfo", {}).get("/Marked", False):
        faults.append("not marked")
    if "/StructTreeRoot" not in pdf.Root:
        faults.append("no structure tree")
    if not str(pdf.Root.get("/Lang", "")).lower().startswith("zh"):
        faults.append("language is not Chinese")
    return faults


def _objects(pdf: pikepdf.Pdf) -> list[str]:
    faults: list[str] = []
    for item in pdf.objects:
        _walk(item, faults)
    return faults


def _walk(item: Any, faults: list[str], depth: int = 0) -> None:
    """Look at an object and at its *direct* children: an action is usually direct."""
    if depth > 8:
        return
    if isinstance(item, (pikepdf.Dictionary, pikepdf.Stream)):
        kind = str(item.get("/Type", ""))
        if kind == "/Font" and str(item.get("/Subtype")) == "/Type0" and "/ToUnicode" not in item:
            faults.append("a font without ToUnicode")
        if kind == "/FontDescriptor" and not {"/FontFile", "/FontFile2", "/FontFile3"} & set(item.keys()):
            faults.append("a font that is not embedded")
        active = _ACTIVE & ({str(item.get("/S", "")), kind} | set(item.keys()))
        faults.extend(f"active content {name}" for name in sorted(active))
        if str(item.get("/Filter", "")) == "/LZWDecode":
            faults.append("LZW")
        children = [item[key] for key in item.keys() if key != "/Parent"]  # noqa: SIM118 - not a mapping
    elif isinstance(item, pikepdf.Array):
        children = list(item)
    else:
        return
    for child in children:
        if isinstance(child, pikepdf.Object) and not child.is_indirect:
            _walk(child, faults, depth + 1)


def header_cells(data: bytes) -> int:
    """Return how many table header cells the structure tree holds."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return sum(
            1 for item in pdf.objects if isinstance(item, pikepdf.Dictionary) and str(item.get("/S", "")) == "/TH"
        )
