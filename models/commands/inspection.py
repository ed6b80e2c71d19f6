"""Commands of random inspection (S13, 双随机、一公开): freeze the rosters, draw projects and people, record, publish.

Opening a round freezes projects by risk and the inspectors, and publishes the digest of a seed the system made; the
draw reveals it. The page of results goes through the leak scan. Inspectors are accounts, never names.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, draws, events, scheduled, work
from models.commands.publicity_papers import Printer
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import Conflict
from models.core.hashing import canonical_json, digest
from models.core.messages import sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.ports import StoredObject
from models.queries import inspection as reads
from models.queries.publicity_history import published_names
from models.queries.reader import found, project_of
from models.rules import inspection as rules
from models.rules.bodies import body_name
from models.rules.draw import Candidate, roster_digest_of
from models.rules.force import binding
from models.tables.monitoring import Inspection, InspectionRound

STREAM: Final = "inspection"
TASK: Final = "monitoring.inspection"
PUBLISH: Final = "monitoring.inspection_results"
_HEADS: Final = ("seq", "project", "inspected_on", "inspectors", "problems", "orders")


class Inspector(BaseModel):
    """One person who may inspect: the account, employer, organisations the person declared ties with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="检查人员账号")]
    employer: Annotated[str, Field(max_length=120, description="工作单位")] = ""
    ties: Annotated[tuple[str, ...], Field(description="申报有利害关系的单位")] = ()


class RoundOpened(BaseModel):
    """The frozen round: projects by stratum, how many of each will be drawn, and what is public before the draw."""

    model_config = ConfigDict(frozen=True)

    id: str
    population: int
    sizes: dict[str, int]
    seed_commitment: str
    roster_digest: str


class RoundDrawn(BaseModel):
    """The inspections drawn: ids by project, and the stored protocol of the draw of projects."""

    model_config = ConfigDict(frozen=True)

    id: str
    inspections: dict[str, str]
    document: str


class RoundPublished(BaseModel):
    """The public page of a round's results."""

    model_config = ConfigDict(frozen=True)

    id: str
    document: str
    sha256: str
    late: bool


@command("monitoring.open_inspection", roles=CIVIL_AFFAIRS, clause="ZY-87")
def open_inspection(
    ctx: Context,
    *,
    title: Annotated[str, Field(min_length=2, max_length=80, description="抽查名称")],
    inspectors: Annotated[tuple[Inspector, ...], Field(min_length=1, max_length=500, description="检查人员名录")],
) -> RoundOpened:
    """Freeze the projects in progress by risk and the inspectors, and commit to the seed of the draw.

    Raises ``Refusal`` ``monitoring.no_targets``, ``monitoring.too_few_inspectors`` (ZY-87).
    """
    policy = ctx.policy(region=ctx.services.region)
    rules.check_inspectors(count=len({one.id for one in inspectors}), policy=policy)
    with ctx.writing() as session:
        targets = reads.strata(session, policy=policy, on=ctx.as_of)
        row = InspectionRound(
            id=ctx.new_id("isr"),
            region=policy.region,
            title=title,
            targets=targets,
            sizes=rules.sizes_of(targets=targets, policy=policy),
            inspectors=[one.model_dump(mode="json") for one in inspectors],
            roster_digest=_digest(targets, _candidates(inspectors)),
            opened_on=ctx.as_of,
            policy_digest=policy.digest,
        )
        session.add(row)
        session.flush()
        kept = draws.commit_fresh(
            session,
            ctx,
            draw_id=ctx.new_id("draw", row.id),
            project_id=row.id,
            subject_id=row.id,
            roster_digest=row.roster_digest,
            stream_kind=STREAM,
        )
        row.seed_commitment = kept.commitment
        payload = {"round": row.id, "population": len(targets), "sizes": row.sizes, "inspectors": len(inspectors)}
        _tell(session, ctx, row, "monitoring.inspection_opened", payload)
        return RoundOpened(
            id=row.id,
            population=len(targets),
            sizes=row.sizes,
            seed_commitment=kept.commitment,
            roster_digest=row.roster_digest,
        )


def _candidates(inspectors: tuple[Inspector, ...]) -> tuple[Candidate, ...]:
    return tuple(Candidate(one.id, "inspector", one.employer, frozenset(one.ties)) for one in inspectors)


def _digest(targets: dict[str, str], inspectors: tuple[Candidate, ...]) -> str:
    return digest([roster_digest_of(roster=rules.target_roster(targets)), roster_digest_of(roster=inspectors)])


@command("monitoring.draw_inspection", roles=CIVIL_AFFAIRS, clause="ZY-87")
def draw_inspection(
    ctx: Context,
    *,
    round: Annotated[str, Field(description="抽查编号")],
    seed: Annotated[str | None, Field(min_length=1, description="抽取种子;仅演练时可填")] = None,
) -> RoundDrawn:
    """Draw projects by stratum and, for each, inspectors without a tie to its contractor, by the seed committed to.

    A dry run draws nothing anybody sees. Raises ``Refusal`` ``draw.*`` (SYS-DRAW), ``Conflict``
    ``monitoring.drawn_already``.
    """
    with ctx.reading() as session:
        row = _round(session, ctx, round)
        policy = ctx.policy(region=row.region)
        people = tuple(Inspector.model_validate(one) for one in row.inspectors)
        used = draws.seed_for(
            session,
            ctx,
            subject_id=row.id,
            roster_digest=row.roster_digest,
            typed=seed,
            draw_id=ctx.new_id("draw", row.id),
            command="monitoring.open_inspection",
        )
        made = rules.drawn_of(
            targets=row.targets,
            sizes=row.sizes,
            inspectors=_candidates(people),
            contractors=reads.contractors(session, projects=list(row.targets)),
            per_target=policy.monitoring.inspectors_per_target,
            seed=used.text,
            draw_id=used.draw_id,
        )
    stored = _kept(ctx, made.target_protocol)
    people_stored = _kept(ctx, {"kind": "inspector_draws", "by_project": made.inspector_protocols})
    with ctx.writing() as session:
        row = _round(session, ctx, round)
        draws.reveal(
            session,
            ctx,
            used,
            project_id=row.id,
            subject_id=row.id,
            roster_digest=row.roster_digest,
            stream_kind=STREAM,
        )
        document = _file(session, ctx, row, stored, "draw_protocol")
        _file(session, ctx, row, people_stored, "inspector_draws")
        return _draw_recorded(session, ctx, row, made, document, policy)


def _kept(ctx: Context, protocol: dict[str, Any]) -> StoredObject:
    return documents.keep(ctx, data=canonical_json(protocol), media_type="application/json")


def _draw_recorded(
    session: Session, ctx: Context, row: InspectionRound, made: rules.Drawn, document: str, policy: Policy
) -> RoundDrawn:
    row.drawn_on, row.protocol_document_id = ctx.as_of, document
    row.seed_commitment = made.targets.seed_commitment
    session.add(row)
    ids: dict[str, str] = {}
    for project, people in made.inspectors.items():
        one = Inspection(
            id=ctx.new_id("ins", row.id, project),
            round_id=row.id,
            project_id=project,
            stratum=row.targets[project],
            inspectors=list(people.chosen),
            alternates=list(people.alternates),
        )
        session.add(one)
        ids[project] = one.id
        work.open_item(
            session,
            ctx,
            kind=TASK,
            role=Role.EVALUATION_OFFICE,
            subject_kind="inspection",
            subject_id=one.id,
            project_id=project,
            due_on=ctx.as_of + timedelta(days=policy.monitoring.inspection_days),
            clause=policy.clause("monitoring.dual_random"),
            resolves_with="monitoring.record_inspection",
        )
    payload = {
        "round": row.id,
        "drawn": sorted(ids),
        "roster_digest": row.roster_digest,
        "seed": made.targets.seed,
        "seed_commitment": made.targets.seed_commitment,
        "protocol_document_id": document,
        "rule": binding(policy=policy, rules=("ZY-87", "SYS-DRAW")),
    }
    _tell(session, ctx, row, "monitoring.inspection_drawn", payload)
    return RoundDrawn(id=row.id, inspections=ids, document=document)


def _round(session: Session, ctx: Context, round_id: str) -> InspectionRound:
    row = found(session.get(InspectionRound, round_id, with_for_update=True), kind="inspection_round", id=round_id)
    if ctx.command == "monitoring.draw_inspection" and row.drawn_on is not None:
        raise Conflict("monitoring.drawn_already", rule="SYS-ALREADY-DONE", facts={"on": row.drawn_on.isoformat()})
    return row


def _file(session: Session, ctx: Context, row: InspectionRound, stored: StoredObject, kind: str) -> str:
    policy = ctx.policy(region=row.region)
    return documents.file_upload(
        session,
        ctx,
        stored=stored,
        project_id=None,
        stage="monitoring",
        kind=kind,
        title=sentence(f"monitoring.inspection.{kind}", {"title": row.title}),
        issuer=policy.region_name,
    ).id


def _tell(session: Session, ctx: Context, row: InspectionRound, type_: str, payload: dict[str, Any]) -> None:
    events.append(session, ctx, stream_kind=STREAM, stream_id=row.id, type=type_, payload=payload)


@command("monitoring.publish_inspection", roles=CIVIL_AFFAIRS, clause="ZY-87")
def publish_inspection(ctx: Context, *, round: Annotated[str, Field(description="抽查编号")]) -> RoundPublished:
    """Publish a round's results as a page: project, day, number of problems and orders, never a word somebody wrote.

    Raises ``Refusal`` ``monitoring.inspections_open`` (ZY-87), ``DataFault`` ``publicity.leak``, ``Conflict``
    ``monitoring.published_already``.
    """
    with ctx.reading() as session:
        row, policy = _publishable(session, ctx, round)
        printer = Printer.of(session, ctx)
        projects = [project_of(session, one.project_id) for one in reads.inspections_of(session, row.id)]
        issuer = body_name(policy=policy, role=ctx.actor.role)
        view = _result_view(session, ctx, row, issuer, synthetic=any(one.synthetic for one in projects))
        public = (name for one in projects for name in published_names(session, one.id))
        printer = printer.knowing(*public, issuer)
    paper = printer.paper("inspection_result_html", view)
    with ctx.writing() as session:
        row, policy = _publishable(session, ctx, round)
        filed = documents.file_paper(
            session,
            ctx,
            paper=paper,
            project_id=None,
            stage="monitoring",
            title=view["title_lines"][0],
            issuer=issuer,
        )
        late = row.publish_due_on is not None and ctx.as_of > row.publish_due_on
        row.published_on, row.document_id = ctx.as_of, filed.id
        session.add(row)
        work.close_item(session, ctx, kind=PUBLISH, subject_id=row.id)
        scheduled.settle(session, ctx, project=None)
        payload = {"round": row.id, "document_sha256": filed.sha256, "late": late}
        _tell(session, ctx, row, "monitoring.inspection_published", payload)
        return RoundPublished(id=row.id, document=filed.id, sha256=filed.sha256, late=late)


def _result_view(
    session: Session, ctx: Context, row: InspectionRound, issuer: str, *, synthetic: bool
) -> dict[str, Any]:
    table = {
        "title": row.title,
        "heads": [sentence(f"monitoring.inspection.head.{name}") for name in _HEADS],
        "lines": reads.result_lines(session, row.id),
    }
    made_up = synthetic and ctx.services.rehearsal
    return {
        "title_lines": [sentence("monitoring.inspection.result", {"title": row.title})],
        "doc_no": "",
        "issuer": issuer,
        "date": ctx.as_of.isoformat(),
        "rehearsal": ctx.services.rehearsal,
        "synthetic_fields": [sentence("monitoring.inspection.synthetic")] if made_up else [],
        "tables": [table],
    }


def _publishable(session: Session, ctx: Context, round_id: str) -> tuple[InspectionRound, Policy]:
    row = _round(session, ctx, round_id)
    if row.published_on is not None:
        facts = {"on": row.published_on.isoformat()}
        raise Conflict("monitoring.published_already", rule="SYS-ALREADY-DONE", facts=facts)
    policy = ctx.policy(region=row.region)
    waiting = sum(one.inspected_on is None for one in reads.inspections_of(session, row.id))
    rules.check_publishable(drawn_on=row.drawn_on, open_inspections=waiting, policy=policy)
    return row, policy
