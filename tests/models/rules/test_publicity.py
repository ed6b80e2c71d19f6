"""Rules of publicity: channels, leaks, the period, objections, disclosure."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.core.calendar import load_calendar
from models.core.errors import DataFault, Refusal
from models.policy.resolver import load_policy_book
from models.rules.publicity import (
    check_all_answered,
    check_channels,
    check_disclosure,
    check_no_leak,
    check_open,
    check_over,
    resumed_end,
)

HUANGSHI = load_policy_book().resolve(region="420200", on=date(2016, 3, 1))
ZUNYI = load_policy_book().resolve(region="520300", on=date(2025, 3, 3))
CALENDAR = load_calendar()
SITES = ("city_tender_centre", "purchaser_portal")
ID_NUMBER = "11010519491231002X"  # the specimen of GB 11643, nobody's


def test_one_listed_channel_is_enough() -> None:
    check_channels(channels=("notice_board",), policy=ZUNYI)


@pytest.mark.parametrize(
    ("channels", "code"),
    [((), "publicity.too_few_channels"), (("gossip",), "publicity.unknown_channel")],
)
def test_no_channel_or_an_unknown_one_is_refused(channels: tuple[str, ...], code: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_channels(channels=channels, policy=ZUNYI)

    assert (refused.value.code, refused.value.rule) == (code, "ZY-24")


def test_a_clean_notice_passes() -> None:
    check_no_leak(view={"contact": ["0714-6234567"], "lines": [{"unit": {"text": "合成单位", "stated": True}}]})


@pytest.mark.parametrize(("number", "kind"), [(ID_NUMBER, "身份证号"), ("13912345678", "手机号")])
def test_a_personal_number_stops_the_notice_and_the_fault_names_the_field_not_the_number(
    number: str, kind: str
) -> None:
    view = {"paras": ["公示如下。"], "lines": [{"unit": {"text": f"合成{number}"}}]}

    with pytest.raises(DataFault) as stopped:
        check_no_leak(view=view)

    assert [detail.field for detail in stopped.value.details] == ["lines.0.unit.text"]
    assert stopped.value.details[0].value_class == kind
    assert number not in str(stopped.value.as_json())


def test_a_closed_notice_takes_nothing_more() -> None:
    check_open(closed_on=None)
    with pytest.raises(Refusal, match="2016-03-24"):
        check_open(closed_on=date(2016, 3, 24))


def test_an_open_objection_holds_everything_up() -> None:
    check_all_answered(open_objections=0, policy=ZUNYI)
    with pytest.raises(Refusal) as refused:
        check_all_answered(open_objections=1, policy=ZUNYI)

    assert refused.value.rule == "ZY-24"


def test_a_notice_is_over_the_day_after_its_last() -> None:
    check_over(ends_on=date(2016, 3, 23), as_of=date(2016, 3, 24), policy=HUANGSHI)
    with pytest.raises(Refusal, match="2016-03-23") as refused:
        check_over(ends_on=date(2016, 3, 23), as_of=date(2016, 3, 23), policy=HUANGSHI)

    assert refused.value.code == "publicity.not_over"


def test_the_working_days_left_follow_the_answer() -> None:
    """Objected on the second of five days: three were left, and they follow the answer after the Qingming days."""
    end = resumed_end(
        paused_on=date(2016, 3, 18), ends_on=date(2016, 3, 23), resumed_on=date(2016, 4, 1), calendar=CALENDAR
    )

    assert (end.date, end.provisional) == (date(2016, 4, 7), False)


def test_an_answer_on_the_day_of_the_objection_changes_nothing() -> None:
    day = date(2016, 3, 18)

    assert resumed_end(paused_on=day, ends_on=date(2016, 3, 23), resumed_on=day, calendar=CALENDAR).date == date(
        2016, 3, 23
    )


def test_a_period_resumed_in_an_unpublished_year_is_provisional() -> None:
    end = resumed_end(
        paused_on=date(2026, 12, 28), ends_on=date(2026, 12, 31), resumed_on=date(2027, 1, 4), calendar=CALENDAR
    )

    assert end.provisional


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 30))
def test_never_fewer_working_days_than_were_left_and_never_an_earlier_end(before: int, left: int, after: int) -> None:
    paused = date(2016, 4, 4 + before // 2)
    ends = date.fromordinal(paused.toordinal() + left)
    resumed = date.fromordinal(paused.toordinal() + after)

    end = resumed_end(paused_on=paused, ends_on=ends, resumed_on=resumed, calendar=CALENDAR).date

    assert end >= ends
    assert end >= resumed
    due = CALENDAR.working_days_between(paused, ends).value
    assert CALENDAR.working_days_between(resumed, end).value >= due


def test_procurement_is_disclosed_on_both_sites_in_huangshi() -> None:
    check_disclosure(items=("procurement",), sites=SITES, policy=HUANGSHI)
    with pytest.raises(Refusal) as refused:
        check_disclosure(items=("procurement",), sites=SITES[:1], policy=HUANGSHI)

    assert refused.value.rule == "HS-47"


def test_other_items_need_some_site() -> None:
    check_disclosure(items=("catalogue",), sites=("website",), policy=HUANGSHI)
    with pytest.raises(Refusal) as refused:
        check_disclosure(items=("catalogue",), sites=(), policy=HUANGSHI)

    assert refused.value.code == "publicity.site_unnamed"


@pytest.mark.parametrize("items", [(), ("diary",)])
def test_unknown_items_are_refused(items: tuple[str, ...]) -> None:
    with pytest.raises(Refusal) as refused:
        check_disclosure(items=items, sites=SITES, policy=HUANGSHI)

    assert refused.value.rule == "HS-45"
