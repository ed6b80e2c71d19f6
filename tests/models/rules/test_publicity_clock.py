"""The clock of a notice: it survives outages, and stands still, restarts or runs on while an objection is handled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.core.calendar import Due, load_calendar
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.publicity_clock import Handling, Outage, Posting, period_end, reachable, unreachable_days

ZUNYI = load_policy_book().resolve(region="520300", on=date(2025, 3, 3))
CALENDAR = load_calendar()
PUBLISHED = date(2016, 3, 16)  # a Wednesday; five working days end on 23 March
BOARD, SITE = Posting("notice_board", PUBLISHED), Posting("website", PUBLISHED)


def after(mode: str) -> Policy:
    return replace(ZUNYI, publicity=replace(ZUNYI.publicity, after_rejection=mode))


def end(
    *,
    handled: Sequence[Handling] = (),
    outages: Sequence[Outage] = (),
    postings: Sequence[Posting] = (SITE,),
    policy: Policy = ZUNYI,
    published_on: date = PUBLISHED,
    as_of: date = date(2016, 4, 8),
) -> Due:
    return period_end(
        published_on=published_on,
        days=5,
        postings=postings,
        outages=outages,
        handled=handled,
        as_of=as_of,
        policy=policy,
        calendar=CALENDAR,
    )


def test_nothing_happened() -> None:
    assert end() == Due(date(2016, 3, 23), provisional=False)


def test_a_day_without_any_channel_does_not_count() -> None:
    out = Outage("website", date(2016, 3, 18), date(2016, 3, 20))  # a Friday and a weekend

    assert end(outages=[out]).date == date(2016, 3, 24)


def test_an_outage_of_one_channel_counts_while_another_can_be_read() -> None:
    out = Outage("website", date(2016, 3, 18), date(2016, 3, 21))

    assert end(outages=[out], postings=(SITE, BOARD)).date == date(2016, 3, 23)
    both = [out, Outage("notice_board", date(2016, 3, 21), date(2016, 3, 21))]
    assert end(outages=both, postings=(SITE, BOARD)).date == date(2016, 3, 24)


def test_an_outage_that_goes_on_counts_through_today() -> None:
    assert end(outages=[Outage("website", date(2016, 3, 21), None)], as_of=date(2016, 3, 22)).date == date(2016, 3, 25)


def test_where_policy_says_so_outages_change_nothing() -> None:
    plain = replace(ZUNYI, publicity=replace(ZUNYI.publicity, outage_extends=False))

    assert end(outages=[Outage("website", date(2016, 3, 18), date(2016, 3, 22))], policy=plain).date == date(
        2016, 3, 23
    )


def test_extend_gives_back_the_days_that_were_left() -> None:
    """Objected on the second of five days: three were left, and they follow the answer after the Qingming days."""
    assert end(handled=[Handling(date(2016, 3, 18), date(2016, 4, 1))]) == Due(date(2016, 4, 7), provisional=False)


def test_restart_counts_the_whole_period_anew_from_the_last_answer() -> None:
    handled = [Handling(date(2016, 3, 18), date(2016, 3, 22)), Handling(date(2016, 3, 18), date(2016, 3, 25))]

    assert end(handled=handled, policy=after("restart")).date == date(2016, 4, 1)


def test_a_withdrawn_objection_never_restarts_but_gives_back_its_days() -> None:
    handled = [Handling(date(2016, 3, 18), date(2016, 3, 22), withdrawn=True)]

    assert end(handled=handled, policy=after("restart")).date == date(2016, 3, 25)


def test_none_lets_the_clock_run_and_the_notice_ends_not_before_the_answer() -> None:
    assert end(handled=[Handling(date(2016, 3, 18), date(2016, 3, 22))], policy=after("none")).date == date(2016, 3, 23)
    assert end(handled=[Handling(date(2016, 3, 18), date(2016, 3, 30))], policy=after("none")).date == date(2016, 3, 30)


def test_an_answer_on_the_day_of_the_objection_changes_nothing() -> None:
    day = date(2016, 3, 18)

    assert end(handled=[Handling(day, day)]).date == date(2016, 3, 23)


def test_a_period_into_an_unpublished_year_is_provisional() -> None:
    assert end(published_on=date(2026, 12, 28)).provisional


@given(st.integers(0, 7), st.integers(0, 30))
def test_never_fewer_working_days_than_were_left_and_never_an_earlier_end(raised: int, took: int) -> None:
    raised_on = PUBLISHED + timedelta(days=raised)
    settled_on = raised_on + timedelta(days=took)

    last = end(handled=[Handling(raised_on, settled_on)]).date

    assert last >= max(date(2016, 3, 23), settled_on)
    used = CALENDAR.working_days_between(PUBLISHED, min(raised_on, date(2016, 3, 23))).value
    assert used + CALENDAR.working_days_between(settled_on, max(last, settled_on)).value >= 5


def test_a_notice_taken_down_is_not_readable_from_that_day_on() -> None:
    down = Posting("website", PUBLISHED, date(2016, 3, 21))

    assert reachable(on=date(2016, 3, 20), postings=[down], outages=[])
    assert not reachable(on=date(2016, 3, 21), postings=[down], outages=[])
    assert unreachable_days(
        postings=[down], outages=[], first=date(2016, 3, 18), last=date(2016, 3, 22), calendar=CALENDAR
    ) == (date(2016, 3, 21), date(2016, 3, 22))
