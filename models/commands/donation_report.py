"""What the public is to be told of donated money (S09, 慈善法 art. 79): due rows, and the reports that settle them.

The charity tells; the bureau that spends its money sees to it and files what was told. Opened by the daily flow
``funding-open-due``. Must never name a donor.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.commands import documents, events, work
from models.commands.funding import BUREAUS
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.registry import command
from models.core.uploads import Upload
from models.queries.reader import project_of
from models.rules.donation import DISCLOSURE_LAW, FINAL, INTERIM, Disclosure, DonatedProject, disclosures_owed
from models.rules.funding import DONATION, Account
from models.tables.contract import Contract
from models.tables.funding import Fund, Posting
from models.tables.kernel import Document, Event, WorkItem

REPORT_ITEM: Final = "funding.donation_report"
_KINDS: Final = {INTERIM: "donation_report", FINAL: "donation_final_report"}
_ENDS: Final = ("project.completed", "project.stopped", "project.converted")
_USED: Final = (Account.PLANNED, Account.COMMITTED, Account.PAID, Account.RECOVERED)


class ReportsOpened(BaseModel):
    """How many tellings of donated money are newly owed."""

    model_config = ConfigDict(frozen=True)

    opened: int


class ReportFiled(BaseModel):
    """The report that was filed and how many due rows it settled."""

    model_config = ConfigDict(frozen=True)

    id: str
    closed: int


@command("funding.open_donation_reports", roles=(Role.SYSTEM, *BUREAUS), clause=DISCLOSURE_LAW)
def open_donation_reports(ctx: Context) -> ReportsOpened:
    """Open what is owed to the public of each project that money from public fundraising pays, each period once.

    Whatever outage lay between, every period that began is opened; one that is told of already is not.
    """
    policy = ctx.policy(region=ctx.services.region)
    opened = 0
    with ctx.writing() as session:
        known = set(session.exec(select(WorkItem.subject_id).where(col(WorkItem.kind) == REPORT_ITEM)))
        for name, project in _donated(session):
            told = _told(session, name)
            for owed in disclosures_owed(project=project, as_of=ctx.as_of, policy=policy):
                subject = f"{name}:{owed.kind}:{owed.since.isoformat()}"
                if subject in known or any(kind == _KINDS[owed.kind] and on >= owed.since for kind, on in told):
                    continue
                _open(session, ctx, name, subject, owed)
                opened += 1
    return ReportsOpened(opened=opened)


def _donated(session: Session) -> Iterator[tuple[str, DonatedProject]]:
    """Yield every project whose issued plan lines hold or spent money from public fundraising, with its term."""
    projects = session.exec(
        select(Posting.project_id)
        .join(Fund, col(Fund.id) == col(Posting.fund_id))
        .where(col(Fund.kind) == DONATION, col(Fund.public_fundraising), col(Posting.account).in_(_USED))
        .group_by(col(Posting.project_id))
        .having(func.sum(Posting.amount_fen) > 0)
        .order_by(col(Posting.project_id))
    ).all()
    first, last = func.min(col(Contract.starts_on)), func.max(col(Contract.ends_on))
    terms = select(Contract.project_id, first, last).group_by(col(Contract.project_id))
    ends = select(Event.stream_id, func.max(col(Event.occurred_at))).where(col(Event.type).in_(_ENDS))
    ended = dict(session.exec(ends.group_by(col(Event.stream_id))).all())
    by_project = {project: (starts_on, ends_on) for project, starts_on, ends_on in session.exec(terms)}
    for project in projects:
        if project in by_project:
            yield project, DonatedProject(*by_project[project], ended_on=ended.get(project))


def _told(session: Session, project: str) -> list[tuple[str, date]]:
    rows = select(col(Document.kind), col(Document.issued_on)).where(
        col(Document.project_id) == project, col(Document.kind).in_(_KINDS.values())
    )
    return list(session.exec(rows).all())


def _open(session: Session, ctx: Context, project: str, subject: str, owed: Disclosure) -> None:
    work.open_item(
        session,
        ctx,
        kind=REPORT_ITEM,
        role=Role.CITY_BUREAU,
        subject_kind="project",
        subject_id=subject,
        project_id=project,
        due_on=owed.due_on,
        clause=DISCLOSURE_LAW,
        resolves_with="funding.file_donation_report",
        note=sentence(f"funding.donation_report.{owed.kind}"),
    )


@command("funding.file_donation_report", roles=CIVIL_AFFAIRS, clause=DISCLOSURE_LAW)
def file_donation_report(
    ctx: Context,
    *,
    project: Annotated[str, Field(description="项目编号")],
    report: Annotated[Upload, Field(description="慈善组织公开的情况说明")],
    sites: Annotated[tuple[str, ...], Field(min_length=1, max_length=20, description="公开渠道")],
    final: Annotated[bool, Field(description="项目结束后的全面公开")] = False,
) -> ReportFiled:
    """File what the charity told the public of a project; what was owed of it by now is done, the final telling settles
    every earlier one.

    Raises ``Refusal`` ``funding.project_goes_on`` for a final telling before the end, ``kernel.not_found``.
    """
    kind = FINAL if final else INTERIM
    with ctx.writing() as session:
        row = project_of(session, project)
        over = select(Event.event_id).where(col(Event.stream_id) == project, col(Event.type).in_(_ENDS))
        if final and session.exec(over).first() is None:
            raise Refusal("funding.project_goes_on", rule=DISCLOSURE_LAW)
        document = documents.file_upload(
            session,
            ctx,
            stored=report,
            project_id=row.id,
            stage="funding",
            kind=_KINDS[kind],
            title=sentence(f"funding.donation_report.{kind}"),
            issuer=sentence("funding.charity"),
        )
        payload = {"document_id": document.id, "final": final, "sites": len(sites)}
        events.on_project(session, ctx, row.id, "funding.donation_reported", payload)
        return ReportFiled(id=document.id, closed=_settle(session, ctx, row.id, final=final))


def _settle(session: Session, ctx: Context, project: str, *, final: bool) -> int:
    items = session.exec(
        select(WorkItem).where(
            col(WorkItem.kind) == REPORT_ITEM, col(WorkItem.project_id) == project, col(WorkItem.status) == "open"
        )
    ).all()
    settled = [one.subject_id for one in items if final or f":{INTERIM}:" in one.subject_id]
    for subject in settled:
        work.close_item(session, ctx, kind=REPORT_ITEM, subject_id=subject)
    return len(settled)
