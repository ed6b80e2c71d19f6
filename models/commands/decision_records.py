"""Commands that record what decision and approval rest on (S07, S08): who pays, the mechanism's meetings and office,
the formalities before a start, the printed register of numbers.

Units and counts only, never people. Events hold ids, dates, amounts, counts and digests.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.commands import documents, events, work
from models.commands.decision import MEETING_RECORD, meeting_subject
from models.commands.decision_approval import OFFICE_ROSTER
from models.commands.ledger import Amount
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, HANDLERS, Role
from models.core.errors import Conflict
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.core.uploads import Upload
from models.queries.decision import (
    applied_amounts,
    completed_formalities,
    meeting_of,
    newest_formality,
    office_of,
)
from models.queries.decision_register import register_view
from models.queries.reader import project_of
from models.rules import decision_records as rules
from models.rules import lifecycle
from models.rules.bodies import body_name
from models.rules.decision_records import Share
from models.rules.lifecycle import Thing
from models.rules.masking import check_impersonal
from models.tables.decision import FunderShare, MechanismMeeting, OfficeRoster, StartFormality, VoidedPaper
from models.tables.kernel import Project

_STAGE: Final = "decision"
_STREAM: Final = "mechanism"
_BEFORE_DECISION: Final = (
    "in_library",
    "submitted",
    "returned",
    "candidate",
    "under_review",
    "reviewed",
    "on_publicity",
    "objection",
)
_BEFORE_START: Final = ("approved", "planned")
Unit = Annotated[str, Field(min_length=1, max_length=120)]


class PayerShare(BaseModel):
    """What one payer bears; an enterprise also gives its credit code and the account it decides with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    party: Annotated[Literal["government", "enterprise"], Field(description="出资方:government 政府、enterprise 企业")]
    name: Annotated[Unit, Field(description="出资单位")]
    credit_code: Annotated[str, Field(max_length=18, description="统一社会信用代码(企业必填)")] = ""
    account: Annotated[str, Field(max_length=64, description="出资企业的系统账号(企业必填)")] = ""
    channel: Annotated[str, Field(max_length=60, description="资金渠道")]
    sub_ledger: Annotated[Unit, Field(description="分账名称")]
    amount: Annotated[Amount, Field(description="分担金额")]


class Attending(BaseModel):
    """A unit at a meeting and how many came for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Annotated[Role, Field(description="机关角色")]
    unit: Annotated[Unit, Field(description="单位")]
    persons: Annotated[int, Field(ge=1, le=200, description="到会人数")]


class OfficeMember(BaseModel):
    """A unit of the mechanism's office."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[str, Field(description="单位类别")]
    unit: Annotated[Unit, Field(description="单位")]
    lead: Annotated[bool, Field(description="是否牵头")] = False


class SharesRecorded(BaseModel):
    """The shares on record now; ``id`` is the project, ``by_channel`` what each channel bears."""

    model_config = ConfigDict(frozen=True)

    id: str
    shares: int
    by_channel: dict[str, Money]


class Recorded(BaseModel):
    """What was put on record, and the document filed with it, if any."""

    model_config = ConfigDict(frozen=True)

    id: str
    document: str | None = None


@command("decision.record_shares", roles=CIVIL_AFFAIRS, clause="ZY-10")
def record_shares(
    ctx: Context,
    *,
    project: str,
    shares: Annotated[tuple[PayerShare, ...], Field(min_length=1, max_length=40, description="各方分担")],
) -> SharesRecorded:
    """Record who bears which part of a project in which sub-ledger; it replaces what was recorded before.

    Raises ``Refusal`` ``decision.share_parties`` (ZY-71 to ZY-73), ``decision.enterprise_unnamed`` (ZY-72),
    ``decision.sub_ledger_shared``, ``decision.shares_differ`` (ZY-10), ``SYS-STATE`` once it is decided.
    """
    given = [Share(**share.model_dump(exclude={"amount"}), amount=share.amount) for share in shares]
    with ctx.writing() as session:
        row = project_of(session, project)
        state = row.state
        lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=state, allowed=_BEFORE_DECISION)
        policy = ctx.policy(region=row.region)
        applied = applied_amounts(session, project_id=project, policy=policy)
        rules.check_shares(shares=given, payer=row.payer, applied=applied, policy=policy)
        last = session.exec(select(func.max(FunderShare.ordinal)).where(col(FunderShare.project_id) == project)).one()
        for position, share in enumerate(given):
            session.add(_share(ctx, project, share, ordinal=(last or 0) + 1, position=position))
        channels = dict.fromkeys(share.channel for share in given)
        borne = {code: Money.total(share.amount for share in given if share.channel == code) for code in channels}
        payload = {
            "shares": len(given),
            "amounts_fen": {code: amount.fen for code, amount in borne.items()},
            "shares_digest": digest([share.model_dump(mode="json") for share in shares]),
        }
        events.on_project(session, ctx, project, "decision.shares_recorded", payload)
        return SharesRecorded(id=project, shares=len(given), by_channel=borne)


def _share(ctx: Context, project: str, share: Share, *, ordinal: int, position: int) -> FunderShare:
    return FunderShare(
        id=ctx.new_id("shr", project, str(position)),
        project_id=project,
        ordinal=ordinal,
        position=position,
        party=share.party,
        name=share.name,
        credit_code=share.credit_code or None,
        account=share.account or None,
        channel=share.channel,
        sub_ledger=share.sub_ledger,
        amount_fen=share.amount.fen,
        recorded_on=ctx.as_of,
    )


@command("decision.record_meeting", roles=CIVIL_AFFAIRS, clause="ZY-11")
def record_meeting(
    ctx: Context,
    *,
    meeting_no: Annotated[str, Field(min_length=1, max_length=60, description="会议编号")],
    held_on: Annotated[date, Field(description="会议日期")],
    chaired_by: Annotated[Role, Field(description="牵头机关")],
    attendance: Annotated[tuple[Attending, ...], Field(min_length=1, max_length=60, description="到会单位")],
    matters: Annotated[tuple[str, ...], Field(description="议题类别")],
    minutes: Annotated[Upload, Field(description="会议纪要")],
) -> Recorded:
    """Record a meeting of the mechanism with who attended; decisions name it by its number.

    Raises ``Refusal`` ``decision.meeting_chair`` (ZY-11), ``decision.unknown_matter``, ``decision.meeting_in_future``;
    ``Conflict`` ``decision.meeting_recorded`` for a number that is on record.
    """
    region = ctx.services.region
    policy = ctx.policy(region=region)
    attending = [one.role for one in attendance]
    rules.check_meeting(
        chaired_by=chaired_by, attending=attending, matters=matters, held_on=held_on, on=ctx.as_of, policy=policy
    )
    with ctx.writing() as session:
        if meeting_of(session, region, meeting_no) is not None:
            raise Conflict("decision.meeting_recorded", rule="SYS-UNIQUE")
        document = documents.file_upload(
            session,
            ctx,
            stored=minutes,
            project_id=None,
            stage=_STAGE,
            kind="meeting_minutes",
            title=sentence("decision.meeting.title", {"meeting_no": meeting_no.strip()}),
            issuer=body_name(policy=policy, role=chaired_by),
        )
        row = MechanismMeeting(
            id=ctx.new_id("mtg", region, meeting_no),
            region=region,
            meeting_no=meeting_no.strip(),
            held_on=held_on,
            chaired_by=chaired_by.value,
            attendance=[one.model_dump(mode="json") for one in attendance],
            matters=list(matters),
            document_id=document.id,
            recorded_on=ctx.as_of,
            policy_digest=policy.digest,
        )
        session.add(row)
        _tell_met(session, ctx, row)
        return Recorded(id=row.id, document=document.id)


def _tell_met(session: Session, ctx: Context, row: MechanismMeeting) -> None:
    """Append the event of a meeting and close the work item that asked for its record."""
    payload = {
        "meeting_id": row.id,
        "held_on": row.held_on.isoformat(),
        "units": len(row.attendance),
        "persons": sum(one["persons"] for one in row.attendance),
        "matters": row.matters,
        "document_id": row.document_id,
    }
    events.append(session, ctx, stream_kind=_STREAM, stream_id=row.region, type="mechanism.met", payload=payload)
    subject = meeting_subject(region=row.region, meeting_no=row.meeting_no, project="")
    work.close_item(session, ctx, kind=MEETING_RECORD, subject_id=subject)


@command("decision.record_office", roles=HANDLERS, clause="ZY-12")
def record_office(
    ctx: Context,
    *,
    members: Annotated[tuple[OfficeMember, ...], Field(min_length=1, max_length=60, description="组成单位")],
) -> Recorded:
    """Record the next version of who makes up the office. Raises ``decision.office_composition`` (ZY-12)."""
    region = ctx.services.region
    policy = ctx.policy(region=region)
    rules.check_office(members=[(member.kind, member.lead) for member in members], policy=policy)
    with ctx.writing() as session:
        previous = office_of(session, region)
        row = OfficeRoster(
            id=ctx.new_id("ofc", region),
            region=region,
            version=previous.version + 1 if previous else 1,
            members=[member.model_dump(mode="json") for member in members],
            recorded_on=ctx.as_of,
            policy_digest=policy.digest,
        )
        session.add(row)
        payload = {"roster_id": row.id, "version": row.version, "members": len(members), "digest": digest(row.members)}
        events.append(session, ctx, stream_kind=_STREAM, stream_id=region, type="mechanism.office", payload=payload)
        work.close_item(session, ctx, kind=OFFICE_ROSTER, subject_id=region)
        return Recorded(id=row.id)


@command("decision.record_formality", roles=(*CIVIL_AFFAIRS, Role.PURCHASER), clause="ZY-76")
def record_formality(
    ctx: Context,
    *,
    project: str,
    code: Annotated[str, Field(description="手续代码")],
    reference: Annotated[str, Field(min_length=1, max_length=120, description="文号或者编号")],
    paper: Annotated[Upload, Field(description="手续材料")],
    reason: Annotated[str, Field(max_length=500, description="更换理由(更换已登记的手续时必填)")] = "",
) -> Recorded:
    """File a formality that is complete before the start; with a reason it replaces the one on file, which stays.

    Raises ``decision.unknown_formality``, ``decision.formality_recorded`` for a second one without a reason,
    ``SYS-STATE`` before the approval or after the start.
    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = project_of(session, project)
        lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=_BEFORE_START)
        policy = ctx.policy(region=row.region)
        name = rules.check_formality(code=code, policy=policy)
        previous = newest_formality(session, project, code)
        rules.check_replaced(recorded=previous is not None, reason=reason)
        document = documents.file_upload(
            session,
            ctx,
            stored=paper,
            project_id=project,
            stage=_STAGE,
            kind="start_formality",
            title=name,
            issuer=body_name(policy=policy, role=ctx.actor.role),
        )
        formality = StartFormality(
            id=ctx.new_id("fml", project, code),
            project_id=project,
            code=code,
            ordinal=previous.ordinal + 1 if previous else 1,
            reference=reference,
            reason=reason if previous else "",
            document_id=document.id,
            completed_on=ctx.as_of,
        )
        session.add(formality)
        if previous is not None:
            session.add(
                VoidedPaper(document_id=previous.document_id, project_id=project, reason=reason, voided_on=ctx.as_of)
            )
        payload = {"code": code, "version": formality.ordinal, "document_id": document.id}
        events.on_project(session, ctx, project, "decision.formality_recorded", payload)
        return Recorded(id=formality.id, document=document.id)


def check_formalities_complete(session: Session, ctx: Context, project: Project) -> None:
    """Refuse a start while a formality is open (ZY-76); called by ``delivery.start``."""
    completed = completed_formalities(session, project.id)
    rules.check_start_formalities(completed=completed, policy=ctx.policy(region=project.region))


@command("decision.print_register", roles=CIVIL_AFFAIRS, clause="ZY-70")
def print_register(
    ctx: Context, *, year: Annotated[int, Field(ge=2000, le=2999, description="年度")], series: str = ""
) -> Recorded:
    """Print the register of document numbers of a year as xlsx, voided numbers with their reasons."""
    with ctx.reading() as session:
        view = register_view(ctx.reader(session), year=year, series=series, rehearsal=ctx.services.rehearsal)
    paper = documents.render(ctx, kind="number_register_xlsx", view=view)
    with ctx.writing() as session:
        document = documents.file_paper(
            session, ctx, paper=paper, project_id=None, stage=_STAGE, title=view["title"], issuer=view["issuer"]
        )
        return Recorded(id=document.id, document=document.id)
