"""Supervision of purchases (S10): the precheck, checks at the three points, orders to mend.

A check that is not passed opens an order to the purchaser with a due day (ZY-84); it is closed by what was mended. The
sample of newly noticed documents is drawn in ``commands.purchase_sample`` and checked here (ZY-83).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import purchase_clocks, work
from models.commands.ledger import locked
from models.commands.procurement import BUYERS, note, policy_of
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import Refusal
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.purchasing import checks_of, engagements_of
from models.queries.reader import found
from models.rules import purchase_gates as rules
from models.rules.force import binding
from models.tables.procurement import Procurement
from models.tables.purchasing import PurchaseCheck, TenderSample

ORDER: Final = "procurement.rectification"
SAMPLE_CHECK: Final = "procurement.sample_check"
_SUPERVISORS: Final = (*CIVIL_AFFAIRS, Role.FINANCE_BUREAU, Role.PURCHASER, Role.DISCIPLINE_SUPERVISION)
_ORDERING: Final = ("ZY-84", "SYS-SUPERVISION")


class Finding(BaseModel):
    """What was found on one aspect, and whether it may stand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    passed: Annotated[bool, Field(description="是否通过")]
    note: Annotated[str, Field(min_length=1, max_length=400, description="审核意见")]


class Checked(BaseModel):
    """A check: whether it was passed, the rule it rests on, and the day by which an order must be met."""

    model_config = ConfigDict(frozen=True)

    id: str
    passed: bool
    rule: str
    rectify_by: date | None
    unwatched: tuple[tuple[str, str], ...] = ()


@command("procurement.precheck", roles=(*CIVIL_AFFAIRS, Role.FINANCE_BUREAU), clause="ZY-80")
def precheck(
    ctx: Context,
    *,
    procurement: str,
    findings: Annotated[dict[str, Finding], Field(min_length=1, description="审核事项→结果")],
) -> Checked:
    """Check a purchase before its notice, aspect by aspect (ZY-80: scope, method, form; FZ-36: its four matters).

    The newest precheck counts; one that is not passed keeps the notice back. Raises ``Refusal``
    ``procurement.aspects_wrong`` (ZY-80, FZ-36), ``procurement.method_missing`` where the method is checked.
    """
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        policy = policy_of(session, ctx, row)
        rule = rules.check_precheck(findings={code: one.passed for code, one in findings.items()}, policy=policy)
        if rules.METHOD in findings and row.method is None:
            raise Refusal("procurement.method_missing", rule=rule)
        kept = _keep(
            session, ctx, row, kind="precheck", checkpoint="before", party="purchaser", findings=findings, rule=rule
        )
        session.add(kept)
        _tell(session, ctx, row, kept)
        return Checked(id=kept.id, passed=kept.passed, rule=rule, rectify_by=None)


@command("procurement.supervise", roles=_SUPERVISORS, clause="ZY-85")
def supervise(
    ctx: Context,
    *,
    procurement: str,
    checkpoint: Annotated[str, Field(description="环节:购买前、购买中、购买后")],
    party: Annotated[str, Field(description="被检查的主体")],
    passed: Annotated[bool, Field(description="是否合规")],
    finding: Annotated[str, Field(min_length=2, max_length=400, description="检查情况")],
    sample: Annotated[str | None, Field(description="招标文件抽查编号")] = None,
) -> Checked:
    """Record a check of a party at a checkpoint (ZY-85; Huangshi's purchaser: HS-20); a fault opens an order.

    Raises ``Refusal`` ``procurement.checkpoint_unknown``, ``procurement.not_in_sample`` (ZY-83).
    """
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        policy = policy_of(session, ctx, row)
        rule = rules.check_checkpoint(checkpoint=checkpoint, party=party, policy=policy)
        if sample is not None:
            rule = _check_sampled(session, row, sample, policy)
        findings = {party: Finding(passed=passed, note=finding)}
        kept = _keep(
            session, ctx, row, kind="supervision", checkpoint=checkpoint, party=party, findings=findings, rule=rule
        )
        kept.sample_id = sample
        if not passed:
            _order(session, ctx, row, kept, policy)
        session.add(kept)
        session.flush()
        if sample is not None:
            work.close_item(session, ctx, kind=SAMPLE_CHECK, subject_id=row.id)
        _tell(session, ctx, row, kept)
        seen = frozenset((one.checkpoint, one.party) for one in checks_of(session, row.id) if one.kind == "supervision")
        left = rules.unwatched(seen=seen, by_agency=bool(engagements_of(session, row.id)), policy=policy)
        purchase_clocks.stop_watch(session, ctx, row, left=left, policy=policy)
        return Checked(id=kept.id, passed=passed, rule=rule, rectify_by=kept.rectify_by, unwatched=left)


@command("procurement.rectify", roles=(*BUYERS, Role.EVALUATION_OFFICE), clause="ZY-84")
def rectify(
    ctx: Context,
    *,
    check: str,
    result: Annotated[str, Field(min_length=4, max_length=400, description="整改情况")],
) -> Checked:
    """Close an order by what was mended. Raises ``Refusal`` ``procurement.no_order``."""
    with ctx.writing() as session:
        kept = found(session.get(PurchaseCheck, check, with_for_update=True), kind="check", id=check)
        row = found(session.get(Procurement, kept.procurement_id), kind="procurement", id=kept.procurement_id)
        if kept.rectify_by is None or kept.rectified_on is not None:
            rule = binding(policy=policy_of(session, ctx, row), rules=_ORDERING)
            raise Refusal("procurement.no_order", rule=rule)
        kept.rectified_on, kept.rectification = ctx.as_of, result
        session.add(kept)
        work.close_item(session, ctx, kind=ORDER, subject_id=kept.id)
        note(session, ctx, row, "procurement.rectified", {"check": kept.id, "late": ctx.as_of > kept.rectify_by})
        return Checked(id=kept.id, passed=kept.passed, rule=kept.rule, rectify_by=kept.rectify_by)


def _check_sampled(session: Session, row: Procurement, sample: str, policy: Policy) -> str:
    drawn = found(session.get(TenderSample, sample), kind="sample", id=sample)
    rule = binding(policy=policy, rules=("ZY-83", "SYS-DRAW")) or "SYS-DRAW"
    if row.id not in drawn.drawn:
        raise Refusal("procurement.not_in_sample", rule=rule)
    return rule


def _keep(
    session: Session,
    ctx: Context,
    row: Procurement,
    *,
    kind: str,
    checkpoint: str,
    party: str,
    findings: dict[str, Finding],
    rule: str,
) -> PurchaseCheck:
    return PurchaseCheck(
        id=ctx.new_id("pck", row.id),
        procurement_id=row.id,
        ordinal=len(checks_of(session, row.id)) + 1,
        kind=kind,
        checkpoint=checkpoint,
        party=party,
        findings={code: one.model_dump() for code, one in findings.items()},
        passed=all(one.passed for one in findings.values()),
        checked_on=ctx.as_of,
        checker=ctx.actor.role,
        rule=rule,
        method=row.method or "",
    )


def _order(session: Session, ctx: Context, row: Procurement, kept: PurchaseCheck, policy: Policy) -> None:
    days = policy.procurement.rectification_working_days
    due = ctx.services.calendar.add_working_days(ctx.as_of, days=days)
    kept.rectify_by = due.date
    work.open_item(
        session,
        ctx,
        kind=ORDER,
        role=Role.PURCHASER,
        subject_kind="purchase_check",
        subject_id=kept.id,
        due_on=due.date,
        clause=policy.clause("procurement.rectification_working_days"),
        resolves_with="procurement.rectify",
        project_id=row.project_id,
        provisional=due.provisional,
    )


def _tell(session: Session, ctx: Context, row: Procurement, kept: PurchaseCheck) -> None:
    payload = {
        "check": kept.id,
        "kind": kept.kind,
        "checkpoint": kept.checkpoint,
        "party": kept.party,
        "passed": kept.passed,
        "rule": kept.rule,
    }
    note(session, ctx, row, "procurement.checked", payload)
