"""The layout of an archive bundle: names and paths, shared by its writer and its checker.

Owns what both sides must agree on: where each file of the bag lies, which path components are portable, how a
manifest line reads. Used by ``reports.bundle``, ``reports.bundle_metadata`` and
``infra.bundle_check``. Pure: no I/O, no knowledge of tables.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

DECLARATION: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
BAGIT: Final = "bagit.txt"
BAG_INFO: Final = "bag-info.txt"
MANIFEST: Final = "manifest-sha256.txt"
TAG_MANIFEST: Final = "tagmanifest-sha256.txt"
PAYLOAD: Final = "data/"
METADATA: Final = "metadata/"
EVENTS: Final = "metadata/events.jsonl"
SM3_MANIFEST: Final = "metadata/manifest-sm3.txt"
SIGNATURES: Final = "signatures/"
SIGNATURE: Final = "signatures/tagmanifest-sha256.txt.p7s"
CERTIFICATE: Final = "signatures/signer.pem"

COMPONENT_BYTES: Final = 200  # eCryptfs and some tape formats stop well below the usual 255
# Windows refuses these; "%" is escaped by BagIt but not by sha256sum, so the two would read different names.
_RESERVED: Final = str.maketrans('\\/:*?"<>|%', "＼／：＊？＂＜＞｜％")
# Invisible, direction-changing or line-breaking characters; private-use and unassigned ones stay: rare names use them.
_UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_MANIFEST_LINE: Final = re.compile(r"([0-9a-fA-F]{64})\s+\*?(\S.*)")


def _unsafe(text: str) -> bool:
    return any(unicodedata.category(char) in _UNSAFE_CATEGORIES for char in text)


def path_fault(path: str) -> str | None:
    """Return why a path inside a bag is refused, as the code of a label ``bundle.path.<reason>``, else ``None``.

    Refused: leaving the bag, invisible characters, characters some system cannot store, blanks at the edges of a
    component, components over 200 bytes of UTF-8, names that are not NFC.
    """
    parts = path.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return "bundle.path.traversal"
    if _unsafe(path):
        return "bundle.path.invisible"
    if any(part.translate(_RESERVED) != part for part in parts):
        return "bundle.path.reserved"
    if not unicodedata.is_normalized("NFC", path):
        return "bundle.path.not_nfc"
    if any(part != part.strip() or part.endswith(".") for part in parts):
        return "bundle.path.edges"
    if any(len(part.encode()) > COMPONENT_BYTES for part in parts):
        return "bundle.path.long"
    return None


def payload_path(*, folder: str, number: int, kind: str, title: str, suffix: str) -> str:
    """Return the path below ``data/`` of a paper: ``<folder>/NN_文种_题名.ext``, always portable.

    ``folder`` is a stage folder such as ``07_验收``; ``suffix`` holds its dot. Characters a system cannot store become
    their full-width twins, invisible ones go, a long title is cut at a character; ``number`` keeps the name unique.
    """
    return f"{_component(folder, '')}/{_component(f'{number:02d}_{kind}_{title}', suffix)}"


def _component(text: str, suffix: str) -> str:
    visible = "".join(" " if char.isspace() else char for char in text if char.isspace() or not _unsafe(char))
    clean = unicodedata.normalize("NFC", " ".join(visible.split()).translate(_RESERVED))
    room = COMPONENT_BYTES - len(suffix.encode())
    return clean.encode()[:room].decode(errors="ignore").rstrip(" .") + suffix


def sm3_available() -> bool:
    """Say whether this interpreter's OpenSSL computes SM3 (some hardened builds leave it out)."""
    return "sm3" in hashlib.algorithms_available


def manifest_line(digest_hex: str, path: str) -> str:
    """Return one line of a manifest as ``sha256sum -c`` and ``bagit.py`` both read it."""
    return f"{digest_hex}  {path}\n"


def manifest_entries(text: str) -> Iterator[tuple[str, str] | None]:
    """Yield (digest, path) of each line of a manifest, ``None`` for a line that is not one. Blank lines are passed."""
    for line in text.split("\n"):
        entry = line.rstrip("\r")
        if entry.strip():
            match = _MANIFEST_LINE.fullmatch(entry)
            yield (match[1].lower(), match[2]) if match else None
