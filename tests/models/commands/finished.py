"""A project brought to ``evaluated`` by its real moves, with a small paper where a stage would file a printed one.

Stands in for the sixteen stages before audit filing, so that these tests do not play them all; the journey of the
shipped case does. Everything here is synthetic. Not a test itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from models.commands import documents, events, transition
from models.context import Context
from models.core.actors import Actor, Role
from models.core.ids import derive_id
from models.ports import Zone
from models.tables.contract import Contract
from models.tables.kernel import Project
from models.tables.needs import Survey
from models.tables.procurement import Organisation, Procurement
from tests.support.world import World

EVALUATED_ON = date(2017, 6, 30)
OFFICE = Actor(Role.EVALUATION_OFFICE, "u-office")
SURVEY = derive_id("sur", "合成")


@dataclass(frozen=True)
class Step:
    """A command's move of the project, and the kinds of papers its stage files with it."""

    command: str
    outcome: str = ""
    papers: tuple[str, ...] = ()


STEPS = (
    Step("application.submit", papers=("plan_book",)),
    Step("feasibility.appraise", "positive"),
    Step("review.open_round"),
    Step("review.close_round", papers=("review_opinion",)),
    Step("publicity.publish_notice", papers=("publicity_notice",)),
    Step("decision.decide", "positive", ("decision_opinion",)),
    Step("decision.approve", papers=("approval_document",)),
    Step("funding.issue_plan", papers=("investment_plan_notice",)),
    Step("delivery.start"),
    Step("delivery.complete"),
    Step("acceptance.submit_self_check", papers=("self_check_report",)),
    Step("acceptance.conclude", "accepted", ("acceptance_conclusion", "evaluation_report", "evaluation_report")),
    Step("evaluation.conclude", papers=("evaluation_report",)),
)


def evaluated_project(world: World, *, without: Collection[str] = ()) -> str:
    """Return the id of a project evaluated on ``EVALUATED_ON``; papers of the kinds ``without`` are not filed."""
    day = EVALUATED_ON - timedelta(days=len(STEPS) + 1)
    survey = _context(world, "needs.open_survey", day)
    with survey.writing() as session:
        payload = {"survey_id": SURVEY}
        facts = {"region": world.services.region, "policy_digest": "", "indicator_version": "", "scope": "合成城区"}
        session.add(Survey(id=SURVEY, title="合成摸底", classes=[], opened_on=day, synthetic=True, **facts))
        events.append(
            session, survey, stream_kind="survey", stream_id=SURVEY, type="needs.survey_opened", payload=payload
        )
    project: str = world.do(
        "library.enter_project",
        as_="evaluation_office:u-office",
        on=day,
        synthetic=("name",),
        name="城区低保对象心理援助(合成)",
        needs=(SURVEY,),
        policies=("社会救助暂行办法",),
    ).id
    for number, step in enumerate(STEPS, start=1):
        _move(world, project, step, on=day + timedelta(days=number + 1), without=without)
        if step.command == "funding.issue_plan":
            _buy(world, project, on=day + timedelta(days=number + 1), without=without)
    world.clock.day = EVALUATED_ON
    return project


def audited_project(world: World, *, without: Collection[str] = (), on: date = date(2017, 7, 10)) -> str:
    """Return the id of a project with both receipts."""
    project = evaluated_project(world, without=without)
    world.do("audit.prepare_filing", as_="system", on=date(2017, 7, 3), project=project)
    for body in ("discipline_supervision", "audit_body"):
        world.do(
            "audit.record_receipt",
            as_=body,
            on=on,
            project=project,
            body=body,
            receipt_no=f"合成〔2017〕{len(body)}号",
            received_on=on,
        )
    return project


def _context(world: World, command: str, on: date) -> Context:
    world.clock.day = on
    return Context(world.services, OFFICE, on, command, derive_id("cmd", "finished", command))


def _move(world: World, project: str, step: Step, *, on: date, without: Collection[str]) -> None:
    ctx = _context(world, step.command, on)
    with ctx.writing() as session:
        if step.command == "feasibility.appraise":
            for act in ("feasibility.content_reviewed", "feasibility.cost_estimated", "evaluation.goals_set"):
                if act.rpartition(".")[2] not in without:
                    events.append(
                        session,
                        ctx,
                        stream_kind="project",
                        stream_id=project,
                        type=act,
                        payload={"ordinal": 1},
                    )
        transition.apply(session, ctx, session.get_one(Project, project), payload={}, outcome=step.outcome)
        for number, kind in enumerate(step.papers, start=1):
            if kind not in without:
                _file(session, ctx, project, stage=step.command.split(".", 1)[0], kind=kind, number=number)


def _file(session: Any, ctx: Context, project: str, *, stage: str, kind: str, number: int = 1) -> None:
    documents.file_upload(
        session,
        ctx,
        stored=documents.keep(ctx, data=f"%PDF {kind} {number} (合成)".encode(), media_type="application/pdf"),
        project_id=project,
        stage=stage,
        kind=kind,
        title=f"合成文件:{kind}/{number}",
        issuer="合成市民政局",
        synthetic_fields=("日期",),
    )


def _buy(world: World, project: str, *, on: date, without: Collection[str]) -> None:
    row = _procurement(project, on=on)
    for command in ("procurement.plan", "procurement.publish_notice", "procurement.award"):
        ctx = _context(world, command, on)
        with ctx.writing() as session:
            if command == "procurement.plan":
                session.add(Organisation(id="org-1", name="合成社工中心", kind="social_work", synthetic=True))
            held = session.get(Procurement, row["id"]) or Procurement(**row)
            transition.apply(session, ctx, held, payload={})
            if command == "procurement.award" and "procurement_record" not in without:
                _file(session, ctx, project, stage="procurement", kind="procurement_record")
    ctx = _context(world, "contract.sign", on)
    with ctx.writing() as session:
        transition.apply(session, ctx, _contract(project, row["id"], on=on), payload={})
        if "contract_summary" not in without:
            _file(session, ctx, project, stage="contract", kind="contract_summary")


def _procurement(project: str, *, on: date) -> Mapping[str, Any]:
    return {
        "id": "prc-1",
        "project_id": project,
        "state": "",
        "version": 0,
        "policy_digest": "0" * 64,
        "purchaser": "合成救助局",
        "purchaser_kind": "public_institution",
        "budget_fen": 60_000_000,
        "winner_organisation_id": "org-1",
        "award_fen": 58_800_000,
        "awarded_on": on,
    }


def _contract(project: str, procurement: str, *, on: date) -> Contract:
    return Contract(
        id="ctr-1",
        project_id=project,
        procurement_id=procurement,
        organisation_id="org-1",
        state="",
        version=0,
        policy_digest="0" * 64,
        signed_on=on,
        starts_on=on,
        ends_on=on + timedelta(days=365),
        price_fen=58_800_000,
    )


def bundle_bytes(world: World, project: str) -> bytes:
    """Return the stored zip of a closed project."""
    package = world.ask("archive.package", as_="audit_body", project=project)
    return world.services.documents.get(zone=Zone.ARCHIVE, sha256=package.sha256)
