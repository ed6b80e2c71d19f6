"""Commands of duties: what units owe is opened by a sweep, what they did is recorded with its proof.

Dispatches, trainings, pilot reports, inspections and disclosures are rows of ``policy.duties``; nothing here knows one
by name. The daily deadline sweep alerts what is overdue, as for any other work item.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import func, insert
from sqlmodel import Session, col, select

from models.commands import documents, events, work
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, ROLE_NAMES, Role
from models.core.calendar import Due
from models.core.errors import Conflict, Refusal
from models.core.ids import derive_id
from models.core.messages import sentence
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.duties import Duty
from models.policy.schema import Policy
from models.ports import StoredObject
from models.queries.units import root_unit, unit_on, units_on
from models.rules import duty as rules
from models.rules.duty import Given, Owed, Span
from models.rules.units import Unit
from models.tables.duty import DutyOccurrence
from models.tables.kernel import WorkItem

_KIND: Final = "duty"
_ENOUGH: Final = 900

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


@dataclass(frozen=True)
class DutiesOpened:
    """How many times duties are newly owed, and how many levels owe one but have no unit registered."""

    opened: int
    levels_without_units: int


@command("duty.open_due", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-40")
def open_due(
    ctx: Context,
    *,
    months: Annotated[int | None, Field(ge=1, le=12, description="只处理每隔几个月一次的")] = None,
    theme: Annotated[str | None, Field(description="只处理这一类,如 planning")] = None,
) -> DutiesOpened:
    """Open what every unit owes now: one row and one work item for each duty, unit and period, each once.

    Periods that an outage skipped are opened with the rest; dated tasks are opened as soon as their plan is in force.
    """
    policy = ctx.policy(region=ctx.services.region)
    asked = {
        code: duty
        for code, (key, duty) in rules.duties_of(policy).items()
        if (months is None or duty.every_months == months) and (theme is None or key == f"duties.{theme}")
    }
    with ctx.writing() as session:
        root = root_unit(policies=ctx.services.policies, region=policy.region)
        units = units_on(session, root=root, on=ctx.as_of)
        owed = _owed(session, ctx, policy, asked, units)
        _insert(session, ctx, policy, asked, units, owed)
        if owed:
            payload = {"opened": len(owed), "policy_digest": policy.digest}
            events.append(
                session, ctx, stream_kind="duties", stream_id=policy.region, type="duties.opened", payload=payload
            )
    levels = {unit.level for unit in units.values()}
    bare = {(code, level) for code, duty in asked.items() for level in duty.lead if level not in levels}
    return DutiesOpened(opened=len(owed), levels_without_units=len(bare))


def _owed(
    session: Session, ctx: Context, policy: Policy, asked: Mapping[str, Duty], units: Mapping[str, Unit]
) -> list[Owed]:
    since, done = _opened_before(session, asked)
    owed = []
    for code, duty in asked.items():
        in_force = _in_force(ctx, policy, code)
        for unit in units.values():
            if unit.level not in duty.lead:
                continue
            first = since.get((code, unit.code))
            for span in rules.spans_until(duty=duty, since=first, in_force=in_force, as_of=ctx.as_of):
                due = rules.due_of(span=span, policy=policy, calendar=ctx.services.calendar)
                owed += [
                    Owed(code, unit.code, span, ordinal, due)
                    for ordinal in range(1, duty.times + 1)
                    if (code, unit.code, span.label, ordinal) not in done
                ]
    return owed


def _in_force(ctx: Context, policy: Policy, code: str) -> date:
    """Return since when a duty has been in force here without a break, over the versions of its table."""
    covered = ctx.services.policies.covered_from(policy.region)
    while True:
        start = policy.leaf(rules.duties_of(policy)[code][0]).effective.from_
        if start <= covered:
            return covered
        policy = ctx.policy(region=policy.region, on=start - timedelta(days=1))
        if code not in rules.duties_of(policy):
            return start


def _opened_before(
    session: Session, asked: Mapping[str, Duty]
) -> tuple[dict[tuple[str, str], date], set[tuple[str, str, str, int]]]:
    """Return the first period of each duty and unit, and the keys on file from the earliest of those on.

    The first, not the last: a record made by hand during an outage must not hide the periods before it.
    """
    row = DutyOccurrence
    firsts = session.execute(
        select(row.duty, row.unit_code, func.min(row.starts_on))
        .where(col(row.duty).in_(list(asked)))
        .group_by(col(row.duty), col(row.unit_code))
    ).all()
    since = {(duty, unit): start for duty, unit, start in firsts}
    dated = [code for code, duty in asked.items() if duty.windows]
    first = min(since.values(), default=date.max)
    keys = session.execute(
        select(row.duty, row.unit_code, row.period, row.ordinal).where(  # four columns of the same table
            col(row.duty).in_(list(asked)), (col(row.starts_on) >= first) | col(row.duty).in_(dated)
        )
    ).all()
    return since, {(duty, unit, period, ordinal) for duty, unit, period, ordinal in keys}


def _insert(
    session: Session,
    ctx: Context,
    policy: Policy,
    asked: Mapping[str, Duty],
    units: Mapping[str, Unit],
    owed: Iterable[Owed],
) -> None:
    rows = [_row(ctx, policy, asked[one.duty], one) for one in owed]
    items = [
        _item(ctx, policy, asked[one.duty], units[one.unit], one) for one in owed if asked[one.duty].strength == "M"
    ]
    for table, values in ((DutyOccurrence, rows), (WorkItem, items)):
        for start in range(0, len(values), _ENOUGH):
            session.execute(insert(table), [value.model_dump() for value in values[start : start + _ENOUGH]])


def _row(ctx: Context, policy: Policy, duty: Duty, one: Owed) -> DutyOccurrence:
    return DutyOccurrence(
        id=derive_id(_KIND, _subject(one.duty, one.unit, one.span.label, one.ordinal)),
        duty=one.duty,
        rule=duty.rule,
        strength=duty.strength,
        unit_code=one.unit,
        period=one.span.label,
        ordinal=one.ordinal,
        starts_on=one.span.first,
        ends_on=one.span.last,
        due_on=one.due.date,
        provisional=one.due.provisional,
        opened_on=ctx.as_of,
        policy_digest=policy.digest,
    )


def _item(ctx: Context, policy: Policy, duty: Duty, unit: Unit, one: Owed) -> WorkItem:
    subject = _subject(one.duty, one.unit, one.span.label, one.ordinal)
    return WorkItem(
        id=derive_id("work", _KIND, subject),
        kind=_KIND,
        role=duty.lead[unit.level],
        subject_kind="duty",
        subject_id=subject,
        opened_on=ctx.as_of,
        due_on=one.due.date,
        provisional=one.due.provisional,
        clause=policy.clause(rules.duties_of(policy)[one.duty][0]),
        resolves_with="duty.record",
        status="open",
    )


def _subject(duty: str, unit: str, period: str, ordinal: int) -> str:
    return f"{duty}/{unit}/{period}" + (f"/{ordinal}" if ordinal > 1 else "")


class DutyRecorded(BaseModel):
    """The duty that was done: its row, whether it was late, and which duties should have gone before it."""

    model_config = ConfigDict(frozen=True)

    id: str
    period: str
    late: bool
    ahead_of: tuple[str, ...]
    documents: tuple[str, ...]


@dataclass(frozen=True)
class _Record:
    """What was handed in: evidence code → stored file, and the counts that are evidence themselves."""

    files: Mapping[str, Upload | StoredObject]
    participants: int | None
    consulted: tuple[str, ...]
    given: Given


@command(
    "duty.record",
    roles=(*CIVIL_AFFAIRS, Role.COUNTY_GOVERNMENT, Role.FINANCE_BUREAU, Role.TOWNSHIP, Role.VILLAGE_COMMITTEE),
    clause="ZY-40",
)
def record(
    ctx: Context,
    *,
    duty: Annotated[str, Field(description="任务代码")],
    period: Annotated[str, Field(description="所属期间,如 2025-04、2025H1、2025;不定期的不填")] = "",
    held_on: Annotated[date, Field(description="开展(报送)日期")],
    unit: Annotated[str | None, Field(description="区划代码;不填为本级")] = None,
    minutes: Annotated[Upload | None, Field(description="会议纪要")] = None,
    report: Annotated[Upload | None, Field(description="报告或报送材料")] = None,
    case: Annotated[Upload | None, Field(description="典型案例(图文或视频)")] = None,
    receipt: Annotated[Upload | None, Field(description="回执")] = None,
    parts: Annotated[dict[str, str] | None, Field(description="报告各部分:代码→内容")] = None,
    participants: Annotated[int | None, Field(ge=1, le=10**6, description="参加人数")] = None,
    consulted: Annotated[tuple[Text, ...], Field(description="商请的单位(社会组织等)")] = (),
    late_reason: Annotated[str, Field(description="逾期补办的原因")] = "",
) -> DutyRecorded:
    """Record that a duty was done, with what proves it, and close its work item.

    A record held after the due date is kept as late; one that should have waited for another is kept and flagged.
    Raises ``Refusal`` under the duty's own rule (``rules.duty``), ``duty.unknown``, ``duty.not_yours``;
    ``Conflict`` ``duty.recorded`` when it was recorded before.
    """
    policy = ctx.policy(region=ctx.services.region)
    wanted = rules.duty_of(policy, duty)
    uploads = {"minutes": minutes, "report": report, "case": case, "receipt": receipt}
    files: dict[str, Upload | StoredObject] = {name: file for name, file in uploads.items() if file is not None}
    texts = {code: text.strip() for code, text in (parts or {}).items()}
    present = {*files, *(["participants"] if participants else []), *(["consulted"] if consulted else [])}
    if texts and "report" in wanted.evidence:
        present.add("report")
    given = Given(held_on, frozenset(present), texts, case.media_type if case else "", late_reason.strip())
    span = None if wanted.is_log else rules.span_of(duty=wanted, label=period)
    due = rules.due_of(span=span, policy=policy, calendar=ctx.services.calendar) if span else None
    root = root_unit(policies=ctx.services.policies, region=policy.region)
    with ctx.reading() as session:
        standing = units_on(session, root=root, on=ctx.as_of)  # a unit dissolved since still owes what it held
        place = standing.get(unit or root.code) or unit_on(session, root=root, code=unit or root.code, on=held_on)
    rules.check_unit(duty=wanted, unit=place, role=ctx.actor.role, offices=CIVIL_AFFAIRS)
    rules.check_record(duty=wanted, span=span, due_on=due.date if due else None, given=given, as_of=ctx.as_of)
    if texts:
        paper = "\n\n".join(f"{wanted.parts[code]}\n{texts[code]}" for code in wanted.parts)
        files["parts"] = documents.keep(ctx, data=paper.encode(), media_type="text/plain;charset=utf-8")
    with ctx.writing() as session:
        row = _open_row(session, ctx, policy, duty, place, span, due, held_on)
        _keep(session, ctx, wanted, place, row, _Record(files, participants, consulted, given))
        return DutyRecorded(
            id=row.id,
            period=row.period,
            late=row.late,
            ahead_of=tuple(row.ahead_of),
            documents=tuple(row.documents),
        )


def _open_row(
    session: Session,
    ctx: Context,
    policy: Policy,
    code: str,
    unit: Unit,
    span: Span | None,
    due: Due | None,
    held_on: date,
) -> DutyOccurrence:
    """Return the first row of the period that is still open; make it where no sweep has run yet."""
    duty = rules.duty_of(policy, code)
    label = span.label if span else held_on.isoformat()
    rows = session.exec(
        select(DutyOccurrence)
        .where(
            col(DutyOccurrence.duty) == code,
            col(DutyOccurrence.unit_code) == unit.code,
        )
        .order_by(col(DutyOccurrence.starts_on), col(DutyOccurrence.ordinal))
        .with_for_update()
    ).all()
    same_day = next((one for one in rows if one.held_on == held_on), None)
    if same_day is not None and duty.every_months is not None:
        facts = {"duty": duty.title, "on": held_on.isoformat(), "period": same_day.period}
        code_ = "duty.recorded" if same_day.period == label else "duty.held_twice"
        raise (Conflict if same_day.period == label else Refusal)(code_, rule=duty.rule, facts=facts)
    here = [one for one in rows if one.period == label]
    for row in here:
        if row.held_on is None:
            return row
    if span is None or due is None:
        return _log_row(ctx, policy, duty, code, unit, held_on, ordinal=len(here) + 1)
    if len(here) >= duty.times:
        on = here[-1].held_on
        facts = {"duty": duty.title, "period": label, "on": on.isoformat() if on else ""}
        raise Conflict("duty.recorded", rule="SYS-ALREADY-DONE", facts=facts)
    return _row(ctx, policy, duty, Owed(code, unit.code, span, len(here) + 1, due))


def _log_row(
    ctx: Context, policy: Policy, duty: Duty, code: str, unit: Unit, held_on: date, *, ordinal: int
) -> DutyOccurrence:
    label = held_on.isoformat()
    return DutyOccurrence(
        id=derive_id(_KIND, _subject(code, unit.code, label, ordinal)),
        duty=code,
        rule=duty.rule,
        strength=duty.strength,
        unit_code=unit.code,
        period=label,
        ordinal=ordinal,
        starts_on=held_on,
        provisional=False,
        opened_on=ctx.as_of,
        policy_digest=policy.digest,
    )


def _keep(session: Session, ctx: Context, duty: Duty, unit: Unit, row: DutyOccurrence, given: _Record) -> None:
    subject = _subject(row.duty, row.unit_code, row.period, row.ordinal)
    said = {"duty": duty.title, "unit": unit.name, "period": row.period}
    filed = [
        documents.file_upload(
            session,
            ctx,
            stored=file,
            project_id=None,
            stage="duty",
            kind=f"duty_{name}",
            title=sentence("duty.document", said | {"what": sentence(f"duty.evidence.{name}")}),
            issuer=ROLE_NAMES[duty.lead[unit.level]],
        )
        for name, file in given.files.items()
    ]
    row.held_on, row.recorded_on = given.given.held_on, ctx.as_of
    row.participants, row.consulted = given.participants, list(given.consulted)
    row.documents = [one.id for one in filed]
    row.late = row.due_on is not None and given.given.held_on > row.due_on
    row.late_reason = given.given.late_reason
    row.ahead_of = _not_yet_done(session, duty, unit)
    session.add(row)
    work.close_item(session, ctx, kind=_KIND, subject_id=subject)
    payload: dict[str, Any] = {
        "occurrence": row.id,
        "rule": row.rule,
        "held_on": given.given.held_on.isoformat(),
        "late": row.late,
        "participants": given.participants,
        "consulted": len(given.consulted),
        "files": [one.sha256 for one in filed],
        "ahead_of": row.ahead_of,
    }
    events.append(session, ctx, stream_kind=_KIND, stream_id=subject, type="duty.recorded", payload=payload)


def _not_yet_done(session: Session, duty: Duty, unit: Unit) -> list[str]:
    """Return the duties that go before this one and that the unit has not done yet, in order."""
    done = set(
        session.exec(
            select(DutyOccurrence.duty).where(
                col(DutyOccurrence.duty).in_(duty.after),
                col(DutyOccurrence.unit_code) == unit.code,
                col(DutyOccurrence.held_on).is_not(None),
            )
        ).all()
    )
    return [code for code in duty.after if code not in done]
