"""Commands of the contract (S11): sign what was awarded, terminate what fails.

A late signing is recorded, not blocked: the breach happened, the contract is still due (LAW-ZFCG-46).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import (
    contract_papers,
    contract_publication,
    contract_watch,
    documents,
    purchase_clocks,
    succession,
    transition,
    work,
)
from models.commands.ledger import Amount, NotNegative, commit_to, issued_lines, locked
from models.context import Context
from models.core.actors import Role
from models.core.errors import Conflict
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.chains import types_of
from models.queries.procurement import bids_of
from models.queries.purchasing import disputes_open, suspended_until
from models.queries.reader import found, project_of
from models.rules import contract_change as changes
from models.rules import lifecycle
from models.rules.contract import (
    check_clauses,
    check_price,
    check_term,
    conditions_warning,
    days_late,
    missing_extension_conditions,
)
from models.rules.lifecycle import Thing
from models.rules.purchase_gates import check_not_suspended, check_undisputed
from models.rules.steps import check_step
from models.tables.contract import Contract
from models.tables.kernel import Project
from models.tables.procurement import Procurement

SIGN_ITEM = "contract.sign"
BUYERS = (Role.PURCHASER, Role.CITY_BUREAU, Role.COUNTY_BUREAU)
_CONTRACTABLE = ("approved", "planned", "in_progress")


_Words = Annotated[str, Field(min_length=2, max_length=200)]


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AssistingUnit(_Given):
    """A village or community body that helps, and whether it is a third party to the contract (AH-05)."""

    body: Annotated[_Words, Field(description="协助单位")]
    tasks: Annotated[_Words, Field(description="协助事项")]
    party: Annotated[bool, Field(description="作为第三方写入合同")]


class KeyPost(_Given):
    """A key post and the work number of who holds it; never a name."""

    post: Annotated[str, Field(min_length=2, max_length=60, description="关键岗位")]
    ref: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$", description="服务人员编号")]


class InKind(_Given):
    """What is given for the service besides cash, with its value and what the value rests on (AH-25)."""

    item: Annotated[_Words, Field(description="非货币对价")]
    value: Annotated[Amount, Field(description="折价金额")]
    basis: Annotated[_Words, Field(description="作价依据")]


class Attached(_Given):
    """What a contract may say beside its clauses: who helps, key posts, what is given besides cash, the bond."""

    assisting: Annotated[tuple[AssistingUnit, ...], Field(max_length=50, description="协助单位")] = ()
    key_posts: Annotated[tuple[KeyPost, ...], Field(max_length=50, description="关键岗位")] = ()
    in_kind: Annotated[tuple[InKind, ...], Field(max_length=50, description="非货币对价")] = ()
    bond: Annotated[NotNegative | None, Field(description="履约保证金")] = None

    def columns(self) -> dict[str, Any]:
        """Return the columns of the contract's row."""
        return {
            "assisting": [one.model_dump() for one in self.assisting],
            "key_posts": {one.post: one.ref for one in self.key_posts},
            "in_kind": [{"item": one.item, "value_fen": one.value.fen, "basis": one.basis} for one in self.in_kind],
            "bond_fen": None if self.bond is None else self.bond.fen,
        }


class ContractSigned(BaseModel):
    """The contract: its state, what of its price stands committed, by how many days it was late, and warnings."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    committed: Money
    days_late: int
    warnings: tuple[str, ...]


@command("contract.sign", roles=BUYERS, clause="BJ-33")
def sign(
    ctx: Context,
    *,
    procurement: str,
    starts_on: Annotated[date, Field(description="合同开始日期")],
    ends_on: Annotated[date, Field(description="合同终止日期（当日不计入期限）")],
    price: Annotated[Amount, Field(description="合同金额")],
    clauses: Annotated[dict[str, str], Field(description="合同条款")],
    extension_conditions: Annotated[tuple[str, ...], Field(description="期限超过一年时已具备的条件")] = (),
    predecessor: Annotated[str | None, Field(description="接续的前一合同")] = None,
    attached: Annotated[Attached, Field(description="协助单位、关键岗位、非货币对价、履约保证金")] = Attached(),  # noqa: B008
) -> ContractSigned:
    """Sign the contract of an award: price as awarded, at most the longest term, all clauses; planned → committed.

    ``ends_on`` is the first day after the term; ``predecessor`` is the contract this one follows on the same project.
    Publication and filing become due. Raises ``Refusal`` ``contract.term_too_long`` (BJ-36, AH-15),
    ``contract.price_differs`` (LAW-ZFCG-46), ``contract.clause_missing`` (BJ-34), ``procurement.step_missing`` (BJ-24),
    ``contract.successor_overlaps`` (SYS-CONTRACT-ORDER), ``contract.bond_too_high`` (LAW-ZFCGTL-48),
    ``procurement.suspended`` (LAW-ZFCG-57), ``procurement.result_disputed`` (LAW-ZFCGTL-54), ``SYS-STATE`` without an
    award. Warns when a term over one year leaves a condition of extension unstated (AH-14), of tasks pushed
    to who is no party (AH-06), and when signed late.
    """
    with ctx.reading() as session:
        purchase = found(session.get(Procurement, procurement), kind="procurement", id=procurement)
        project = project_of(session, purchase.project_id)
        policy = ctx.policy(region=project.region)
        row = Contract(
            id=ctx.new_id("con"),
            project_id=project.id,
            procurement_id=purchase.id,
            organisation_id=purchase.winner_organisation_id or "",
            state="",
            version=0,
            policy_digest=policy.digest,
            signed_on=ctx.as_of,
            starts_on=starts_on,
            ends_on=ends_on,
            price_fen=price.fen,
            clauses=clauses,
            extension_conditions=list(extension_conditions),
            days_late=_days_late(ctx, purchase, policy),
            predecessor_id=predecessor,
            **attached.columns(),
        )
        check_step(step="contract.signed", happened=types_of(session, project.id), policy=policy)
        unstated = _check(session, ctx, project, purchase, row, policy)
        disputed = _check_undisputed(session, ctx, purchase)
        view = contract_papers.summary_view(session, ctx, row=row, purchase=purchase, project=project, policy=policy)
        version = purchase.version
    paper = documents.render(ctx, kind="contract_summary", view=view, synthetic_fields=view["synthetic_fields"])
    with ctx.writing() as session:
        purchase = locked(session, Procurement, procurement, kind="procurement")
        if purchase.version != version or _check_undisputed(session, ctx, purchase) != disputed:
            raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
        event = transition.apply(session, ctx, row, payload=_payload(row, unstated))
        committed = commit_to(session, ctx, event=event, contract=row, lines=issued_lines(session, row.project_id))
        _follow(session, ctx, row, purchase, policy)
        _file(session, ctx, row, paper, view)
        return _signed(row, committed, warnings=(*_warnings(row, unstated=unstated, policy=policy), *disputed))


def _follow(session: Session, ctx: Context, row: Contract, purchase: Procurement, policy: Policy) -> None:
    """Close what waited for the contract; open what follows: publication, filing, the winner's deposit, its end."""
    work.close_item(session, ctx, kind=SIGN_ITEM, subject_id=purchase.id)
    succession.found(session, ctx, project=row.project_id)
    contract_publication.owe(session, ctx, row, policy)
    won = (bid for bid in bids_of(session, purchase) if bid.organisation_id == row.organisation_id)
    purchase_clocks.owe_bonds(session, ctx, purchase, policy, won)
    contract_watch.expect_end(session, ctx, row, policy)


def _signed(row: Contract, committed: Money, *, warnings: tuple[str, ...]) -> ContractSigned:
    return ContractSigned(
        id=row.id,
        state=f"contract.{row.state}",
        committed=committed,
        days_late=row.days_late,
        warnings=warnings,
    )


def _file(session: Session, ctx: Context, row: Contract, paper: documents.Paper, view: dict[str, Any]) -> None:
    title, issuer = view["title_lines"][0], view["issuer"]
    documents.file_paper(
        session, ctx, paper=paper, project_id=row.project_id, stage="contract", title=title, issuer=issuer
    )


def _check(
    session: Session, ctx: Context, project: Project, purchase: Procurement, row: Contract, policy: Policy
) -> tuple[str, ...]:
    """Check the contract against the award and policy; return the conditions of extension it leaves unstated."""
    lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=project.state, allowed=_CONTRACTABLE)
    lifecycle.check_state_in(thing=Thing.PROCUREMENT, command=ctx.command, state=purchase.state, allowed=("awarded",))
    check_term(starts_on=row.starts_on, ends_on=row.ends_on, policy=policy)
    check_price(price=Money(row.price_fen), awarded=Money(purchase.award_fen or 0))
    check_clauses(clauses=row.clauses, policy=policy)
    changes.check_bond(
        bond=None if row.bond_fen is None else Money(row.bond_fen), price=Money(row.price_fen), policy=policy
    )
    if row.predecessor_id is not None:
        before = found(session.get(Contract, row.predecessor_id), kind="contract", id=row.predecessor_id)
        changes.check_succession(
            same_project=before.project_id == project.id,
            state=before.state,
            ends_on=before.terminated_on or before.ends_on,
            starts_on=row.starts_on,
        )
    return missing_extension_conditions(
        starts_on=row.starts_on, ends_on=row.ends_on, stated=tuple(row.extension_conditions), policy=policy
    )


def _check_undisputed(session: Session, ctx: Context, purchase: Procurement) -> tuple[str, ...]:
    """Hold a contract up while a dispute that may change the result is unanswered, warn of others (LAW-ZFCGTL-54)."""
    check_not_suspended(until=suspended_until(session, purchase.id), on=ctx.as_of)
    waiting = disputes_open(session, purchase.id)
    return check_undisputed(grave=sum(one.affects_award for one in waiting), open_=len(waiting))


def _days_late(ctx: Context, purchase: Procurement, policy: Policy) -> int:
    awarded_on = purchase.award_published_on or purchase.awarded_on or ctx.as_of  # the notice of award starts it
    due = ctx.services.calendar.days_after(awarded_on, days=policy.contract.sign_days, roll=True)
    return days_late(signed_on=ctx.as_of, due_on=due.date)


def _payload(row: Contract, unstated: tuple[str, ...]) -> dict[str, Any]:
    return {
        "procurement_id": row.procurement_id,
        "organisation_id": row.organisation_id,
        "price_fen": row.price_fen,
        "starts_on": row.starts_on.isoformat(),
        "ends_on": row.ends_on.isoformat(),
        "days_late": row.days_late,
        "conditions_unstated": list(unstated),
        "predecessor_id": row.predecessor_id,
        "key_posts": len(row.key_posts),
        "third_parties": sum(one["party"] for one in row.assisting),
        "in_kind_fen": sum(one["value_fen"] for one in row.in_kind),
        "bond_fen": row.bond_fen,
    }


def _warnings(row: Contract, *, unstated: tuple[str, ...], policy: Policy) -> tuple[str, ...]:
    warnings = conditions_warning(unstated=unstated, policy=policy)
    assisting = tuple(changes.Assisting(**one) for one in row.assisting)
    warnings += changes.assisting_warnings(assisting=assisting, policy=policy)
    if row.days_late:
        facts = {"days": row.days_late, "source": policy.clause("contract.sign_days")}
        warnings += (sentence("contract.warning.late", facts),)
    return warnings
