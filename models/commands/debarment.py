"""The register of bars (禁入): who may not take part in purchases, from when until when, by whom, under which number.

A bar follows the organisation by its credit code; bids, offers and awards ask the register on the day of the act.
Beside it stand the credit ratings of social organisations, shown at later choices (AH-32, AH-33).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import effects, events, work
from models.context import Context
from models.core.actors import Role
from models.core.errors import Refusal
from models.core.registry import command
from models.queries.procurement import organisation_of
from models.queries.purchasing import ratings_of
from models.queries.reader import found
from models.rules.eligibility import check_bar
from models.rules.force import binding
from models.tables.contract import Contract
from models.tables.kernel import WorkItem
from models.tables.purchasing import CreditRating, Debarment

_ENTERING = (Role.FINANCE_BUREAU, Role.CITY_BUREAU, Role.COUNTY_BUREAU)


class Barred(BaseModel):
    """A bar: the organisation, the term [from, until) and the rule it rests on."""

    model_config = ConfigDict(frozen=True)

    id: str
    organisation: str
    from_on: date
    until_on: date
    rule: str


@command("procurement.bar", roles=_ENTERING, clause="BJ-52")
def bar(
    ctx: Context,
    *,
    organisation: Annotated[str, Field(description="单位编号或者名称")],
    until_on: Annotated[date, Field(description="期满日期(当日起可以参加)")],
    authority: Annotated[str, Field(min_length=2, max_length=80, description="作出决定的机关")],
    number: Annotated[str, Field(min_length=2, max_length=60, description="决定文号")],
    reason: Annotated[str, Field(min_length=4, max_length=400, description="事由")],
    from_on: Annotated[date | None, Field(description="起始日期;不填为当日")] = None,
) -> Barred:
    """Enter a bar with its source and end. Raises ``Refusal`` ``procurement.bar_term`` (BJ-52, LAW-ZFCG-77)."""
    policy = ctx.policy(region=ctx.services.region)
    start = from_on or ctx.as_of
    rule = check_bar(from_on=start, until_on=until_on, policy=policy)
    with ctx.writing() as session:
        firm = organisation_of(session, organisation)
        row = Debarment(
            id=ctx.new_id("bar", firm.id),
            organisation_id=firm.id,
            from_on=start,
            until_on=until_on,
            authority=authority,
            number=number,
            reason=reason,
            rule=rule,
            entered_on=ctx.as_of,
        )
        session.add(row)
        _settle(session, ctx, firm.id)
        payload = {
            "bar": row.id,
            "from": start.isoformat(),
            "until": until_on.isoformat(),
            "number": number,
            "rule": rule,
        }
        events.append(
            session, ctx, stream_kind="organisation", stream_id=firm.id, type="procurement.barred", payload=payload
        )
        return Barred(id=row.id, organisation=firm.id, from_on=start, until_on=until_on, rule=rule)


def _settle(session: Session, ctx: Context, organisation: str) -> None:
    """Close what asked for this bar: the breached contracts of the organisation (BJ-51)."""
    waiting = session.exec(
        select(WorkItem)
        .join(Contract, col(Contract.id) == col(WorkItem.subject_id))
        .where(col(WorkItem.resolves_with) == "procurement.bar", col(WorkItem.status) == "open")
        .where(col(Contract.organisation_id) == organisation)
    ).all()
    for item in waiting:
        work.close_item(session, ctx, kind=item.kind, subject_id=item.subject_id)


@command("procurement.lift_bar", roles=_ENTERING, clause="SYS-BAR")
def lift_bar(
    ctx: Context,
    *,
    bar: Annotated[str, Field(description="禁入记录编号")],
    reason: Annotated[str, Field(min_length=4, max_length=400, description="解除理由")],
) -> Barred:
    """End a bar from today on; it stays in the register. Raises ``Refusal`` ``procurement.bar_over``."""
    with ctx.writing() as session:
        row = found(session.get(Debarment, bar, with_for_update=True), kind="bar", id=bar)
        if row.lifted_on is not None or ctx.as_of >= row.until_on:
            raise Refusal("procurement.bar_over", rule="SYS-ALREADY-DONE")
        row.lifted_on, row.lift_reason = ctx.as_of, reason
        session.add(row)
        payload = {"bar": row.id, "lifted_on": ctx.as_of.isoformat()}
        lifting = events.append(
            session,
            ctx,
            stream_kind="organisation",
            stream_id=row.organisation_id,
            type="procurement.bar_lifted",
            payload=payload,
        )
        effects.after_lifting(session, ctx, row, source=lifting.event_id)
        return Barred(
            id=row.id, organisation=row.organisation_id, from_on=row.from_on, until_on=row.until_on, rule=row.rule
        )


class Rated(BaseModel):
    """A rating: its level and what follows from it in later choices."""

    model_config = ConfigDict(frozen=True)

    id: str
    organisation: str
    level: str
    measure: str


@command("procurement.rate_credit", roles=(Role.CITY_BUREAU, Role.COUNTY_BUREAU), clause="AH-32")
def rate_credit(
    ctx: Context,
    *,
    organisation: Annotated[str, Field(description="社会组织编号或者名称")],
    level: Annotated[str, Field(description="信用星级")],
    basis: Annotated[str, Field(min_length=4, max_length=400, description="评定依据")],
) -> Rated:
    """Rate the credit of a social organisation; earlier ratings stay, the newest is shown at later choices (AH-33).

    Raises ``Refusal`` ``policy.unset`` where the region has no levels, ``procurement.level_unknown`` (AH-32),
    ``procurement.not_social_org`` (AH-32).
    """
    policy = ctx.policy(region=ctx.services.region)
    levels = policy.need("procurement.credit_levels")
    rule = binding(policy=policy, rules=("AH-32", "SYS-CODE-LIST"))
    if level not in levels:
        facts = {"level": level, "allowed": "、".join(f"{code}（{name}）" for code, name in levels.items())}
        raise Refusal("procurement.level_unknown", rule=rule, facts=facts)
    with ctx.writing() as session:
        firm = organisation_of(session, organisation)
        if firm.kind != "social_org":
            raise Refusal("procurement.not_social_org", rule=rule)
        row = CreditRating(
            id=ctx.new_id("crd", firm.id),
            organisation_id=firm.id,
            ordinal=len(ratings_of(session, firm.id)) + 1,
            level=level,
            basis=basis,
            measure=(policy.procurement.credit_measures or {}).get(level, ""),
            rated_on=ctx.as_of,
        )
        session.add(row)
        payload = {"rating": row.id, "level": level, "rules": ["AH-32", "AH-33"]}
        events.append(
            session,
            ctx,
            stream_kind="organisation",
            stream_id=firm.id,
            type="procurement.credit_rated",
            payload=payload,
        )
        return Rated(id=row.id, organisation=firm.id, level=level, measure=row.measure)
