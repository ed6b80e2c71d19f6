"""Commands of the contract (S11): sign what was awarded, terminate what fails.

A late signing is recorded, not blocked: the breach happened, the contract is still due (LAW-ZFCG-46).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, transition, work
from models.commands.ledger import Amount, commit_to, issued_lines, locked, move
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
from models.rules import lifecycle
from models.rules.contract import check_clauses, check_price, check_term, days_late, missing_extension_conditions
from models.rules.funding import Account
from models.rules.lifecycle import Thing
from models.rules.steps import check_step
from models.tables.contract import Contract
from models.tables.kernel import Event, Project
from models.tables.procurement import Organisation, Procurement

SIGN_ITEM = "contract.sign"
_PAYMENT = "payment"
_CLAUSES = "contract.sign.clauses"
_BUYERS = (Role.PURCHASER, Role.CITY_BUREAU, Role.COUNTY_BUREAU)
_SHOWN = ("contract.sign", "procurement.plan", "procurement.register_bid", "procurement.award")
_CONTRACTABLE = ("approved", "planned", "in_progress")


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


@command("contract.sign", roles=_BUYERS, clause="BJ-33")
def sign(
    ctx: Context,
    *,
    procurement: str,
    starts_on: Annotated[date, Field(description="合同开始日期")],
    ends_on: Annotated[date, Field(description="合同终止日期（当日不计入期限）")],
    price: Annotated[Amount, Field(description="合同金额")],
    clauses: Annotated[dict[str, str], Field(description="合同条款")],
    extension_conditions: Annotated[tuple[str, ...], Field(description="期限超过一年时已具备的条件")] = (),
) -> ContractSigned:
    """Sign the contract of an award: price as awarded, at most the longest term, all clauses; planned → committed.

    ``ends_on`` is the first day after the term. Raises ``Refusal`` ``contract.term_too_long`` (BJ-36, AH-15),
    ``contract.price_differs`` (LAW-ZFCG-46), ``contract.clause_missing`` (BJ-34), ``procurement.step_missing`` (BJ-24),
    ``SYS-STATE`` without an award. Warns when a term over one year leaves a condition of extension
    unstated, and when signed late.
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
        )
        check_step(step="contract.signed", happened=types_of(session, project.id), policy=policy)
        unstated = _check(ctx, project, purchase, row, policy)
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
        _file(session, ctx, row, paper, view)
        return ContractSigned(
            id=row.id,
            state=f"contract.{row.state}",
            committed=committed,
            days_late=row.days_late,
            warnings=_warnings(late=row.days_late, unstated=unstated, policy=policy),
        )


def _file(session: Session, ctx: Context, row: Contract, paper: documents.Paper, view: dict[str, Any]) -> None:
    title, issuer = view["title_lines"][0], view["issuer"]
    documents.file_paper(
        session, ctx, paper=paper, project_id=row.project_id, stage="contract", title=title, issuer=issuer
    )


def _check(ctx: Context, project: Project, purchase: Procurement, row: Contract, policy: Policy) -> tuple[str, ...]:
    """Check the contract against the award and policy; return the conditions of extension it leaves unstated."""
    lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=project.state, allowed=_CONTRACTABLE)
    lifecycle.check_state_in(thing=Thing.PROCUREMENT, command=ctx.command, state=purchase.state, allowed=("awarded",))
    check_term(starts_on=row.starts_on, ends_on=row.ends_on, policy=policy)
    check_price(price=Money(row.price_fen), awarded=Money(purchase.award_fen or 0))
    check_clauses(clauses=row.clauses, policy=policy)
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
    }


def _warnings(*, late: int, unstated: tuple[str, ...], policy: Policy) -> tuple[str, ...]:
    warnings = []
    if unstated:
        names = "、".join(policy.contract.extension_conditions[code] for code in unstated)
        warnings.append(sentence("contract.warning.conditions", {"conditions": names}))
    if late:
        warnings.append(
            sentence("contract.warning.late", {"days": late, "source": policy.clause("contract.sign_days")})
        )
    return tuple(warnings)


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


def _payment_note(row: Contract, seen: Marks) -> str:
    """Return the payment clause as the contract words it: the source of instalments while none are kept apart."""
    text = row.clauses.get(_PAYMENT, "").strip()
    return marked(text, seen, _CLAUSES) if text else sentence("contract.paper.no_instalments")


@command("contract.terminate", roles=_BUYERS, clause="BJ-51")
def terminate(
    ctx: Context, *, contract: str, reason: Annotated[str, Field(min_length=2, description="终止原因")]
) -> ContractTerminated:
    """Terminate a signed or running contract with its reason; what was not paid goes back: committed → planned.

    Raises ``Refusal`` ``SYS-STATE``.
    """
    with ctx.writing() as session:
        row = locked(session, Contract, contract, kind="contract")
        lifecycle.check_in_state(thing=Thing.CONTRACT, command=ctx.command, state=row.state)
        row.terminated_on, row.termination_reason = ctx.as_of, reason
        session.add(row)
        event = transition.apply(session, ctx, row, payload={"terminated_on": ctx.as_of.isoformat()})
        released = _release(session, ctx, event, row)
        return ContractTerminated(id=row.id, state=f"contract.{row.state}", released=released)


def _release(session: Session, ctx: Context, event: Event, contract: Contract) -> Money:
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
