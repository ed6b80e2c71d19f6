"""Opens an untrusted archive bundle, zip or folder, and hands out its files by their path inside the bag.

Used by ``infra.bundle_check`` only. Nothing is unpacked to disk. Names that leave the bag, links, special files,
double names and zip bombs become findings and are never read; a read that fails raises ``Damaged``.
"""

from __future__ import annotations

import lzma
import os
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from models.core.messages import sentence
from reports import bundle_layout as layout

_CHUNK: Final = 1 << 20
_TEXT_LIMIT: Final = 256 << 20  # a manifest of a million files
_LINE_LIMIT: Final = 16 << 20
_RATIO: Final = 200  # paper and ledgers deflate by less than 50
_RATIO_FLOOR: Final = 16 << 20  # below this size no ratio is harmful
_UNREADABLE: Final = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # encrypted entry; NotImplementedError: unknown compression
    OverflowError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)


@dataclass(frozen=True)
class Finding:
    """One thing wrong (or worth knowing): a stable code, the path inside the bag, and the sentence (zh-CN)."""

    code: str
    path: str
    message: str


def finding(code: str, *, path: str = "", facts: Mapping[str, object] | None = None) -> Finding:
    """Word a finding. Whatever came from the bundle is shown with characters that could steer a terminal escaped."""
    return Finding(code=code, path=_shown(path), message=_shown(sentence(code, facts)))


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


class Damaged(Exception):
    """A bundle or a file in it cannot be read; carries the finding's code and facts."""

    def __init__(self, code: str, *, reason: str | None = None) -> None:
        self.code = code
        self.facts = {"reason": sentence(reason)} if reason else {}
        super().__init__(code)


@dataclass(frozen=True)
class OpenedBag:
    """A bag open for reading. ``sizes`` maps each readable file's path inside the bag (NFC) to its bytes.

    ``beside`` are the paths at which a detached signature may lie, less their suffix.
    """

    name: str
    sizes: Mapping[str, int]
    beside: tuple[Path, ...]
    findings: tuple[Finding, ...]
    _open: Callable[[str], IO[bytes]]

    def chunks(self, path: str) -> Iterator[bytes]:
        """Yield a file's bytes in blocks of 1 MiB. Raises ``Damaged``."""
        try:
            with self._open(path) as stream:
                while block := stream.read(_CHUNK):
                    yield block
        except _UNREADABLE as error:
            raise Damaged("bundle.unreadable", reason="bundle.reason.damaged") from error

    def read(self, path: str) -> bytes:
        """Return a small file whole. Raises ``Damaged``."""
        if self.sizes[path] > _TEXT_LIMIT:
            raise Damaged("bundle.unreadable", reason="bundle.reason.too_large")
        return b"".join(self.chunks(path))

    def text(self, path: str) -> str:
        """Return a small UTF-8 file whole. Raises ``Damaged``."""
        try:
            return self.read(path).decode()
        except UnicodeDecodeError as error:
            raise Damaged("bundle.unreadable", reason="bundle.reason.encoding") from error

    def lines(self, path: str) -> Iterator[bytes]:
        """Yield a file's lines without their newline. Raises ``Damaged``, for lines over 16 MiB too."""
        rest = b""
        for block in self.chunks(path):
            *lines, rest = (rest + block).split(b"\n")
            yield from lines
            if len(rest) > _LINE_LIMIT:
                raise Damaged("bundle.unreadable", reason="bundle.reason.too_large")
        if rest:
            yield rest


@contextmanager
def open_bag(path: Path) -> Iterator[OpenedBag]:
    """Open a zip, a bag's folder, or a folder that holds exactly one bag. Raises ``Damaged`` when there is none."""
    if path.is_dir():
        try:
            bag = _open_folder(path)
        except OSError as error:
            raise Damaged("bundle.unreadable", reason="bundle.reason.damaged") from error
        yield bag
        return
    if not path.is_file():
        raise Damaged("bundle.unreadable", reason="bundle.reason.absent")
    try:
        archive = zipfile.ZipFile(path)
    except _UNREADABLE as error:
        raise Damaged("bundle.unreadable", reason="bundle.reason.not_zip") from error
    with archive:
        yield _open_zip(path, archive)


def _open_folder(path: Path) -> OpenedBag:
    roots = [path] if (path / layout.BAGIT).is_file() else sorted(p.parent for p in path.glob(f"*/{layout.BAGIT}"))
    if len(roots) != 1:
        raise Damaged("bundle.no_bag")
    root = roots[0].resolve()
    found = _Names()
    places: dict[str, Path] = {}
    for folder, folders, files in os.walk(root, onerror=_raise):
        for name in sorted(folders + files):
            place = Path(folder, name)
            inside = unicodedata.normalize("NFC", place.relative_to(root).as_posix())
            status = place.lstat()
            if stat.S_ISREG(status.st_mode) and found.accept(inside, size=status.st_size):
                places[inside] = place
            elif not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
                found.refuse("bundle.link", inside)
    return OpenedBag(
        name=root.name,
        sizes=found.sizes,
        beside=(root.with_name(f"{root.name}.zip"),),
        findings=tuple(found.findings),
        _open=lambda inside: places[inside].open("rb"),
    )


def _raise(error: OSError) -> None:
    raise error


def _open_zip(path: Path, archive: zipfile.ZipFile) -> OpenedBag:
    entries = [entry for entry in archive.infolist() if not (entry.is_dir() and entry.file_size == 0)]
    total = sum(entry.file_size for entry in entries)
    if total > _RATIO_FLOOR and total > _RATIO * path.stat().st_size:
        raise Damaged("bundle.bomb")
    prefix = _zip_root(entries)
    found = _Names()
    places: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        whole = entry.orig_filename
        inside = whole.removeprefix(prefix)
        if stat.S_IFMT(entry.external_attr >> 16) not in {0, stat.S_IFREG}:
            found.refuse("bundle.link", whole)
        elif layout.path_fault(whole) is None and not whole.startswith(prefix):
            found.refuse("bundle.stray", whole)
        elif entry.file_size > max(_RATIO_FLOOR, _RATIO * entry.compress_size):
            found.refuse("bundle.bomb", inside)
        elif found.accept(inside, size=entry.file_size):
            places[inside] = entry
    name = prefix.rstrip("/") or path.stem
    return OpenedBag(
        name=name,
        sizes=found.sizes,
        beside=tuple(dict.fromkeys((path, path.with_name(f"{name}.zip")))),
        findings=tuple(found.findings),
        _open=lambda inside: archive.open(places[inside]),
    )


def _zip_root(entries: list[zipfile.ZipInfo]) -> str:
    """Return the folder (with its slash, or empty) of the only ``bagit.txt`` at the top or one level below."""
    names = {entry.orig_filename for entry in entries}
    roots = {name.removesuffix(layout.BAGIT) for name in names if name.rsplit("/", 1)[-1] == layout.BAGIT}
    tops = {root for root in roots if root.count("/") <= 1 and root != "/"}
    if len(tops) != 1:
        raise Damaged("bundle.no_bag")
    return tops.pop()


class _Names:
    """Collects the files of a bag, and what is wrong with their names."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self.findings: list[Finding] = []
        self._seen: set[str] = set()

    def refuse(self, code: str, path: str, *, reason: str | None = None) -> None:
        facts = {"reason": sentence(reason)} if reason else None
        self.findings.append(finding(code, path=path, facts=facts))

    def accept(self, path: str, *, size: int) -> bool:
        reason = layout.path_fault(path)
        if reason:
            self.refuse("bundle.name", path, reason=reason)
            return False
        if path.casefold() in self._seen:
            self.refuse("bundle.name_twice", path)
            return False
        self._seen.add(path.casefold())
        self.sizes[path] = size
        return True
