"""Satisfaction follow-ups (FZ-50): who is asked, what a poor result opens (BJ-50) and what the decision on it owes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from models.tables.kernel import Event, WorkItem
from models.tables.monitoring import FollowUp
from tests.support.watching import COUNTY, PURCHASER, SYSTEM, Watched, follow_up, put_on_file, record, service
from tests.support.world import rows

ON = date(2025, 6, 1)
Place = Callable[[str], Watched]


def test_poor_satisfaction_opens_the_exit_procedure_in_beijing(place: Place) -> None:
    """BJ-50: a result below the standard opens the procedure; the purchaser answers it."""
    held = place("110000")
    record(held, *(service(person, 2) for person in held.people))
    kept = follow_up(held, "satisfied", "unsatisfied", "unreachable")

    assert (kept.answered, str(kept.satisfied_percent), kept.closed) == (2, "50.0", True)
    (item,) = [one for one in rows(held.world, WorkItem) if one.kind == "monitoring.exit_procedure"]
    assert (item.role, item.clause, item.resolves_with) == ("purchaser", "BJ-50", "monitoring.decide_exit")
    given: dict[str, Any] = {"outcome": "rectify", "reason": "限期整改(合成)"}
    held.world.do("monitoring.decide_exit", as_=PURCHASER, on=ON, follow_up=kept.id, **given)
    assert exits(held) == [("monitoring.exit_procedure", "done"), ("monitoring.exit_step", "open")]

    again: dict[str, Any] = {"follow_up": kept.id, "outcome": "keep", "reason": "改为继续(合成)"}
    held.world.refused("monitoring.exit_decided", "monitoring.decide_exit", as_=PURCHASER, on=ON, **again)
    order = {"project": held.project, "problem": "满意率偏低(合成)", "demand": "改进服务(合成)", "source": kept.id}
    held.world.do("monitoring.order_rectification", as_=PURCHASER, on=ON, **order)
    assert exits(held) == [("monitoring.exit_procedure", "done"), ("monitoring.exit_step", "done")]
    (row,) = rows(held.world, FollowUp)
    assert (row.exit_outcome, row.exit_reason, row.exit_decided_on) == ("rectify", "限期整改(合成)", ON)


def exits(held: Watched) -> list[tuple[str, str]]:
    return sorted(
        (one.kind, one.status) for one in rows(held.world, WorkItem) if one.kind.startswith("monitoring.exit")
    )


def test_a_contract_to_be_left_is_owed_its_end(place: Place) -> None:
    held = place("110000")
    record(held, *(service(person, 2) for person in held.people))
    kept = follow_up(held, "unsatisfied", "unsatisfied", "unreachable")
    decided: dict[str, Any] = {"follow_up": kept.id, "outcome": "exit", "reason": "启动退出(合成)"}
    held.world.do("monitoring.decide_exit", as_=PURCHASER, on=ON, **decided)
    assert exits(held)[1] == ("monitoring.exit_step", "open")

    held.world.do("contract.terminate", as_=PURCHASER, on=ON, contract=held.contract, reason="服务不达标(合成)")

    assert exits(held)[1] == ("monitoring.exit_step", "done")


def test_a_follow_up_that_reached_nobody_settles_nothing(place: Place) -> None:
    """FZ-50: the visits are still owed when nobody could be asked."""
    held = place("350503")
    held.world.do("monitoring.open_due", as_=SYSTEM, on=ON)
    put_on_file(held)
    follow_up(held, "unreachable", "unreachable", "unreachable")
    assert visits(held) == ["open"]

    follow_up(held, "satisfied", "unsatisfied", "unreachable")
    assert visits(held) == ["done"]


def visits(held: Watched) -> list[str]:
    return [one.status for one in rows(held.world, WorkItem) if one.clause == "FZ-50"]


def test_a_good_result_opens_no_exit_procedure(place: Place) -> None:
    held = place("110000")
    record(held, *(service(person, 2) for person in held.people))
    kept = follow_up(held, "satisfied", "satisfied", "satisfied")

    given: dict[str, Any] = {"follow_up": kept.id, "outcome": "keep", "reason": "继续履行(合成)"}
    held.world.refused("monitoring.no_exit_procedure", "monitoring.decide_exit", as_=PURCHASER, on=ON, **given)
    assert [one for one in rows(held.world, WorkItem) if one.kind == "monitoring.exit_procedure"] == []


def test_only_sampled_people_answer_and_each_once(place: Place) -> None:
    held = place("110000")
    held.world.refused("monitoring.nobody_served", "monitoring.draw_follow_up", as_=COUNTY, on=ON, project=held.project)
    record(held, *(service(person, 2) for person in held.people))
    drawn = held.world.do("monitoring.draw_follow_up", as_=COUNTY, on=ON, project=held.project)
    held.world.refused(
        "monitoring.follow_up_open", "monitoring.draw_follow_up", as_=COUNTY, on=ON, project=held.project
    )
    good = {"person": drawn.sample[0], "answer": "satisfied"}
    for expected, answers in (
        ("monitoring.not_in_sample", [{"person": "per-nobody", "answer": "satisfied"}]),
        ("monitoring.asked_twice", [good, good]),
    ):
        held.world.refused(
            expected, "monitoring.record_follow_up", as_=COUNTY, on=ON, follow_up=drawn.id, answers=answers
        )
    told = [{"person": person, "answer": "satisfied"} for person in drawn.sample]
    held.world.do("monitoring.record_follow_up", as_=COUNTY, on=ON, follow_up=drawn.id, answers=told)
    held.world.refused(
        "monitoring.follow_up_closed",
        "monitoring.record_follow_up",
        as_=COUNTY,
        on=ON,
        follow_up=drawn.id,
        answers=[good],
    )
    assert "合成意见" not in str([event.payload for event in rows(held.world, Event)])
