"""Writing a submission down (S03): rows, attachments as they stand, the pinned guide, the office's clocks, the paper.

Called by ``commands.application`` once gate and rules have passed, and by ``commands.application_intake`` for clocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlmodel import Session

from models.commands import documents, guide, project_papers, work
from models.commands.application_entry import PARTS
from models.context import Context
from models.core.actors import Role
from models.core.errors import Conflict
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.ports import GateResult, StoredObject
from models.queries.application import attachments_of, newest_application
from models.queries.application_paper import Submission, paper_view
from models.queries.guide import guide_in_force
from models.queries.papers import Sheet
from models.queries.provenance import field_label
from models.queries.reader import project_of
from models.rules.bodies import body_name
from models.rules.force import binding
from models.tables.application import Application, ApplicationBudgetLine, ApplicationTeamMember
from models.tables.guide import ApplicationGuide
from models.tables.kernel import Project

APPRAISAL_DUE: Final = "application.appraisal"
INTAKE_DUE: Final = "application.intake"
"""The work items that hold the office to its own time limits (ZY-16); their subject is the application."""


@dataclass(frozen=True)
class Checked:
    """A submission that passed gate and rules; ``design``: the points, filled in in the form or beside it (ZY-04)."""

    row: Mapping[str, Any]
    design: Mapping[str, str]
    total: Money
    result: GateResult
    policy: Policy


@dataclass(frozen=True)
class Draft:
    """What a submission will be: its revision, the guide it is pinned to, what is attached, its paper."""

    revision: int
    previous: str | None
    guide_id: str | None
    limits: Mapping[str, int]
    attachments: tuple[dict[str, str], ...]
    view: Mapping[str, Any] | None


@dataclass(frozen=True)
class Stored:
    """The files of a submission, stored but without rows."""

    filed: Any  # StoredObject of an inline plan book, Upload of a form
    report: StoredObject
    paper: project_papers.Printed | None


def drafted(session: Session, ctx: Context, *, row: Project, checked: Checked, renewed: bool) -> Draft:
    """Read what a submission will be. A correction keeps the guide its case is pinned to; a new application
    (``renewed``) is pinned to the one in force (decision 11)."""
    previous = newest_application(session, row.id)
    if previous is None or renewed:
        pinned = guide_in_force(session, lineage=checked.policy.lineage, on=ctx.as_of)
    else:
        pinned = session.get(ApplicationGuide, previous.guide_id) if previous.guide_id else None
    revision = previous.revision + 1 if previous else 1
    attached = attachments_of(session, row.id)
    view = None
    if pinned is not None:
        submission = Submission(checked.row, checked.design, attached, revision, pinned, checked.total)
        sheet: Sheet = project_papers.sheet(session, ctx, row, sources=(ctx.command,))
        view = paper_view(sheet=sheet, submission=submission, policy=checked.policy, command=ctx.command)
    return Draft(
        revision=revision,
        previous=previous.id if previous else None,
        guide_id=pinned.id if pinned else None,
        limits=pinned.content["time_limits"] if pinned else {},
        attachments=attached,
        view=view,
    )


def record(
    session: Session, ctx: Context, *, row: Project, checked: Checked, draft: Draft, stored: Stored, renewed: bool
) -> Application:
    """Write the submission and start the office's clocks; the caller moves the project.

    Raises ``Conflict`` when somebody submitted meanwhile.
    """
    previous = newest_application(session, row.id)
    check_same(before=draft.previous, now=previous.id if previous else None)
    entry = checked.row
    unit = entry["applicant"] or body_name(policy=checked.policy, role=ctx.actor.role)
    document = _file(session, ctx, project=row.id, stored=stored.filed, kind="plan_book", issuer=unit)
    office = body_name(policy=checked.policy, role=Role.EVALUATION_OFFICE)
    _file(session, ctx, project=row.id, stored=stored.report, kind="gate_report", issuer=office)
    paper = (
        project_papers.filed(session, ctx, project=row.id, stage="application", printed=stored.paper)
        if stored.paper
        else None
    )
    application = Application(
        id=ctx.new_id("app", row.id),
        project_id=row.id,
        revision=draft.revision,
        policy_digest=checked.policy.digest,
        applicant=entry["applicant"],
        credit_code=entry["credit_code"],
        parts={part: entry[part] or "" for part in PARTS},
        starts_on=entry["starts_on"],
        ends_on=entry["ends_on"],
        total_fen=checked.total.fen,
        submitted_on=ctx.as_of,
        gate_report_sha256=stored.report.sha256,
        document_id=document,
        design=dict(checked.design),
        attachments=list(draft.attachments),
        guide_id=draft.guide_id,
        supersedes_id=draft.previous if renewed else None,
        paper_id=paper,
    )
    session.add(application)
    session.flush()
    _add_lines(session, ctx, application=application, entry=entry)
    if renewed and previous is not None:
        close_clocks(session, ctx, application=previous)
    _open_clocks(session, ctx, application=application, policy=checked.policy, limits=draft.limits)
    return application


def check_same(*, before: str | None, now: str | None) -> None:
    """Refuse to write on what was read when another submission came meanwhile. Raises ``Conflict``."""
    if before != now:
        raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")


def close_intake(session: Session, ctx: Context, *, application: Application) -> None:
    """Stop the clock on taking an application in; that on its appraisal runs on."""
    work.close_item(session, ctx, kind=INTAKE_DUE, subject_id=application.id)


def close_clocks(session: Session, ctx: Context, *, application: Application) -> None:
    """Stop the office's clocks on an application: it acted, or there is nothing left to act on."""
    for kind in (INTAKE_DUE, APPRAISAL_DUE):
        work.close_item(session, ctx, kind=kind, subject_id=application.id)


def restart_clocks(session: Session, ctx: Context, *, application: Application) -> None:
    """Put the office on the clock again for a revision that came back to its desk, by the guide of its case."""
    pinned = session.get(ApplicationGuide, application.guide_id) if application.guide_id else None
    policy = ctx.policy(region=project_of(session, application.project_id).region)
    limits = pinned.content["time_limits"] if pinned else {}
    _open_clocks(session, ctx, application=application, policy=policy, limits=limits)


def payload_of(application: Application, entry: Mapping[str, Any]) -> dict[str, object]:
    """Return what the event of a submission says: ids, amounts, counts and digests."""
    channels: dict[str, int] = {}
    for line in entry["budget"]:
        channels[line["source"]] = channels.get(line["source"], 0) + line["amount"]
    pinned = {"guide_id": application.guide_id} if application.guide_id else {}
    replaced = {"supersedes_id": application.supersedes_id} if application.supersedes_id else {}
    return {
        "application_id": application.id,
        "revision": application.revision,
        "total_fen": application.total_fen,
        "by_channel_fen": channels,
        "team": len(entry["team"]),
        "document_id": application.document_id,
        "gate_report_sha256": application.gate_report_sha256,
        **pinned,
        **replaced,
    }


def _file(session: Session, ctx: Context, *, project: str, stored: Any, kind: str, issuer: str) -> str:
    return documents.file_upload(
        session,
        ctx,
        stored=stored,
        project_id=project,
        stage="application",
        kind=kind,
        title=sentence(f"application.document.{kind}"),
        issuer=issuer,
        synthetic_fields=sorted({field_label(f"{ctx.command}.{path}") for path in ctx.synthetic}),
    ).id


def _add_lines(session: Session, ctx: Context, *, application: Application, entry: Mapping[str, Any]) -> None:
    for ordinal, line in enumerate(entry["budget"], start=1):
        session.add(
            ApplicationBudgetLine(
                id=ctx.new_id("abl", application.id, str(ordinal)),
                application_id=application.id,
                ordinal=ordinal,
                category=line["category"],
                channel=line["source"],
                amount_fen=line["amount"],
            )
        )
    vault = ctx.services.vault
    for ordinal, member in enumerate(entry["team"], start=1):
        session.add(
            ApplicationTeamMember(
                id=ctx.new_id("atm", application.id, str(ordinal)),
                application_id=application.id,
                ordinal=ordinal,
                role=member["role"],
                name_sealed=vault.seal(member["person_name"]),
                contact_sealed=vault.seal(member["phone"]) if member["phone"] else None,
                qualification=member["qualification"],
            )
        )


def _open_clocks(
    session: Session, ctx: Context, *, application: Application, policy: Policy, limits: Mapping[str, int]
) -> None:
    """Put the office on the clock (ZY-16): the limits of the pinned guide, without one the appraisal's of the region.

    Where a guide is owed and none is in force, publishing it is due at once (ZY-13): the office's fault, so the
    applicant is not turned away.
    """
    clause = binding(policy=policy, rules=("ZY-16", "SYS-STEP-LIMIT")) or ""
    # under a guide the appraisal is due from the panel's result where the panel goes first (``rules.guide_clock``)
    panel_first = application.guide_id is not None and _panel_first(session, ctx, application.project_id)
    appraisal = limits.get("appraisal", policy.application.step_limits["appraisal"])
    for kind, limit, resolver in (
        (INTAKE_DUE, limits.get("intake"), "application.accept"),
        (APPRAISAL_DUE, appraisal, "feasibility.appraise"),
    ):
        if limit is None or (kind == APPRAISAL_DUE and panel_first):
            continue
        due = ctx.services.calendar.add_working_days(ctx.as_of, days=limit)
        work.open_item(
            session,
            ctx,
            kind=kind,
            role=Role.EVALUATION_OFFICE,
            subject_kind="application",
            subject_id=application.id,
            project_id=application.project_id,
            due_on=due.date,
            provisional=due.provisional,
            clause=clause,
            resolves_with=resolver,
        )
    owed = binding(policy=policy, rules=("ZY-13",))
    if application.guide_id is None and owed:
        work.open_item(
            session,
            ctx,
            kind=guide.PUBLICATION,
            role=Role.EVALUATION_OFFICE,
            subject_kind="region",
            subject_id=policy.region,
            due_on=ctx.as_of,
            clause=owed,
            resolves_with="guide.activate",
        )


def _panel_first(session: Session, ctx: Context, project: str) -> bool:
    row = project_of(session, project)
    return not ctx.policy(region=row.region, on=row.entered_on).feasibility.before_review
