"""Matching, confirmation and gaps through the commands: reasons, places, answers that are never lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.commands.confirmation import check_before_service
from models.context import Context
from models.core.actors import Actor, Role
from models.core.errors import Refusal
from models.tables.kernel import Event
from models.tables.matching import ServiceGap
from models.tables.needs import Person
from tests.support import needy
from tests.support.needy import DAY, OFFICE, STREET
from tests.support.world import World, copy_world, open_world

NEXT = date(2025, 3, 10)


@dataclass(frozen=True)
class Standing:
    """Two people who want meals, one of them badly off; one place."""

    world: World
    survey: str
    mild: str
    severe: str


def _standing(folder: Path, region: str) -> Standing:
    world = open_world(folder, region=region)
    survey = needy.survey(world)
    mild = needy.person(world, survey, 0, existing_benefits=("basic_elderly_care",))
    severe = needy.person(world, survey, 1, level="SEVERE", demands=("meal", "visit"), own_ability=("visit",))
    needy.add_service(world)
    needy.add_resource(world)
    needy.publish(world)
    return Standing(world, survey, mild, severe)


@pytest.fixture(scope="module")
def _zunyi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    standing = _standing(tmp_path_factory.mktemp("zunyi"), "520300")
    yield standing
    standing.world.services.engine.dispose()


@pytest.fixture(scope="module")
def _fengze(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    standing = _standing(tmp_path_factory.mktemp("fengze"), "350503")
    yield standing
    standing.world.services.engine.dispose()


def _copy(standing: Standing, folder: Path) -> Iterator[Standing]:
    world = copy_world(standing.world, folder, name=standing.world.services.region)
    yield Standing(world, standing.survey, standing.mild, standing.severe)
    world.services.engine.dispose()


@pytest.fixture
def zunyi(_zunyi: Standing, tmp_path: Path) -> Iterator[Standing]:
    yield from _copy(_zunyi, tmp_path)


@pytest.fixture
def fengze(_fengze: Standing, tmp_path: Path) -> Iterator[Standing]:
    yield from _copy(_fengze, tmp_path)


def _run(standing: Standing, *, on: date = DAY) -> str:
    return str(standing.world.do("matching.run", as_=OFFICE, on=on, survey=standing.survey).id)


def test_every_need_ends_with_one_outcome_and_a_reason_in_words(zunyi: Standing) -> None:
    done = zunyi.world.do("matching.run", as_=OFFICE, on=DAY, survey=zunyi.survey)
    assert (done.needs, done.matched, done.unmatched, done.gaps) == (3, 1, 2, 2)
    assert done.by_reason == {"capacity_exhausted": 1, "matched": 1, "no_service": 1}
    found = needy.outcomes(zunyi.world, done.id)
    assert {key: row.reason for key, row in found.items()} == {
        (zunyi.severe, "meal"): "matched",
        (zunyi.severe, "visit"): "no_service",
        (zunyi.mild, "meal"): "capacity_exhausted",
    }
    assert found[zunyi.mild, "meal"].explanation == "“助餐”名额已满,轮候第 2 位"
    assert all("***" in row.id_number for row in found.values())


def test_the_same_needs_and_lists_are_not_matched_twice(zunyi: Standing) -> None:
    _run(zunyi)
    zunyi.world.refused("matching.unchanged", "matching.run", as_=OFFICE, on=DAY, survey=zunyi.survey)


def test_a_survey_is_matched_only_to_published_lists(tmp_path: Path) -> None:
    world = open_world(tmp_path, region="520300")
    survey = needy.survey(world)
    needy.person(world, survey, 0)
    world.refused("lists.not_published", "matching.run", as_=OFFICE, on=DAY, survey=survey)
    needy.add_service(world)
    needy.add_resource(world)
    needy.publish(world)
    world.refused("matching.no_needs", "matching.run", as_=OFFICE, on=NEXT, survey=needy.survey(world, on=NEXT))


def test_what_an_existing_policy_gives_is_refused_with_policy_and_clause(zunyi: Standing) -> None:
    old = needy.outcomes(zunyi.world, _run(zunyi))[zunyi.severe, "meal"].service
    given = dict.fromkeys(needy.OVERLAPS, False) | {"basic_elderly_care": True}
    needy.add_service(zunyi.world, on=NEXT, overlaps=given, replaces=old)
    needy.publish_services(zunyi.world, on=NEXT)
    row = needy.outcomes(zunyi.world, _run(zunyi, on=NEXT))[zunyi.mild, "meal"]
    assert (row.reason, row.rule) == ("covered_by_policy", "ZY-08")
    assert "基本养老服务" in row.explanation
    assert "《遵义市探索建立服务类社会救助项目化管理的意见》一" in row.explanation


def test_what_material_aid_gives_is_not_given_again(zunyi: Standing) -> None:
    world = zunyi.world
    aid = {"person": zunyi.severe, "item": "meal", "basis": "合成实物救助", "valid_from": "2025-01-01"}
    world.do("matching.record_material_aid", as_=STREET, on=DAY, **aid)
    found = needy.outcomes(world, _run(zunyi))
    assert (found[zunyi.severe, "meal"].reason, found[zunyi.severe, "meal"].rule) == ("covered_in_kind", "ZY-07")
    assert found[zunyi.mild, "meal"].reason == "matched"
    world.refused("matching.item_unknown", "matching.record_material_aid", as_=STREET, on=DAY, **(aid | {"item": "x"}))
    wrong = aid | {"valid_until": "2024-01-01"}
    world.refused("lists.period", "matching.record_material_aid", as_=STREET, on=DAY, **wrong)


def test_what_somebody_can_do_alone_is_not_done_for_them(fengze: Standing) -> None:
    world = fengze.world
    needy.add_service(world, on=NEXT, service_class="CARE", item="visit")
    needy.add_resource(world, on=NEXT, items=("visit",), capacity=5)
    needy.publish(world, on=NEXT)
    row = needy.outcomes(world, _run(fengze, on=NEXT))[fengze.severe, "visit"]
    assert (row.reason, row.rule) == ("own_ability", "FZ-34")
    assert "能力提升" in row.explanation


def test_an_item_is_confirmed_by_the_recipient_and_keeps_its_place(zunyi: Standing) -> None:
    world = zunyi.world
    first = needy.outcomes(world, _run(zunyi))[zunyi.severe, "meal"]
    entitled = {"outcome": first.outcome, "entitlements_in_place": True}
    world.do("matching.confirm_item", as_=STREET, on=DAY, **entitled)
    world.refused("matching.answered", "matching.confirm_item", as_=STREET, on=DAY, **entitled)
    summary = world.ask("matching.summary", run=_newest(world))
    assert (summary.matched, summary.confirmed, summary.waiting) == (1, 1, 0)
    needy.person(world, zunyi.survey, 2, level="SEVERE", disabled=True, on=NEXT)
    again = needy.outcomes(world, _run(zunyi, on=NEXT))
    assert again[zunyi.severe, "meal"].reason == "continued"
    world.refused(
        "matching.outcome_stale", "matching.refuse_item", as_=STREET, on=NEXT, outcome=first.outcome, reason="晚了"
    )


def _newest(world: World) -> str:
    with Session(world.services.engine) as session:
        rows = session.exec(select(Event.payload).where(col(Event.type) == "matching.ran").order_by(col(Event.seq)))
        return str(rows.all()[-1]["run_id"])


def test_a_refusal_is_kept_frees_the_place_and_may_be_asked_again(zunyi: Standing) -> None:
    world = zunyi.world
    first = needy.outcomes(world, _run(zunyi))[zunyi.severe, "meal"].outcome
    world.refused("matching.not_refused", "matching.offer_again", as_=STREET, on=DAY, outcome=first, reason="再问一次")
    world.do("matching.refuse_item", as_=STREET, on=DAY, outcome=first, reason="子女送餐")
    second = needy.outcomes(world, _run(zunyi, on=NEXT))
    assert (second[zunyi.severe, "meal"].reason, second[zunyi.mild, "meal"].reason) == ("refused", "matched")
    world.do("matching.offer_again", as_=STREET, on=NEXT, outcome=first, reason="子女外出务工")
    third = needy.outcomes(world, _run(zunyi, on=NEXT))
    assert third[zunyi.severe, "meal"].reason == "matched"
    assert world.ask("matching.outcomes", run=_newest(world), person=zunyi.mild)[0].reason == "capacity_exhausted"


def test_only_what_was_offered_can_be_answered(zunyi: Standing) -> None:
    found = needy.outcomes(zunyi.world, _run(zunyi))[zunyi.mild, "meal"].outcome
    answer = {"outcome": found, "entitlements_in_place": True}
    zunyi.world.refused("matching.not_offered", "matching.confirm_item", as_=STREET, on=DAY, **answer)


def test_an_agent_answers_with_name_and_relation_and_the_name_is_sealed(zunyi: Standing) -> None:
    world = zunyi.world
    found = needy.outcomes(world, _run(zunyi))[zunyi.severe, "meal"].outcome
    answer = {"outcome": found, "given_by": "agent", "agent_name": "合成乙", "entitlements_in_place": True}
    world.refused("matching.agent_unnamed", "matching.confirm_item", as_=STREET, on=DAY, **answer)
    world.refused("matching.giver_unknown", "matching.confirm_item", as_=STREET, on=DAY, outcome=found, given_by="x")
    world.do("matching.confirm_item", as_=STREET, on=DAY, **answer, agent_relation="女儿")
    with Session(world.services.engine) as session:
        payloads = str(session.exec(select(Event.payload).where(col(Event.type) == "matching.confirmed")).all())
    assert "合成乙" not in payloads


def test_zunyi_adds_a_service_to_the_aid_in_place_never_instead_of_it(zunyi: Standing) -> None:
    """ZY-124: not in place and not asked about are refused alike; saying no needs neither."""
    world = zunyi.world
    found = needy.outcomes(world, _run(zunyi))[zunyi.severe, "meal"].outcome
    for answer in ({}, {"entitlements_in_place": False}):
        world.refused("ZY-124", "matching.confirm_item", as_=STREET, on=DAY, outcome=found, **answer)
    done = world.do("matching.confirm_item", as_=STREET, on=DAY, outcome=found, entitlements_in_place=True)
    assert (done.answer, done.ordinal) == ("confirmed", 1)


def test_fengze_wants_entitlements_first_and_a_signature(fengze: Standing) -> None:
    world = fengze.world
    found = needy.outcomes(world, _run(fengze))[fengze.severe, "meal"].outcome
    entitled = {"outcome": found, "entitlements_in_place": True}
    world.refused("FZ-32", "matching.confirm_item", as_=STREET, on=DAY, **entitled)
    paper = world.upload(b"%PDF-1.7 synthetic", name="确认单.pdf", media_type="application/pdf").model_dump()
    world.refused("FZ-02", "matching.confirm_item", as_=STREET, on=DAY, outcome=found, signature=paper)
    done = world.do("matching.confirm_item", as_=STREET, on=DAY, **entitled, signature=paper)
    assert (done.answer, done.ordinal) == ("confirmed", 1)


def test_fengze_takes_an_answer_from_the_recipients_own_account_unsigned(fengze: Standing) -> None:
    found = needy.outcomes(fengze.world, _run(fengze))[fengze.severe, "meal"].outcome
    answer = {"outcome": found, "entitlements_in_place": True}
    own = f"recipient:{fengze.severe}"
    for other in (f"recipient:{fengze.mild}", f"recipient_agent:{fengze.severe}"):
        fengze.world.refused("matching.not_own", "matching.confirm_item", as_=other, on=DAY, **answer)
        fengze.world.refused(
            "matching.not_own", "matching.refuse_item", as_=other, on=DAY, outcome=found, reason="不要了"
        )
    assert fengze.world.do("matching.confirm_item", as_=own, on=DAY, **answer).answer == "confirmed"


def test_the_gap_list_names_missing_and_weak_services(zunyi: Standing) -> None:
    run = _run(zunyi)
    gaps = {gap.item: gap for gap in zunyi.world.ask("matching.gaps", run=run)}
    assert (gaps["visit"].weakness, gaps["visit"].persons, gaps["visit"].purchase_need) == ("missing", 1, False)
    assert (gaps["meal"].weakness, gaps["meal"].reasons, gaps["meal"].purchase_need) == (
        "weak",
        {"capacity_exhausted": 1},
        True,
    )
    assert zunyi.world.do("matching.issue_gaps", as_=OFFICE, on=DAY, run=run).rows == 2


def test_matched_and_unmatched_are_printed_with_reasons(zunyi: Standing) -> None:
    run = _run(zunyi)
    sheets = [
        zunyi.world.do("matching.issue_outcomes", as_=OFFICE, on=DAY, run=run, matched=matched).rows
        for matched in (True, False)
    ]
    assert sheets == [1, 2]
    call = {"as_": OFFICE, "on": DAY, "run": run, "matched": True, "first": 5}
    zunyi.world.refused("matching.nothing_to_print", "matching.issue_outcomes", **call)


def _context(world: World) -> Context:
    return Context(
        services=world.services,
        actor=Actor(Role.CONTRACTOR, "u-contractor"),
        as_of=DAY,
        command="delivery.record_services",
        command_id="cmd-test",
    )


def test_delivery_serves_only_confirmed_items_where_the_rule_binds(fengze: Standing, zunyi: Standing) -> None:
    ctx = _context(fengze.world)
    policy = ctx.policy(region="350503")
    served = [(fengze.severe, "meal", DAY)]
    own = f"recipient:{fengze.severe}"
    found = needy.outcomes(fengze.world, _run(fengze))[fengze.severe, "meal"].outcome
    with pytest.raises(Refusal) as caught:
        check_before_service(ctx, policy=policy, served=served)
    assert (caught.value.code, caught.value.rule) == ("matching.not_confirmed", "FZ-32")
    answer = {"outcome": found, "entitlements_in_place": True}
    fengze.world.do("matching.confirm_item", as_=own, on=DAY, **answer)
    check_before_service(ctx, policy=policy, served=served)
    fengze.world.do("matching.refuse_item", as_=own, on=DAY, outcome=found, reason="不再需要")
    with pytest.raises(Refusal):
        check_before_service(ctx, policy=policy, served=served)
    elsewhere = _context(zunyi.world)
    check_before_service(elsewhere, policy=elsewhere.policy(region="520300"), served=[(zunyi.severe, "meal", DAY)])


def test_a_service_is_held_against_what_was_said_by_the_day_it_was_rendered(fengze: Standing) -> None:
    """FZ-32, both ways: a later confirmation heals nothing, a later refusal spoils nothing."""
    ctx = _context(fengze.world)
    policy, own = ctx.policy(region="350503"), f"recipient:{fengze.severe}"
    found = needy.outcomes(fengze.world, _run(fengze))[fengze.severe, "meal"].outcome
    answer = {"outcome": found, "entitlements_in_place": True}
    fengze.world.do("matching.confirm_item", as_=own, on=DAY, **answer)
    fengze.world.do("matching.refuse_item", as_=own, on=NEXT, outcome=found, reason="不再需要")

    def served(on: date) -> None:
        check_before_service(ctx, policy=policy, served=[(fengze.severe, "meal", on)])

    served(DAY)
    served(NEXT - timedelta(days=1))
    for on in (DAY - timedelta(days=1), NEXT):
        with pytest.raises(Refusal) as caught:
            served(on)
        assert caught.value.code == "matching.not_confirmed"


def test_a_demand_said_twice_is_one_need(tmp_path: Path) -> None:
    world = open_world(tmp_path, region="520300")
    survey = needy.survey(world)
    person = needy.person(world, survey, 0, demands=("meal", "meal"), existing_benefits=("medical_insurance",) * 2)
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        kept = session.get_one(Person, person)
        assert (kept.demands, kept.existing_benefits) == (["meal"], ["medical_insurance"])
        kept.demands = ["meal", "meal"]  # as an earlier version kept it
        session.add(kept)
        session.commit()
    needy.add_service(world)
    needy.add_resource(world)
    needy.publish(world)
    done = world.do("matching.run", as_=OFFICE, on=DAY, survey=survey)
    assert (done.needs, done.matched) == (1, 1)
    world.services.engine.dispose()


def test_a_continued_place_that_is_refused_is_counted_once(zunyi: Standing) -> None:
    world = zunyi.world
    first = needy.outcomes(world, _run(zunyi))[zunyi.severe, "meal"].outcome
    world.do("matching.confirm_item", as_=STREET, on=DAY, outcome=first, entitlements_in_place=True)
    needy.person(world, zunyi.survey, 2, level="SEVERE", disabled=True, on=NEXT)
    run = _run(zunyi, on=NEXT)
    again = needy.outcomes(world, run)[zunyi.severe, "meal"]
    assert again.reason == "continued"
    world.do("matching.refuse_item", as_=STREET, on=NEXT, outcome=again.outcome, reason="子女送餐")
    summary = world.ask("matching.summary", run=run)
    assert (summary.matched, summary.confirmed, summary.refused, summary.waiting) == (1, 0, 1, 0)


def test_a_gap_may_be_the_need_a_project_answers_to(zunyi: Standing) -> None:
    gap = zunyi.world.ask("matching.gaps", run=_run(zunyi))[0]
    with Session(zunyi.world.services.engine) as session:
        assert session.get(ServiceGap, gap.id) is not None
    call = {"as_": OFFICE, "on": DAY, "policies": ("合成政策",)}
    fault = zunyi.world.refused("library.policy_not_listed", "library.enter_project", **call, **_project(gap.id))
    assert fault.rule == "ZY-44"  # the need is registered; only the policy is not on the list
    zunyi.world.refused("library.need_unregistered", "library.enter_project", **call, **_project("gap-x"))


def _project(need: str) -> dict[str, Any]:
    return {
        "name": "合成访视项目",
        "needs": (need,),
        "fund_sources": ("local_budget",),
        "plan_alignment": "合成五年规划",
        "origin": "township",
        "submitter": "520302",
        "services": ("visit",),
    }
