"""What a quarterly proposal rests on: money with a purpose, acceptance conclusions, the social share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from models.tables.acceptance import AcceptanceConclusion
from models.tables.funding import PlanLine, Posting
from models.tables.kernel import Event
from tests.models.commands.conftest import Standing
from tests.support.delivering import conclude
from tests.support.funds import asked
from tests.support.purchases import FINANCE, OFFICE, approved_project
from tests.support.world import World, copy_world, open_world

DAY = date(2025, 10, 8)  # the last quarter: one phase
BATCH: dict[str, Any] = {"quarter": "2025Q4", "batch": 1}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Zunyi with nothing in it."""
    made = open_world(tmp_path_factory.mktemp("money"), region="520300")
    yield made
    made.services.engine.dispose()


def applied(world: World, project: str, amount: str, *, channel: str, credit_code: str | None = None) -> None:
    """An approved project (合成) that applied for money of a channel and has none of its own."""
    approved_project(world, id=project)
    asked(world, project, amount, channel=channel, credit_code=credit_code, on=DAY)


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


def test_money_kept_for_one_project_is_planned_for_it_and_for_no_other(fresh: World, tmp_path: Path) -> None:
    """ZY-10, ZY-78: 200 for project a alone, 100 for anybody; both ask 200, so b is left out or a alone is full."""
    world = copy_world(fresh, tmp_path)
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


@pytest.mark.parametrize("turned", [False, True])
def test_lines_draw_on_funds_so_that_every_line_of_the_scenario_has_its_own(
    fresh: World, tmp_path: Path, turned: bool
) -> None:
    """ZY-78: a may draw on the shared fund or its own, b needs the shared one too; whichever came first, both fit."""
    world = copy_world(fresh, tmp_path)
    for name, amount in (("prj-a", "100"), ("prj-b", "200")):
        applied(world, name, amount, channel="special_fund")
    purposes = [["prj-a", "prj-b"], ["prj-a"], ["prj-b"]]
    for number, projects in enumerate(reversed(purposes) if turned else purposes):
        allotted(
            world, "100", doc_no=f"合成{number}号", channel="special_fund", earmark={"projects": projects, "units": []}
        )

    made = adopted(world)

    assert made.amount.fen == 30_000
    world.services.engine.dispose()


def test_a_line_by_hand_leaves_the_money_for_many_to_others(fresh: World, tmp_path: Path) -> None:
    """ZY-94: money for one project goes before money for anything, whatever their ids."""
    world = copy_world(fresh, tmp_path)
    project = approved_project(world, id="prj-a")
    funds = [
        allotted(world, "100", doc_no=f"合成{number}号", channel="special_fund", earmark={"projects": projects})
        for number, projects in enumerate(([], ["prj-a", "prj-z"], ["prj-a"], []))
    ]
    world.do(
        "funding.draft_plan",
        as_=FINANCE,
        on=DAY,
        project=project,
        channel="special_fund",
        amount="150",
        content="合成",
        **BATCH,
    )

    with Session(world.services.engine) as session:
        drawn = {
            row.fund_id: row.amount_fen for row in session.exec(select(Posting).where(Posting.account == "reserved"))
        }
    assert drawn == {funds[2]: 10_000, funds[1]: 5_000}
    world.services.engine.dispose()
