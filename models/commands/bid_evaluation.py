"""Commands after a bidding closed (S10): the evaluation of the bids, the agency's report, deposits going back.

The evaluation records for each bid whether quality and service meet what was asked, and its marks: price alone decides
nothing (BJ-32). It starts the clocks of report and choice (LAW-ZFCGTL-43).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from models.commands import documents, purchase_clocks, work
from models.commands.ledger import locked
from models.commands.procurement import RUNNERS, file_stored, note, policy_of
from models.context import Context
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.registry import command
from models.queries.procurement import bids_of, organisation_of
from models.queries.reader import found
from models.rules import lifecycle
from models.rules.lifecycle import Thing
from models.rules.low_price import check_reply_time
from models.tables.procurement import Bid, Procurement


class Marked(BaseModel):
    """What the evaluation found of one supplier: quality and service met or not, and the marks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    organisation: Annotated[str, Field(description="供应商")]
    quality_met: Annotated[bool, Field(description="质量和服务是否满足要求")]
    score: Annotated[Decimal, Field(ge=0, max_digits=7, decimal_places=2, description="评审得分")]


class Evaluated(BaseModel):
    """The evaluation: how many bids were marked and how many meet what was asked."""

    model_config = ConfigDict(frozen=True)

    id: str
    marked: int
    met: int


class Reported(BaseModel):
    """A report handed over, or a deposit returned, with whether that was late."""

    model_config = ConfigDict(frozen=True)

    id: str


@command("procurement.evaluate_bids", roles=RUNNERS, clause="BJ-32")
def evaluate_bids(
    ctx: Context,
    *,
    procurement: str,
    marks: Annotated[tuple[Marked, ...], Field(min_length=1, max_length=200, description="各供应商评审结果")],
    report: Annotated[str, Field(min_length=2, max_length=20000, description="评审报告")],
) -> Evaluated:
    """Record the evaluation of the bids that count, each once, after the bidding closed.

    Raises ``Refusal`` ``procurement.not_closed``, ``procurement.not_marked`` naming who is missing or unknown,
    ``procurement.evaluated_already``, ``SYS-STATE``.
    """
    stored = documents.keep(ctx, data=report.encode(), media_type="text/plain;charset=utf-8")
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_state_in(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state, allowed=("noticed",))
        if row.bidding_closed_on is None:
            raise Refusal("procurement.not_closed", rule="LAW-ZFCG-35")
        if row.evaluated_on is not None:
            facts = {"on": row.evaluated_on.isoformat()}
            raise Refusal("procurement.evaluated_already", rule="SYS-ALREADY-DONE", facts=facts)
        given = {organisation_of(session, one.organisation).id: one for one in marks}
        counting = {bid.organisation_id: bid for bid in bids_of(session, row, round=row.round) if bid.substantive}
        odd = sorted(set(given) ^ set(counting))
        if odd or len(given) < len(marks):
            facts = {"ids": "、".join(odd) or sentence("procurement.not_given")}
            raise Refusal("procurement.not_marked", rule="LAW-ZFCGTL-41", facts=facts)
        for name, bid in counting.items():
            bid.quality_met, bid.score = given[name].quality_met, str(given[name].score)
            session.add(bid)
        row.evaluated_on = ctx.as_of
        session.add(row)
        filed = file_stored(session, ctx, row, stored, kind="evaluation_minutes")
        met = sum(1 for bid in counting.values() if bid.quality_met)
        note(session, ctx, row, "procurement.evaluated", {"marked": len(given), "met": met, "sha256": filed.sha256})
        purchase_clocks.owe_report(session, ctx, row, policy_of(session, ctx, row))
        return Evaluated(id=row.id, marked=len(given), met=met)


@command("procurement.submit_report", roles=RUNNERS, clause="LAW-ZFCGTL-43")
def submit_report(ctx: Context, *, procurement: str) -> Reported:
    """Hand the evaluation report to the purchaser: the agency's clock stops, the purchaser's choice begins to run.

    Raises ``Refusal`` ``procurement.not_evaluated``, ``procurement.reported_already``, ``SYS-STATE``.
    """
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_state_in(
            thing=Thing.PROCUREMENT, command=ctx.command, state=row.state, allowed=("noticed", "method_changed")
        )
        if row.evaluated_on is None and row.negotiated_on is None:
            raise Refusal("procurement.not_evaluated", rule="LAW-ZFCGTL-43")
        if row.reported_on is not None:
            facts = {"on": row.reported_on.isoformat()}
            raise Refusal("procurement.reported_already", rule="SYS-ALREADY-DONE", facts=facts)
        row.reported_on = ctx.as_of
        session.add(row)
        purchase_clocks.stop(session, ctx, row, kind=purchase_clocks.REPORT)
        purchase_clocks.start(session, ctx, row, policy_of(session, ctx, row), kind=purchase_clocks.WINNER)
        note(session, ctx, row, "procurement.report_submitted", {})
        return Reported(id=row.id)


@command("procurement.return_bond", roles=RUNNERS, clause="LAW-ZFCGTL-33")
def return_bond(ctx: Context, *, bid: Annotated[str, Field(description="投标编号")]) -> Reported:
    """Record that a deposit went back. Raises ``Refusal`` ``procurement.no_bond``."""
    with ctx.writing() as session:
        kept = found(session.get(Bid, bid, with_for_update=True), kind="bid", id=bid)
        if kept.bond_fen is None or kept.bond_returned_on is not None:
            raise Refusal("procurement.no_bond", rule="LAW-ZFCGTL-33")
        row = found(session.get(Procurement, kept.procurement_id), kind="procurement", id=kept.procurement_id)
        kept.bond_returned_on = ctx.as_of
        session.add(kept)
        work.close_item(session, ctx, kind=purchase_clocks.BOND, subject_id=kept.id)
        note(session, ctx, row, "procurement.bond_returned", {"bid_id": kept.id, "bond_fen": kept.bond_fen})
        return Reported(id=kept.id)


@command("procurement.explain_price", roles=RUNNERS, clause="LAW-CK2026-2")
def explain_price(
    ctx: Context,
    *,
    procurement: str,
    organisation: Annotated[str, Field(description="供应商")],
    minutes: Annotated[int, Field(ge=1, le=10**6, description="给予说明的时间(分钟)")],
    believable: Annotated[bool, Field(description="说明是否合理")],
    explanation: Annotated[str, Field(min_length=2, max_length=2000, description="说明情况")],
) -> Reported:
    """Record how a supplier explained an abnormally low price, and whether that was found believable.

    Raises ``Refusal`` ``procurement.reply_short`` (LAW-CK2026-2), ``procurement.not_a_supplier``, ``SYS-STATE``.
    """
    stored = documents.keep(ctx, data=explanation.encode(), media_type="text/plain;charset=utf-8")
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_state_in(
            thing=Thing.PROCUREMENT, command=ctx.command, state=row.state, allowed=("noticed", "method_changed")
        )
        check_reply_time(minutes=minutes, policy=policy_of(session, ctx, row))
        supplier = organisation_of(session, organisation)
        bid = next((one for one in bids_of(session, row, round=row.round) if one.organisation_id == supplier.id), None)
        if bid is None:
            raise Refusal("procurement.not_a_supplier", rule="SYS-OFFER", facts={"ids": supplier.id})
        bid.price_explained = believable
        session.add(bid)
        filed = file_stored(session, ctx, row, stored, kind="price_explanation")
        payload = {"bid_id": bid.id, "believable": believable, "minutes": minutes, "sha256": filed.sha256}
        note(session, ctx, row, "procurement.price_explained", payload)
        return Reported(id=bid.id)
