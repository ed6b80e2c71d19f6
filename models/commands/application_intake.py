"""What the office does with an application (S03): accept it against the pinned guide, or return it with all gaps at
once; and the files applicants attach before they submit.

Conditions are those of the guide a case was submitted under: none may be added, none left out (ZY-15). What is missing
is told once (BJ-56): a second return may name only what was told before or what changed since.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import Session, col, func, select

from models.commands import application_record, documents, events, project_papers, transition
from models.commands.application import APPLICANTS, ApplicationMoved
from models.context import Context
from models.core.actors import HANDLERS
from models.core.hashing import digest
from models.core.registry import command
from models.core.uploads import Upload
from models.queries import application_case
from models.queries.application import submitter_of
from models.queries.application_paper import notice_view
from models.queries.reader import project_of
from models.rules import application as rules
from models.rules import lifecycle
from models.rules.bodies import body_name
from models.rules.lifecycle import Thing
from models.tables.application import Application, ApplicationAttachment
from models.tables.kernel import Project

_BEFORE: Final = ("in_library", "submitted", "returned")
_SUBMITTED: Final = ("submitted",)

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1_000)]


class _Argument(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReviewGap(_Argument):
    """One gap the reviewer found, resting on a condition of the guide; ``part`` is the part it concerns."""

    condition: Annotated[str, Field(max_length=40, description="审查条件代码")] = ""
    part: Annotated[str, Field(max_length=80, description="所涉部分")] = ""
    what: Annotated[Line, Field(min_length=1, description="缺什么、怎么补")]


class ReviewFinding(_Argument):
    """What was found of one condition."""

    condition: Annotated[str, Field(max_length=40, description="审查条件代码")]
    met: Annotated[bool, Field(description="是否符合")]


class ApplicationReturned(ApplicationMoved):
    """The project's new state, everything that was told, and the notice that tells it."""

    gaps: tuple[str, ...]
    notice: str


class ApplicationAccepted(BaseModel):
    """The accepted submission and the notice that says so."""

    model_config = ConfigDict(frozen=True)

    id: str
    notice: str


class AttachmentFiled(BaseModel):
    """The attached file; the next submission takes the newest of each kind."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    document: str


@command("application.attach", roles=APPLICANTS, clause="ZY-14")
def attach(
    ctx: Context,
    *,
    project: str,
    kind: Annotated[str, Field(min_length=1, max_length=40, description="附件代码（见工作指南）")],
    file: Annotated[Upload, Field(description="附件文件")],
) -> AttachmentFiled:
    """Attach a file to the project's next submission. Raises ``Refusal`` ``application.attachment_unknown`` (ZY-14),
    ``application.not_yours`` for a purchaser or contractor that did not submit it."""
    with ctx.writing() as session:
        row = project_of(session, project)
        lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=_BEFORE)
        rules.check_own(actor=ctx.actor, submitter=submitter_of(session, project))
        policy = ctx.policy(region=row.region)
        known = application_case.asked_attachments(
            session, project=project, state=row.state, policy=policy, on=ctx.as_of
        )
        rules.check_attachment(kind=kind, known=known, policy=policy)
        filed = documents.file_upload(
            session,
            ctx,
            stored=file,
            project_id=project,
            stage="application",
            kind="application_attachment",
            title=(known or {}).get(kind, kind),
            issuer=body_name(policy=policy, role=ctx.actor.role),
        )
        attachment = ApplicationAttachment(
            id=ctx.new_id("att", project, kind),
            project_id=project,
            kind=kind,
            ordinal=_next_ordinal(session, project, kind),
            name=file.name,
            sha256=file.sha256,
            document_id=filed.id,
            attached_on=ctx.as_of,
        )
        session.add(attachment)
        payload = {"attachment_id": attachment.id, "kind": kind, "document_id": filed.id, "sha256": file.sha256}
        events.on_project(session, ctx, project, "application.attached", payload)
        return AttachmentFiled(id=attachment.id, kind=kind, document=filed.id)


@command("application.accept", roles=HANDLERS, clause="ZY-15")
def accept(
    ctx: Context,
    *,
    project: str,
    conditions: Annotated[tuple[ReviewFinding, ...], Field(max_length=100, description="审查条件逐条结论")] = (),
    public_benefit: Annotated[bool | None, Field(description="是否以非经营、公益为主")] = None,
) -> ApplicationAccepted:
    """Accept an application after looking at every condition of its guide, no more and no fewer.

    Raises ``Refusal`` ``application.condition_unknown``, ``application.condition_dropped`` (ZY-15),
    ``application.still_missing`` (ZY-14), ``application.nature_unstated``, ``application.commercial`` (ZY-123),
    ``application.accepted_already`` (SYS-STATE).
    """
    with ctx.reading() as session:
        row, seen = _seen(session, ctx, project)
        policy = ctx.policy(region=row.region)
        rules.check_not_accepted(accepted=seen.application.accepted_on is not None)
        rules.check_accepted(
            findings=tuple(rules.Finding(item.condition, item.met) for item in conditions),
            case=seen.case,
            policy=policy,
        )
        rules.check_public_benefit(public_benefit=public_benefit, policy=policy)
        revision, view = seen.application.id, _notice(session, ctx, row, seen, gaps=())
    notice = project_papers.printed(ctx, kind="application_notice", view=view)
    with ctx.writing() as session:
        row, application = _unchanged(session, ctx, project, revision)
        rules.check_not_accepted(accepted=application.accepted_on is not None)
        application.notice_id = project_papers.filed(session, ctx, project=project, stage="application", printed=notice)
        application.accepted_on = ctx.as_of
        session.add(application)
        application_record.close_intake(session, ctx, application=application)
        payload = {
            "application_id": application.id,
            "guide_id": application.guide_id,
            "conditions": sorted(item.condition for item in conditions),
            "public_benefit": public_benefit,
        }
        events.on_project(session, ctx, project, "application.accepted", payload)
        return ApplicationAccepted(id=application.id, notice=application.notice_id)


@command("application.return_for_correction", roles=HANDLERS, clause="ZY-14")
def return_for_correction(
    ctx: Context,
    *,
    project: str,
    gaps: Annotated[tuple[str, ...], Field(max_length=50, description="需要补正的内容")] = (),
    conditions: Annotated[tuple[ReviewGap, ...], Field(max_length=100, description="不符合的审查条件")] = (),
) -> ApplicationReturned:
    """Return an application with everything that is missing told at once: the reviewer's gaps and those a machine sees.

    Raises ``Refusal`` ``application.gaps_missing`` (ZY-14), ``application.condition_unknown``,
    ``application.gap_without_condition`` (ZY-15), ``application.not_told_before`` (BJ-56),
    ``application.accepted_already`` (SYS-STATE).
    """
    with ctx.reading() as session:
        row, seen = _seen(session, ctx, project)
        rules.check_not_accepted(accepted=seen.application.accepted_on is not None)
        policy = ctx.policy(region=row.region)
        rules.check_words(gaps=gaps, policy=policy)
        found = (
            *(rules.Gap(gap.strip()) for gap in gaps),
            *(rules.Gap(item.what, item.condition, item.part) for item in conditions),
        )
        told = rules.check_return(gaps=found, case=seen.case, policy=policy)
        texts = tuple(gap.text for gap in told)
        revision, view = seen.application.id, _notice(session, ctx, row, seen, gaps=texts)
    notice = project_papers.printed(ctx, kind="application_notice", view=view)
    with ctx.writing() as session:
        row, application = _unchanged(session, ctx, project, revision)
        rules.check_not_accepted(accepted=application.accepted_on is not None)
        application.gaps, application.returned_on = list(texts), ctx.as_of
        application.told = [{"text": gap.text, "about": gap.about, "part": gap.part} for gap in told]
        application.notice_id = project_papers.filed(session, ctx, project=project, stage="application", printed=notice)
        session.add(application)
        application_record.close_clocks(session, ctx, application=application)
        payload = {"application_id": application.id, "gaps": len(texts), "gaps_digest": digest(list(texts))}
        transition.apply(session, ctx, row, payload=payload)
        return ApplicationReturned(id=row.id, state=f"project.{row.state}", gaps=texts, notice=application.notice_id)


def _seen(session: Session, ctx: Context, project: str) -> tuple[Project, application_case.Reviewed]:
    row = project_of(session, project)
    lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=_SUBMITTED)
    policy = ctx.policy(region=row.region)
    return row, application_case.reviewed(session, project=project, policy=policy, vault=ctx.services.vault)


def _unchanged(session: Session, ctx: Context, project: str, revision: str) -> tuple[Project, Application]:
    """Return project and application for writing. Raises ``Conflict`` when another submission is visible by now."""
    row, seen = _seen(session, ctx, project)
    application_record.check_same(before=revision, now=seen.application.id)
    return row, seen.application


def _notice(
    session: Session, ctx: Context, row: Project, seen: application_case.Reviewed, *, gaps: tuple[str, ...]
) -> dict[str, Any]:
    sheet = project_papers.sheet(session, ctx, row, sources=("application.submit", ctx.command))
    issuer = body_name(policy=ctx.policy(region=row.region), role=ctx.actor.role)
    return notice_view(sheet=sheet, application=seen.application, guide=seen.guide, issuer=issuer, gaps=gaps)


def _next_ordinal(session: Session, project: str, kind: str) -> int:
    last = session.exec(
        select(func.max(ApplicationAttachment.ordinal)).where(
            col(ApplicationAttachment.project_id) == project, col(ApplicationAttachment.kind) == kind
        )
    ).one()
    return (last or 0) + 1
