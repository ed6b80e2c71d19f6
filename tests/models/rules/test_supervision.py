"""Periods of a schedule and what satisfies one; risk strata, inspectors, samples (S13)."""

from __future__ import annotations

from datetime import date

import pytest

from models.core.actors import Role
from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.policy.supervision import Schedule
from models.rules import follow_up, inspection
from models.rules.delivery import check_plan_items, off_plan
from models.rules.draw import Candidate
from models.rules.supervision import Act, Turn, phases_owed, satisfied, turns

BOOK = load_policy_book()
ON = date(2025, 6, 1)
YEAR = Turn(date(2025, 1, 1), date(2025, 12, 31))
FULL = frozenset({"funds", "progress", "stage_results"})


def policy(region: str = "520300") -> Policy:
    return BOOK.resolve(region=region, on=ON)


def schedule(**changes: object) -> Schedule:
    given: dict[str, object] = {
        "rule": "ZY-26",
        "title": "合成",
        "act": "supervision",
        "lead": (Role.PURCHASER,),
        "lines": (),
        "aspects": (),
        "parties": 0,
        "joint": False,
        "every_months": None,
    }
    return Schedule(**(given | changes))  # type: ignore[arg-type]


def act(line: str = "purchaser", *, on: date = ON, findings: frozenset[str] = FULL, joint: bool = False) -> Act:
    return Act(on, line, "implementation", findings, joint)


def test_periods_are_counted_from_the_first_day_without_a_gap() -> None:
    found = list(turns(since=date(2024, 2, 29), as_of=date(2026, 2, 28), months=12))

    assert [(one.first, one.last) for one in found] == [
        (date(2024, 2, 29), date(2025, 2, 27)),
        (date(2025, 2, 28), date(2026, 2, 27)),
        (date(2026, 2, 28), date(2027, 2, 27)),
    ]


def test_one_record_must_cover_all_aspects() -> None:
    wanted = schedule(aspects=tuple(FULL))
    halves = [act(findings=frozenset({"funds"})), act(findings=FULL - {"funds"})]

    assert satisfied(schedule=wanted, turn=YEAR, acts=[act()])
    assert not satisfied(schedule=wanted, turn=YEAR, acts=halves)
    assert not satisfied(schedule=wanted, turn=YEAR, acts=[act(on=date(2026, 1, 1))])


def test_parties_lines_and_joint_records_count() -> None:
    assert not satisfied(schedule=schedule(parties=2), turn=YEAR, acts=[act(), act()])
    assert satisfied(schedule=schedule(parties=2), turn=YEAR, acts=[act(), act("finance")])
    assert not satisfied(schedule=schedule(joint=True), turn=YEAR, acts=[act()])
    assert satisfied(schedule=schedule(joint=True), turn=YEAR, acts=[act(joint=True)])
    assert not satisfied(schedule=schedule(lines=("finance",)), turn=YEAR, acts=[act()])


def test_phases_are_owed_up_to_the_present_one() -> None:
    assert phases_owed(state="in_progress", acts=[], policy=policy()) == (
        ("initiation", True),
        ("implementation", False),
    )
    assert phases_owed(state="completed", acts=[act()], policy=policy()) == (
        ("initiation", True),
        ("acceptance", False),
    )
    assert phases_owed(state="candidate", acts=[], policy=policy()) == ()


def test_rates_by_stratum_are_rounded_up() -> None:
    targets = {f"k{n}": "key" for n in range(2)} | {f"h{n}": "high" for n in range(3)} | {"o": "ordinary"}

    assert inspection.sizes_of(targets=targets, policy=policy()) == {"key": 2, "high": 2, "ordinary": 1}
    with pytest.raises(Refusal) as refused:
        inspection.sizes_of(targets={}, policy=policy())
    assert refused.value.code == "monitoring.no_targets"


def test_key_outranks_open_findings() -> None:
    strata = [
        inspection.stratum_of(on_key_list=key, open_findings=count, policy=policy())
        for key, count in ((True, 0), (False, 1), (False, 0))
    ]

    assert strata == ["key", "high", "ordinary"]


def test_inspectors_tied_to_the_contractor_are_never_drawn() -> None:
    people = tuple(Candidate(f"u-{n}", "inspector", "", frozenset({"合成机构"} if n < 3 else ())) for n in range(5))
    made = inspection.drawn_of(
        targets={"prj-1": "ordinary"},
        sizes={"ordinary": 1},
        inspectors=people,
        contractors={"prj-1": frozenset({"合成机构"})},
        per_target=2,
        seed="合成",
        draw_id="draw-1",
    )

    assert set(made.inspectors["prj-1"].chosen) == {"u-3", "u-4"}


def test_a_sample_is_at_least_the_minimum_and_at_most_everybody() -> None:
    assert [follow_up.sample_size(population=size, policy=policy()) for size in (4, 50, 101, 1000)] == [4, 10, 11, 100]


def test_the_exit_procedure_is_beijings() -> None:
    assert follow_up.exit_rule(answered=10, satisfied=1, policy=policy("110000")) == "BJ-50"
    assert follow_up.exit_rule(answered=10, satisfied=10, policy=policy("110000")) is None
    assert follow_up.exit_rule(answered=0, satisfied=0, policy=policy("110000")) is None
    assert follow_up.exit_rule(answered=10, satisfied=1, policy=policy()) is None


def test_nothing_is_off_a_plan_nobody_made_and_a_plan_begins_on_its_day() -> None:
    served = [("p", "meal", ON), ("p", "cleaning", ON)]

    assert off_plan(services=served, plan={}) == ()
    assert off_plan(services=served, plan={("p", "meal"): ON}) == (1,)
    assert off_plan(services=served[:1], plan={("p", "meal"): date(2025, 6, 2)}) == (0,)
    check_plan_items(items=["meal"], unknown=0, policy=policy())
