"""Tickets: owner and second, one notice of all, limits, named receivers, nothing closed without an answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from models.core.actors import Role
from models.core.calendar import load_calendar
from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.rules import ticket as rules
from models.rules.units import Unit

PACKS = load_policy_book()
DAY = date(2025, 3, 3)
BEIJING = PACKS.resolve(region="110000", on=DAY)
FENGZE = PACKS.resolve(region="350503", on=DAY)
ZUNYI = PACKS.resolve(region="520300", on=DAY)
APPLICATION = rules.kind_of(BEIJING, "application")
ENQUIRY = rules.kind_of(BEIJING, "enquiry")
HOTLINE = rules.kind_of(FENGZE, "hotline")


def _rule_of(call: Callable[[], None]) -> str | None:
    with pytest.raises(Refusal) as caught:
        call()
    return caught.value.rule


def test_the_first_asked_names_a_second() -> None:
    rules.check_owner(kind=APPLICATION, owner="u-a", backup="u-b", policy=BEIJING)
    rules.check_owner(kind=HOTLINE, owner="u-a", backup="", policy=FENGZE)
    for backup in ("", "u-a"):
        found = _rule_of(lambda b=backup: rules.check_owner(kind=APPLICATION, owner="u-a", backup=b, policy=BEIJING))  # type: ignore[misc]
        assert found == "BJ-56"


def test_everything_missing_is_told_once() -> None:
    rules.check_notice(kind=APPLICATION, notified_on=None, closed_on=None, policy=BEIJING)

    def again() -> None:
        rules.check_notice(kind=APPLICATION, notified_on=DAY, closed_on=None, policy=BEIJING)

    assert _rule_of(again) == "BJ-56"


def test_an_enquiry_is_answered_the_same_day_a_matter_within_its_limit() -> None:
    calendar = load_calendar()

    assert rules.due_of(kind=ENQUIRY, opened_on=DAY, calendar=calendar).date == DAY
    assert rules.due_of(kind=APPLICATION, opened_on=DAY, calendar=calendar).date == date(2025, 3, 17)


def test_a_matter_is_not_closed_before_its_result_is_told() -> None:
    rules.check_closing(kind=APPLICATION, answered_on=DAY, pending=False)

    assert _rule_of(lambda: rules.check_closing(kind=APPLICATION, answered_on=None, pending=False)) == "BJ-57"
    assert _rule_of(lambda: rules.check_closing(kind=HOTLINE, answered_on=None, pending=False)) == "FZ-77"
    zunyi = rules.kind_of(ZUNYI, "hotline")
    assert _rule_of(lambda: rules.check_closing(kind=zunyi, answered_on=None, pending=False)) == "ZY-119"


def test_a_matter_goes_to_a_receiver_by_name_who_takes_it_over() -> None:
    given = {"kind": APPLICATION, "sender": "u-a", "pending": False}
    rules.check_receiver(**given, receiver="合甲", account="u-r")  # type: ignore[arg-type]
    rules.check_acceptance(kind=APPLICATION, receiver_account="u-r", actor="u-r")

    wrong = [
        lambda: rules.check_receiver(**given, receiver=" ", account="u-r"),  # type: ignore[arg-type]
        lambda: rules.check_receiver(**given, receiver="合甲", account="u-a"),  # type: ignore[arg-type]
        lambda: rules.check_receiver(**given | {"pending": True}, receiver="合甲", account="u-r"),  # type: ignore[arg-type]
        lambda: rules.check_acceptance(kind=APPLICATION, receiver_account="u-r", actor="u-x"),
        lambda: rules.check_closing(kind=APPLICATION, answered_on=DAY, pending=True),
    ]
    assert [_rule_of(call) for call in wrong] == ["BJ-58"] * 5


def test_a_closed_matter_stays_closed_and_unknown_kinds_are_named() -> None:
    assert _rule_of(lambda: rules.check_open(kind=APPLICATION, closed_on=DAY)) == "SYS-TICKET"
    with pytest.raises(Refusal, match="hotline"):
        rules.kind_of(FENGZE, "application")


def test_only_the_window_of_the_level_takes_matters_in() -> None:
    street = Unit("t1", "合成街道", "township", "c1")
    rules.check_unit(kind=APPLICATION, unit=street, role=Role.TOWNSHIP, offices=())
    with pytest.raises(Refusal) as level:
        rules.check_unit(kind=APPLICATION, unit=Unit("v1", "合成村", "village", "t1"), role=Role.TOWNSHIP, offices=())
    with pytest.raises(Refusal) as role:
        rules.check_unit(kind=APPLICATION, unit=street, role=Role.COUNTY_BUREAU, offices=())
    assert (level.value.rule, role.value.rule) == ("BJ-57", "SYS-ROLE")
