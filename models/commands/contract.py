"""Commands of the contract (S11): sign what was awarded, terminate what fails.

A late signing is recorded, not blocked: the breach happened, the contract is still due (LAW-ZFCG-46).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import contract_publication, documents, succession, transition, work
from models.commands.ledger import Amount, NotNegative, commit_to, issued_lines, locked, move
from models.commands.procurement_papers import marked, winner_path
from models.context import Context
from models.core.actors import Role
from models.core.errors import Conflict
from models.core.messages import sentence
from models.core.money import Money, capitals
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.chains import types_of
from models.queries.ledger import balance
from models.queries.papers import Sheet, facts, head
from models.queries.provenance import Marks, marks
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
from models.rules.funding import Account
from models.rules.lifecycle import Thing
from models.rules.masking import check_impersonal
from models.rules.steps import check_step
from models.tables.contract import Contract
from models.tables.kernel import Event, Project
from models.tables.procurement import Organisation, Procurement

SIGN_ITEM = "contract.sign"
_PAYMENT = "payment"
_CLAUSES = "contract.sign.clauses"
_ASSISTING = "contract.sign.attached.assisting"
_POSTS = "contract.sign.attached.key_posts"
_IN_KIND = "contract.sign.attached.in_kind"
BUYERS = (Role.PURCHASER, Role.CITY_BUREAU, Role.COUNTY_BUREAU)
_SHOWN = ("contract.sign", "procurement.plan", "procurement.register_bid", "procurement.award")
_CONTRACTABLE = ("approved", "planned", "in_progress")


_Words = Annotated[str, Field(min_length=2, max_length=200)]
_PENALTY_ITEM = "contract.penalty"


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


class ContractTerminated(BaseModel):
    """The terminated contract and what went back from committed to planned."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    released: Money


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
    ``contract.successor_overlaps`` (SYS-CONTRACT-ORDER), ``contract.bond_too_high`` (LAW-ZFCGTL-48), ``SYS-STATE``
    without an award. Warns when a term over one year leaves a condition of extension unstated (AH-14), of tasks pushed
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
        view = _summary_view(session, ctx, row=row, purchase=purchase, project=project, policy=policy)
        version = purchase.version
    paper = documents.render(ctx, kind="contract_summary", view=view, synthetic_fields=view["synthetic_fields"])
    with ctx.writing() as session:
        purchase = locked(session, Procurement, procurement, kind="procurement")
        if purchase.version != version:
            raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
        event = transition.apply(session, ctx, row, payload=_payload(row, unstated))
        committed = commit_to(session, ctx, event=event, contract=row, lines=issued_lines(session, row.project_id))
        work.close_item(session, ctx, kind=SIGN_ITEM, subject_id=purchase.id)
        succession.found(session, ctx, project=row.project_id)
        contract_publication.owe(session, ctx, row, policy)
        _file(session, ctx, row, paper, view)
        return _signed(row, committed, warnings=_warnings(row, unstated=unstated, policy=policy))


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


def _days_late(ctx: Context, purchase: Procurement, policy: Policy) -> int:
    awarded_on = purchase.awarded_on or ctx.as_of
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


def _summary_view(
    session: Session, ctx: Context, *, row: Contract, purchase: Procurement, project: Project, policy: Policy
) -> dict[str, Any]:
    seen = marks(session, project.id, pending=ctx.synthetic, command=ctx.command)
    sheet = Sheet(project, seen, _SHOWN, ctx.as_of, ctx.services.rehearsal)
    winner = found(session.get(Organisation, row.organisation_id), kind="organisation", id=row.organisation_id)
    price = Money(row.price_fen)
    lines = (
        ("purchaser", purchase.purchaser, "procurement.plan.purchaser"),
        ("contractor", winner.name, winner_path(seen)),
        (
            "price",
            sentence("funding.paper.in_words", {"amount": price, "words": capitals(price)}),
            "contract.sign.price",
        ),
        ("signed_on", row.signed_on, "contract.sign.on"),
        ("starts_on", row.starts_on, "contract.sign.starts_on"),
        ("ends_on", row.ends_on, "contract.sign.ends_on"),
        *_attached_lines(row),
    )
    names = policy.contract.clauses
    return {
        **head(sheet=sheet, title="contract.paper.title", issuer=purchase.purchaser),
        "facts": facts(sheet=sheet, stage="contract", lines=lines),
        "amount_unit": sentence("funding.unit.yuan"),
        "payments": [],
        "payment_note": _payment_note(row, seen),
        "terms": [
            marked(sentence("contract.paper.clause", {"name": names.get(code, code), "text": text}), seen, _CLAUSES)
            for code, text in row.clauses.items()
            if code != _PAYMENT
        ],
    }


def _attached_lines(row: Contract) -> list[tuple[str, object | None, str]]:
    """Return what the contract says beside its clauses; in-kind value stands apart from cash (AH-25)."""
    helpers = [one for one in row.assisting if one["party"]]
    told = (
        ("predecessor", row.predecessor_id, "contract.sign.predecessor"),
        ("third_parties", "；".join(f"{one['body']}（{one['tasks']}）" for one in helpers), _ASSISTING),
        ("key_posts", "；".join(f"{post}（{ref}）" for post, ref in row.key_posts.items()), _POSTS),
        ("in_kind", "；".join(f"{one['item']}，折价{Money(one['value_fen'])}元" for one in row.in_kind), _IN_KIND),
        ("bond", None if row.bond_fen is None else Money(row.bond_fen), "contract.sign.attached.bond"),
    )
    return [line for line in told if line[1]]


def _payment_note(row: Contract, seen: Marks) -> str:
    """Return the payment clause as the contract words it: the source of instalments while none are kept apart."""
    text = row.clauses.get(_PAYMENT, "").strip()
    return marked(text, seen, _CLAUSES) if text else sentence("contract.paper.no_instalments")


class Breach(_Given):
    """Why somebody failed: ``serious`` when the public was gravely harmed; ``penalty`` is what was imposed, by whom."""

    serious: Annotated[bool, Field(description="情节严重、造成恶劣社会影响")]
    penalty: Annotated[str, Field(max_length=300, description="处罚决定及机关")] = ""


@command("contract.terminate", roles=BUYERS, clause="BJ-51")
def terminate(
    ctx: Context,
    *,
    contract: str,
    reason: Annotated[str, Field(min_length=2, description="终止原因")],
    breach: Annotated[Breach | None, Field(description="违约情形")] = None,
) -> ContractTerminated:
    """Terminate a signed or running contract with its reason; what was not paid goes back: committed → planned.

    After a serious breach the bar of the contractor becomes due (BJ-52), and a successor where people are left
    (ZY-28). Raises ``Refusal`` ``contract.penalty_missing`` (BJ-51), ``SYS-STATE``.
    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = locked(session, Contract, contract, kind="contract")
        lifecycle.check_in_state(thing=Thing.CONTRACT, command=ctx.command, state=row.state)
        policy = ctx.policy(region=project_of(session, row.project_id).region)
        rule = None
        if breach is not None:
            rule = changes.check_breach(serious=breach.serious, penalty=breach.penalty, policy=policy)
            row.breach = {**breach.model_dump(), "rule": rule}
            if rule:
                _await_bar(session, ctx, row, rule)
        row.terminated_on, row.termination_reason = ctx.as_of, reason
        session.add(row)
        payload = {"terminated_on": ctx.as_of.isoformat(), "breach": breach is not None, "breach_rule": rule}
        event = transition.apply(session, ctx, row, payload=payload)
        succession.seek(session, ctx, row, policy)
        return ContractTerminated(id=row.id, state=f"contract.{row.state}", released=release(session, ctx, event, row))


def _await_bar(session: Session, ctx: Context, row: Contract, rule: str) -> None:
    """Ask the bureau for the bar that follows a serious breach (BJ-52); its term is the bureau's to set."""
    work.open_item(
        session,
        ctx,
        kind=_PENALTY_ITEM,
        role=Role.CITY_BUREAU,
        subject_kind="contract",
        subject_id=row.id,
        project_id=row.project_id,
        due_on=ctx.as_of,
        clause=rule,
        resolves_with="procurement.bar",
    )


def release(session: Session, ctx: Context, event: Event, contract: Contract) -> Money:
    """Give back to the plan what stands committed to a contract and is unpaid: committed → planned."""
    released = Money.ZERO
    for line in issued_lines(session, contract.project_id):
        amount = balance(session, account=Account.COMMITTED, plan_line=line.id, contract=contract.id)
        move(
            session,
            ctx,
            event=event,
            line=line,
            source=Account.COMMITTED,
            target=Account.PLANNED,
            amount=amount,
            contract_id=contract.id,
        )
        released += amount
    return released
