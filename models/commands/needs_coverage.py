"""Is everybody in the survey who ought to be (S01)? Street by street (FZ-15), and against the register (BJ-01).

Called by ``commands.needs`` when a survey opens and by ``commands.needs_ledger`` before a ledger is printed. Numbers of
the register are compared by lookup hash and never kept; why somebody is missing is sealed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import Session, col, select

from models.commands import events, intake, needs_people, work
from models.commands.bulk import insert_rows
from models.context import Context
from models.core.actors import Role
from models.core.errors import DataFault, Detail, Refusal
from models.core.identifiers import find_leaks, parse_id_card
from models.core.messages import sentence
from models.core.periods import add_months
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries.needs_survey import settled_survey
from models.queries.units import root_unit, units_on
from models.rules.force import binding
from models.rules.matching import area_prefix
from models.rules.units import Unit
from models.tables.needs import Enrolment, EnrolmentGap, NeedsAssessment, Person, Survey

_TASK: Final = "needs.street_survey"
_STREAM: Final = "survey"
_REGISTER: Final = ("身份证号", "未纳入原因")
_MOST_TOLD: Final = 1_000


class StreetCovered(BaseModel):
    """One street's task is done: how many its list names and how many of the survey live there."""

    model_config = ConfigDict(frozen=True)

    survey: str
    unit: str
    listed: int
    surveyed: int


class EnrolmentChecked(BaseModel):
    """How many the register names, how many of them are in the survey, how many are missing with a reason."""

    model_config = ConfigDict(frozen=True)

    id: str
    listed: int
    enrolled: int
    explained: int


def open_street_tasks(session: Session, ctx: Context, *, survey: Survey, policy: Policy) -> None:
    """Give every street of the region its own part of the survey where FZ-15 binds."""
    rule = binding(policy=policy, rules=("FZ-15",))
    if rule is None:
        return
    root = root_unit(policies=ctx.services.policies, region=policy.region)
    for unit in units_on(session, root=root, on=ctx.as_of).values():
        if unit.level == "township":
            work.open_item(
                session,
                ctx,
                kind=_TASK,
                role=Role.TOWNSHIP,
                subject_kind="survey",
                subject_id=f"{survey.id}/{unit.code}",
                due_on=add_months(survey.opened_on, months=policy.needs.survey_months),
                clause=rule,
                resolves_with="needs.complete_street",
                provisional=True,
            )


@command("needs.complete_street", roles=(Role.COUNTY_BUREAU, Role.TOWNSHIP), clause="FZ-15")
def complete_street(
    ctx: Context,
    *,
    survey: Annotated[str, Field(description="调查编号")],
    unit: Annotated[str, Field(description="街道(乡镇)区划代码")],
    listed: Annotated[int, Field(ge=0, le=10**7, description="本辖区低收入人口名单人数")],
) -> StreetCovered:
    """Report that a street surveyed its whole list: the survey must hold as many people there as the list names.

    Raises ``Refusal`` ``kernel.not_found``; ``needs.street_not_covered`` (FZ-15 where it binds, SYS-COVERAGE
    elsewhere).
    """
    policy = ctx.policy(region=ctx.services.region)
    with ctx.writing() as session:
        row = settled_survey(session, survey)
        root = root_unit(policies=ctx.services.policies, region=policy.region)
        street = units_on(session, root=root, on=ctx.as_of).get(unit)
        if street is None or street.level != "township":
            raise Refusal("needs.no_such_street", rule="SYS-CODE-LIST", facts={"unit": unit})
        surveyed = _living_in(session, survey=row, street=street)
        if surveyed < listed:
            facts = {"listed": listed, "surveyed": surveyed, "missing": listed - surveyed}
            rule = binding(policy=policy, rules=("FZ-15", "SYS-COVERAGE"))
            raise Refusal("needs.street_not_covered", rule=rule, facts=facts)
        work.close_item(session, ctx, kind=_TASK, subject_id=f"{survey}/{unit}")
        done = StreetCovered(survey=survey, unit=unit, listed=listed, surveyed=surveyed)
        payload = {"survey_id": survey, "unit": unit, "listed": listed, "surveyed": surveyed}
        events.append(session, ctx, stream_kind=_STREAM, stream_id=survey, type="needs.street_covered", payload=payload)
        return done


def _living_in(session: Session, *, survey: Survey, street: Unit) -> int:
    """Count whom the survey assessed there, each once, be it that a later survey assessed them again."""

    def there(table: type[Person | NeedsAssessment]) -> ColumnElement[bool]:
        inside = col(table.region_code).startswith(area_prefix(street.code))
        return and_(col(table.survey_id) == survey.id, or_(col(table.street) == street.name, inside))

    now = select(Person.id).where(there(Person))
    before = select(col(NeedsAssessment.person_id)).where(there(NeedsAssessment))
    return int(session.execute(select(func.count()).select_from(now.union(before).subquery())).scalar_one())


class _Line(NamedTuple):
    number: int
    id_hash: str
    reason: str


@command("needs.check_enrolment", roles=(Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.TOWNSHIP), clause="BJ-01")
def check_enrolment(
    ctx: Context,
    *,
    survey: Annotated[str, Field(description="调查编号")],
    roster: Annotated[Upload, Field(description="符合条件人员名册(CSV:身份证号、未纳入原因)")],
) -> EnrolmentChecked:
    """Compare a survey with the register of everybody eligible: whoever is missing is explained in the register's row.

    Raises ``DataFault`` ``needs.register_unreadable`` (SYS-GATE-CELL) with the lines; ``Refusal`` (BJ-01)
    ``needs.register_empty``, and ``needs.enrolment_gap`` with the lines of those missing without a reason.
    """
    lines = list(_lines(ctx, intake.read(ctx, file=roster)))
    if not lines:
        rule = binding(policy=ctx.policy(region=ctx.services.region), rules=("BJ-01", "SYS-COVERAGE"))
        raise Refusal("needs.register_empty", rule=rule)
    with ctx.reading() as session:
        row = settled_survey(session, survey)
        there = {
            key for start in range(0, len(lines), needs_people.CHUNK) for key in _enrolled(session, row, lines, start)
        }
    missing = [line for line in lines if line.id_hash not in there]
    _check_explained(missing, policy=ctx.policy(region=row.region))
    done = Enrolment(
        id=ctx.new_id("enr", survey, roster.sha256),
        survey_id=survey,
        register_sha256=roster.sha256,
        listed=len(lines),
        enrolled=len(lines) - len(missing),
        checked_on=ctx.as_of,
    )
    seal = ctx.services.vault.seal
    gaps = [
        {
            "id": ctx.new_id("gap", line.id_hash),
            "enrolment_id": done.id,
            "id_hash": line.id_hash,
            "reason_sealed": seal(line.reason),
        }
        for line in missing
    ]
    checked = EnrolmentChecked(id=done.id, listed=done.listed, enrolled=done.enrolled, explained=len(gaps))
    with ctx.writing() as session:
        session.add(done)
        session.flush()
        insert_rows(session, EnrolmentGap, gaps)
        payload = {**checked.model_dump(), "survey_id": survey, "register": roster.sha256}
        events.append(
            session, ctx, stream_kind=_STREAM, stream_id=survey, type="needs.enrolment_checked", payload=payload
        )
    return checked


def check_enrolled(session: Session, *, survey: Survey, policy: Policy) -> None:
    """Raise ``Refusal`` ``needs.enrolment_unchecked`` (BJ-01) when nobody compared the survey with the register."""
    rule = binding(policy=policy, rules=("BJ-01",))
    checked = select(Enrolment.id).where(col(Enrolment.survey_id) == survey.id).limit(1)
    if rule is not None and session.exec(checked).one_or_none() is None:
        raise Refusal("needs.enrolment_unchecked", rule=rule, facts={"survey": survey.id})


def _lines(ctx: Context, data: bytes) -> Iterator[_Line]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise _unreadable([1])
    rows = list(csv.reader(io.StringIO(text)))
    if not rows or tuple(cell.strip() for cell in rows[0][:2]) != _REGISTER:
        raise _unreadable([1])
    faults: list[int] = []
    seen: set[str] = set()
    for number, cells in enumerate(rows[1:], start=2):
        identity, reason = [*(cell.strip() for cell in cells[:2]), "", ""][:2]
        try:
            id_hash = ctx.services.vault.lookup(parse_id_card(identity, as_of=ctx.as_of).number)
        except ValueError:
            faults.append(number)
            continue
        if find_leaks(reason):
            faults.append(number)
        elif id_hash not in seen:
            seen.add(id_hash)
            yield _Line(number, id_hash, reason)
    if faults:
        raise _unreadable(faults)


def _unreadable(lines: list[int]) -> DataFault:
    details = tuple(Detail(problem=sentence("needs.register_line"), row=line) for line in lines[:_MOST_TOLD])
    return DataFault("needs.register_unreadable", rule="SYS-GATE-CELL", facts={"lines": len(lines)}, details=details)


def _enrolled(session: Session, survey: Survey, lines: list[_Line], start: int) -> list[str]:
    keys = [line.id_hash for line in lines[start : start + needs_people.CHUNK]]
    before = select(NeedsAssessment.id).where(
        col(NeedsAssessment.person_id) == col(Person.id), col(NeedsAssessment.survey_id) == survey.id
    )
    assessed = or_(col(Person.survey_id) == survey.id, before.exists())
    there = select(Person.id_hash).where(col(Person.region) == survey.region, col(Person.id_hash).in_(keys), assessed)
    return list(session.exec(there).all())


def _check_explained(missing: list[_Line], *, policy: Policy) -> None:
    unexplained = [line.number for line in missing if not line.reason]
    if unexplained:
        rule = binding(policy=policy, rules=("BJ-01", "SYS-COVERAGE"))
        details = tuple(Detail(problem=sentence("needs.not_enrolled"), row=line) for line in unexplained[:_MOST_TOLD])
        facts = {"missing": len(missing), "unexplained": len(unexplained)}
        raise Refusal("needs.enrolment_gap", rule=rule, facts=facts, details=details)
