"""What happens to a file at a quality gate: checked, and when it fails kept apart, reported and refused.

Called by the commands that take files (needs ledgers, application forms). A failing file moves nothing: its bytes go to
the quarantine bucket, the gate's report is stored, one event with digests and counts is written, and the caller's
command ends in a ``DataFault`` that lists the offending cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NoReturn

from models.commands import documents, events
from models.context import Context
from models.core.errors import DataFault, Detail
from models.core.hashing import sha256_hex
from models.core.messages import sentence
from models.core.uploads import Upload
from models.ports import GateResult, Zone

MOST_DETAILS: Final = 200
"""How many offending cells a fault lists; the report holds more, the total is always given."""

_RULE: Final = "SYS-GATE"


@dataclass(frozen=True)
class Gate:
    """One file at one gate, and the stream that hears of it: ``stage`` names event and document kinds."""

    name: str
    stage: str
    data: bytes
    media_type: str
    stream_kind: str
    stream_id: str
    fault: str

    @property
    def event(self) -> str:
        """The event of a failing file."""
        return f"{self.stage}.{self.name}_quarantined"


def read(ctx: Context, *, file: Upload) -> bytes:
    """Return the bytes of an uploaded file.

    Raises ``DataFault`` ``intake.size_differs`` (SYS-GATE) when their number is not the one the door was told, and
    ``storage.missing`` for a file that is not in the store; ``Transient``.
    """
    data = ctx.services.documents.get(zone=Zone.INTAKE, sha256=file.sha256)
    if len(data) != file.size:
        facts = {"name": file.name, "told": file.size, "size": len(data)}
        raise DataFault("intake.size_differs", rule=_RULE, facts=facts)
    return data


def check(ctx: Context, *, gate: Gate) -> GateResult:
    """Return the result of a passing file.

    Raises ``DataFault``: the gate's own code when cells are wrong, ``gate.unreadable`` for a file nobody can parse.
    Either way the file is in quarantine, and the fault says so; a dry run keeps nothing and says nothing.
    """
    try:
        result = ctx.services.gate.check(gate=gate.name, data=gate.data, media_type=gate.media_type, as_of=ctx.as_of)
    except DataFault as fault:
        _quarantine(ctx, gate=gate, faults=1, result=None)
        fault.quarantined = not ctx.dry_run
        raise
    if not result.passed:
        reject(ctx, gate=gate, result=result, faults=result.faults)
    return result


def reject(
    ctx: Context, *, gate: Gate, result: GateResult, faults: tuple[Detail, ...], total: int | None = None
) -> NoReturn:
    """Keep a file apart and raise the gate's fault; ``faults`` may be the gate's or those of a later comparison.

    ``total`` is how many there are when not all of them were kept.
    """
    count = len(faults) if total is None else total
    _quarantine(ctx, gate=gate, faults=count, result=result)
    fault = DataFault(
        gate.fault,
        rule=_RULE,
        facts={
            "total": count,
            "shown": min(len(faults), MOST_DETAILS),
            "rows": result.row_count,
            "sha256": sha256_hex(gate.data),
        },
        details=faults[:MOST_DETAILS],
    )
    fault.quarantined = not ctx.dry_run
    raise fault


def _quarantine(ctx: Context, *, gate: Gate, faults: int, result: GateResult | None) -> None:
    kept = documents.keep(ctx, data=gate.data, media_type=gate.media_type, zone=Zone.QUARANTINE)
    report = documents.keep(ctx, data=result.report, media_type="application/json") if result else None
    with ctx.writing() as session:
        for stored, kind in ((kept, "quarantined_file"), (report, "gate_report")):
            if stored is not None:
                documents.file_upload(
                    session,
                    ctx,
                    stored=stored,
                    project_id=None,  # a project's bundle must not carry a refused file
                    stage=gate.stage,
                    kind=kind,
                    title=sentence(f"intake.{kind}"),
                    issuer=sentence("intake.issuer"),
                )
        events.append(
            session,
            ctx,
            stream_kind=gate.stream_kind,
            stream_id=gate.stream_id,
            type=gate.event,
            payload={
                "gate": gate.name,
                "sha256": kept.sha256,
                "report_sha256": report.sha256 if report else None,
                "suite_version": result.suite_version if result else None,
                "rows": result.row_count if result else 0,
                "faults": faults,
            },
        )
