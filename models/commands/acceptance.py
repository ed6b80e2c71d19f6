"""Commands of acceptance (S15) around the conclusion: the contractor's self-check, problems mended.

The clocks are ``commands.acceptance_clock``, the comprehensive conclusion ``commands.conclusion``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, events, project_papers, transition, work
from models.commands.acceptance_clock import days_late
from models.commands.ledger import NotNegative
from models.context import Context
from models.core.actors import ROLE_NAMES, Role
from models.core.errors import Conflict
from models.core.malformed import malformed
from models.core.money import Money
from models.core.registry import command
from models.core.uploads import Upload
from models.queries import acceptance as reads
from models.queries.acceptance_papers import CHECK_SOURCES, contracted, self_check_view
from models.queries.monitoring import contractor_names
from models.queries.reader import found, project_of
from models.rules import acceptance as rules
from models.rules import lifecycle
from models.rules.acceptance import PROBLEM, SELF_CHECK
from models.rules.lifecycle import Thing
from models.rules.masking import check_impersonal
from models.tables.acceptance import AcceptanceProblem, SelfCheck
from models.tables.kernel import Project

_STAGE: Final = "acceptance"

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


def _writable(text: str) -> str:
    if rules.is_too_long(text):
        raise malformed("figure.too_long")
    return text


Figure = Annotated[str, Field(min_length=1, max_length=80, coerce_numbers_to_str=True), AfterValidator(_writable)]


class IndicatorGiven(BaseModel):
    """One indicator of the self-check; ``target`` is left out where none was set. Plain numbers give a ratio."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=2, max_length=80, description="指标名称")]
    target: Annotated[Figure | None, Field(description="目标值")] = None
    actual: Annotated[Figure | None, Field(description="完成值")] = None
    score: Annotated[Figure | None, Field(description="自评得分")] = None
    evidence: Annotated[str, Field(max_length=200, description="佐证材料")] = ""
    deviation: Annotated[str, Field(max_length=200, description="偏差原因")] = ""


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True)


class SelfChecked(_Result):
    """The self-check: by how many days it was late (0 when in time), its report, and where the project stands."""

    id: str
    days_late: int
    state: str
    document: str


class ProblemResolved(_Result):
    """The problem that is mended."""

    id: str


@command("acceptance.submit_self_check", roles=(Role.CONTRACTOR, Role.EVALUATION_OFFICE), clause="ZY-95")
def submit_self_check(
    ctx: Context,
    *,
    project: str,
    indicators: Annotated[tuple[IndicatorGiven, ...], Field(min_length=1, description="自查指标")],
    spent: Annotated[NotNegative, Field(description="项目支出")],
    instruments: Annotated[dict[Code, str] | None, Field(description="所用评估指标和绩效评价表的版本")] = None,
    files: Annotated[dict[Code, Upload] | None, Field(description="所附评估指标和绩效评价表")] = None,
) -> SelfChecked:
    """File the contractor's self-check of a completed project and print its report; after a refused acceptance, again.

    A late one is recorded as late, never refused. Raises ``Refusal`` ``acceptance.instruments_wrong`` (ZY-96).
    """
    given = _Given(tuple(indicators), spent, dict(instruments or {}), dict(files or {}))
    with ctx.reading() as session:
        row = project_of(session, project)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        policy = ctx.policy(region=row.region)
        rules.check_instruments(named=given.instruments, attached=given.files, policy=policy)
        contractors = contractor_names(session, project=project)
        view = self_check_view(
            sheet=project_papers.sheet(session, ctx, row, sources=CHECK_SOURCES),
            policy=policy,
            check=_drafted(session, ctx, row, given),
            price=contracted(session, project=project),
            contractors=contractors,
            issuer="、".join(contractors) or ROLE_NAMES[Role.CONTRACTOR],
        )
    printed = project_papers.printed(ctx, kind="self_check_report", view=view)
    with ctx.writing() as session:
        row = project_of(session, project)
        check = _drafted(session, ctx, row, given)
        check.document_id = project_papers.filed(session, ctx, project=project, stage=_STAGE, printed=printed)
        sheets = {file.sha256: file for file in given.files.values()}  # one file may hold both
        kept = {sha256: _attach(session, ctx, row, file) for sha256, file in sheets.items()}
        check.attached = {code: kept[file.sha256] for code, file in given.files.items()}
        session.add(check)
        work.close_item(session, ctx, kind=SELF_CHECK, subject_id=project)
        transition.apply(session, ctx, row, payload=_payload(check), outcome="again" if check.round > 1 else "")
        return SelfChecked(
            id=check.id, days_late=check.days_late, state=f"project.{row.state}", document=check.document_id
        )


@dataclass(frozen=True)
class _Given:
    indicators: tuple[IndicatorGiven, ...]
    spent: Money
    instruments: dict[str, str]
    files: dict[str, Upload]


def _drafted(session: Session, ctx: Context, row: Project, given: _Given) -> SelfCheck:
    last = reads.latest_self_check(session, project=row.id)
    return SelfCheck(
        id=ctx.new_id("slf", row.id),
        project_id=row.id,
        round=last.round + 1 if last else 1,
        indicators=[_indicator(one) for one in given.indicators],
        instruments=given.instruments,
        attached=dict.fromkeys(given.files, ""),
        spent_fen=given.spent.fen,
        document_id="",
        submitted_on=ctx.as_of,
        days_late=days_late(session, ctx, row),
    )


def _attach(session: Session, ctx: Context, row: Project, file: Upload) -> str:
    return documents.file_upload(
        session,
        ctx,
        stored=file,
        project_id=row.id,
        stage=_STAGE,
        kind="self_check_instrument",
        title=file.name,
        issuer=ROLE_NAMES[ctx.actor.role],
    ).id


def _payload(check: SelfCheck) -> dict[str, Any]:
    return {
        "self_check_id": check.id,
        "indicators": len(check.indicators),
        "instruments": sorted({*check.instruments, *check.attached}),
        "spent_fen": check.spent_fen,
        "days_late": check.days_late,
        "document_id": check.document_id,
    }


def _indicator(given: IndicatorGiven) -> dict[str, Any]:
    ratio = rules.ratio(target=given.target, actual=given.actual)
    return {**given.model_dump(), "ratio": None if ratio is None else str(ratio)}


@command("acceptance.resolve_problem", roles=rules.MENDERS, clause="ZY-99")
def resolve_problem(
    ctx: Context,
    *,
    problem: str,
    result: Annotated[str, Field(min_length=2, max_length=500, description="整改结果")],
) -> ProblemResolved:
    """Record that a problem named by a conclusion is mended, and close its work item.

    Raises ``Conflict`` ``acceptance.problem_resolved`` when it was before. A result with a personal number in it is
    refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=result)
    with ctx.writing() as session:
        row = found(session.get(AcceptanceProblem, problem), kind="problem", id=problem)
        if row.resolved_on is not None:
            facts = {"on": row.resolved_on.isoformat()}
            raise Conflict("acceptance.problem_resolved", rule="SYS-ALREADY-DONE", facts=facts)
        row.resolved_on, row.resolution = ctx.as_of, result
        session.add(row)
        work.close_item(session, ctx, kind=PROBLEM, subject_id=problem)
        events.on_project(session, ctx, row.project_id, "acceptance.problem_resolved", {"problem_id": problem})
        return ProblemResolved(id=problem)
