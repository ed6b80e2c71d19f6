"""Duties: which periods are owed, when they are due, what a record must bring; refusals name the duty's own rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from models.core.actors import Role
from models.core.calendar import load_calendar
from models.core.errors import Refusal
from models.policy.duties import Duty
from models.policy.resolver import load_policy_book
from models.rules.duty import (
    Given,
    Span,
    check_record,
    check_unit,
    due_of,
    duties_of,
    duty_of,
    label_of,
    span_of,
    spans_until,
)
from models.rules.units import Unit

BOOK = load_policy_book()
ZUNYI = BOOK.resolve(region="520300", on=date(2025, 3, 1))
MONTHLY = duty_of(ZUNYI, "dispatch_monthly")
HALF = duty_of(ZUNYI, "dispatch_half_yearly")
YEARLY = duty_of(ZUNYI, "dispatch_yearly")
LONG_AGO = date(2015, 3, 1)
CITY = Unit("520300", "合成市", "city", None)
COUNTY = Unit("c1", "合成县", "county", "520300")
VILLAGE = Unit("v1", "合成村", "village", "t1")
OFFICES = (Role.CITY_BUREAU,)
FULL = Given(date(2025, 4, 9), frozenset({"minutes", "participants", "consulted"}), {}, "", "")


def _refused(duty: Duty, given: Given, *, span: Span, due: date, as_of: date = date(2025, 12, 31)) -> tuple[str, str]:
    with pytest.raises(Refusal) as caught:
        check_record(duty=duty, span=span, due_on=due, given=given, as_of=as_of)
    return caught.value.code, str(caught.value.rule)


@pytest.mark.parametrize(
    ("months", "label"), [(1, "2025-04"), (2, "2025B2"), (3, "2025Q2"), (4, "2025T1"), (6, "2025H1"), (12, "2025")]
)
def test_a_label_names_the_period_that_holds_the_day_and_is_read_back(months: int, label: str) -> None:
    duty = replace(MONTHLY, every_months=months)

    assert label_of(date(2025, 4, 9), months=months) == label
    assert span_of(duty=duty, label=label).first <= date(2025, 4, 9) <= span_of(duty=duty, label=label).last


@pytest.mark.parametrize("label", ["", "2025", "2025H1", "2025-00", "2025-13", "0000-01", "四月"])
def test_a_period_the_duty_does_not_have_is_refused(label: str) -> None:
    with pytest.raises(Refusal) as caught:
        span_of(duty=MONTHLY, label=label)

    assert (caught.value.code, caught.value.rule) == ("duty.no_such_period", "ZY-40")


def test_an_outage_of_months_loses_no_period() -> None:
    spans = list(spans_until(duty=MONTHLY, since=date(2025, 1, 1), in_force=LONG_AGO, as_of=date(2025, 4, 9)))

    assert [span.label for span in spans] == ["2025-01", "2025-02", "2025-03", "2025-04"]
    only = spans_until(duty=MONTHLY, since=None, in_force=LONG_AGO, as_of=date(2025, 4, 9))
    assert [span.label for span in only] == ["2025-04"]


def test_no_period_before_the_one_in_which_the_duty_came_into_force_is_opened() -> None:
    spans = spans_until(duty=MONTHLY, since=date(2015, 1, 1), in_force=date(2025, 2, 20), as_of=date(2025, 4, 9))

    assert [span.label for span in spans] == ["2025-02", "2025-03", "2025-04"]


def test_a_due_date_on_a_day_off_moves_to_the_next_workday() -> None:
    """2025-05-31 opens the Dragon Boat holiday, which ends on 2 June."""
    due = due_of(span=span_of(duty=MONTHLY, label="2025-05"), policy=ZUNYI, calendar=load_calendar())

    assert (due.date, due.provisional) == (date(2025, 6, 3), False)


def test_the_three_cadences_of_zunyi_are_owed_by_their_levels_alone() -> None:
    for duty, unit, role in ((MONTHLY, CITY, Role.CITY_BUREAU), (HALF, COUNTY, Role.COUNTY_GOVERNMENT)):
        check_unit(duty=duty, unit=unit, role=role, offices=OFFICES)
    check_unit(duty=YEARLY, unit=VILLAGE, role=Role.VILLAGE_COMMITTEE, offices=OFFICES)

    for duty, unit, rule in ((MONTHLY, COUNTY, "ZY-40"), (HALF, VILLAGE, "ZY-41")):
        with pytest.raises(Refusal) as caught:
            check_unit(duty=duty, unit=unit, role=Role.CITY_BUREAU, offices=OFFICES)
        assert (caught.value.code, caught.value.rule) == ("duty.wrong_level", rule)
    with pytest.raises(Refusal, match="属地县级人民政府"):
        check_unit(duty=HALF, unit=COUNTY, role=Role.TOWNSHIP, offices=OFFICES)


def test_a_record_within_its_period_with_its_proof_is_taken() -> None:
    span = span_of(duty=YEARLY, label="2025")

    check_record(duty=YEARLY, span=span, due_on=span.last, given=FULL, as_of=date(2025, 4, 9))
    late = replace(FULL, held_on=date(2026, 1, 4), late_reason="合成原因")
    check_record(duty=YEARLY, span=span, due_on=span.last, given=late, as_of=date(2026, 1, 5))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"held_on": date(2026, 1, 4)}, "duty.in_future"),
        ({"held_on": date(2024, 12, 31)}, "duty.before_period"),
        ({"evidence": frozenset({"minutes", "participants"})}, "duty.evidence_missing"),
        ({"evidence": frozenset({"consulted", "participants"})}, "duty.evidence_missing"),
        ({"parts": {"extra": "合成"}}, "duty.evidence_missing"),
    ],
)
def test_a_record_wrongly_dated_or_without_proof_is_refused(changes: dict[str, Any], code: str) -> None:
    span = span_of(duty=YEARLY, label="2025")

    assert _refused(YEARLY, replace(FULL, **changes), span=span, due=span.last) == (code, "ZY-42")


def test_what_was_held_after_the_due_date_needs_its_reason() -> None:
    span = span_of(duty=HALF, label="2025H1")

    given = replace(FULL, held_on=date(2025, 7, 9))

    assert _refused(HALF, given, span=span, due=span.last) == ("duty.after_period", "ZY-41")


def test_an_unknown_duty_is_refused_and_a_region_without_duties_has_none() -> None:
    huangshi = BOOK.resolve(region="420200", on=date(2016, 1, 4))

    with pytest.raises(Refusal, match="dispatch_monthly"):
        duty_of(ZUNYI, "nothing")
    assert duties_of(huangshi) == {}


def test_the_note_of_directions_and_the_training_log_are_duties_of_zunyi() -> None:
    """ZY-37: a note each planning cycle; ZY-38: training without a cadence is only logged."""
    note, training = duty_of(ZUNYI, "direction_note"), duty_of(ZUNYI, "training")

    assert (note.rule, note.every_months, note.evidence) == ("ZY-37", 12, ("report",))
    assert (training.rule, training.is_log) == ("ZY-38", True)
