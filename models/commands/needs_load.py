"""Getting a ledger that passed the gate into the person file: once, and without keeping other writers waiting.

Called by ``needs.import_ledger`` and ``needs.abandon_import``. A small ledger goes in with the command's one
transaction. A large one goes in by portions, each a transaction of a moment, under an entry that keeps its places;
nobody can read the region's ledgers until the last transaction closes the entry. A load that died goes on behind its
last portion when the file is imported again, an abandoned one too: ids and places derive from the entry, and each
portion moves it on by what it wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from models.commands import needs_people as people
from models.context import Context
from models.core.errors import Conflict
from models.core.progress import report
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.ports import GateResult
from models.queries.needs_survey import is_loading, loading
from models.tables.needs import LedgerImport, Survey


@dataclass(frozen=True, kw_only=True)
class Load:
    """One file on its way into a survey: what the gate made of it, and the lookup hash of every row."""

    survey: Survey
    file: Upload
    result: GateResult
    hashes: Sequence[str]
    report_sha256: str
    policy: Policy

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """The typed rows of the file."""
        return self.result.rows


def begun(session: Session, *, survey: str, sha256: str) -> LedgerImport | None:
    """Return the entry of this file when an earlier load of it died or was abandoned, ``None`` when the file is new.

    Raises ``Conflict`` (SYS-ALREADY-DONE) ``needs.already_imported``; ``needs.ledger_loading`` when another file of the
    survey is not through.
    """
    entry = session.exec(
        select(LedgerImport).where(col(LedgerImport.survey_id) == survey, col(LedgerImport.sha256) == sha256)
    ).one_or_none()
    if entry is not None and entry.completed_on is not None:
        facts = {"on": entry.completed_on.isoformat(), "people": entry.people}
        raise Conflict("needs.already_imported", rule="SYS-ALREADY-DONE", facts=facts)
    other = loading(session, survey=survey)
    if other is not None and (entry is None or other.id != entry.id):
        raise is_loading(other)
    return entry


def stage(ctx: Context, load: Load) -> None:
    """Write the portions of a large ledger that are not in yet; does nothing for a small one and in a dry run."""
    if ctx.dry_run or len(load.rows) <= people.CHUNK:
        return
    with ctx.staging() as session:
        entry = begun(session, survey=load.survey.id, sha256=load.file.sha256) or _entered(session, ctx, load)
        entry.abandoned_on = entry.abandon_reason = None  # the file turned up after all
        session.add(entry)
        version = people.record_indicators(session, ctx, policy=load.policy)
    portions = people.Portions(ctx, survey=load.survey, version=version, policy=load.policy)
    for start in range(entry.loaded, entry.people, people.CHUNK):
        end = min(start + people.CHUNK, entry.people)
        prepared = portions.prepare(load.rows[start:end], load.hashes[start:end], first=entry.first_ordinal + start)
        with ctx.staging() as session:
            _move_on(_held(session, entry.id, loaded=start), portions.write(session, prepared), to=end)
        report(step="needs.step.load", done=end, total=entry.people)


def finish(session: Session, ctx: Context, load: Load) -> LedgerImport:
    """Close the entry of a ledger whose people are all in; a small ledger goes in here.

    Raises ``Conflict`` as ``begun`` does, and ``kernel.changed_meanwhile`` when somebody else moved the entry.
    """
    entry = begun(session, survey=load.survey.id, sha256=load.file.sha256) or _entered(session, ctx, load)
    if entry.loaded == 0:
        stored = people.store(
            session,
            ctx,
            survey=load.survey,
            rows=load.rows,
            hashes=load.hashes,
            first=entry.first_ordinal,
            policy=load.policy,
        )
        _move_on(entry, stored, to=entry.people)
    entry = _held(session, entry.id, loaded=entry.people)
    entry.completed_on, entry.report_sha256 = ctx.as_of, load.report_sha256
    session.add(entry)
    return entry


def abandon(session: Session, *, survey: str, reason: str, on: date) -> LedgerImport:
    """Give up the ledger that is on its way into a survey; a load that still runs stops before its next portion.

    Raises ``Conflict`` ``needs.nothing_to_abandon`` (SYS-CONFLICT) when there is none.
    """
    entry = loading(session, survey=survey)
    if entry is None:
        raise Conflict("needs.nothing_to_abandon", rule="SYS-CONFLICT", facts={"survey": survey})
    held = _held(session, entry.id, loaded=entry.loaded)
    held.abandoned_on, held.abandon_reason = on, reason
    session.add(held)
    return held


def _entered(session: Session, ctx: Context, load: Load) -> LedgerImport:
    entry = LedgerImport(
        id=ctx.new_id("imp", load.file.sha256),
        survey_id=load.survey.id,
        sha256=load.file.sha256,
        report_sha256=load.report_sha256,
        suite_version=load.result.suite_version,
        people=len(load.rows),
        first_ordinal=people.next_ordinal(session, survey=load.survey.id),
        loaded=0,
        reassessed=0,
        older=0,
        imported_on=ctx.as_of,
    )
    session.add(entry)
    session.flush()
    return entry


def _held(session: Session, entry: str, *, loaded: int) -> LedgerImport:
    """Return the entry, locked, when it stands where we left it; two loads of one file cannot both go on."""
    held = session.get(LedgerImport, entry, with_for_update=True)
    if held is None or held.loaded != loaded or held.completed_on is not None or held.abandoned_on is not None:
        raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
    return held


def _move_on(entry: LedgerImport, stored: people.Stored, *, to: int) -> None:
    entry.loaded = to
    entry.reassessed += stored.reassessed
    entry.older += stored.older
