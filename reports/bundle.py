"""The archive bundle of a project: BagIt 1.0 in a deterministic zip, written in one pass over each payload part.

Owns the bytes of a bundle; called by the archive stage, which reads the facts and stores the result under retention.
The view is in ``models.core.bundle``, names in ``bundle_layout``, metadata files in ``bundle_metadata``, the scripts
in ``bundle_files/``. Must never read a clock, a database or a store: parts arrive as bytes or as callables.

**Identity.** A bundle is named by the SHA-256 of its ``tagmanifest-sha256.txt``, which covers every tag file, hence
the payload manifest, hence every byte. Receipt and ledger carry this digest, so a bundle whose manifests were all
forged is still caught.

**Signatures stand outside the identity.** ECDSA and time stamps differ at every run, so a signed zip cannot be equal
for equal input. Therefore the zip written here is unsigned and byte-identical for equal views, and the CMS signature
over the tag manifest is kept beside it as ``<name>.zip.p7s`` and ``<name>.zip.pem``. For hand-over as one file
``add_signature`` appends ``signatures/`` to a copy of the zip: BagIt allows untracked tag files, and the identity
stays. The checker accepts both places.

Order inside the zip: payload by path, then tag files by path, the tag manifest last (its content needs all others),
then signatures if any. Every entry is stored, dated 1980-01-01, mode 0644 and has room for ZIP64 sizes.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import BinaryIO, Final

from models.core import chain
from models.core.bundle import BundleResult, BundleView, Fixity, PayloadPart, Source
from models.core.errors import DataFault
from models.core.messages import sentence
from reports import bundle_layout as layout
from reports.bundle_metadata import tag_files

_CHUNK: Final = 1 << 20
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = (stat.S_IFREG | 0o644) << 16
_UNIX: Final = 3


class BagItBundler:
    """The writing half of the ``Bundler`` port, over the functions of this module."""

    def write(self, *, view: BundleView, out: BinaryIO) -> BundleResult:
        """See ``write_bundle``."""
        return write_bundle(view=view, out=out)

    def payload_path(self, *, folder: str, number: int, kind: str, title: str, suffix: str) -> str:
        """See ``bundle_layout.payload_path``."""
        return layout.payload_path(folder=folder, number=number, kind=kind, title=title, suffix=suffix)


def write_bundle(*, view: BundleView, out: BinaryIO) -> BundleResult:
    """Write the unsigned bundle of ``view`` into ``out`` (seekable, empty) and return its identity.

    Equal views give equal bytes. Raises ``DataFault`` code ``bundle.empty``, ``bundle.path``, ``bundle.path_twice``,
    ``bundle.item_numbers``, ``bundle.chain_broken`` before a byte is written, and ``bundle.part_altered`` when a part
    is not what its row says; then ``out`` holds a fragment the caller throws away, as it does when a source raises.
    """
    if not out.seekable():
        raise ValueError("a deterministic zip needs a seekable output")
    _check_view(view)
    with ExitStack() as stack:
        archive = stack.enter_context(zipfile.ZipFile(out, "w", zipfile.ZIP_STORED))
        helper = stack.enter_context(ThreadPoolExecutor(max_workers=1))
        bag = _BagWriter(archive=archive, root=view.name, helper=helper)
        payload = tuple(bag.payload(part) for part in sorted(view.parts, key=lambda part: part.path))
        files = tag_files(view=view, payload=payload)
        tags = [bag.store(path=path, chunks=_chunks(files[path]), sm3=False) for path in sorted(files)]
        tagmanifest = "".join(layout.manifest_line(tag.sha256, tag.path) for tag in tags).encode()
        identity = bag.store(path=layout.TAG_MANIFEST, chunks=(tagmanifest,), sm3=False)
    return BundleResult(
        bundle_id=identity.sha256,
        name=view.name,
        zip_name=f"{view.name}.zip",
        payload_count=len(payload),
        payload_bytes=sum(part.size for part in payload),
        tagmanifest=tagmanifest,
    )


def add_signature(*, bundle: BinaryIO, out: BinaryIO, signature: bytes, certificate: bytes) -> None:
    """Copy the unsigned zip ``bundle`` to ``out`` (readable, seekable) and append the signature and its certificate.

    ``signature`` is a detached CMS (DER) over ``BundleResult.tagmanifest``, ``certificate`` the signer's chain (PEM).
    The bytes of every earlier entry, and the identity, stay as they were.
    """
    shutil.copyfileobj(bundle, out, _CHUNK)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_STORED) as archive:
        root = archive.infolist()[0].filename.split("/", 1)[0]
        for path, data in ((layout.SIGNATURE, signature), (layout.CERTIFICATE, certificate)):
            archive.writestr(_entry(f"{root}/{path}"), data)


class _BagWriter:
    """Puts files into the bag's zip and measures them on the way, each byte read once."""

    def __init__(self, *, archive: zipfile.ZipFile, root: str, helper: ThreadPoolExecutor) -> None:
        self._archive = archive
        self._root = root
        self._helper = helper

    def payload(self, part: PayloadPart) -> Fixity:
        """Store a payload part; raises ``DataFault`` when its bytes are not those its document row names."""
        path = layout.PAYLOAD + part.path
        written = self.store(path=path, chunks=_chunks(part.source), sm3=layout.sm3_available())
        if part.sha256 is not None and part.sha256 != written.sha256:
            raise DataFault(
                "bundle.part_altered",
                rule="SYS-DIGEST",
                facts={"item": part.record.item_no, "expected": part.sha256, "actual": written.sha256},
            )
        return written

    def store(self, *, path: str, chunks: Iterable[bytes | memoryview], sm3: bool) -> Fixity:
        """Store one file from its chunks. SM3 is twice as slow as the rest, so it runs beside it in the helper."""
        sha256, second, size = hashlib.sha256(), hashlib.new("sm3") if sm3 else None, 0
        with self._archive.open(_entry(f"{self._root}/{path}"), "w", force_zip64=True) as sink:
            for chunk in chunks:
                beside = self._helper.submit(second.update, chunk) if second else None
                sha256.update(chunk)
                sink.write(chunk)
                size += len(chunk)
                if beside:
                    beside.result()
        return Fixity(path=path, size=size, sha256=sha256.hexdigest(), sm3=second.hexdigest() if second else None)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.create_system = _UNIX
    entry.external_attr = _MODE
    return entry


def _chunks(source: Source) -> Iterator[memoryview]:
    data = source() if callable(source) else source
    for block in (data,) if isinstance(data, bytes) else data:
        view = memoryview(block)
        for start in range(0, len(view), _CHUNK):
            yield view[start : start + _CHUNK]


def _check_view(view: BundleView) -> None:
    if not view.parts:
        raise DataFault("bundle.empty", rule="ZY-32")
    reason = layout.path_fault(view.name) or ("bundle.path.reserved" if "/" in view.name else None)
    if reason:
        raise DataFault("bundle.path", facts={"item": 0, "reason": sentence(reason)})
    _check_paths(view.parts)
    _check_items(view.parts)
    broken = chain.first_break(view.events)
    if broken:
        raise DataFault(
            "bundle.chain_broken",
            rule="SYS-CHAIN",
            facts={"line": broken.line, "event": broken.event_id, "reason": sentence(broken.reason)},
        )


def _check_paths(parts: tuple[PayloadPart, ...]) -> None:
    """Refuse unportable paths, paths that fall together where case does not count, and a file that is also a folder."""
    files: dict[str, int] = {}
    folders: set[str] = set()
    for part in parts:
        item = part.record.item_no
        reason = layout.path_fault(part.path)
        if reason:
            raise DataFault("bundle.path", facts={"item": item, "reason": sentence(reason)})
        key = part.path.casefold()
        if key in files:
            raise DataFault("bundle.path_twice", facts={"item": item, "other": files[key]})
        files[key] = item
        steps = key.split("/")
        folders |= {"/".join(steps[:depth]) for depth in range(1, len(steps))}
    for key in sorted(folders & files.keys()):
        raise DataFault("bundle.path_twice", facts={"item": files[key], "other": files[key]})


def _check_items(parts: tuple[PayloadPart, ...]) -> None:
    """件号 runs from 1 without gaps, and each 档号 belongs to one 件号 (DA/T 22-2015, domain.md §4-M)."""
    pairs = {(part.record.item_no, part.record.archival_code) for part in parts}
    items = {item for item, _ in pairs}
    codes = {code for _, code in pairs}
    if items != set(range(1, len(items) + 1)) or len(codes) != len(pairs) or len(items) != len(pairs):
        raise DataFault(
            "bundle.item_numbers", rule="SYS-ITEM-NUMBERS", facts={"items": len(items), "codes": len(codes)}
        )
