"""What a quarterly proposal rests on: money with a purpose, acceptance conclusions, the social share."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from models.core.money import Money
from models.tables.acceptance import AcceptanceConclusion
from models.tables.application import Application, ApplicationBudgetLine
from models.tables.funding import PlanLine, Posting
from models.tables.kernel import Event
from tests.models.commands.conftest import Standing
from tests.support.delivering import conclude
from tests.support.purchases import FINANCE, OFFICE, approved_project
from tests.support.world import World, open_world

DAY = date(2025, 10, 8)  # the last quarter: one phase
BATCH: dict[str, Any] = {"quarter": "2025Q4", "batch": 1}


def applied(world: World, project: str, amount: str, *, channel: str, credit_code: str | None = None) -> None:
    """An approved project (合成) that applied for money of a channel and has none of its own."""
    approved_project(world, id=project)
    fen = Money.yuan(amount).fen
    application = Application(
        id=f"app-{project}",
        project_id=project,
        revision=1,
        policy_digest="0" * 64,
        applicant="合成社会服务中心",
        credit_code=credit_code,
        parts={},
        total_fen=fen,
        submitted_on=DAY,
        gate_report_sha256="0" * 64,
        document_id="doc-made-up",
    )
    line = ApplicationBudgetLine(
        id=f"abl-{project}",
        application_id=application.id,
        ordinal=1,
        category="合成",
        channel=channel,
        amount_fen=fen,
    )
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.add(application)
        session.flush()
        session.add(line)
        session.commit()


def allotted(world: World, amount: str, *, doc_no: str, channel: str, earmark: dict[str, Any] | None = None) -> str:
    made = world.do(
        "funding.register_allotment",
        as_=FINANCE,
        on=DAY,
        year=2025,
        channel=channel,
        amount=amount,
        doc_no=doc_no,
        purpose="合成用途",
        earmark=earmark,
    )
    return str(made.id)


def adopted(world: World, scenario: str = "baseline") -> Any:
    made = world.do("funding.propose_plan", as_=OFFICE, on=DAY, **BATCH)
    return world.do("funding.adopt_scenario", as_=OFFICE, on=DAY, proposal=made.id, scenario=scenario)


def test_money_kept_for_one_project_is_planned_for_it_and_for_no_other(tmp_path: Path) -> None:
    """ZY-10, ZY-78: 200 for project a alone, 100 for anybody; both ask 200, so b is left out or a alone is full."""
    world = open_world(tmp_path, region="520300")
    channel = "special_fund"
    for name in ("prj-a", "prj-b"):
        applied(world, name, "200", channel=channel)
    own = allotted(world, "200", doc_no="合成1号", channel=channel, earmark={"projects": ["prj-a"]})
    allotted(world, "100", doc_no="合成2号", channel=channel)

    adopted(world)

    with Session(world.services.engine) as session:
        lines = {line.project_id: line.amount_fen for line in session.exec(select(PlanLine))}
        drawn = {
            row.fund_id: row.amount_fen for row in session.exec(select(Posting).where(Posting.account == "reserved"))
        }
    told = world.ask(
        "funding.left_out",
        proposal=world.ask("funding.proposal", **BATCH, on=DAY).id,
        scenario="baseline",
        project="prj-b",
        on=DAY,
    )
    assert lines == {"prj-a": 20_000}
    assert sum(drawn.values()) == 20_000
    assert drawn[own] > 0
    assert (told.rule, told.money_short[channel].fen) == ("ZY-78", 10_000)
    assert world.ask("funding.verify_ledger", on=DAY) is not None
    world.services.engine.dispose()


def test_the_share_of_social_organisations_is_reported_and_weighed(tmp_path: Path) -> None:
    """AH-19 in Anhui: the scenario with the share takes the social organisation, the one without the better score."""
    world = open_world(tmp_path, region="340000")
    channel = "local_budget"
    applied(world, "prj-firm", "100", channel=channel)
    applied(world, "prj-club", "100", channel=channel, credit_code="52340000MJ00000010")
    allotted(world, "100", doc_no="合成1号", channel=channel)

    view_of = {one.code: one for one in _proposed(world)}

    assert set(view_of) == {"baseline", "coverage_first", "score_first", "no_social_share"}
    assert [line.project for line in view_of["baseline"].lines] == ["prj-club"]
    assert (view_of["baseline"].social_ratio, view_of["baseline"].social_short.fen) == (1, 0)
    world.services.engine.dispose()


def _proposed(world: World) -> Any:
    world.do("funding.propose_plan", as_=OFFICE, on=DAY, **BATCH)
    return world.ask("funding.proposal", **BATCH, on=DAY).scenarios


def test_the_next_batch_cites_the_last_acceptance_conclusion(checked: Standing) -> None:
    """ZY-98: a new project of the same place rests on the conclusion of the one before, by its id."""
    world, day = checked.world, date(2017, 7, 11)
    conclude(world, checked.bought.project)
    project = approved_project(world, id="prj-next")
    budget = {"project": project, "year": 2017, "channel": "local_budget", "amount": "300"}
    world.do("funding.register_budget", as_=FINANCE, on=day, **budget)

    made = world.do("funding.propose_plan", as_=OFFICE, on=day, quarter="2017Q3", batch=1)
    world.do("funding.adopt_scenario", as_=OFFICE, on=day, proposal=made.id, scenario="baseline")

    with Session(world.services.engine) as session:
        conclusion = session.exec(select(AcceptanceConclusion)).one()
        event = session.exec(select(Event).where(Event.type == "funding.scenario_adopted")).one()
    assert event.payload["cites"] == {project: conclusion.id}
