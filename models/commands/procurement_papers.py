"""The view of the record of procurement (采购活动记录, D13), from the tables, events and marks of the project.

Called by ``commands.award`` before its transaction, on the row as it will be. Words figures, decides nothing. What the
source does not state (approver, date of telling the bidders) stays blank (decision 24).
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlmodel import Session, col, select

from models.commands import events
from models.context import Context
from models.core.messages import sentence
from models.core.money import Money, capitals
from models.policy.schema import Policy
from models.queries.papers import Sheet, facts, head
from models.queries.procurement import bids_of, draw_of, organisation_of, steps_of
from models.queries.provenance import Marks, marks
from models.queries.reader import project_of
from models.tables.kernel import Event
from models.tables.procurement import Bid, MethodStep, Procurement

_BLANK: Final = {"stated": False}
_FAILED: Final = "procurement.failed"
INFORMED: Final = "procurement.bidders_informed"
_STAGE: Final = "procurement."
_PLAN, _BID, _OFFERS = "procurement.plan", "procurement.register_bid", "procurement.negotiate.offers"
_CHANGE, _DRAW = "procurement.approve_method_change", "procurement.draw_experts"


def record_view(session: Session, ctx: Context, *, row: Procurement, policy: Policy) -> dict[str, Any]:
    """Return the view of the record of one procurement."""
    seen = marks(session, row.project_id, pending=ctx.synthetic, command=ctx.command)
    project = project_of(session, row.project_id)
    sources = tuple({".".join(path.split(".")[:2]) for path in seen.paths if path.startswith(_STAGE)}) or (_PLAN,)
    sheet = Sheet(project, seen, sources, ctx.as_of, ctx.services.rehearsal)
    steps = steps_of(session, row)
    return {
        **head(sheet=sheet, title="procurement.paper.title", issuer=row.purchaser),
        "facts": facts(sheet=sheet, stage="procurement", lines=_lines(row)),
        "method_path": [_step(step, seen, policy) for step in steps],
        "bidders": [_bidder(session, bid, seen) for bid in bids_of(session, row)],
        "voids": [_void(on, payload, told, seen) for on, payload, told in _failures(session, row)],
        "approvals": [_approval(step, seen, policy) for step in steps if step.after_failure],
        "draw": _draw(row, seen),
        "evaluation": _evaluation(session, row, seen),
        "award": facts(sheet=sheet, stage="procurement", lines=_award_lines(session, row, seen)),
    }


def marked(text: str, seen: Marks, path: str) -> str:
    """Return running text with the mark of a made-up figure behind it, where its argument was marked so."""
    return f"{text}※" if text and seen.is_synthetic(path) else text


def winner_path(seen: Marks) -> str:
    """Return the argument the winner's name is marked by: where it was registered, or where it was chosen."""
    chosen = "procurement.award.organisation"
    return chosen if seen.is_synthetic(chosen) else f"{_BID}.organisation"


def _yuan(fen: int | None) -> str | None:
    return None if fen is None else sentence("funding.paper.yuan", {"amount": Money(fen)})


def _lines(row: Procurement) -> tuple[tuple[str, object | None, str], ...]:
    return (
        ("purchaser", row.purchaser, f"{_PLAN}.purchaser"),
        ("guided_by", row.guided_by, f"{_PLAN}.guided_by"),
        ("budget", _yuan(row.budget_fen), f"{_PLAN}.budget"),
        ("noticed_on", row.noticed_on, "procurement.publish_notice.on"),
        ("bids_close_on", row.bids_close_on, "procurement.publish_notice.bids_close_on"),
    )


def _step(step: MethodStep, seen: Marks, policy: Policy) -> dict[str, object]:
    command, act = (_CHANGE, "changed") if step.after_failure else ("procurement.set_method", "chosen")
    return {
        "date": seen.cell(step.chosen_on, f"{command}.on"),
        "method": policy.procurement.methods.get(step.method, step.method),
        "act": sentence(f"procurement.paper.act.{act}"),
        "reason": marked(step.reason, seen, f"{command}.reason"),
        "clause": _clause(step, policy),
    }


def _clause(step: MethodStep, policy: Policy) -> str:
    """Return the provision the step rests on as policy cites it, with our rule id in brackets."""
    source = policy.clause("procurement.failed_tender_methods" if step.after_failure else "procurement.methods")
    return sentence("procurement.paper.clause", {"source": source, "rule": step.rule}) if step.rule else source


def _bidder(session: Session, bid: Bid, seen: Marks) -> dict[str, object]:
    negotiated = bid.offer_fen is not None
    counts = bool(bid.responsive) if negotiated else bid.substantive
    verdict = sentence(f"procurement.paper.verdict.{'counts' if counts else 'void'}")
    quote = seen.cell(_yuan(bid.offer_fen), _OFFERS) if negotiated else seen.cell(_yuan(bid.price_fen), f"{_BID}.price")
    return {
        "name": seen.cell(organisation_of(session, bid.organisation_id).name, f"{_BID}.organisation"),
        "attempt": sentence("procurement.paper.round", {"round": bid.round}),
        "qualified": seen.cell(verdict, _OFFERS if negotiated else f"{_BID}.substantive"),
        "quote": quote,
        "note": marked(_note(bid), seen, f"{_BID}.void_reason"),
    }


def _note(bid: Bid) -> str:
    return sentence("procurement.paper.set_aside") if bid.set_aside else bid.void_reason or ""


def _failures(session: Session, row: Procurement) -> list[tuple[date, dict[str, Any], date | None]]:
    """Return each failed round with its event and the day its bidders were told, ``None`` where nothing says so."""
    rows = session.exec(
        select(col(Event.type), col(Event.occurred_at), col(Event.payload))
        .where(col(Event.stream_kind) == events.PROJECT_STREAM, col(Event.stream_id) == row.project_id)
        .where(col(Event.type).in_((_FAILED, INFORMED)))
        .order_by(col(Event.seq))
    ).all()
    mine = [(type_, on, dict(payload)) for type_, on, payload in rows if payload["procurement_id"] == row.id]
    told = {payload["round"]: on for type_, on, payload in mine if type_ == INFORMED}
    return [(on, payload, told.get(payload["round"])) for type_, on, payload in mine if type_ == _FAILED]


def _void(on: date, payload: dict[str, Any], told: date | None, seen: Marks) -> dict[str, object]:
    reason = sentence("procurement.paper.void_reason", {"round": payload["round"], "needed": payload["needed"]})
    informed = seen.cell(told, "procurement.inform_bidders.on")
    return {"date": on.isoformat(), "reason": reason, "informed_on": informed}


def _approval(step: MethodStep, seen: Marks, policy: Policy) -> dict[str, object]:
    method = policy.procurement.methods.get(step.method, step.method)
    return {
        "date": seen.cell(step.chosen_on, f"{_CHANGE}.on"),
        "matter": sentence("procurement.paper.change_to", {"method": method}),
        "approver": seen.cell(step.approver, f"{_CHANGE}.approver"),
        "doc_no": _BLANK,
    }


def _draw(row: Procurement, seen: Marks) -> dict[str, object] | None:
    drawn = draw_of(row)
    if drawn is None:
        return None
    reasons = row.draw["reasons"]
    lines = [(name, "procurement.paper.drawn") for name in drawn.chosen]
    lines += [(name, f"draw.reason.{reasons[name]}") for name in drawn.excluded]
    return {
        "drawn_on": seen.cell(drawn.drawn_on, f"{_DRAW}.on"),
        "pool": drawn.pool or sentence("procurement.paper.pool_unnamed"),
        "pool_size": seen.cell(row.draw["pool_size"], f"{_DRAW}.roster"),
        "pool_digest": seen.cell(drawn.roster_digest, f"{_DRAW}.roster"),
        "seed": seen.cell(drawn.seed, f"{_DRAW}.seed"),
        "method": sentence("procurement.paper.draw_method"),
        "drawn": [
            {
                "order": str(number),
                "expert": name,
                "category": sentence("procurement.paper.expert"),
                "outcome": sentence(outcome),
            }
            for number, (name, outcome) in enumerate(lines, start=1)
        ],
    }


def _evaluation(session: Session, row: Procurement, seen: Marks) -> list[str]:
    if row.negotiated_on is None:
        return []
    bids = bids_of(session, row, round=row.round)
    counts = {
        "on": row.negotiated_on.isoformat(),
        "suppliers": sum(1 for bid in bids if bid.offer_fen is not None),
        "responsive": sum(1 for bid in bids if bid.responsive),
    }
    return [marked(sentence("procurement.paper.negotiated", counts), seen, _OFFERS)]


def _award_lines(session: Session, row: Procurement, seen: Marks) -> tuple[tuple[str, object | None, str], ...]:
    winner = organisation_of(session, row.winner_organisation_id or "")
    price = Money(row.award_fen or 0)
    return (
        ("winner", winner.name, winner_path(seen)),
        (
            "price",
            sentence("funding.paper.in_words", {"amount": price, "words": capitals(price)}),
            "procurement.award.price",
        ),
        ("reason", row.award_reason, "procurement.award.reason"),
    )
