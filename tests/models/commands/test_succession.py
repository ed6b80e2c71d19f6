"""No recipient is ever without an owner, person by person: a team ends, the street office steps in, a team takes over.

Project, contracts and the people they serve are made up (合成) and stand in Zunyi.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from models.commands import transition
from models.core.ids import derive_id
from models.queries.succession import recipients_without_owner
from models.tables.delivery import CasePlan, PlanItem, RecipientOwner
from models.tables.funding import PlanLine
from models.tables.kernel import Document, WorkItem
from models.tables.needs import Person
from models.tables.procurement import Procurement
from tests.support import contracting
from tests.support.contracting import context
from tests.support.delivering import selected
from tests.support.midterms import BEGUN, BUREAU, FINANCE, HEARD, TODAY, assess, decide, paid, planned, serve
from tests.support.world import World, copy_world, open_world, rows

PROJECT = "prj-long"
PURCHASER = "purchaser:u-purchaser"
CONTRACTOR = "contractor:u-contractor"
STREET_DUE = date(2027, 4, 22)  # fifteen weekdays after TODAY: the calendar of 2027 is not out
NEXT = date(2027, 5, 6)
ENDED: dict[str, Any] = {"reason": "违约（合成）"}


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two people under the contract of one project, nobody under that of another."""
    world = open_world(tmp_path_factory.mktemp("succession"), region="520300")
    for name in ("long", "five"):
        planned(world, name)
        contracting.running(world, f"prj-{name}", on=BEGUN, until=date(2030, 4, 2), name=name, price_fen=10_000_000)
    serve(world, PROJECT, ("a", "b"))
    yield world
    world.services.engine.dispose()


@pytest.fixture
def world(standing: World, tmp_path: Path) -> Iterator[World]:
    made = copy_world(standing, tmp_path)
    yield made
    assert nobodys(made) == {}
    made.services.engine.dispose()


def contract_of(name: str, project: str = PROJECT) -> str:
    return derive_id("con", derive_id("prc", project, name))


def nobodys(world: World) -> dict[str, frozenset[str]]:
    with Session(world.services.engine) as session:
        return recipients_without_owner(session, world.clock.day)


def open_items(world: World) -> dict[str, WorkItem]:
    return {row.kind: row for row in rows(world, WorkItem) if row.status == "open" and row.project_id == PROJECT}


def terminated(world: World, **changes: Any) -> Any:
    given: dict[str, Any] = {"contract": contract_of("long"), **ENDED}
    return world.do("contract.terminate", as_=PURCHASER, on=TODAY, **given | changes)


def test_whoever_loses_a_team_is_in_the_care_of_the_street_office_until_the_next_takes_over(world: World) -> None:
    """ZY-28: a row for each person, two tasks due; open services go to the new team, and the sheet is filed."""
    world.do("delivery.plan_services", as_=CONTRACTOR, on=BEGUN, contract=contract_of("long"), basis="合同（合成）")

    terminated(world)

    items = open_items(world)
    assert nobodys(world) == {}
    assert (items["delivery.interim_care"].role, items["delivery.interim_care"].note) == ("township", "2")
    assert items["delivery.interim_care"].due_on == items["contract.successor"].due_on == STREET_DUE
    streets = {row.id: row.street for row in rows(world, Person)}
    assert {row.person_id: row.unit for row in rows(world, RecipientOwner)} == streets
    assert world.ask("delivery.owners", project=PROJECT).interim == 2

    next_ = contracting.running(world, PROJECT, on=NEXT, until=date(2028, 5, 6), name="next", price_fen=5_000_000)
    first, second = sorted(streets)
    one = world.do("delivery.take_over", as_=CONTRACTOR, on=NEXT, project=PROJECT, contract=next_, persons=[first])
    assert (one.persons, one.waiting) == (1, 1)
    assert "delivery.interim_care" in open_items(world)
    assert world.do("delivery.take_over", as_=CONTRACTOR, on=NEXT, project=PROJECT, contract=next_).waiting == 0

    assert "delivery.interim_care" not in open_items(world)
    assert {row.person_id for row in rows(world, CasePlan) if row.contract_id == next_} == {first, second}
    assert {(row.person_id, row.item) for row in rows(world, PlanItem) if row.contract_id == next_} == {
        (first, "meal"),
        (second, "meal"),
    }
    assert [row.kind for row in rows(world, Document)].count("handover_sheet") == 2
    counted = world.ask("delivery.owners", project=PROJECT)
    assert (counted.teams, counted.interim, counted.without) == ({next_: 2}, 0, 0)
    file = world.ask("delivery.service_file", project=PROJECT, person=first)
    assert [(one.kind, one.unit) for one in file.owners] == [("interim", streets[first]), ("team", "合成机构next")]


def test_a_successor_that_fails_before_it_took_anybody_makes_another_due(world: World) -> None:
    """The people still wait with the street office: the search begins again."""
    terminated(world)
    next_ = contracting.running(world, PROJECT, on=NEXT, until=date(2028, 5, 6), name="next", price_fen=5_000_000)
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.get_one(WorkItem, open_items(world)["contract.successor"].id).status = "done"  # as signing leaves it
        session.commit()

    world.do("contract.terminate", as_=PURCHASER, on=date(2027, 5, 10), contract=next_, **ENDED)

    assert open_items(world)["contract.successor"].due_on == date(2027, 5, 31)
    assert world.ask("delivery.owners", project=PROJECT).interim == 2


def test_only_who_waits_is_taken_over_and_only_by_a_team_at_work(world: World) -> None:
    first = sorted(row.id for row in rows(world, Person))[0]
    given: dict[str, Any] = {"project": PROJECT, "contract": contract_of("long")}
    world.refused("delivery.nobody_waiting", "delivery.take_over", as_=CONTRACTOR, on=TODAY, **given)
    terminated(world)
    world.refused("delivery.no_team", "delivery.take_over", as_=CONTRACTOR, on=TODAY, **given)
    world.refused("delivery.no_team", "delivery.take_over", as_=CONTRACTOR, on=TODAY, project=PROJECT)
    next_ = contracting.running(world, PROJECT, on=NEXT, until=date(2028, 5, 6), name="next", price_fen=5_000_000)
    someone: dict[str, Any] = {"project": PROJECT, "contract": next_, "persons": [first, "per-nobody"]}
    world.refused("delivery.not_waiting", "delivery.take_over", as_=CONTRACTOR, on=NEXT, **someone)

    world.refused("delivery.people_waiting", "delivery.complete", as_=PURCHASER, on=NEXT, contract=next_)

    world.do("delivery.take_over", as_=CONTRACTOR, on=NEXT, project=PROJECT, contract=next_)
    done = world.do("delivery.complete", as_=PURCHASER, on=NEXT, contract=next_)
    assert done.project == "project.completed"


def test_whom_another_unit_takes_whole_waits_no_longer(world: World) -> None:
    """By name only; the difficulty of a person that was handed on leaves the person where they are."""
    terminated(world)
    people = sorted(row.id for row in rows(world, Person))
    refer: dict[str, Any] = {"project": PROJECT, "from_": "合成机构", "to": "合成养老院", "reason": "入住机构（合成）"}
    world.refused("ZY-28", "delivery.log_referral", as_=BUREAU, on=TODAY, persons=2, whole=True, **refer)
    world.do("delivery.log_referral", as_=BUREAU, on=TODAY, persons=people, **refer)
    assert world.ask("delivery.owners", project=PROJECT).interim == 2

    world.do("delivery.log_referral", as_=BUREAU, on=TODAY, persons=people, whole=True, **refer)

    counted = world.ask("delivery.owners", project=PROJECT)
    assert (counted.interim, counted.referred, counted.without) == (0, 2, 0)
    assert "delivery.interim_care" not in open_items(world)


def test_who_died_holds_up_nothing_and_who_declines_signs_so(world: World) -> None:
    """Nobody is referred for having died; a project may end, or complete, without them."""
    terminated(world)
    first, second = sorted(row.id for row in rows(world, Person))
    given: dict[str, Any] = {"project": PROJECT, "as_": "township:u-street", "on": TODAY}
    world.do("delivery.end_service", persons=[first], cause="deceased", **given)
    world.refused("delivery.unsigned_end", "delivery.end_service", persons=[second], cause="declined", **given)
    signed = world.upload(b"%PDF-1.4 made up", name="signed.pdf", media_type="application/pdf")

    world.do("delivery.end_service", persons=[second], cause="declined", statement=signed, **given)

    counted = world.ask("delivery.owners", project=PROJECT)
    assert (counted.gone, counted.interim, counted.without) == (2, 0, 0)
    assert "delivery.interim_care" not in open_items(world)
    assert world.ask("midterm.status", project=PROJECT).unowned == 0


def test_the_invariant_is_about_persons_not_contracts(world: World) -> None:
    """A second contract that runs owns nobody of the first; an office whose task was closed answers for nobody."""
    second = contracting.running(world, PROJECT, on=TODAY, until=date(2028, 4, 1), name="side", price_fen=1_000_000)
    terminated(world)
    assert world.ask("delivery.owners", project=PROJECT).interim == 2
    assert "contract.successor" not in open_items(world)  # one stands ready to take over

    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        item = session.get_one(WorkItem, open_items(world)["delivery.interim_care"].id)
        item.status = "done"
        session.commit()
    assert {project: len(people) for project, people in nobodys(world).items()} == {PROJECT: 2}
    checked = world.ask("delivery.verify_owners")
    assert (checked.ok, checked.without) == (False, {PROJECT: 2})

    world.do("delivery.take_over", as_=CONTRACTOR, on=TODAY, project=PROJECT, contract=second)
    assert world.ask("delivery.verify_owners").ok


def test_a_contract_that_ends_on_time_leaves_nobody_alone_either(world: World) -> None:
    """Those of a long project go on under the next contract: meanwhile the street office answers (ZY-28)."""
    world.do("delivery.complete", as_=PURCHASER, on=TODAY, contract=contract_of("long"), continues=True)
    assert world.ask("delivery.owners", project=PROJECT).interim == 2


def test_money_paid_for_nothing_is_claimed_when_a_contract_ends(world: World) -> None:
    """More than was paid cannot be claimed, not in two claims either; what came back closes the claim."""
    line = next(row.id for row in rows(world, PlanLine) if row.project_id == PROJECT)
    paid(world, line, contract_of("long"), fen=3_000_000)
    claim: dict[str, Any] = {"plan_line": line}
    twice = [{**claim, "amount": "20000.00"}, {**claim, "amount": "10000.01"}]
    gone: dict[str, Any] = {"contract": contract_of("long"), **ENDED}
    world.refused("midterm.over_demand", "contract.terminate", as_=PURCHASER, on=TODAY, recover=twice, **gone)

    assert terminated(world, recover=[{**claim, "amount": "20000.00"}]).released.fen == 7_000_000
    assert open_items(world)["funding.recovery"].note == "20,000.00"

    back: dict[str, Any] = {"contract": contract_of("long"), "amount": "20000.00", "basis": "终止结算（合成）"}
    world.do("funding.recover", as_=FINANCE, on=TODAY, plan_line=line, **back)
    assert "funding.recovery" not in open_items(world)


def test_what_cannot_be_completed_ends_in_referral_when_everybody_is_somebody_elses(world: World) -> None:
    """ZY-28, ZY-104: by who decided the project, both sides heard; its purchase is void, its money owed back."""
    terminated(world)
    people = sorted(row.id for row in rows(world, Person))
    end: dict[str, Any] = {"project": PROJECT, "basis": "承接主体无力继续，未找到接续团队（合成）", "consulted": HEARD}
    world.refused("ZY-28", "delivery.refer_project", as_=BUREAU, on=NEXT, **end)
    refer: dict[str, Any] = {"project": PROJECT, "from_": "合成机构", "to": "合成养老院", "reason": "接续服务（合成）"}
    world.do("delivery.log_referral", as_=BUREAU, on=NEXT, persons=people, whole=True, **refer)
    world.refused("midterm.wrong_authority", "delivery.refer_project", as_=FINANCE, on=NEXT, **end)
    world.refused("ZY-104", "delivery.refer_project", as_=BUREAU, on=NEXT, **end | {"consulted": HEARD[:1]})
    bought(world)

    ended = world.do("delivery.refer_project", as_=BUREAU, on=NEXT, **end)

    assert (ended.state, ended.recipients, ended.released.fen) == ("project.referred", 2, 12_000_000)
    assert {row.state for row in rows(world, Procurement) if row.project_id == PROJECT} == {"awarded", "void"}
    items = open_items(world)
    assert items.keys() == {"funding.surplus", "audit.prepare_filing"}
    assert world.ask("delivery.owners", project=PROJECT).referred == 2


def test_a_project_of_any_place_may_end_in_referral(running: Any) -> None:
    """Huangshi has no midterm evaluation: four hundred people, each with the street office, then with another unit."""
    world, bought = running.world, running.bought
    on = date(2017, 2, 1)
    world.do("contract.terminate", as_=PURCHASER, on=on, contract=bought.contract, **ENDED)
    assert world.ask("delivery.owners", project=bought.project).interim == 400
    end: dict[str, Any] = {"project": bought.project, "basis": "承接主体无力继续（合成）"}
    world.refused("SYS-NO-RECIPIENT-LEFT", "delivery.refer_project", as_=BUREAU, on=on, **end)
    refer: dict[str, Any] = {"from_": "合成街道", "to": "合成养老院", "reason": "接续服务（合成）", "whole": True}
    people = selected(world, bought.project)
    world.do("delivery.log_referral", as_=BUREAU, on=on, project=bought.project, persons=people, **refer)

    ended = world.do("delivery.refer_project", as_=BUREAU, on=on, **end)

    assert (ended.state, ended.recipients) == ("project.referred", 400)
    assert world.ask("audit.projects_without_filing") == ()  # its money has to go back first


def bought(world: World) -> None:
    """Begin the purchase of a further team (合成)."""
    row = Procurement(
        id="prc-next",
        project_id=PROJECT,
        state="",
        version=0,
        policy_digest="0" * 64,
        purchaser="合成救助局",
        purchaser_kind="public_institution",
        budget_fen=5_000_000,
        budget_year=NEXT.year,
    )
    ctx = context(world, "procurement.plan", on=NEXT, about="prc-next")
    with ctx.writing() as session:
        transition.apply(session, ctx, row, payload={})


def test_who_goes_with_a_conversion_may_be_served_by_the_team_that_takes_them(world: World) -> None:
    """The successor selects, plans for and serves them; before, its records were refused."""
    assess(world, recommendation="CONVERT")
    world.do("midterm.decide", as_=BUREAU, on=TODAY, **decide("CONVERT", successor="prj-five"))

    team = contract_of("five", "prj-five")
    counted = world.ask("delivery.owners", project="prj-five")
    assert (counted.teams, counted.without) == ({team: 2}, 0)
    assert world.ask("delivery.owners", project=PROJECT).referred == 2
    staff = [{"ref": "SW-00", "certificate": "合成证", "qualified": True}]
    world.do("delivery.assign_staff", as_=CONTRACTOR, on=TODAY, contract=team, staff=staff)
    served = {
        "person": rows(world, Person)[0].id,
        "on": TODAY.isoformat(),
        "start": "09:00",
        "end": "10:00",
        "item": "meal",
        "staff": "SW-00",
        "place": "合成社区",
        "result": "已送餐（合成）",
    }
    assert world.do("delivery.record_services", as_=CONTRACTOR, on=TODAY, contract=team, records=[served]).records == 1
