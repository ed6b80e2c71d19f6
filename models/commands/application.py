"""Commands of the application (S03): submit a plan book or a form, replace it by a new one, withdraw it.

A plan book given inline and an uploaded form pass the same quality gate and the same rules. Every submission is kept as
a revision of its own. The team's names and contacts are sealed; events hold ids, amounts, counts and digests only. What
the office does with an application is ``commands.application_intake``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, cast

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import application_record, documents, events, intake, project_papers, transition
from models.commands.application_entry import PlanBook, as_form, design_of, form_of_plan_book, form_of_row, masked_entry
from models.commands.application_record import APPRAISAL_DUE as APPRAISAL_DUE
from models.commands.application_record import Checked, Stored
from models.context import Context
from models.core.actors import Role
from models.core.errors import Refusal
from models.core.hashing import canonical_json, digest
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries.application import newest_application, submitter_of
from models.queries.decision import ever_approved
from models.queries.publicity import open_notice
from models.queries.reader import project_of
from models.rules import lifecycle
from models.rules.application import check_design, check_form, check_own, check_withdrawal
from models.rules.decision_records import check_no_notice
from models.rules.lifecycle import Thing
from models.rules.masking import check_impersonal
from models.tables.kernel import Project

APPLICANTS: Final = (Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.PURCHASER, Role.CONTRACTOR)
_JSON: Final = "application/json"

Plan = Annotated[PlanBook | None, Field(description="项目计划书")]
FormFile = Annotated[Upload | None, Field(description="项目申报书文件")]
Design = Annotated[
    dict[str, Annotated[str, Field(max_length=5_000)]] | None,
    Field(description="项目设计各要素(申报书文件已填的,以此处为准)"),
]


class ApplicationSubmitted(BaseModel):
    """The submission; ``total`` in fen, ``warnings`` the doubts the gate recorded, ``guide`` the version it is pinned
    to, ``paper`` the printed application (only under a guide)."""

    model_config = ConfigDict(frozen=True)

    id: str
    revision: int
    total: Money
    warnings: int
    document: str
    state: str
    guide: str | None = None
    paper: str | None = None


class ApplicationMoved(BaseModel):
    """The project's new state."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str


@command("application.submit", roles=APPLICANTS, clause="ZY-18")
def submit(
    ctx: Context, *, project: str, plan_book: Plan = None, form: FormFile = None, design: Design = None
) -> ApplicationSubmitted:
    """Submit a project's application: a plan book inline or an uploaded form, exactly one.

    It is pinned to the guide in force, a corrected one to the guide of its first submission; what was attached by then
    belongs to it. Raises ``Refusal`` ``application.incomplete`` (HS-01, ZY-18, ZY-17) and those of the budget,
    ``application.design_unknown``, ``DataFault`` ``application.form_rejected`` (SYS-GATE) with the offending entries,
    the file kept in quarantine.
    """
    return _submitted(ctx, project=project, plan_book=plan_book, form=form, design=design or {})


@command("application.supersede", roles=APPLICANTS, clause="SYS-SUPERSEDE")
def supersede(
    ctx: Context,
    *,
    project: str,
    reason: Annotated[str, Field(min_length=2, max_length=500, description="更换理由")],
    plan_book: Plan = None,
    form: FormFile = None,
    design: Design = None,
) -> ApplicationSubmitted:
    """Replace a submitted or returned application by a new one: pinned to the guide in force now, its clocks from now.

    The old one stays readable as the revision it was; only the new one is looked at. Raises as ``application.submit``,
    and ``application.not_yours`` for a purchaser or contractor that did not submit it.
    """
    return _submitted(ctx, project=project, plan_book=plan_book, form=form, design=design or {}, reason=reason)


@command("application.withdraw", roles=(*APPLICANTS, Role.EVALUATION_OFFICE), clause="SYS-WITHDRAW")
def withdraw(
    ctx: Context,
    *,
    project: str,
    reason: Annotated[str, Field(min_length=2, max_length=500, description="撤回理由")],
    request: Annotated[
        Upload | None, Field(description="申报单位书面撤回申请(论证之后由申报单位以外的账号办理时必填)")
    ] = None,
) -> ApplicationMoved:
    """Withdraw a project before it is approved; the reason is kept with the project.

    Not under review, while experts sit on it. Raises ``Refusal`` ``application.not_yours`` for a purchaser or
    contractor that did not submit it, ``application.request_missing`` for another than the applicant from candidate on
    without the applicant's request, ``application.approved_once``, ``decision.notice_running`` while the public is
    asked about it.
    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = project_of(session, project)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        check_own(actor=ctx.actor, submitter=submitter_of(session, project))
        check_no_notice(running=open_notice(session, project) is not None)
        check_withdrawal(
            actor=ctx.actor,
            submitter=submitter_of(session, project),
            state=row.state,
            requested=request is not None,
            approved_once=ever_approved(session, project),
        )
        row.details = {**row.details, "withdrawn": {"on": ctx.as_of.isoformat(), "reason": reason}}
        application = newest_application(session, project)
        if application is not None:
            application_record.close_clocks(session, ctx, application=application)
        payload = {"reason_digest": digest(reason)}
        if request is not None:
            payload["document_id"] = _filed_request(session, ctx, row, request)
        transition.apply(session, ctx, row, payload=payload)
        return ApplicationMoved(id=row.id, state=f"project.{row.state}")


def _filed_request(session: Session, ctx: Context, project: Project, request: Upload) -> str:
    application = newest_application(session, project.id)
    return documents.file_upload(
        session,
        ctx,
        stored=request,
        project_id=project.id,
        stage="application",
        kind="application_withdrawal",
        title=sentence("application.withdrawal.title", {"project": project.name}),
        issuer=application.applicant if application else "",
    ).id


def _submitted(
    ctx: Context,
    *,
    project: str,
    plan_book: PlanBook | None,
    form: Upload | None,
    design: Mapping[str, str],
    reason: str = "",
) -> ApplicationSubmitted:
    with ctx.reading() as session:
        row = project_of(session, project)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        check_own(actor=ctx.actor, submitter=submitter_of(session, project))
        policy = ctx.policy(region=row.region)
        head = {"project_name": row.name, "need_refs": row.details["needs"], "policy_refs": row.details["policies"]}
    if (plan_book is None) == (form is None):
        raise Refusal("application.one_of", rule="SYS-ARGUMENTS")
    check_design(design=design, policy=policy)
    if plan_book is not None:
        check_form(form=form_of_plan_book(plan_book), policy=policy)
        data, media_type = canonical_json(as_form(plan_book, head, design)), _JSON
    else:
        upload = cast(Upload, form)
        data, media_type = intake.read(ctx, file=upload), upload.media_type
    checked = _checked(ctx, project=project, data=data, media_type=media_type, policy=policy, design=design)
    with ctx.reading() as session:
        draft = application_record.drafted(
            session, ctx, row=project_of(session, project), checked=checked, renewed=bool(reason)
        )
    stored = Stored(
        filed=form or documents.keep(ctx, data=canonical_json(masked_entry(checked.row, policy)), media_type=_JSON),
        report=documents.keep(ctx, data=checked.result.report, media_type=_JSON),
        paper=project_papers.printed(ctx, kind="application_paper", view=draft.view) if draft.view else None,
    )
    with ctx.writing() as session:
        return _record(session, ctx, project=project, checked=checked, draft=draft, stored=stored, reason=reason)


def _record(
    session: Session,
    ctx: Context,
    *,
    project: str,
    checked: Checked,
    draft: application_record.Draft,
    stored: Stored,
    reason: str,
) -> ApplicationSubmitted:
    row = project_of(session, project)
    application = application_record.record(
        session, ctx, row=row, checked=checked, draft=draft, stored=stored, renewed=bool(reason)
    )
    payload = application_record.payload_of(application, checked.row)
    transition.apply(session, ctx, row, payload=payload | ({"reason_digest": digest(reason)} if reason else {}))
    return ApplicationSubmitted(
        id=application.id,
        revision=application.revision,
        total=checked.total,
        warnings=len(checked.result.warnings),
        document=application.document_id,
        state=f"project.{row.state}",
        guide=application.guide_id,
        paper=application.paper_id,
    )


def _checked(
    ctx: Context, *, project: str, data: bytes, media_type: str, policy: Policy, design: Mapping[str, str]
) -> Checked:
    gate = intake.Gate(
        name="application_form",
        stage="application",
        data=data,
        media_type=media_type,
        stream_kind=events.PROJECT_STREAM,
        stream_id=project,
        fault="application.form_rejected",
    )
    result = intake.check(ctx, gate=gate)
    entry = cast(Mapping[str, Any], result.rows[0])
    full = design_of(entry, design)
    check_design(design=full, policy=policy)
    return Checked(entry, full, check_form(form=form_of_row(entry), policy=policy), result, policy)
