"""The Typst press: one compiler a process, the font map, and the engine's complaints put into words.

Called by the renderer only. Data reaches a template as JSON, never as template source. Any warning is a failure: a
missing family or glyph must stop a paper, not change its face. The press never asks for the time and sees no system
font, so equal input gives equal bytes on any machine.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typst
import yaml

from models.core.hashing import canonical_json, sha256_hex

TEMPLATES = Path(__file__).parent / "templates"
LIBRARY = "gw.typ"
PDF_STANDARDS = ("a-2a", "ua-1")
_FONT_MAP = Path(__file__).parent / "fonts.yaml"
_FONT_SUFFIXES = {".otf", ".ttf", ".ttc", ".otc"}
_MISSING_GLYPH = re.compile(r'the text `"(.+?)"` could not be displayed')
_UNICODE_ESCAPE = re.compile(r"\\u\{([0-9a-f]+)\}")
_lock = threading.Lock()


class PressError(Exception):
    """The engine refused. ``characters`` are those no font has; empty when something else is wrong."""

    def __init__(self, message: str, *, characters: tuple[str, ...] = ()) -> None:
        self.characters = characters
        super().__init__(message)


@dataclass(frozen=True)
class Press:
    """A compiler with its resolved font map (JSON) and the digest of all font files and of that map."""

    compiler: Any
    font_map: str
    font_digest: str

    def print_pdf(self, *, template: str, view: bytes, words: Mapping[str, str]) -> bytes:
        """Return the PDF/A-2a + PDF/UA-1 bytes of ``template`` filled with ``view`` (JSON). ``words`` are the
        ``banner`` and the closing ``statement``. Raises ``PressError``."""
        inputs = {"view": view.decode(), "fonts": self.font_map, "words": canonical_json(words).decode()}
        with _lock:  # one compiler a process: its caches are shared, its calls are not
            try:
                data, warnings = self.compiler.compile_with_warnings(
                    input=str(TEMPLATES / template), format="pdf", pdf_standards=list(PDF_STANDARDS), sys_inputs=inputs
                )
            except typst.TypstError as err:
                raise PressError(str(err), characters=_missing_characters(err.diagnostic)) from err
        if warnings:
            raise PressError("; ".join(str(warning) for warning in warnings))
        return bytes(data)


def _missing_characters(diagnostic: str) -> tuple[str, ...]:
    texts = _MISSING_GLYPH.findall(diagnostic)
    plain = (_UNICODE_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) for text in texts)
    return tuple(dict.fromkeys(plain))


def engine() -> str:
    """Return the engine's name and version as it is kept with every document."""
    return f"typst {version('typst')}"


def template_digest(*, template: str) -> str:
    """Return the SHA-256 over the template and the shared library."""
    digest = hashlib.sha256()
    for name in (template, LIBRARY):
        digest.update(name.encode() + b"\0" + (TEMPLATES / name).read_bytes() + b"\0")
    return digest.hexdigest()


def press(*, font_dir: Path | None) -> Press:
    """Return the process's press for a font directory, opened on first use. Raises ``PressError`` for a role of the
    font map without any family."""
    with _lock:
        return _open(font_dir)


@cache
def _open(font_dir: Path | None) -> Press:
    import pylopdf_fonts_zh_cn as wheel  # 20 MB of fonts: not before a paper is printed

    folders = [Path(wheel.serif_path()).parent, *([font_dir] if font_dir else [])]
    font_map = canonical_json(_resolve(folders))
    files = {
        path.name: sha256_hex(path.read_bytes())
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in _FONT_SUFFIXES
    }
    compiler = typst.Compiler(root=str(TEMPLATES), font_paths=[str(f) for f in folders], ignore_system_fonts=True)
    return Press(compiler, font_map.decode(), sha256_hex(canonical_json(files) + font_map))


def _resolve(folders: list[Path]) -> dict[str, dict[str, object]]:
    """Keep of each role the families that are there, best first; ``embolden`` is in thousandths of the size."""
    known = set(
        typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(f) for f in folders]
        ).families()
    )
    roles: dict[str, dict[str, object]] = {}
    for role, wanted in yaml.safe_load(_FONT_MAP.read_text("utf-8")).items():
        found = [entry for entry in wanted if entry["family"] in known]
        if not found:
            raise PressError(f"no family of the font role {role} is installed")
        roles[role] = {
            "families": [entry["family"] for entry in found],
            "embolden": found[0].get("embolden", 0),
        }
    return roles
