"""Runs of the office's clocks: one for every entry of a step, from the event that starts it to the one that ends it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from models.rules.guide_clock import EVENTS, Happened, Run, runs
from models.rules.lifecycle import TRANSITIONS, Thing

DAY = date(2025, 3, 3)
THROUGH = (
    "project.appraised",
    "feasibility.report_compiled",
    "feasibility.opinion_given",
    "project.reviewed",
    "publicity.closed",
    "project.decided",
    "project.approved",
)


def _runs(*types: str, panel_first: bool = False) -> list[tuple[str, int, int | None]]:
    """Return step, number of the starting event, number of the ending one; the events lie a day apart."""
    told = [Happened(f"evt-{number}", name, DAY + timedelta(days=number)) for number, name in enumerate(types)]
    found = runs(events=told, panel_first=panel_first)
    assert all(run.event == f"evt-{(run.started_on - DAY).days}" for run in found)
    return [
        (run.step, (run.started_on - DAY).days, (run.ended_on - DAY).days if run.ended_on else None) for run in found
    ]


def test_every_step_runs_from_what_started_it_to_what_ended_it() -> None:
    assert _runs(*THROUGH) == [("review", 0, 3), ("county_opinion", 1, 2), ("decision", 4, 5), ("approval", 5, 6)]


def test_a_step_nobody_ended_still_runs() -> None:
    assert runs(events=(Happened("evt", "project.appraised", DAY),), panel_first=False) == (Run("review", "evt", DAY),)


def test_a_new_report_is_a_new_wait_for_the_county_government() -> None:
    reports = ("feasibility.report_compiled",) * 2
    assert _runs(*reports, "feasibility.opinion_given") == [("county_opinion", 0, 1), ("county_opinion", 1, 2)]


@pytest.mark.parametrize(
    ("sent_back", "again"),
    [
        ("project.approval_voided", "approval"),
        ("project.modified", "approval"),
        ("project.decision_voided", "decision"),
        ("project.review_voided", "review"),
    ],
)
def test_what_was_approved_and_sent_back_starts_its_step_anew(sent_back: str, again: str) -> None:
    assert _runs(*THROUGH, sent_back)[4:] == [(again, 7, None)]


def test_an_upheld_objection_starts_the_review_anew_and_a_rejected_one_nothing() -> None:
    notice = ("project.appraised", "project.reviewed", "project.published", "project.objected")

    assert _runs(*notice, "project.objection_upheld") == [("review", 0, 1), ("review", 4, None)]
    assert _runs(*notice, "project.objection_upheld", "project.published")[1:] == [("review", 4, None)]
    assert _runs(*notice, "project.objection_answered", "publicity.closed") == [("review", 0, 1), ("decision", 5, None)]


def test_where_the_panel_goes_first_it_waits_for_the_acceptance_and_the_appraisal_for_the_panel() -> None:
    path = ("project.submitted", "application.accepted", "project.review_opened", "project.reviewed")

    assert _runs(*path, panel_first=True) == [("review", 1, 3), ("appraisal", 3, None)]
    assert _runs(*path, "project.appraised", panel_first=True)[1:] == [("appraisal", 3, 4)]
    assert _runs(*path, panel_first=False) == []


def test_where_the_panel_goes_first_a_voided_set_starts_the_appraisal_anew() -> None:
    path = ("project.reviewed", "project.appraised", "feasibility.report_compiled", "project.feasibility_voided")

    assert _runs(*path, panel_first=True)[-1] == ("appraisal", 3, None)


@pytest.mark.parametrize(
    ("out", "panel_first"),
    [("project.withdrawn", False), ("project.withdrawn", True), ("project.feasibility_voided", False)],
)
def test_nothing_runs_on_for_a_project_that_is_out_of_every_step(out: str, panel_first: bool) -> None:
    path = ("application.accepted", "project.appraised", "project.reviewed", "feasibility.report_compiled")
    assert all(ended is not None for _, _, ended in _runs(*path, "publicity.closed", out, panel_first=panel_first))


def test_every_move_a_clock_listens_for_is_one_a_project_can_make() -> None:
    moves = {move.event for move in TRANSITIONS if move.thing is Thing.PROJECT}
    assert {name for name in EVENTS if name.startswith("project.")} <= moves
