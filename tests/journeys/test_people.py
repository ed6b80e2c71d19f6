"""Huangshi's people: the target counts distinct persons (A5), a stratum of another size needs its note (A6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.story import Scene, Story, asks, refused, step

pytestmark = pytest.mark.xdist_group("huangshi")

At = Callable[[str], Scene]
NEARLY = "delivery.log_referral"  # 399 of 400 persons are served
RECORDED_AGAIN = ("delivery.record_services#2", "delivery.progress#2")
COUNTED = "needs.select_recipients"
NOTE = "城区符合条件且自愿的重病患者不足100名,经走访核实后调整为97名。"


def served(persons: int, *, records: int, met: bool) -> str:
    expect = {"served": persons, "records": records, "target": 400, "met": met}
    return asks("2017-08-28", "delivery.progress", project="$project", expect=expect)


def serve(person: int, *days: str) -> str:
    records = [
        {
            "person": f"$roster.persons.{person}",
            "on": day,
            "start": "09:00",
            "end": "09:45",
            "kind": "$roster.kinds.0",
            "staff": "$roster.staff.0",
            "place": "合成地点",
            "result": "合成记录:已提供服务",
        }
        for day in days
    ]
    given = {"contract": "$contract", "records": records}
    return step("2017-08-28", "contractor", "delivery.record_services", **given, synthetic=("records",))


def roster() -> str:
    return asks("2017-08-28", "delivery.roster", contract="$contract", save="roster")


def to_acceptance(story: Story) -> tuple[str, ...]:
    """Return the story's own steps from the last visit to the conclusion of acceptance."""
    return story.until("acceptance.conclude#2", after=NEARLY, without=RECORDED_AGAIN)


class TestA5Target:
    def test_is_met_by_the_four_hundredth_person(self, story: Story, after: At) -> None:
        scene = after(NEARLY)

        results = scene.holds(
            roster(), serve(399, "2017-08-25"), served(400, records=1198, met=True), *to_acceptance(story)
        )

        assert results[-1]["state"] == "project.accepted"

    def test_of_399_persons_is_not_accepted(self, story: Story, after: At) -> None:
        told = to_acceptance(story)
        scene = after(NEARLY)

        scene.holds(
            served(399, records=1197, met=False),
            *told[:-1],
            told[-1] + "    expect: {refused: HS-06}\n",
            asks("2017-12-15", "project.status", project="$project", expect={"state": "project.self_checked"}),
        )

    def test_may_be_found_missed_openly(self, story: Story, after: At) -> None:
        told = to_acceptance(story)
        assert "outcome: accepted" in told[-1]

        *_, concluded = after(NEARLY).holds(*told[:-1], told[-1].replace("outcome: accepted", "outcome: not_accepted"))

        assert concluded["state"] == "project.not_accepted"

    def test_counts_a_person_served_again_once(self, after: At) -> None:
        days = ("2017-07-03", "2017-07-10", "2017-08-07")

        after(NEARLY).holds(roster(), serve(0, *days), served(399, records=1200, met=False))


class TestA6Strata:
    def select(self, *, expect: dict[str, object] | None = None, **adjusted: dict[str, Any]) -> str:
        given = {"project": "$project", "survey": "$survey", "seed": "another", "adjustments": adjusted}
        return step("2016-03-29", "evaluation_office:u-office", COUNTED, expect=expect, **given)

    @pytest.mark.parametrize("note", [{}, {"reason": ""}, {"reason": "  "}])
    def test_of_97_without_a_note_is_refused(self, after: At, note: dict[str, str]) -> None:
        scene = after("feasibility.estimate_cost")

        scene.holds(
            self.select(severely_ill={"count": 97, **note}, expect=refused("HS-05")),
            asks("2016-03-29", "needs.selection", project="$project", expect=refused("SYS-NOT-FOUND")),
        )

    def test_of_97_with_a_note_is_selected_and_the_note_kept(self, after: At) -> None:
        counts = {"elderly_alone": 100, "single_parent_minor_student": 100, "disabled": 100, "severely_ill": 97}
        kept = {"severely_ill": {"count": 97, "stated": 100, "reason": NOTE}}

        after("feasibility.estimate_cost").holds(
            self.select(
                severely_ill={"count": 97, "reason": NOTE},
                expect={"people": 397, "counts": counts, "adjusted": ["severely_ill"]},
            ),
            asks("2016-03-29", "needs.selection", project="$project", expect={"counts": counts, "adjustments": kept}),
        )

    def test_that_cannot_be_filled_is_refused_not_quietly_short(self, after: At) -> None:
        wanted = {"count": 150, "reason": "扩大到更多单亲未成年学生"}

        report = after("feasibility.estimate_cost").tells(
            self.select(single_parent_minor_student=wanted, expect=refused("HS-05"))
        )

        assert report.ok
        assert report.steps[0].code == "needs.stratum_short"
        assert "应选150名" in report.steps[0].message
