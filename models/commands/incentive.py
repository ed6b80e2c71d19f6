"""The command of incentives (S19): the allocation of a batch by unit, agreed by those it needs, and printed (ZY-109).

Nothing is paid here: the table says which units the quarterly plan favours, gives less or nothing, and why. Every row
cites the unit's latest acceptance conclusion, or says that there is none yet (ZY-98).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, effects, events
from models.commands.ledger import Amount, NotNegative
from models.context import Context
from models.core.actors import HANDLERS, Role
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.core.periods import Quarter
from models.core.registry import Once, command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries.incentive import newest_table
from models.queries.plan_candidates import Basis, unit_conclusions
from models.queries.units import root_unit, unit_on
from models.rules.bodies import batch_name, body_name
from models.rules.effects import INCENTIVE, Effect
from models.rules.force import binding
from models.rules.incentive import Allotted, UnitRow, allot, check_inputs, check_participants
from models.tables.acceptance import AcceptanceConclusion
from models.tables.incentive import IncentiveRow, IncentiveTable

STREAM: Final = "plan"
_HEADS: Final = ("unit", "reserve", "management", "cites", "donor_view", "base", "weight", "amount", "effect", "reason")


class Participant(BaseModel):
    """Who agreed: the code of the party and the body's name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Annotated[str, Field(description="参与方代码")]
    name: Annotated[str, Field(min_length=2, max_length=120, description="单位名称")]


class UnitGiven(BaseModel):
    """What is stated of a unit. ``effect`` is wished only where a condition is not met: less, none, or neither."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: Annotated[str, Field(description="县级单位代码")]
    met: Annotated[tuple[str, ...], Field(description="已满足的条件代码")] = ()
    base: Annotated[Amount, Field(description="基数")]
    effect: Annotated[str, Field(description="less 少安排、none 不安排;两个条件都满足的自动倾斜")] = ""
    donor_view: Annotated[str, Field(max_length=300, description="捐赠方意见")] = ""
    reason: Annotated[str, Field(max_length=500, description="理由")] = ""


class TableAgreed(BaseModel):
    """The table: its document, and unit → effect for those that have one."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int
    total: Money
    document: str
    effects: dict[str, str]


@command("incentive.allocate", roles=(*HANDLERS, Role.DRC), clause="ZY-109", once_a_day=Once.BY_ANYONE)
def allocate(
    ctx: Context,
    *,
    quarter: Annotated[Quarter, Field(description="下达季度")],
    batch: Annotated[int, Field(ge=1, le=99, description="批次")],
    participants: Annotated[tuple[Participant, ...], Field(min_length=1, max_length=50, description="参与商定的单位")],
    fiscal: Annotated[NotNegative, Field(description="财政年度预算资金")],
    donated: Annotated[NotNegative, Field(description="社会力量捐赠资金")],
    units: Annotated[tuple[UnitGiven, ...], Field(min_length=1, max_length=1000, description="各单位")],
    minutes: Annotated[Upload, Field(description="商定记录")],
) -> TableAgreed:
    """Agree the allocation of a batch: units that met both conditions weigh more, others as stated with the reason.

    A later table of the batch is its next version. Raises ``Refusal`` ``incentive.participant_missing`` (ZY-109),
    ``incentive.management_contradicted``, ``funding.tilt_without_conditions`` (ZY-110),
    ``funding.sanction_without_reason``, ``funding.sanction_unfounded`` (ZY-111), ``incentive.unit_twice``,
    ``incentive.over_inputs``, ``kernel.not_found`` for a unit.
    """
    policy = ctx.policy(region=ctx.services.region, on=quarter.first_day)
    check_participants(given=[one.role for one in participants], donated=donated, policy=policy)
    with ctx.reading() as session:
        rows = _rows(session, ctx, quarter, units, policy)
    check_inputs(amounts=[one.result.amount for one in rows], fiscal=fiscal, donated=donated)
    title = sentence("incentive.title", {"batch": batch_name(str(quarter), batch)})
    view = _view(ctx, title, rows, policy, participants, fiscal, donated)
    paper = documents.render(ctx, kind="incentive_table_xlsx", view=view, synthetic_fields=view["synthetic_fields"])
    with ctx.writing() as session:
        last = newest_table(session, quarter=str(quarter), batch=batch)
        table = IncentiveTable(
            id=ctx.new_id("inc", str(quarter), str(batch)),
            region=policy.region,
            quarter=str(quarter),
            batch=batch,
            version=last.version + 1 if last else 1,
            participants=[one.model_dump() for one in participants],
            fiscal_fen=fiscal.fen,
            donation_fen=donated.fen,
            agreed_on=ctx.as_of,
            minutes_id=_minutes(session, ctx, minutes, view["issuer"]),
            document_id=documents.file_paper(
                session, ctx, paper=paper, project_id=None, stage="incentive", title=title, issuer=view["issuer"]
            ).id,
            policy_digest=policy.digest,
        )
        return _keep(session, ctx, table, rows, policy)


@dataclass(frozen=True)
class _Row:
    given: UnitGiven
    name: str
    result: Allotted
    conclusion: AcceptanceConclusion | None


def _rows(
    session: Session, ctx: Context, quarter: Quarter, units: tuple[UnitGiven, ...], policy: Policy
) -> tuple[_Row, ...]:
    if len({one.unit for one in units}) < len(units):
        raise Refusal("incentive.unit_twice", rule="SYS-ARGUMENTS")
    policies, region = ctx.services.policies, ctx.services.region
    root = root_unit(policies=policies, region=region)
    cited = unit_conclusions(session, policies=policies, basis=Basis(region, quarter, ctx.as_of))
    rows = []
    for one in units:
        name = unit_on(session, root=root, code=one.unit, on=ctx.as_of).name
        conclusion = cited.get(one.unit)
        grade = conclusion.grade if conclusion else None
        row = UnitRow(one.unit, one.met, one.effect, one.reason, one.base, grade)
        rows.append(_Row(one, name, allot(row=row, policy=policy), conclusion))
    return tuple(rows)


def _minutes(session: Session, ctx: Context, stored: Upload, issuer: str) -> str:
    return documents.file_upload(
        session,
        ctx,
        stored=stored,
        project_id=None,
        stage="incentive",
        kind="meeting_minutes",
        title=sentence("incentive.minutes"),
        issuer=issuer,
    ).id


def _keep(session: Session, ctx: Context, table: IncentiveTable, rows: tuple[_Row, ...], policy: Policy) -> TableAgreed:
    session.add(table)
    session.flush()
    rule = binding(policy=policy, rules=("ZY-98", "SYS-INCENTIVE")) or ""
    for one in rows:
        kept = IncentiveRow(
            id=ctx.new_id("inr", table.id, one.given.unit),
            table_id=table.id,
            unit_code=one.given.unit,
            met=list(one.given.met),
            effect=one.result.effect,
            base_fen=one.given.base.fen,
            weight=str(one.result.weight),
            amount_fen=one.result.amount.fen,
            donor_view=one.given.donor_view,
            reason=one.given.reason,
            conclusion_id=one.conclusion.id if one.conclusion else None,
        )
        session.add(kept)
        if one.conclusion is not None and one.result.effect:
            effect = Effect(INCENTIVE, "unit", one.given.unit, "1", str(one.result.weight), rule)
            effects.record(session, ctx, one.conclusion, effects=(effect,), source=kept.id)
    total = Money.total(one.result.amount for one in rows)
    payload = {
        "table_id": table.id,
        "version": table.version,
        "units": len(rows),
        "total_fen": total.fen,
        "fiscal_fen": table.fiscal_fen,
        "donation_fen": table.donation_fen,
        "document_id": table.document_id,
    }
    stream = f"{table.quarter}-{table.batch}"
    events.append(session, ctx, stream_kind=STREAM, stream_id=stream, type="incentive.allocated", payload=payload)
    return TableAgreed(
        id=table.id,
        version=table.version,
        total=total,
        document=table.document_id,
        effects={one.given.unit: one.result.effect for one in rows if one.result.effect},
    )


def _view(
    ctx: Context,
    title: str,
    rows: tuple[_Row, ...],
    policy: Policy,
    participants: tuple[Participant, ...],
    fiscal: Money,
    donated: Money,
) -> dict[str, Any]:
    """Return the view of the table: its rows, then who agreed and from what money."""
    agreed = "、".join(one.name for one in participants)
    foot = (("participants", agreed), ("fiscal", str(fiscal)), ("donated", str(donated)))
    blank = [{"text": ""}] * (len(_HEADS) - 2)
    return {
        "title": title,
        "issuer": body_name(policy=policy, role=ctx.actor.role),
        "date": ctx.as_of.isoformat(),
        "rehearsal": ctx.services.rehearsal,
        "synthetic_fields": [sentence("book.synthetic")] if ctx.synthetic else [],
        "rows": [],
        "heads": [sentence(f"incentive.head.{name}") for name in _HEADS],
        "lines": [_line(one, policy) for one in rows]
        + [[{"text": sentence(f"incentive.foot.{name}")}, {"text": text}, *blank] for name, text in foot],
    }


def _line(one: _Row, policy: Policy) -> list[dict[str, str]]:
    met = [sentence("book.yes" if code in one.given.met else "book.no") for code in policy.incentive.conditions]
    cites = one.conclusion.id if one.conclusion else sentence("incentive.none_yet")
    effect = policy.incentive.effects.get(one.result.effect, "")
    amounts = [str(one.given.base), str(one.result.weight), str(one.result.amount)]
    texts = [one.name, *met, cites, one.given.donor_view, *amounts, effect, one.given.reason]
    return [{"text": text} for text in texts]
