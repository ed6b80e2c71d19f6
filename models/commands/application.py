"""Commands of the application (S03): submit a plan book or a form, return it for correction, withdraw it.

A plan book given inline and an uploaded form pass the same quality gate and the same rules. The team's names and
contacts are sealed; events hold ids, amounts, counts and digests only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, cast

from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, events, intake, transition, work
from models.context import Context
from models.core.actors import ROLE_NAMES, Role
from models.core.errors import Refusal
from models.core.hashing import canonical_json, digest
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.ports import GateResult, StoredObject
from models.queries.application import newest_application
from models.queries.reader import found, project_of
from models.rules import lifecycle
from models.rules.application import BudgetLine, Form, check_form, check_gaps
from models.rules.force import binding
from models.rules.lifecycle import Thing
from models.rules.masking import masked
from models.tables.application import Application, ApplicationBudgetLine, ApplicationTeamMember
from models.tables.kernel import Project

APPRAISAL_DUE: Final = "application.appraisal"
"""The work item that holds the office to its own time limit (ZY-16); its subject is the application."""

_PARTS: Final = ("background", "concept", "goals", "plan", "expected_effect")
_APPLICANTS: Final = (Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.PURCHASER, Role.CONTRACTOR)
_JSON: Final = "application/json"

Wording = Annotated[str, Field(max_length=20_000)]


class PlanBudgetLine(BaseModel):
    """One line of the applied budget."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: Annotated[str, Field(min_length=1, max_length=100, description="支出类别")]
    channel: Annotated[str, Field(description="资金渠道")]
    amount: Annotated[Money, Field(description="金额")]


class PlanTeamMember(BaseModel):
    """One member of the project team."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Annotated[str, Field(description="团队角色:project_leader、executor、accountable_person、other")]
    name: Annotated[str, Field(min_length=1, max_length=60, description="姓名")]
    contact: Annotated[str, Field(max_length=40, description="联系电话")] = ""
    qualification: Annotated[str, Field(max_length=100, description="资格或职称")] = ""


class PlanBook(BaseModel):
    """A plan book (项目计划书) given inline. Blank parts are refused by the rules; ``steps`` may stand for ``plan``."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    applicant: Annotated[str, Field(max_length=120, description="申报单位")] = ""
    credit_code: Annotated[str, Field(max_length=18, description="统一社会信用代码")] = ""
    background: Annotated[Wording, Field(description="背景")] = ""
    concept: Annotated[Wording, Field(description="设想")] = ""
    goals: Annotated[Wording, Field(description="工作目标")] = ""
    plan: Annotated[
        Wording, Field(validation_alias=AliasChoices("plan", "steps"), description="步骤与方案(也可用 steps)")
    ] = ""
    expected_effect: Annotated[Wording, Field(description="预期效果")] = ""
    starts_on: Annotated[date | None, Field(description="计划开始日期")] = None
    ends_on: Annotated[date | None, Field(description="计划完成日期")] = None
    budget: Annotated[tuple[PlanBudgetLine, ...], Field(max_length=200, description="预算")] = ()
    total: Annotated[Money | None, Field(description="预算总额")] = None
    team: Annotated[tuple[PlanTeamMember, ...], Field(max_length=200, description="项目团队")] = ()


class ApplicationSubmitted(BaseModel):
    """The submission; ``total`` in fen, ``warnings`` the doubts the gate recorded."""

    model_config = ConfigDict(frozen=True)

    id: str
    revision: int
    total: Money
    warnings: int
    document: str
    state: str


class ApplicationMoved(BaseModel):
    """The project's new state."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str


@dataclass(frozen=True)
class _Checked:
    """A submission that passed gate and rules, before anything is written."""

    row: Mapping[str, Any]
    total: Money
    result: GateResult
    policy: Policy


@command("application.submit", roles=_APPLICANTS, clause="ZY-18")
def submit(
    ctx: Context,
    *,
    project: str,
    plan_book: Annotated[PlanBook | None, Field(description="项目计划书")] = None,
    form: Annotated[Upload | None, Field(description="项目申报书文件")] = None,
) -> ApplicationSubmitted:
    """Submit a project's application: a plan book inline or an uploaded form, exactly one.

    Raises ``Refusal`` ``application.incomplete`` (HS-01, ZY-18, ZY-17) and those of the budget, ``DataFault``
    ``application.form_rejected`` (SYS-GATE) with the offending entries, the file kept in quarantine.
    """
    with ctx.reading() as session:
        row = project_of(session, project)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        policy = ctx.policy(region=row.region)
        head = {"project_name": row.name, "need_refs": row.details["needs"], "policy_refs": row.details["policies"]}
    if (plan_book is None) == (form is None):
        raise Refusal("application.one_of", rule="SYS-ARGUMENTS")
    if plan_book is not None:
        check_form(form=_form_of_plan_book(plan_book), policy=policy)
        data, media_type = canonical_json(_as_form(plan_book, head)), _JSON
    else:
        upload = cast(Upload, form)
        data, media_type = intake.read(ctx, file=upload), upload.media_type
    checked = _checked(ctx, project=project, data=data, media_type=media_type, policy=policy)
    report = documents.keep(ctx, data=checked.result.report, media_type=_JSON)
    filed: StoredObject | Upload = form or documents.keep(
        ctx, data=canonical_json(_masked(checked.row, policy)), media_type=_JSON
    )
    with ctx.writing() as session:
        return _record(session, ctx, row=project_of(session, project), checked=checked, filed=filed, report=report)


def _checked(ctx: Context, *, project: str, data: bytes, media_type: str, policy: Policy) -> _Checked:
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
    return _Checked(entry, check_form(form=_form_of_row(entry), policy=policy), result, policy)


@command("application.return_for_correction", roles=(Role.EVALUATION_OFFICE, Role.CITY_BUREAU), clause="ZY-14")
def return_for_correction(
    ctx: Context,
    *,
    project: str,
    gaps: Annotated[tuple[str, ...], Field(max_length=50, description="需要补正的内容")],
) -> ApplicationMoved:
    """Return an application with everything that is missing told at once.

    Raises ``Refusal`` ``application.gaps_missing`` (ZY-14).
    """
    with ctx.writing() as session:
        row = project_of(session, project)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        check_gaps(gaps=gaps, policy=ctx.policy(region=row.region))
        application = found(newest_application(session, project), kind="application", id=project)
        application.gaps, application.returned_on = [gap.strip() for gap in gaps], ctx.as_of
        session.add(application)
        work.close_item(session, ctx, kind=APPRAISAL_DUE, subject_id=application.id)
        payload = {"application_id": application.id, "gaps": len(gaps), "gaps_digest": digest(application.gaps)}
        transition.apply(session, ctx, row, payload=payload)
        return ApplicationMoved(id=row.id, state=f"project.{row.state}")


@command("application.withdraw", roles=(*_APPLICANTS, Role.EVALUATION_OFFICE), clause="SYS-WITHDRAW")
def withdraw(
    ctx: Context,
    *,
    project: str,
    reason: Annotated[str, Field(min_length=2, max_length=500, description="撤回理由")],
) -> ApplicationMoved:
    """Withdraw a project before it is appraised; the reason is kept with the project."""
    with ctx.writing() as session:
        row = project_of(session, project)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        row.details = {**row.details, "withdrawn": {"on": ctx.as_of.isoformat(), "reason": reason}}
        application = newest_application(session, project)
        if application is not None:
            work.close_item(session, ctx, kind=APPRAISAL_DUE, subject_id=application.id)
        transition.apply(session, ctx, row, payload={"reason_digest": digest(reason)})
        return ApplicationMoved(id=row.id, state=f"project.{row.state}")


def _form_of_plan_book(book: PlanBook) -> Form:
    return Form(
        parts={part: getattr(book, part) for part in _PARTS},
        budget=tuple(BudgetLine(line.category, line.channel, line.amount) for line in book.budget),
        team_roles=tuple(member.role for member in book.team),
        total=book.total,
    )


def _form_of_row(row: Mapping[str, Any]) -> Form:
    return Form(
        parts={part: row[part] or "" for part in _PARTS},
        budget=tuple(BudgetLine(line["category"], line["source"], Money(line["amount"])) for line in row["budget"]),
        team_roles=tuple(member["role"] for member in row["team"]),
        total=Money(row["total"]),
    )


def _as_form(book: PlanBook, head: Mapping[str, Any]) -> dict[str, object]:
    """Return the plan book with the keys of the application form, amounts as yuan texts, blanks left out."""
    total = book.total or Money.total(line.amount for line in book.budget)
    entries = {
        "project_name": head["project_name"],
        "need_refs": "、".join(head["need_refs"]),
        "policy_refs": "、".join(head["policy_refs"]),
        **book.model_dump(mode="json", include={*_PARTS, "applicant", "credit_code", "starts_on", "ends_on"}),
        "total": str(total.decimal()),
    }
    return {
        **{key: value for key, value in entries.items() if value not in ("", None)},
        "budget": [
            {"category": line.category, "source": line.channel, "amount": str(line.amount.decimal())}
            for line in book.budget
        ],
        "team": [
            {
                "role": member.role,
                "person_name": member.name,
                "qualification": member.qualification,
                "phone": member.contact,
            }
            for member in book.team
        ],
    }


def _masked(row: Mapping[str, Any], policy: Policy) -> dict[str, object]:
    """Return the submission as it is filed and archived: names as the public reads them, no phones, amounts in fen."""
    styles = policy.publicity.mask_public
    team = [
        {
            **{key: value for key, value in member.items() if key != "phone"},
            "person_name": masked(field="name", text=member["person_name"], styles=styles),
        }
        for member in row["team"]
    ]
    return {**row, "team": team}


def _record(
    session: Session,
    ctx: Context,
    *,
    row: Project,
    checked: _Checked,
    filed: StoredObject | Upload,
    report: StoredObject,
) -> ApplicationSubmitted:
    previous = newest_application(session, row.id)
    document = _file(session, ctx, project=row.id, stored=filed, kind="plan_book")
    _file(session, ctx, project=row.id, stored=report, kind="gate_report")
    entry = checked.row
    application = Application(
        id=ctx.new_id("app", row.id),
        project_id=row.id,
        revision=previous.revision + 1 if previous else 1,
        policy_digest=checked.policy.digest,
        applicant=entry["applicant"],
        credit_code=entry["credit_code"],
        parts={part: entry[part] or "" for part in _PARTS},
        starts_on=entry["starts_on"],
        ends_on=entry["ends_on"],
        total_fen=checked.total.fen,
        submitted_on=ctx.as_of,
        gate_report_sha256=report.sha256,
        document_id=document,
    )
    session.add(application)
    session.flush()
    _add_lines(session, ctx, application=application, entry=entry)
    _open_appraisal(session, ctx, application=application, policy=checked.policy)
    transition.apply(session, ctx, row, payload=_payload(application, entry, document=document))
    return ApplicationSubmitted(
        id=application.id,
        revision=application.revision,
        total=checked.total,
        warnings=len(checked.result.warnings),
        document=document,
        state=f"project.{row.state}",
    )


def _file(session: Session, ctx: Context, *, project: str, stored: StoredObject | Upload, kind: str) -> str:
    return documents.file_upload(
        session,
        ctx,
        stored=stored,
        project_id=project,
        stage="application",
        kind=kind,
        title=sentence(f"application.document.{kind}"),
        issuer=ROLE_NAMES[ctx.actor.role],
        synthetic_fields=sorted(ctx.synthetic),
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


def _open_appraisal(session: Session, ctx: Context, *, application: Application, policy: Policy) -> None:
    """Put the office on the clock: the appraisal is due within the guide's time limit (ZY-16)."""
    limit = policy.application.step_limits["appraisal"]
    due = ctx.services.calendar.add_working_days(ctx.as_of, days=limit)
    work.open_item(
        session,
        ctx,
        kind=APPRAISAL_DUE,
        role=Role.EVALUATION_OFFICE,
        subject_kind="application",
        subject_id=application.id,
        project_id=application.project_id,
        due_on=due.date,
        provisional=due.provisional,
        clause=binding(policy=policy, rules=("ZY-16", "SYS-STEP-LIMIT")) or "",
        resolves_with="feasibility.appraise",
    )


def _payload(application: Application, entry: Mapping[str, Any], *, document: str) -> dict[str, object]:
    channels: dict[str, int] = {}
    for line in entry["budget"]:
        channels[line["source"]] = channels.get(line["source"], 0) + line["amount"]
    return {
        "application_id": application.id,
        "revision": application.revision,
        "total_fen": application.total_fen,
        "by_channel_fen": channels,
        "team": len(entry["team"]),
        "document_id": document,
        "gate_report_sha256": application.gate_report_sha256,
    }
