"""Past batches against what the programme would have proposed on the day they were issued (S09).

Called by people who ask whether to trust the proposals. For each batch that went out: the candidates as of that day,
with the money that really went out of each channel as its ceiling, solved as the programme would. Writes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.core.money import Money
from models.core.periods import Quarter
from models.core.registry import query
from models.policy.schema import Policy
from models.queries.plan_candidates import Basis
from models.queries.plan_proposal import build
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader
from models.rules.plan_limits import FULL
from models.rules.plan_programme import POINT, WHOLE, Candidate, Ceiling, Instance, Part, Score, exceeded
from models.rules.plan_search import as_shares, solve_plan
from models.tables.funding import PlanLine
from models.tables.kernel import Event

_ISSUED: Final = "plan_line.issued"


class PastBatch(BaseModel):
    """One batch: what was issued, what would have been proposed with the same money, and how far the two agree.

    ``issued_worth`` and ``proposed_worth`` are persons × points; ``gained`` what the proposal has more, as a share.
    """

    model_config = ConfigDict(frozen=True)

    quarter: str
    batch: int
    issued_on: date
    candidates: int
    issued: int
    proposed: int
    both: int
    amount: Money
    issued_worth: Decimal
    proposed_worth: Decimal
    gained: Decimal
    gap: Decimal


@query("funding.backtest", roles=EVERYONE_INSIDE, clause="ZY-78")
def backtest(
    reader: Reader,
    *,
    first: Annotated[Quarter, Field(description="起始季度")],
    last: Annotated[Quarter, Field(description="截止季度")],
    scenario: Annotated[str, Field(description="方案代码")] = "",
) -> tuple[PastBatch, ...]:
    """Return every issued batch of the quarters beside what the programme would have proposed that day.

    ``scenario`` is one of policy's, the first where none is named.
    """
    found = []
    for (quarter, batch), lines in sorted(_issued(reader.session, first, last).items()):
        when = Quarter.parse(quarter)
        policy = reader.policies.resolve(region=reader.region, on=when.first_day)
        found.append(_compared(reader, when, batch, lines, policy=policy, scenario=scenario))
    return tuple(found)


def _issued(session: Session, first: Quarter, last: Quarter) -> dict[tuple[str, int], list[PlanLine]]:
    batches: dict[tuple[str, int], list[PlanLine]] = defaultdict(list)
    rows = session.exec(
        select(PlanLine)
        .where(
            col(PlanLine.quarter) >= str(first),
            col(PlanLine.quarter) <= str(last),
            col(PlanLine.cancelled_on).is_(None),
            col(PlanLine.state).not_in(("drafted", "signed")),
        )
        .order_by(col(PlanLine.id))
    )
    for row in rows:
        batches[row.quarter, row.batch].append(row)
    return batches


def _compared(
    reader: Reader, quarter: Quarter, batch: int, lines: list[PlanLine], *, policy: Policy, scenario: str
) -> PastBatch:
    day = _day_of(reader.session, lines)
    spent: dict[str, int] = defaultdict(int)
    got: dict[str, dict[str, int]] = defaultdict(dict)
    for line in lines:
        spent[line.channel] += line.amount_fen
        got[line.project_id][line.channel] = line.amount_fen
    basis = Basis(reader.region, quarter, day, batch=batch, own_lines=tuple(line.id for line in lines))
    built = build(reader.session, policies=reader.policies, policy=policy, basis=basis)
    instance = _as_it_was(built, got, spent)
    aim = next((one for one in instance.aims if one.code == scenario), instance.aims[0])
    score = Score(instance, aim)
    issued = dict.fromkeys(got, FULL)
    worth = score.objective(as_shares(instance=instance, lines=issued))
    plan = solve_plan(instance=instance, aim=aim, solve=reader.solver.solve)
    proposed = {line.project for line in plan.lines}
    unit = Decimal(POINT * WHOLE)
    return PastBatch(
        quarter=str(quarter),
        batch=batch,
        issued_on=day,
        candidates=len(instance.candidates),
        issued=len(got),
        proposed=len(proposed),
        both=len(proposed & set(got)),
        amount=Money(sum(spent.values())),
        issued_worth=_rounded(worth) / unit,
        proposed_worth=Decimal(plan.objective) / unit,
        gained=(_rounded((plan.objective - worth) / (abs(worth) or 1) * 10**4) / 10**4),
        gap=Decimal(plan.gap),
    )


def _rounded(value: Fraction) -> Decimal:
    return Decimal(round(value))


def _day_of(session: Session, lines: list[PlanLine]) -> date:
    """Return the day on which the lines were issued."""
    ids = {line.id for line in lines}
    rows = session.exec(
        select(Event)
        .where(col(Event.type) == _ISSUED, col(Event.stream_id).in_({line.project_id for line in lines}))
        .order_by(col(Event.occurred_at))
    )
    return next(row.occurred_at for row in rows if row.payload.get("plan_line_id") in ids)


def _as_it_was(built: Instance, got: dict[str, dict[str, int]], spent: dict[str, int]) -> Instance:
    """Return the programme with what was really issued as the ask of those who got it, and as the ceilings.

    So the plan that was issued is one of those the programme may choose, and the two are worth the same units. What
    carried on then is free to be chosen or not: it is what is put to the test.
    """
    known = {one.project for one in built.candidates}
    candidates = [
        replace(one, parts=_parts(got[one.project]), carry_over=False, effect="") if one.project in got else one
        for one in built.candidates
    ]
    candidates += [
        Candidate(project, "", 1, 0, WHOLE, _parts(money)) for project, money in got.items() if project not in known
    ]
    free = tuple(replace(one, carry_over=False) for one in candidates)
    ceilings = {part.channel: 0 for one in free for part in one.parts} | spent
    instance = replace(
        built,
        candidates=tuple(sorted(free, key=lambda one: one.project)),
        ceilings=tuple(Ceiling(code, fen) for code, fen in sorted(ceilings.items())),
    )
    issued = {instance.places[project]: FULL for project in got}
    # money that has come back or was lent from elsewhere since would make the issued plan look forbidden
    if exceeded(instance=instance, shares=issued):
        instance = replace(instance, purses=(), candidates=tuple(_without_pool(one) for one in instance.candidates))
    return instance


def _parts(money: dict[str, int]) -> tuple[Part, ...]:
    return tuple(Part(channel, fen) for channel, fen in sorted(money.items()))


def _without_pool(one: Candidate) -> Candidate:
    return replace(one, parts=tuple(Part(part.channel, part.now) for part in one.parts))
