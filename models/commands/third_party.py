"""The commands of third-party evaluation (S13, S16): one independent evaluation a phase, or its approved omission."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, events, organisations, project_papers
from models.commands.ledger import locked
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import Conflict
from models.core.hashing import digest
from models.core.identifiers import parse_credit_code
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries import evaluation as reads
from models.queries.monitoring import contractor_names, contractors_of
from models.queries.reader import project_of
from models.rules import evaluation as rules
from models.rules import lifecycle
from models.rules.lifecycle import Thing
from models.rules.masking import check_impersonal
from models.tables.evaluation import ThirdPartyEvaluation
from models.tables.kernel import Project

STAGE: Final = "evaluation"
_KIND: Final = "third_party_evaluator"

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Scores = dict[Code, Annotated[Decimal, Field(max_digits=15, decimal_places=4)]]


class Evaluator(BaseModel):
    """The evaluating organisation: name, social credit code where known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=2, max_length=120, description="评估机构名称")]
    uscc: Annotated[
        Annotated[str, AfterValidator(lambda text: parse_credit_code(text).code)] | None,
        Field(description="统一社会信用代码"),
    ] = None


class ThirdPartyRecorded(BaseModel):
    """The new evaluation, its mean score, and the phases still missing."""

    model_config = ConfigDict(frozen=True)

    id: str
    total: Decimal
    document: str
    missing: tuple[str, ...]


@command(
    "evaluation.record_third_party",
    roles=(Role.THIRD_PARTY_EVALUATOR, Role.PURCHASER, Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.EVALUATION_OFFICE),
    clause="HS-35",
)
def record_third_party(
    ctx: Context,
    *,
    project: str,
    phase: Annotated[str, Field(description="评估时点")],
    evaluator: Annotated[Evaluator, Field(description="评估机构")],
    scores: Annotated[Scores, Field(description="评分")],
    report: Annotated[Upload | None, Field(description="评估报告")] = None,
) -> ThirdPartyRecorded:
    """Record an independent evaluation: ``mid`` while the project runs, ``end`` after it, one a phase.

    Raises ``Refusal`` ``evaluation.phase_unknown`` (HS-35), ``evaluation.sheet_wrong`` (HS-36),
    ``evaluation.not_independent``, ``lifecycle.not_in_state``; ``Conflict`` ``evaluation.phase_done``.
    """
    given = _Given(phase, evaluator, scores, report)
    with ctx.reading() as session:
        row = project_of(session, project)
        policy = ctx.policy(region=row.region)
        _check(session, ctx, row, given, policy)
        view = reads.third_party_view(
            sheet=project_papers.sheet(session, ctx, row, sources=reads.THIRD_PARTY_SOURCES),
            policy=policy,
            phase=phase,
            evaluator=evaluator.name,
            contractors=contractor_names(session, project=project),
            scores=scores,
            total=given.total,
        )
    printed = project_papers.printed(ctx, kind="evaluation_report", view=view)
    with ctx.writing() as session:
        row = project_of(session, project)
        _check(session, ctx, row, given, policy)
        document = project_papers.filed(session, ctx, project=project, stage=STAGE, printed=printed)
        evaluation = _file(session, ctx, row, given, document=document, policy=policy)
        done = {one.phase for one in reads.third_party_of(session, project=project)}
        missing = tuple(code for code in policy.need("evaluation.third_party_phases") if code not in done)
        return ThirdPartyRecorded(id=evaluation.id, total=given.total, document=document, missing=missing)


class OmissionRecorded(BaseModel):
    """Which evaluation the project goes without; ``id`` is the event that says so."""

    model_config = ConfigDict(frozen=True)

    id: str
    phase: str


@command(
    "evaluation.omit_third_party",
    roles=CIVIL_AFFAIRS,
    clause="HS-35",
)
def omit_third_party(
    ctx: Context,
    *,
    project: str,
    phase: Annotated[str, Field(description="评估时点")],
    reason: Annotated[str, Field(min_length=2, max_length=500, description="未按时评估的原因")],
    approval_no: Annotated[str, Field(max_length=60, description="批准文号")] = "",
) -> OmissionRecorded:
    """Approve, as the body that acts, that an evaluation whose time is over is left out; conclusion and report say so.

    Without this way out a project whose evaluation during the run was missed could never be concluded (HS-35).
    Raises ``Refusal`` ``evaluation.phase_unknown``, ``evaluation.phase_still_open`` (HS-35),
    ``lifecycle.not_in_state``; ``Conflict`` ``evaluation.phase_done``, ``evaluation.omitted_already``.
    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = locked(session, Project, project, kind="project")
        policy = ctx.policy(region=row.region)
        rules.check_phase_known(phase=phase, policy=policy)
        _check_not_done(session, row, phase, policy)
        rules.check_omittable(phase=phase, state=row.state, policy=policy)
        after = rules.PHASE_STATES["end"]
        lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=after)
        known = reads.omissions_of(row)
        if any(one.phase == phase for one in known):
            raise Conflict("evaluation.omitted_already", rule="SYS-ALREADY-DONE")
        said = reads.Omission(
            phase=phase, on=ctx.as_of, approved_by=ctx.actor.role, approval_no=approval_no.strip(), reason=reason
        )
        row.details = {**row.details, reads.OMITTED: [one.model_dump(mode="json") for one in (*known, said)]}
        session.add(row)
        event = events.on_project(
            session,
            ctx,
            row.id,
            "evaluation.third_party_omitted",
            {"phase": phase, "reason_digest": digest(reason), "policy_digest": policy.digest},
        )
        return OmissionRecorded(id=event.event_id, phase=phase)


@dataclass(frozen=True)
class _Given:
    phase: str
    evaluator: Evaluator
    scores: Scores
    report: Upload | None

    @property
    def total(self) -> Decimal:
        return rules.mean(scores=tuple(self.scores.values()))


def _check(session: Session, ctx: Context, row: Project, given: _Given, policy: Policy) -> None:
    rules.check_phase_known(phase=given.phase, policy=policy)
    allowed = rules.PHASE_STATES[given.phase]
    lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=allowed)
    _check_not_done(session, row, given.phase, policy)
    rules.check_sheet(
        scores=given.scores,
        items=policy.evaluation.third_party_dimensions,
        sheet="evaluation.sheet.third_party",
        rules=("HS-36",),
        policy=policy,
    )
    known = organisations.known(session, name=given.evaluator.name, uscc=given.evaluator.uscc)
    contractors = tuple(one.id for one in contractors_of(session, project=row.id))
    rules.check_evaluator(evaluator=known.id if known else "", contractors=contractors)


def _check_not_done(session: Session, row: Project, phase: str, policy: Policy) -> None:
    for one in reads.third_party_of(session, project=row.id):
        if one.phase == phase:
            phases = policy.need("evaluation.third_party_phases")
            facts = {"phase": phases[phase], "on": one.evaluated_on.isoformat()}
            raise Conflict("evaluation.phase_done", rule="SYS-ALREADY-DONE", facts=facts)


def _file(
    session: Session, ctx: Context, row: Project, given: _Given, *, document: str, policy: Policy
) -> ThirdPartyEvaluation:
    named = given.evaluator
    organisation = organisations.known_or_new(session, ctx, name=named.name, uscc=named.uscc, kind=_KIND)
    evaluation = ThirdPartyEvaluation(
        id=ctx.new_id("tpe", row.id, given.phase),
        project_id=row.id,
        phase=given.phase,
        organisation_id=organisation.id,
        scores={code: str(score) for code, score in given.scores.items()},
        total=str(given.total),
        policy_digest=policy.digest,
        evaluated_on=ctx.as_of,
        document_id=document,
        report_document_id=_file_report(session, ctx, row, given.report, issuer=organisation.name),
    )
    session.add(evaluation)
    session.flush()
    events.on_project(
        session,
        ctx,
        row.id,
        "evaluation.third_party_recorded",
        {
            "evaluation_id": evaluation.id,
            "phase": evaluation.phase,
            "organisation_id": organisation.id,
            "scores": evaluation.scores,
            "total": evaluation.total,
            "document_id": document,
            "report_document_id": evaluation.report_document_id,
            "policy_digest": policy.digest,
        },
    )
    return evaluation


def _file_report(session: Session, ctx: Context, row: Project, report: Upload | None, *, issuer: str) -> str | None:
    if report is None:
        return None
    return documents.file_upload(
        session,
        ctx,
        stored=report,
        project_id=row.id,
        stage=STAGE,
        kind="third_party_report",
        title=report.name,
        issuer=issuer,
    ).id
