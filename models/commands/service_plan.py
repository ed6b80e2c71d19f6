"""What each person is to get (S12): the case plan, and the plan items every service record is held against.

An item may promise minutes a calendar month; the monthly checks read both (``commands.monthly_checks``). Items are
never edited: a changed promise is a new version with its first day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import events
from models.context import Context
from models.core.actors import Role
from models.core.registry import command
from models.queries.reader import found, project_of
from models.rules import delivery as rules
from models.rules import lifecycle
from models.rules.delivery import PlanKey
from models.rules.lifecycle import Thing
from models.tables.contract import Contract
from models.tables.delivery import CasePlan, PlanItem
from models.tables.needs import Person, Selection

_ALIVE = ("signed", "running")
_NO_HARDSHIP = "NONE"


class PlannedService(BaseModel):
    """One service of the plan, for one person or (empty) for everybody selected; minutes a month where promised."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    person: Annotated[str, Field(description="服务对象编号;不填为全部筛选对象")] = ""
    item: Annotated[str, Field(min_length=1, description="服务项目")]
    minutes_month: Annotated[int | None, Field(ge=1, le=44_640, description="每月约定分钟数;不填为未约定时长")] = None


class ServicesPlanned(BaseModel):
    """How many plan items were added or changed now; ``id`` is the contract."""

    model_config = ConfigDict(frozen=True)

    id: str
    items: int
    persons: int


@command("delivery.plan_services", roles=(Role.CONTRACTOR, Role.PURCHASER), clause="ZY-25")
def plan_services(
    ctx: Context,
    *,
    contract: Annotated[str, Field(description="合同编号")],
    basis: Annotated[str, Field(min_length=2, max_length=200, description="依据(项目方案或合同条款)")],
    services: Annotated[tuple[PlannedService, ...], Field(description="计划项;不填按个案服务计划生成")] = (),
    from_on: Annotated[date | None, Field(description="起算日期;不填的,新计划项为合同开始之日,变更为办理之日")] = None,
) -> ServicesPlanned:
    """Plan who gets which service; without ``services`` each case plan's services become its person's items, where
    no item stands yet: what was promised in minutes stays promised.

    Raises ``Refusal`` ``delivery.plan_item_unknown`` (SYS-CODE-LIST), ``delivery.plan_person`` (SYS-SELECTED-ONLY),
    ``lifecycle.not_in_state``.
    """
    with ctx.writing() as session:
        row = found(session.get(Contract, contract), kind="contract", id=contract)
        lifecycle.check_state_in(thing=Thing.CONTRACT, command=ctx.command, state=row.state, allowed=_ALIVE)
        policy = ctx.policy(region=project_of(session, row.project_id).region)
        chosen = select(Selection.person_id).where(col(Selection.project_id) == row.project_id)
        selected = set(session.exec(chosen).all())
        unknown = {one.person for one in services if one.person and one.person not in selected}
        rules.check_plan_items(items=[one.item for one in services], unknown=len(unknown), policy=policy)
        standing = _newest(session, contract)
        wanted = dict(_wanted(services, selected) if services else _from_cases(session, contract, standing))
        fresh = [
            PlanItem(
                id=ctx.new_id("pli", contract, person, item),
                project_id=row.project_id,
                contract_id=contract,
                person_id=person,
                item=item,
                version=before.version + 1 if before else 1,
                minutes_month=minutes,
                from_on=from_on or (max(ctx.as_of, row.starts_on) if before else row.starts_on),
                basis=basis,
                planned_on=ctx.as_of,
            )
            for (person, item), minutes in sorted(wanted.items())
            if (before := standing.get((person, item))) is None or before.minutes_month != minutes
        ]
        session.add_all(fresh)
        planned = ServicesPlanned(id=contract, items=len(fresh), persons=len({one.person_id for one in fresh}))
        payload = {"contract_id": contract, "items": planned.items, "persons": planned.persons}
        if fresh:
            events.on_project(session, ctx, row.project_id, "delivery.services_planned", payload)
        return planned


def _wanted(services: Iterable[PlannedService], selected: set[str]) -> Iterator[tuple[PlanKey, int | None]]:
    for one in services:
        for person in [one.person] if one.person else selected:
            yield (person, one.item), one.minutes_month


def _from_cases(session: Session, contract: str, standing: Collection[PlanKey]) -> Iterator[tuple[PlanKey, int | None]]:
    for case in session.exec(select(CasePlan).where(col(CasePlan.contract_id) == contract)).all():
        yield from ((key, None) for item in case.services if (key := (case.person_id, item)) not in standing)


def _newest(session: Session, contract: str) -> dict[PlanKey, PlanItem]:
    return dict(_ordered(session, contract))


def _ordered(session: Session, contract: str) -> list[tuple[PlanKey, PlanItem]]:
    """Return the plan items of a contract, older versions first."""
    rows = select(PlanItem).where(col(PlanItem.contract_id) == contract).order_by(col(PlanItem.version))
    return [((row.person_id, row.item), row) for row in session.exec(rows).all()]


def case_plan(
    ctx: Context, contract: Contract, person: Person, *, before: CasePlan | None, stratum: str = ""
) -> CasePlan:
    """Return the case plan of a person under a contract: as it was ``before``, else from the person's assessment."""
    hardships = {kind: level for kind, level in person.levels.items() if level != _NO_HARDSHIP}
    return CasePlan(
        id=ctx.new_id("cas", contract.id, person.id),
        contract_id=contract.id,
        project_id=contract.project_id,
        person_id=person.id,
        stratum=before.stratum if before else stratum,
        hardships=before.hardships if before else hardships,
        services=before.services if before else list(person.demands),
        planned_on=ctx.as_of,
    )


def plan_of(session: Session, contract: str) -> dict[PlanKey, date]:
    """Return what a contract plans: (person, item) → the first day it counts from."""
    return {key: row.from_on for key, row in reversed(_ordered(session, contract))}
