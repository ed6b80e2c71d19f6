"""What an archive bundle is made from: frozen views, filled by the archive stage and rendered by ``reports.bundle``.

Holds no behaviour and no I/O; a part's bytes may come late, through a callable, so that a large payload never stands
in memory whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

Source = bytes | Callable[[], bytes | Iterable[bytes]]
"""A part's bytes, or a callable that gives them at once or in chunks. Called exactly once for each bundle."""


@dataclass(frozen=True)
class ArchivalRecord:
    """The registration of one file (DA/T 22, DA/T 46): what 目录 and 移交清单 list.

    Files of one item (正文 and its attachments) share ``archival_code`` (档号) and ``item_no`` (件号, from 1 without
    gaps). ``pages`` is ``None`` for what has no pages. ``synthetic`` names the fields of this file made up for a run.
    ``volume`` is its 案卷, ``retained_until`` the last day it must be kept.
    """

    archival_code: str
    item_no: int
    title: str
    document_no: str
    responsible: str
    formed_on: date | None
    pages: int | None
    secrecy: str
    retention: str
    openness: str
    format: str
    synthetic: tuple[str, ...] = ()
    volume: str = ""
    retained_until: date | None = None


@dataclass(frozen=True)
class PayloadPart:
    """One payload file: ``path`` below ``data/``, its bytes and its registration.

    ``sha256`` is the digest the document row holds; the writer refuses bytes that differ from it.
    """

    path: str
    source: Source
    record: ArchivalRecord
    sha256: str | None = None


@dataclass(frozen=True)
class BundleView:
    """Everything in one bundle. The bag is named ``<project_no>_v<version>``.

    ``bag_group`` is 全宗/年度; ``info`` adds labelled lines to ``bag-info.txt``; ``project`` is the record with
    its JSON Schema; ``events`` are the full chains in order, each with the fields its hash covers and the hash;
    ``synthetic_fields`` names the fields of the project that no source states (decision 24).
    """

    project_no: str
    version: int
    source_organization: str
    bag_group: str
    bagging_date: date
    parts: tuple[PayloadPart, ...]
    project: Mapping[str, object]
    project_schema: Mapping[str, object]
    events: Sequence[Mapping[str, object]]
    provenance: Mapping[str, object]
    synthetic_fields: tuple[str, ...] = ()
    info: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Return the name of the bag's folder."""
        return f"{self.project_no}_v{self.version}"


@dataclass(frozen=True)
class Fixity:
    """What was written for one file: path inside the bag, bytes, SHA-256 and (payload only, where available) SM3."""

    path: str
    size: int
    sha256: str
    sm3: str | None = None


@dataclass(frozen=True)
class Inspection:
    """What a receiver's check of a written bundle found: which of the four properties of an electronic record hold
    (authenticity, integrity, usability, security), and each finding as (path in the bag, sentence)."""

    properties: Mapping[str, bool]
    findings: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class BundleResult:
    """A written bundle. ``bundle_id`` is the SHA-256 of ``tagmanifest``, the bytes a ``Signer`` signs."""

    bundle_id: str
    name: str
    zip_name: str
    payload_count: int
    payload_bytes: int
    tagmanifest: bytes
