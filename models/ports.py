"""What commands need from the outside world, as Protocols. Adapters live in ``infra`` (and ``reports`` for papers),
are built once in ``infra/bootstrap.py`` and reach commands through ``models.context.Context``.

No DataFrame, client or ORM row crosses a port. Every adapter turns "the server is away" into ``Transient``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import BinaryIO, Protocol

from models.core.bundle import BundleResult, BundleView, Inspection
from models.core.errors import Detail
from models.rules.plan_model import Model, Solved


class Zone(StrEnum):
    """The buckets of the document store. Only ``ARCHIVE`` is created with object lock."""

    INTAKE = "intake"  # uploads as they came, untouched
    QUARANTINE = "quarantine"  # uploads a gate refused
    DOCUMENTS = "documents"  # issued papers, gate results, render data
    ARCHIVE = "archive"  # bundles and ledger anchors, under retention
    PUBLIC = "public"  # what anybody may read


@dataclass(frozen=True)
class StoredObject:
    """A stored object: content address, size in bytes, and the key under which the server holds it."""

    zone: Zone
    sha256: str
    key: str
    size: int
    media_type: str
    version_id: str | None = None


@dataclass(frozen=True)
class StoreProbe:
    """Whether the store told the truth when a locked probe object was deleted. ``honest`` is what archiving asks."""

    honest: bool
    checked_at: datetime
    server: str
    findings: tuple[str, ...] = ()


class DocumentStore(Protocol):
    """Content-addressed store: the key derives from the SHA-256 of the bytes, so writing twice equals writing once."""

    def put(self, *, zone: Zone, data: bytes, media_type: str) -> StoredObject:
        """Store bytes and return their address. Raises ``Transient`` when the server is away."""

    def get(self, *, zone: Zone, sha256: str) -> bytes:
        """Return the bytes, checked against ``sha256``. Raises ``DataFault`` when absent or altered, ``Transient``."""

    def exists(self, *, zone: Zone, sha256: str) -> bool:
        """Say whether the object is there. Raises ``Transient``."""

    def archive(self, *, data: bytes, media_type: str, retain_until: date) -> StoredObject:
        """Store bytes in ``Zone.ARCHIVE`` under retention until a date. Raises ``DataFault`` code
        ``storage.lying`` (rule ``SYS-STORE-LIES``) when the last probe was not honest, ``Transient``."""

    def publish(self, *, path: str, data: bytes, media_type: str) -> bool:
        """Put a page of the public site under its name in ``Zone.PUBLIC`` and say whether anything changed.

        The only objects that are replaced: every version is kept. ``path`` is relative (``notices/ntc-1.html``).
        Raises ``Refusal`` code ``storage.bad_path``, ``Transient``."""

    def address(self, *, path: str) -> str:
        """Return the address of a page of the public site as a browser asks for it. Touches no server."""

    def retained_until(self, *, sha256: str) -> date | None:
        """Return the retention date the server reports for an archived object, ``None`` when it has none."""

    def link(self, *, zone: Zone, sha256: str, hours: int) -> str:
        """Return an address under which anybody may read the object until ``hours`` have passed.

        Whoever has it needs no account: it is a secret. Raises ``DataFault`` (``storage.missing``), ``Transient``."""

    def probe(self) -> StoreProbe:
        """Write an object with retention, try to delete that version, report what happened. Raises ``Transient``."""


@dataclass(frozen=True)
class Rendered:
    """Bytes of a paper and everything needed to render the same bytes again."""

    data: bytes
    media_type: str
    template: str
    template_digest: str
    view_digest: str
    font_digest: str
    engine: str


class Renderer(Protocol):
    """Frozen view in, bytes out. Equal view, template, fonts and engine give equal bytes."""

    def render(self, *, kind: str, view: Mapping[str, object]) -> Rendered:
        """Render the paper ``kind`` (a document kind of ``reports``) from a JSON-able view.

        Raises ``DataFault`` code ``paper.unprintable`` when a glyph, a field or the template is missing.
        """

    def words(self, *, rendered: Rendered) -> str:
        """Return the words a reader finds in a rendered PDF or HTML paper, line by line: what a leak scan reads."""


@dataclass(frozen=True)
class GateResult:
    """What a quality gate found in one uploaded file.

    ``rows`` are the typed records (column identifier → value) of a passing file, in file order; empty when it failed.
    ``report`` is the full result as canonical JSON without personal data; ``faults`` are the offending cells.
    """

    gate: str
    passed: bool
    row_count: int
    rows: Sequence[Mapping[str, object]]
    faults: tuple[Detail, ...]
    report: bytes
    suite_version: str
    warnings: tuple[Detail, ...] = ()


class QualityGate(Protocol):
    """A batch check of one uploaded file (Great Expectations behind it)."""

    def check(self, *, gate: str, data: bytes, media_type: str, as_of: date) -> GateResult:
        """Check a file against the gate ``needs_ledger`` or ``application_form``. Never raises for bad data;
        raises ``DataFault`` code ``gate.unreadable`` only for a file that cannot be parsed at all."""


@dataclass(frozen=True)
class LaunchResult:
    """What a flow run returned: counts and codes only."""

    run_id: str
    summary: Mapping[str, int | str] = field(default_factory=dict)


class PlanSolver(Protocol):
    """Solves the integer programme of a quarterly plan."""

    def solve(self, model: Model, *, gap: str, seed: int) -> Solved | None:
        """Solve a model to a relative gap (decimal text), on one thread and without a time limit: the same model always
        has the same answer. ``None`` when nothing is feasible."""


class Launcher(Protocol):
    """Starts a deployment of prefect.yaml. The relay and ``lifecycle replay`` are its only callers."""

    def deployments(self) -> Sequence[str]:
        """Return the names of all deployments."""

    def parameter_schema(self, *, deployment: str) -> Mapping[str, object]:
        """Return the JSON Schema of a deployment's flow parameters."""

    def launch(self, *, deployment: str, parameters: Mapping[str, object], idempotency_key: str) -> LaunchResult:
        """Run the deployment's flow. Raises ``Transient`` when the orchestrator is away."""


class Delivery(StrEnum):
    """What became of one message at one address."""

    SENT = "sent"  # the server took it
    BOUNCED = "bounced"  # the server will never take anything for this address
    DEFERRED = "deferred"  # not now, for this message only


class Notifier(Protocol):
    """Sends a text to one address over the installation's channel (mail or chat)."""

    def notify(self, *, address: str, title: str, body: str, number: str) -> Delivery:
        """Send one plain text and say what the server answered. ``number`` names the message: where the channel can,
        what is sent twice under one number is recognised as one.

        Raises ``Transient`` ``notify.away`` when there is no answer about this address: the server is away, or the
        channel does not say why it took nothing. Never logs an address."""


class Clock(Protocol):
    """The time, asked only at doors (CLI, web, flow start, relay)."""

    def now(self) -> datetime:
        """Return an aware datetime in Asia/Shanghai."""


class SeedSource(Protocol):
    """Makes the seeds of draws; no person ever types one in production."""

    def seed(self, *, draw_id: str) -> str:
        """Return a fresh seed: from the system's own randomness, in rehearsal derived from the draw's id."""


class Vault(Protocol):
    """Encrypts personal data at rest (AES-GCM, key id stored) and gives the keyed hash it is looked up by."""

    def seal(self, text: str) -> str:
        """Return ``<key id>:<base64>``."""

    def seal_many(self, texts: Sequence[str]) -> list[str]:
        """Seal a column of texts, each as ``seal`` does."""

    def reseal(self, sealed: str) -> str:
        """Return the value under the active key, unchanged when it already is. Raises ``vault.unreadable``."""

    @property
    def active(self) -> str:
        """The id of the key new values are sealed with."""

    def open(self, sealed: str) -> str:
        """Return the clear text. Raises ``DataFault`` code ``vault.unreadable``."""

    def lookup(self, text: str) -> str:
        """Return the keyed hash under which equal texts meet."""


class Signer(Protocol):
    """Signs a bundle's tag manifest (detached CMS)."""

    def sign(self, data: bytes) -> bytes:
        """Return a detached CMS signature in DER."""

    def certificate(self) -> bytes:
        """Return the signer's certificate chain in PEM; its subject says 测试 when the key is a test key."""


class Bundler(Protocol):
    """Writes archive bundles, BagIt in a deterministic zip, and checks what was written."""

    def write(self, *, view: BundleView, out: BinaryIO) -> BundleResult:
        """Write the unsigned bundle into an empty seekable file; equal views give equal bytes.

        Raises ``DataFault`` ``bundle.*`` when a part is not what its row says or the event chain is broken.
        """

    def inspect(self, *, result: BundleResult, data: bytes, signature: bytes, certificate: bytes) -> Inspection:
        """Check a written bundle (zip bytes, detached signature, PEM) as any receiver would, knowing its identity.

        Never raises for a bad one: that is what its findings say."""

    def payload_path(self, *, folder: str, number: int, kind: str, title: str, suffix: str) -> str:
        """Return a portable path below ``data/`` for a paper: ``<folder>/NN_文种_题名.ext``."""
