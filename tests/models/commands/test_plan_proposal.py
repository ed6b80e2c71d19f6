"""The quarterly plan's proposal on a real database: computed once from the same facts, taken over whole or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.tables.funding import PlanLine, Posting
from models.tables.kernel import Document, Event, WorkItem
from models.tables.plan import PlanAdoption, PlanProposal
from tests.support.funds import asked
from tests.support.purchases import FINANCE, OFFICE, approved_project
from tests.support.world import World, copy_world, open_world, rows

DAY = date(2025, 4, 1)
BATCH = {"quarter": "2025Q2", "batch": 1}
YEAR_SHARE = 3  # phases of a year's money from the second quarter on


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = open_world(tmp_path_factory.mktemp("fresh"), region="520300")
    yield made
    made.services.engine.dispose()


@pytest.fixture
def world(fresh: World, tmp_path: Path) -> Iterator[World]:
    """Zunyi with nothing in it."""
    made = copy_world(fresh, tmp_path)
    yield made
    made.services.engine.dispose()


def budgeted(world: World, name: str, amount: str, *, channel: str = "local_budget") -> str:
    """An approved project (合成) with money of its own for the year."""
    project = approved_project(world, id=name)
    world.do("funding.register_budget", as_=FINANCE, on=DAY, project=project, year=2025, channel=channel, amount=amount)
    return project


def three(world: World) -> None:
    """Three projects that ask 100, 200 and 300 yuan in the second quarter."""
    for name, amount in (("prj-a", "300"), ("prj-b", "600"), ("prj-c", "900")):
        budgeted(world, name, amount)


def issued(world: World, project: str) -> None:
    """Let 30 yuan have been issued for a project in the first quarter."""
    line = world.do(
        "funding.draft_plan",
        as_=OFFICE,
        on=DAY,
        project=project,
        quarter="2025Q1",
        batch=1,
        channel="local_budget",
        amount="30",
        content="合成",
    ).id
    for role in ("city_bureau:u", "drc:u"):
        world.do("funding.sign_plan", as_=role, on=DAY, plan_line=line)
    world.do("funding.issue_plan", as_=OFFICE, on=DAY, quarter="2025Q1", batch=1)


def propose(world: World, *, on: date = DAY, ceiling: str | None = "300", **more: Any) -> Any:
    given = {"ceilings": [{"channel": "local_budget", "amount": ceiling}]} if ceiling else {}
    return world.do("funding.propose_plan", as_=OFFICE, on=on, **BATCH, **given, **more)


def test_scenarios_stand_side_by_side_and_no_money_moves(world: World) -> None:
    """ZY-77, ZY-78: a phase of the year's money each, in total not above what may go out."""
    three(world)
    before = len(rows(world, Posting))

    made = propose(world)
    view = world.ask("funding.proposal", **BATCH, on=DAY)

    assert [one.code for one in view.scenarios] == ["baseline", "coverage_first", "score_first"]
    assert len(rows(world, Posting)) == before
    assert rows(world, PlanLine) == []
    for one in view.scenarios:
        assert sum(line.money["local_budget"].fen for line in one.lines) == one.money["local_budget"].fen <= 30_000
        assert one.gap <= one.bound
    assert (view.id, view.version, view.candidates, view.adopted) == (made.id, 1, 3, None)
    assert [row.kind for row in rows(world, Document)] == ["plan_scenarios_xlsx"]
    items = [(row.kind, row.role, row.status, row.due_on) for row in rows(world, WorkItem) if "proposal" in row.kind]
    assert items == [("funding.proposal", "evaluation_office", "open", date(2025, 6, 30))]


def test_the_same_facts_give_one_proposal_and_other_facts_the_next_version(world: World) -> None:
    """Decision 29: equal bytes; a new version only when something changed."""
    three(world)

    first, again = propose(world), propose(world, on=date(2025, 4, 2))
    budgeted(world, "prj-d", "300")
    other = propose(world)

    assert again == first
    assert (other.version, other.candidates) == (2, 4)
    assert other.id != first.id
    assert len(rows(world, PlanProposal)) == 2


def test_a_scenario_taken_over_drafts_its_lines_and_reserves_their_money_once(world: World) -> None:
    """All lines in one go; the second time is a conflict; ZY-98: each line cites its conclusion."""
    three(world)
    made = propose(world)

    taken = world.do("funding.adopt_scenario", as_=OFFICE, on=DAY, proposal=made.id, scenario="baseline")
    world.refused(
        "funding.adopted", "funding.adopt_scenario", as_=OFFICE, on=DAY, proposal=made.id, scenario="baseline"
    )

    lines = rows(world, PlanLine)
    balances = world.ask("funding.balances", year=2025, on=DAY)
    assert sorted(taken.lines) == sorted(line.id for line in lines)
    assert sum(line.amount_fen for line in lines) == taken.amount.fen <= 30_000
    assert balances.balanced
    assert balances.channels[0].accounts["reserved"] == taken.amount
    adopted = next(row for row in rows(world, Event) if row.type == "funding.scenario_adopted")
    assert set(adopted.payload["cites"]) == {line.project_id for line in lines}
    assert {row.status for row in rows(world, WorkItem) if row.kind == "funding.proposal"} == {"done"}
    assert world.ask("funding.proposal", **BATCH, on=DAY).adopted == "baseline"


def test_a_proposal_whose_facts_changed_is_not_taken_over(world: World) -> None:
    """Money that came since, or a newer version: nothing is drafted."""
    three(world)
    old = propose(world)
    budgeted(world, "prj-d", "300")
    call = {"as_": OFFICE, "on": DAY, "scenario": "baseline"}

    world.refused("funding.proposal_stale", "funding.adopt_scenario", proposal=old.id, **call)
    new = propose(world)
    world.refused("funding.proposal_stale", "funding.adopt_scenario", proposal=old.id, **call)
    world.refused("funding.unknown_scenario", "funding.adopt_scenario", proposal=new.id, **call | {"scenario": "none"})

    assert rows(world, PlanLine) == []
    assert rows(world, PlanAdoption) == []


def test_an_issued_project_is_carried_on_first_and_short_money_is_refused(world: World) -> None:
    """What was issued in the first quarter goes on in full; ZY-78 where the ceiling does not carry it."""
    three(world)
    issued(world, "prj-a")

    short = {"ceilings": [{"channel": "local_budget", "amount": "89.99"}]}
    world.refused("ZY-78", "funding.propose_plan", as_=OFFICE, on=DAY, **BATCH, **short)
    propose(world, ceiling="90")

    for scenario in world.ask("funding.proposal", **BATCH, on=DAY).scenarios:
        assert {line.project: line.money["local_budget"].fen for line in scenario.lines} == {"prj-a": 9_000}


def test_a_tilt_needs_both_conditions_and_a_sanction_its_reason(world: World) -> None:
    """ZY-110, ZY-111: refused as told; the worth of a tilted unit rises, a unit that gets nothing is left out."""
    three(world)
    unit = {"unit": "520300"}
    for rule, standing in (
        ("ZY-110", {"effect": "tilt", "met": ["reserve_target"]}),
        ("ZY-111", {"effect": "less", "met": ["reserve_target"], "reason": " "}),
        ("ZY-111", {"effect": "none", "met": ["reserve_target", "good_management"], "reason": "合成理由"}),
        ("SYS-CODE-LIST", {"effect": "much"}),
    ):
        call = BATCH | {"standings": [unit | standing]}
        world.refused(rule, "funding.propose_plan", as_=OFFICE, on=DAY, **call)

    plain = propose(world)
    tilted = propose(
        world, standings=[unit | {"effect": "tilt", "met": ["reserve_target", "good_management"], "reason": ""}]
    )
    less = propose(world, standings=[unit | {"effect": "less", "reason": "合成理由"}], ceiling=None)
    none = propose(world, standings=[unit | {"effect": "none", "reason": "合成理由"}])

    view = world.ask("funding.proposal", **BATCH, on=DAY)
    assert len({plain.id, tilted.id, less.id, none.id}) == 4
    assert less.scenarios[0].amount.fen == 30_000  # half of 600
    assert [one.lines for one in view.scenarios] == [(), (), ()]
    call = {"as_": OFFICE, "on": DAY, "proposal": none.id, "scenario": "baseline"}
    world.refused("funding.scenario_empty", "funding.adopt_scenario", **call)
    told = world.ask("funding.left_out", proposal=none.id, scenario="baseline", project="prj-a", on=DAY)
    assert (told.rule, "合成理由" in told.reason) == ("ZY-111", True)


def test_a_project_left_out_is_told_rule_money_and_score(world: World) -> None:
    """ZY-78: on demand, for one project of one scenario."""
    three(world)
    made = propose(world, ceiling="80")
    view = world.ask("funding.proposal", **BATCH, on=DAY).scenarios[0]
    out = ({"prj-a", "prj-b", "prj-c"} - {line.project for line in view.lines}).pop()

    told = world.ask("funding.left_out", proposal=made.id, scenario="baseline", project=out, on=DAY)

    assert told.rule == "ZY-78"
    assert told.money_short["local_budget"].fen > 0
    assert "各级财政资金" in told.reason


def test_nothing_to_plan_is_refused_and_an_issued_batch_is_closed(world: World) -> None:
    """No candidate, no proposal."""
    world.refused("funding.no_candidates", "funding.propose_plan", as_=OFFICE, on=DAY, **BATCH)
    assert world.do("funding.prepare_proposal", as_="system:scheduler", on=DAY).proposal == ""


def test_the_scheduled_run_prepares_one_draft_a_quarter(world: World) -> None:
    """Idempotent: however often it runs, and whatever changed meanwhile, the office's draft stands."""
    three(world)

    first = world.do("funding.prepare_proposal", as_="system:scheduler", on=DAY)
    budgeted(world, "prj-d", "300")
    again = world.do("funding.prepare_proposal", as_="system:scheduler", on=date(2025, 6, 30))

    assert first.proposal
    assert again == first
    assert [row.version for row in rows(world, PlanProposal)] == [1]


def test_a_draft_the_run_cannot_prepare_is_told_to_the_office_once(world: World) -> None:
    """ZY-78: what was begun asks for more than its funds hold; however often it runs, one to-do, done by a proposal."""
    project = budgeted(world, "prj-a", "30")
    issued(world, project)
    asked(world, project, "100", channel="special_fund", on=DAY)
    fund = {"year": 2025, "channel": "special_fund", "purpose": "合成用途"}
    world.do("funding.register_allotment", as_=FINANCE, on=DAY, **fund, amount="99.99", doc_no="合成1号")
    run: dict[str, Any] = {"as_": "system:scheduler"}

    world.refused("ZY-78", "funding.prepare_proposal", on=DAY, **run)
    world.refused("ZY-78", "funding.prepare_proposal", on=date(2025, 4, 2), **run)
    (blocked,) = (row for row in rows(world, WorkItem) if row.kind == "funding.proposal_blocked")
    world.do("funding.register_allotment", as_=FINANCE, on=DAY, **fund, amount="0.01", doc_no="合成2号")
    world.do("funding.prepare_proposal", on=date(2025, 4, 3), **run)

    assert (blocked.role, blocked.clause, blocked.status, blocked.due_on) == ("evaluation_office", "ZY-78", "open", DAY)
    assert "0.01" in blocked.note
    assert [row.status for row in rows(world, WorkItem) if row.kind == "funding.proposal_blocked"] == ["done"]


def test_a_phase_is_given_once_a_quarter_and_the_run_prepares_no_second_draft(world: World) -> None:
    """Phases over quarters: a further batch of the quarter arranges what is new, and no second phase of what was
    issued; what it holds for later quarters stays its own."""
    three(world)
    made = propose(world, ceiling=None)
    lines = world.do("funding.adopt_scenario", as_=OFFICE, on=DAY, proposal=made.id, scenario="baseline").lines
    for line in lines:
        for role in ("city_bureau:u", "drc:u"):
            world.do("funding.sign_plan", as_=role, on=DAY, plan_line=line)
    world.do("funding.issue_plan", as_=OFFICE, on=DAY, **BATCH)
    budgeted(world, "prj-d", "90")

    run = world.do("funding.prepare_proposal", as_="system:scheduler", on=date(2025, 5, 6))
    second = world.do("funding.propose_plan", as_=OFFICE, on=date(2025, 5, 6), quarter="2025Q2", batch=2)
    third = world.do("funding.propose_plan", as_=OFFICE, on=date(2025, 7, 1), quarter="2025Q3", batch=1)

    assert (len(lines), run.proposal) == (3, made.id)
    assert [(one.projects, one.amount.fen) for one in second.scenarios] == [(1, 3_000)] * 3
    assert [one.amount.fen for one in third.scenarios] == [60_000 + 4_500] * 3


def test_a_past_batch_is_held_against_what_would_have_been_proposed(world: World) -> None:
    """The same money, that day's candidates: what was issued by hand against the programme's choice."""
    three(world)
    for name, amount in (("prj-a", "100"), ("prj-b", "200")):
        call = {"project": name, "amount": amount, "channel": "local_budget", "content": "合成"}
        line = world.do("funding.draft_plan", as_=OFFICE, on=DAY, **BATCH, **call).id
        for role in ("city_bureau:u", "drc:u"):
            world.do("funding.sign_plan", as_=role, on=DAY, plan_line=line)
    world.do("funding.issue_plan", as_=OFFICE, on=DAY, **BATCH)
    budgeted(world, "prj-later", "900")
    before = len(rows(world, Event))

    (past,) = world.ask("funding.backtest", first="2025Q1", last="2025Q4", on=date(2025, 12, 31))

    assert (past.quarter, past.batch, past.issued_on) == ("2025Q2", 1, DAY)
    assert (past.issued, past.amount.fen) == (2, 30_000)
    assert past.proposed_worth >= past.issued_worth > 0
    assert past.both <= min(past.issued, past.proposed)
    assert len(rows(world, Event)) == before
