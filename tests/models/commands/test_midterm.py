"""The midterm evaluation on a real database: due in its window, assessed on paper, effective only when decided again.

The project, its contract and the people it serves are made up (合成) and stand in Zunyi, the one place that has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from models.core.errors import Refusal
from models.core.ids import derive_id
from models.queries.project_record import project_record
from models.tables.delivery import DeliveryReferral
from models.tables.funding import BudgetLine, PlanLine
from models.tables.kernel import Document, Event, Project, WorkItem
from tests.support.contracting import awarded, running
from tests.support.midterms import (
    BEGUN,
    BUREAU,
    FINANCE,
    HEARD,
    OFFICE,
    PLAN,
    TODAY,
    assess,
    decide,
    paid,
    planned,
    serve,
)
from tests.support.world import World, copy_world, open_world, rows

LONG = date(2030, 4, 2)  # the first day after five years and a day


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two projects of Zunyi begun on 1 April 2025: one of five years and a day, one of exactly five years."""
    world = open_world(tmp_path_factory.mktemp("midterm"), region="520300")
    for name, until in (("long", LONG), ("five", date(2030, 4, 1))):
        planned(world, name)
        running(world, f"prj-{name}", on=BEGUN, until=until, name=name, price_fen=10_000_000)
    yield world
    world.services.engine.dispose()


@pytest.fixture
def world(standing: World, tmp_path: Path) -> Iterator[World]:
    made = copy_world(standing, tmp_path)
    yield made
    made.services.engine.dispose()


def open_items(world: World, kind: str) -> list[WorkItem]:
    return [row for row in rows(world, WorkItem) if row.kind == kind and row.status == "open"]


def test_only_the_project_of_more_than_five_years_becomes_due_and_only_once(world: World) -> None:
    """ZY-101: nothing before the window, one item in it, nothing new on the next day."""
    assert world.do("midterm.open_due", as_="system", on=date(2027, 3, 31)).opened == 0
    assert world.do("midterm.open_due", as_="system", on=TODAY).opened == 1
    assert world.do("midterm.open_due", as_="system", on=date(2027, 4, 2)).opened == 0

    (item,) = open_items(world, "midterm.assess")
    assert (item.project_id, item.due_on) == ("prj-long", date(2028, 4, 1))
    assert not world.ask("midterm.status", project="prj-five").owed


def test_a_project_begun_on_a_leap_day_becomes_due_on_the_last_of_february(world: World) -> None:
    """ZY-101: the window opens on 28 February two years later, not on 1 March."""
    planned(world, "leap", on=date(2024, 2, 29))
    running(world, "prj-leap", on=date(2024, 2, 29), until=date(2029, 3, 2), name="leap", price_fen=10_000_000)
    assert world.do("midterm.open_due", as_="system", on=date(2026, 2, 27)).opened == 0
    assert world.do("midterm.open_due", as_="system", on=date(2026, 2, 28)).opened == 1


def test_an_evaluation_is_refused_before_its_window_and_late_after_it(world: World) -> None:
    """ZY-101 refuses the day before; a late one is taken and told."""
    given: dict[str, Any] = {
        "findings": {
            "effectiveness": {"positive": True, "reason": "合成"},
            "remaining_funding": {"positive": True, "reason": "合成"},
        },
        "environment": "合成",
        "own_change": "合成",
        "conditions_changed": False,
        "recommendation": "CONTINUE",
        "reason": "合成理由",
    }
    world.refused("ZY-101", "midterm.assess", as_=OFFICE, on=date(2027, 3, 31), project="prj-long", **given)

    late = assess(world, on=date(2028, 4, 2))

    assert late.timing == "late"
    assert "2028-04-01" in late.warnings[0]
    assert assess(world, project="prj-five", on=date(2028, 4, 2)).timing == "voluntary"


def test_a_project_that_loses_its_money_is_evaluated_at_once_and_still_owes_its_evaluation(world: World) -> None:
    """ZY-105: it need not wait for its window; one held before the window is not the one owed (ZY-101)."""
    assert assess(world, on=date(2026, 6, 1), conditions_changed=True, restructuring=PLAN).timing == "voluntary"
    world.do("midterm.decide", as_=BUREAU, on=date(2026, 6, 1), **decide("CONTINUE"))

    assert world.do("midterm.open_due", as_="system", on=TODAY).opened == 1
    assert assess(world).timing == "in_window"
    assert world.do("midterm.open_due", as_="system", on=date(2027, 4, 2)).opened == 0


def test_an_assessment_changes_nothing_and_asks_who_decided_for_a_decision(world: World) -> None:
    """Report on file, the due item closed, the authority's item open; the project runs on (ZY-102, ZY-104)."""
    world.do("midterm.open_due", as_="system", on=TODAY)

    assessed = assess(world)

    assert (assessed.timing, assessed.plan) == ("in_window", None)
    assert world.ask("midterm.status", project="prj-long").state == "project.in_progress"
    assert open_items(world, "midterm.assess") == []
    assert [(row.role, row.subject_id) for row in open_items(world, "midterm.decide")] == [("city_bureau", assessed.id)]
    assert [row.id for row in rows(world, Document) if row.kind == "midterm_report"] == [assessed.document]


def test_without_assured_funds_a_plan_with_its_loss_is_on_file(world: World) -> None:
    """ZY-105."""
    unsure: dict[str, Any] = {
        "findings": {
            "effectiveness": {"positive": True, "reason": "合成"},
            "remaining_funding": {"positive": False, "reason": "后续预算未落实（合成）"},
        }
    }
    with pytest.raises(Refusal, match="损失"):
        assess(world, **unsure)

    planned_ = assess(world, restructuring=PLAN, recommendation="DEFER", **unsure)

    assert [row.id for row in rows(world, Document) if row.kind == "restructuring_plan"] == [planned_.plan]
    assert world.ask("midterm.status", project="prj-long").loss.fen == 1_200_000


def test_nothing_takes_effect_before_it_is_decided_again_by_who_decided(world: World) -> None:
    """ZY-104: after an assessment, by the authority, having heard both sides; never twice on one assessment."""
    world.refused("midterm.not_assessed", "midterm.decide", as_=BUREAU, on=TODAY, **decide("CONTINUE"))
    assess(world)
    world.refused("midterm.wrong_authority", "midterm.decide", as_=OFFICE, on=TODAY, **decide("CONTINUE"))
    alone = decide("CONTINUE", consulted=HEARD[:1])
    world.refused("midterm.not_consulted", "midterm.decide", as_=BUREAU, on=TODAY, **alone)

    decided = world.do("midterm.decide", as_=BUREAU, on=TODAY, **decide("CONTINUE"))

    assert (decided.state, decided.contracts, decided.released.fen) == ("project.in_progress", 0, 0)
    assert open_items(world, "midterm.decide") == []
    assert [row.type for row in rows(world, Event) if row.type.startswith("midterm.")] == [
        "midterm.assessed",
        "midterm.continued",
    ]
    world.refused("midterm.not_assessed", "midterm.decide", as_=BUREAU, on=TODAY, **decide("STOP"))


def test_a_deferred_project_resumes_only_after_a_new_assessment_and_decision(world: World) -> None:
    """Its contract stands while it waits: those it serves stay its own."""
    assess(world, recommendation="DEFER")
    deferred = world.do("midterm.decide", as_=BUREAU, on=TODAY, **decide("DEFER"))
    assert (deferred.state, deferred.contracts) == ("project.deferred", 0)
    world.refused("midterm.not_assessed", "midterm.decide", as_=BUREAU, on=TODAY, **decide("CONTINUE"))
    assess(world, on=date(2027, 9, 1))
    world.refused("SYS-STATE", "midterm.decide", as_=BUREAU, on=date(2027, 9, 1), **decide("DEFER"))

    resumed = world.do("midterm.decide", as_=BUREAU, on=date(2027, 9, 1), **decide("CONTINUE"))

    assert resumed.state == "project.in_progress"


def test_a_stop_is_refused_while_anybody_served_is_nobodys(world: World) -> None:
    """ZY-28: it says how many; once each is referred the project stops and its money is owed back."""
    people = serve(world, "prj-long", ("a", "b"))
    assess(world, recommendation="STOP")
    fault = world.refused("ZY-28", "midterm.decide", as_=BUREAU, on=TODAY, **decide("STOP"))
    assert "2 名" in fault.message
    refer: dict[str, Any] = {"project": "prj-long", "from_": "合成机构", "to": "合成接续机构", "reason": "停建（合成）"}
    world.do("delivery.log_referral", as_=BUREAU, on=TODAY, persons=people, **refer)
    world.refused("ZY-28", "midterm.decide", as_=BUREAU, on=TODAY, **decide("STOP"))  # a difficulty, not the person
    world.do("delivery.log_referral", as_=BUREAU, on=TODAY, persons=people, whole=True, **refer)

    stopped = world.do("midterm.decide", as_=BUREAU, on=TODAY, **decide("STOP"))

    assert (stopped.state, stopped.contracts, stopped.released.fen) == ("project.stopped", 1, 12_000_000)
    assert {row.state for row in rows(world, PlanLine) if row.project_id == "prj-long"} == {"closed"}
    (owed,) = open_items(world, "funding.surplus")
    assert (owed.role, owed.resolves_with) == ("finance_bureau", "funding.return_money")
    money: dict[str, Any] = {"year": 2025, "channel": "local_budget", "amount": "120000.00", "reason": "停建（合成）"}
    fault = world.refused("ZY-93", "audit.prepare_filing", as_=OFFICE, on=TODAY, project="prj-long")
    assert "120,000.00" in fault.message
    assert world.ask("audit.projects_without_filing") == ()
    world.do("funding.return_money", as_=FINANCE, on=TODAY, project="prj-long", **money)
    assert open_items(world, "funding.surplus") == []


def test_a_stopped_project_goes_to_audit_once_its_money_is_settled(world: World) -> None:
    """Its filing is a due row from the first day on; both receipts move it on as any other."""
    assess(world, recommendation="STOP")
    world.do("midterm.decide", as_=BUREAU, on=TODAY, **decide("STOP"))
    assert [row.project_id for row in open_items(world, "audit.prepare_filing")] == ["prj-long"]
    money: dict[str, Any] = {"year": 2025, "channel": "local_budget", "amount": "120000.00", "reason": "停建（合成）"}
    world.do("funding.return_money", as_=FINANCE, on=TODAY, project="prj-long", **money)

    assert world.ask("audit.projects_without_filing") == ("prj-long",)
    world.do("audit.prepare_filing", as_="system", on=TODAY, project="prj-long")
    assert open_items(world, "audit.prepare_filing") == []
    for body in ("audit_body", "discipline_supervision"):
        receipt = world.do(
            "audit.record_receipt",
            as_=OFFICE,
            on=TODAY,
            project="prj-long",
            body=body,
            receipt_no="合成1号",
            received_on=TODAY,
        )
    assert receipt.state == "project.audited"
    with Session(world.services.engine) as session:
        record = project_record(session, session.get_one(Project, "prj-long"))
    assert [(one.kind, one.amount_fen) for one in record.money_back] == [("returned", 12_000_000)]
    assert [(one.disposition, one.loss_fen) for one in record.midterms] == [("STOP", 1_200_000)]


def test_budget_carried_into_another_year_goes_back_too(world: World) -> None:
    """What is left is where the ledger has it, not where the budget was first registered."""
    more: dict[str, Any] = {"year": 2025, "channel": "special_fund", "amount": "50000.00", "reply_no": None}
    world.do("funding.register_budget", as_=FINANCE, on=BEGUN, project="prj-long", **more)
    world.do("funding.carry_over", as_=FINANCE, on=date(2026, 1, 5), year=2025)
    assess(world, recommendation="STOP")
    world.do("midterm.decide", as_=BUREAU, on=TODAY, **decide("STOP"))
    assert {row.subject_id for row in open_items(world, "funding.surplus")} == {
        "prj-long:2025:local_budget",
        "prj-long:2026:special_fund",
    }


def test_a_newer_assessment_takes_the_place_of_the_one_before(world: World) -> None:
    """The authority is asked once: nobody is reminded for ever of an assessment that was replaced."""
    assess(world)
    again = assess(world, on=date(2027, 4, 2))
    assert [row.subject_id for row in open_items(world, "midterm.decide")] == [again.id]


def test_a_completed_project_waits_for_no_evaluation_any_more(world: World) -> None:
    """Nobody could give the command the list asks for."""
    world.do("midterm.open_due", as_="system", on=TODAY)
    contract = derive_id("con", derive_id("prc", "prj-long", "long"))
    world.do("delivery.complete", as_="purchaser:u-purchaser", on=TODAY, contract=contract)
    assert open_items(world, "midterm.assess") == []


def test_nothing_ends_without_its_plan_and_the_estimate_of_its_loss(world: World) -> None:
    """ZY-105: not even when the authority decides otherwise than was recommended."""
    assess(world, recommendation="CONTINUE")
    world.refused("ZY-105", "midterm.decide", as_=BUREAU, on=TODAY, **decide("STOP"))


def test_a_conversion_hands_people_and_money_to_a_project_with_a_team(world: World) -> None:
    """One referral names everybody; both budgets say what moved, and the channel's sum stays what it was."""
    serve(world, "prj-long", ("a", "b", "c"))
    assess(world, recommendation="CONVERT")
    world.refused("midterm.successor_missing", "midterm.decide", as_=BUREAU, on=TODAY, **decide("CONVERT"))

    given = decide("CONVERT", successor="prj-five")
    converted = world.do("midterm.decide", as_=BUREAU, on=TODAY, **given)

    assert (converted.state, converted.recipients) == ("project.converted", 3)
    assert (converted.released.fen, converted.handed_over.fen) == (12_000_000, 12_000_000)
    (referral,) = rows(world, DeliveryReferral)
    assert (referral.persons, referral.to_unit) == (3, "合成机构five")
    assert world.ask("midterm.status", project="prj-long").unowned == 0
    moved = {row.project_id: row.amount_fen for row in rows(world, BudgetLine) if "划转" in row.note}
    assert moved == {"prj-long": -12_000_000, "prj-five": 12_000_000}
    assert world.ask("funding.balances", year=2025).balanced
    assert world.ask("audit.projects_without_filing") == ("prj-long",)  # nothing of it is under way
    world.do("audit.prepare_filing", as_="system", on=TODAY, project="prj-long")


def test_a_successor_without_a_team_takes_nobody(world: World) -> None:
    serve(world, "prj-long", ("a",))
    planned(world, "empty")
    assess(world, recommendation="CONVERT")

    given = decide("CONVERT", successor="prj-empty")
    world.refused("midterm.no_team", "midterm.decide", as_=BUREAU, on=TODAY, **given)


def test_what_was_paid_in_vain_is_demanded_back_until_it_is_there(world: World) -> None:
    """The demand is an open item that the last recovery closes; more than was paid is refused."""
    line = next(row.id for row in rows(world, PlanLine) if row.project_id == "prj-long")
    contract = derive_id("con", derive_id("prc", "prj-long", "long"))
    paid(world, line, contract, fen=3_000_000)
    assess(world, recommendation="STOP")
    claim: dict[str, Any] = {"plan_line": line, "contract": contract}
    over = decide("STOP", recover=({**claim, "amount": "30000.01"},))
    world.refused("midterm.over_demand", "midterm.decide", as_=BUREAU, on=TODAY, **over)

    world.do("midterm.decide", as_=BUREAU, on=TODAY, **decide("STOP", recover=({**claim, "amount": "20000.00"},)))

    world.do("funding.recover", as_=FINANCE, on=TODAY, amount="15000.00", basis="再决策（合成）", **claim)
    assert [row.note for row in open_items(world, "funding.recovery")] == ["20,000.00"]
    world.do("funding.recover", as_=FINANCE, on=TODAY, amount="5000.00", basis="再决策（合成）", **claim)
    assert open_items(world, "funding.recovery") == []


def test_a_contract_that_ends_early_makes_a_successor_due_until_one_is_signed(world: World) -> None:
    """ZY-28: people planned for are somebody's again by the next signing."""
    serve(world, "prj-long", ("a",))
    contract = derive_id("con", derive_id("prc", "prj-long", "long"))
    world.do("contract.terminate", as_=BUREAU, on=TODAY, contract=contract, reason="违约（合成）")

    (sought,) = open_items(world, "contract.successor")
    assert (sought.note, sought.resolves_with) == ("1", "procurement.plan")
    purchase = awarded(world, "prj-long", on=TODAY, name="next", price_fen=10_000_000)
    clauses = dict.fromkeys(world.services.policies.resolve(region="520300", on=TODAY).contract.clauses, "合成条款")
    terms: dict[str, Any] = {
        "starts_on": TODAY.isoformat(),
        "ends_on": "2028-04-01",
        "price": "100000.00",
        "clauses": clauses,
    }
    world.do("contract.sign", as_=BUREAU, on=TODAY, procurement=purchase, predecessor=contract, **terms)
    assert open_items(world, "contract.successor") == []
