"""The command of funding (S09) on the budget: register what was approved, and open its money in the ledger."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, events, work
from models.commands.funding import BUREAUS
from models.commands.ledger import Amount, locked, post
from models.context import Context
from models.core.actors import Role
from models.core.errors import Conflict, Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries.funding import set_aside
from models.queries.ledger import balance
from models.queries.reader import found, project_of
from models.rules.bodies import body_name
from models.rules.force import binding
from models.rules.funding import Account, Leg, check_channel, check_no_donation, check_not_squeezed
from models.tables.funding import BudgetLine, BudgetReview
from models.tables.kernel import Event, Project

TABLE_ITEM = "funding.project_table"  # the table of purchases that goes out with the budget reply (HS-27)


class BudgetRegistered(BaseModel):
    """The new budget line."""

    model_config = ConfigDict(frozen=True)

    id: str
    amount: Money
    remaining: Money


@command("funding.register_budget", roles=BUREAUS, clause="HS-21")
def register_budget(
    ctx: Context,
    *,
    project: str,
    year: Annotated[int, Field(ge=2000, le=2999, description="预算年度")],
    channel: Annotated[str, Field(description="资金渠道")],
    amount: Annotated[Amount, Field(description="批复金额")],
    reply_no: Annotated[str | None, Field(description="批复文号；未载明的留空")] = None,
    replied_on: Annotated[date | None, Field(description="批复日期；不填为办理日期")] = None,
    note: Annotated[str, Field(description="资金渠道说明（其他资金必填）")] = "",
    project_table: Annotated[Upload | None, Field(description="购买服务项目表")] = None,
) -> BudgetRegistered:
    """Register an approved budget line of a project and open its money: appropriation → remaining.

    Raises ``Refusal`` ``funding.channel_unknown`` or ``funding.channel_note`` (ZY-46), ``funding.reply_in_future``,
    ``funding.forbidden_source``, ``funding.squeezed`` (FZ-49), ``funding.donation_without_donor``,
    ``funding.review_negative`` (HS-22); ``Conflict`` ``funding.budget_registered`` for a reply registered already.
    """
    on = replied_on or ctx.as_of
    if on > ctx.as_of:
        raise Refusal("funding.reply_in_future", rule="SYS-DATE", facts={"on": on.isoformat()})
    with ctx.reading() as session:
        policy = ctx.policy(region=project_of(session, project).region)
    check_no_donation(channel=channel)
    check_channel(channel=channel, note=note, policy=policy)
    reply_no = (reply_no or "").strip() or None
    with ctx.writing() as session:
        locked(session, Project, project, kind="project")  # the same reply sent twice at once must see itself
        _check_new(session, project=project, year=year, channel=channel, reply_no=reply_no)
        _check_reviewed(session, project=project, policy=policy)
        check_room(session, wanted=amount, channel=channel, year=year, policy=policy)
        row = BudgetLine(
            id=ctx.new_id("bud"),
            project_id=project,
            year=year,
            channel=channel,
            amount_fen=amount.fen,
            reply_no=reply_no,
            replied_on=on,
            note=note,
        )
        event = _record(session, ctx, row, policy)
        if project_table is not None:
            row.document_id = _file_table(session, ctx, row, project_table, policy)
        elif policy.funding.project_table_with_reply:
            _await_table(session, ctx, row, clause=policy.clause("funding.project_table_with_reply"))
        session.add(row)
        legs = (Leg(Account.APPROPRIATION, channel, year, -amount), Leg(Account.REMAINING, channel, year, amount))
        post(session, ctx, event=event, legs=legs, project_id=project)
        remaining = balance(session, account=Account.REMAINING, channel=channel, year=year, project=project)
        return BudgetRegistered(id=row.id, amount=amount, remaining=remaining)


def check_room(session: Session, *, wanted: Money, channel: str, year: int, policy: Policy) -> None:
    """Refuse money that a channel keeps for basic and special aid, as its book says (FZ-49)."""
    used = -balance(session, account=Account.APPROPRIATION, channel=channel, year=year)
    aside = set_aside(session, channel=channel, year=year)
    check_not_squeezed(wanted=wanted, used=used, aside=aside, policy=policy)


class RequestReviewed(BaseModel):
    """The review; ``positive`` when both content and standard passed."""

    model_config = ConfigDict(frozen=True)

    id: str
    positive: bool


@command("funding.review_request", roles=(Role.FINANCE_BUREAU,), clause="HS-22")
def review_request(
    ctx: Context,
    *,
    project: Annotated[str, Field(description="项目编号")],
    content: Annotated[bool, Field(description="购买内容是否通过审查")],
    standard: Annotated[bool, Field(description="购买标准是否通过审查")],
    opinion: Annotated[str, Field(min_length=2, max_length=2000, description="审查意见")],
) -> RequestReviewed:
    """Record what finance found of the content and the standard of a request; after a negative one nothing is granted.

    Raises ``Refusal`` ``kernel.not_found``.
    """
    with ctx.writing() as session:
        locked(session, Project, project, kind="project")
        last = _last_review(session, project)
        row = BudgetReview(
            id=ctx.new_id("brv"),
            project_id=project,
            ordinal=last.ordinal + 1 if last else 1,
            content=content,
            standard=standard,
            opinion=opinion,
            reviewed_on=ctx.as_of,
        )
        session.add(row)
        events.on_project(
            session,
            ctx,
            project,
            "funding.request_reviewed",
            {"review_id": row.id, "content": content, "standard": standard},
        )
        return RequestReviewed(id=row.id, positive=content and standard)


def _last_review(session: Session, project: str) -> BudgetReview | None:
    reviews = select(BudgetReview).where(col(BudgetReview.project_id) == project)
    return session.exec(reviews.order_by(col(BudgetReview.ordinal).desc())).first()


def _check_reviewed(session: Session, *, project: str, policy: Policy) -> None:
    last = _last_review(session, project)
    if last is not None and not (last.content and last.standard):
        raise Refusal("funding.review_negative", rule=binding(policy=policy, rules=("HS-22", "SYS-FINANCE-REVIEW")))


class TableFiled(BaseModel):
    """The table that was filed to a budget line; ``id`` is the document's."""

    model_config = ConfigDict(frozen=True)

    id: str


@command("funding.file_project_table", roles=BUREAUS, clause="HS-27")
def file_project_table(
    ctx: Context,
    *,
    budget_line: str,
    project_table: Annotated[Upload, Field(description="购买服务项目表")],
) -> TableFiled:
    """File the table of purchases that did not come with the budget reply; the to-do of the line closes.

    Raises ``Conflict`` ``funding.table_filed`` when the line has its table, ``Refusal`` ``kernel.not_found``.
    """
    with ctx.writing() as session:
        row = found(session.get(BudgetLine, budget_line, with_for_update=True), kind="budget_line", id=budget_line)
        if row.document_id is not None:
            raise Conflict("funding.table_filed", rule="SYS-ALREADY-DONE")
        policy = ctx.policy(region=project_of(session, row.project_id).region)
        row.document_id = _file_table(session, ctx, row, project_table, policy)
        session.add(row)
        work.close_item(session, ctx, kind=TABLE_ITEM, subject_id=row.id)
        events.on_project(
            session,
            ctx,
            row.project_id,
            "funding.project_table_filed",
            {"budget_line_id": row.id, "document_id": row.document_id},
        )
        return TableFiled(id=row.document_id)


def _await_table(session: Session, ctx: Context, row: BudgetLine, *, clause: str) -> None:
    """Open the to-do for the table that should have come with the reply (HS-27)."""
    work.open_item(
        session,
        ctx,
        kind=TABLE_ITEM,
        role=Role.FINANCE_BUREAU,
        subject_kind="budget_line",
        subject_id=row.id,
        project_id=row.project_id,
        due_on=ctx.as_of,
        clause=clause,
        resolves_with="funding.file_project_table",
    )


def _check_new(session: Session, *, project: str, year: int, channel: str, reply_no: str | None) -> None:
    """Refuse the same reply again, and a further line without a number: nothing tells it from the first."""
    lines = session.exec(
        select(BudgetLine).where(
            col(BudgetLine.project_id) == project, col(BudgetLine.year) == year, col(BudgetLine.channel) == channel
        )
    ).all()
    same = [line for line in lines if reply_no is None or line.reply_no == reply_no]
    if same:
        facts = {"year": year, "channel": channel, "on": same[0].replied_on.isoformat()}
        raise Conflict("funding.budget_registered", rule="SYS-ALREADY-DONE", facts=facts)


def _record(session: Session, ctx: Context, row: BudgetLine, policy: Policy) -> Event:
    return events.on_project(
        session,
        ctx,
        row.project_id,
        "funding.budget_registered",
        {
            "budget_line_id": row.id,
            "year": row.year,
            "channel": row.channel,
            "amount_fen": row.amount_fen,
            "replied_on": row.replied_on.isoformat(),
            "policy_digest": policy.digest,
        },
    )


def _file_table(session: Session, ctx: Context, row: BudgetLine, table: Upload, policy: Policy) -> str:
    """File the table of purchases that came with the reply (HS-27); return the document's id."""
    return documents.file_upload(
        session,
        ctx,
        stored=table,
        project_id=row.project_id,
        stage="funding",
        kind="project_table",
        title=sentence("funding.paper.project_table"),
        issuer=body_name(policy=policy, role=Role.FINANCE_BUREAU),
        doc_no=row.reply_no,
    ).id
