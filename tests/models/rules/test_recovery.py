"""The misuse ladder as pure rules: no step jumped, nothing closed that is still owed, fines by the law of the day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from models.core.errors import Conflict, LifecycleError, Refusal
from models.core.money import Money
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules import recovery as rules
from models.rules.recovery import Standing

BOOK = load_policy_book()
DUE = date(2025, 12, 7)


def policy(*, on: date = date(2025, 11, 3)) -> Policy:
    return BOOK.resolve(region="520300", on=on)


def standing(*taken: str, **changes: Any) -> Standing:
    given: dict[str, Any] = {"amount": Money(5000), "repaid": Money(0), "due_on": DUE, "officer": False}
    return Standing(taken={rules.OPENED, *taken}, **(given | changes))


def step(name: str, at: Standing, *, on: date = date(2025, 12, 8)) -> None:
    rules.check_step(step=name, standing=at, on=on, policy=policy())


ALL = (rules.SUMMONED, rules.INTERVIEWED, rules.ORDERED)


@pytest.mark.parametrize(
    ("name", "taken", "rule"),
    [
        (rules.INTERVIEWED, (), "ZY-114"),
        (rules.ORDERED, (rules.SUMMONED,), "ZY-115"),
        (rules.RECEIVED, (rules.SUMMONED,), "ZY-117"),
    ],
)
def test_no_step_is_jumped(name: str, taken: tuple[str, ...], rule: str) -> None:
    with pytest.raises(Refusal) as caught:
        step(name, standing(*taken))
    assert (caught.value.code, caught.value.rule) == ("recovery.step_jumped", rule)


def test_every_step_follows_from_the_one_before() -> None:
    for number, name in enumerate((*ALL, rules.RECOVERING)):
        step(name, standing(*ALL[:number]))
    step(rules.TRANSFERRED, standing(*ALL, officer=True))


@pytest.mark.parametrize(
    ("at", "on"),
    [
        (standing(*ALL), DUE),
        (standing(*ALL, repaid=Money(5000)), date(2025, 12, 8)),
        (standing(rules.SUMMONED, due_on=None), date(2025, 12, 8)),
    ],
)
def test_nothing_is_recovered_by_force_on_the_day_or_when_paid_or_before_the_order(at: Standing, on: date) -> None:
    with pytest.raises(Refusal) as caught:
        step(rules.RECOVERING, at, on=on)
    assert caught.value.rule == "ZY-116"


def test_a_step_is_taken_once_and_none_after_the_end() -> None:
    for at in (standing(rules.SUMMONED), standing(rules.CLOSED)):
        with pytest.raises(Conflict):
            step(rules.SUMMONED, at)


@pytest.mark.parametrize(
    ("at", "ruled", "code"),
    [
        (standing(), False, "recovery.step_jumped"),
        (standing(*ALL), True, "recovery.still_owed"),
        (standing(*ALL, rules.RECOVERING), False, "recovery.still_owed"),
        (standing(*ALL, repaid=Money(5000), officer=True), False, "recovery.no_receipt"),
    ],
)
def test_a_case_with_something_owed_stays_open(at: Standing, ruled: bool, code: str) -> None:
    with pytest.raises(LifecycleError) as caught:
        rules.check_may_close(standing=at, ruled=ruled, policy=policy())
    assert caught.value.code == code


def test_a_case_closes_when_all_is_back_or_a_ruling_says_it_cannot_be_had() -> None:
    rules.check_may_close(standing=standing(*ALL, repaid=Money(5000)), ruled=False, policy=policy())
    rules.check_may_close(standing=standing(*ALL, rules.RECOVERING), ruled=True, policy=policy())
    officer = standing(*ALL, rules.TRANSFERRED, rules.RECEIVED, repaid=Money(5000), officer=True)
    rules.check_may_close(standing=officer, ruled=False, policy=policy())


@pytest.mark.parametrize(
    ("kind", "event_on", "multiple", "fen"),
    [
        ("fraud", date(2026, 6, 30), "1", 10_000),
        ("fraud", date(2026, 6, 30), "3", 30_000),
        ("fraud", date(2026, 7, 1), "2", 20_000),
        ("diverted", date(2026, 7, 1), "0.5", 5_000),
    ],
)
def test_a_fine_follows_the_law_of_the_day_of_the_conduct(kind: str, event_on: date, multiple: str, fen: int) -> None:
    assert _fined(kind, event_on, multiple) == Money(fen)


@pytest.mark.parametrize(
    ("kind", "event_on", "multiple"),
    [
        ("fraud", date(2026, 6, 30), "0.99"),
        ("fraud", date(2026, 6, 30), "3.01"),
        ("fraud", date(2026, 7, 1), "2.01"),
        ("diverted", date(2026, 6, 30), "1"),
    ],
)
def test_a_fine_outside_that_law_is_refused(kind: str, event_on: date, multiple: str) -> None:
    with pytest.raises(Refusal) as caught:
        _fined(kind, event_on, multiple)
    assert caught.value.rule == "SYS-FINE"


def _fined(kind: str, event_on: date, multiple: str) -> Money:
    bounds = rules.fine_bounds(kind=kind, policy=policy(on=event_on))
    return rules.fine(base=Money(10_000), multiple=Decimal(multiple), bounds=bounds)


@pytest.mark.parametrize(
    ("kind", "on", "bounds"),
    [
        ("fraud", date(2026, 6, 30), ("1", "3")),
        ("fraud", date(2026, 7, 1), ("0", "2")),
        ("diverted", date(2026, 6, 30), None),
        ("diverted", date(2026, 7, 1), ("0", "2")),
        ("withheld", date(2026, 7, 1), ("0", "2")),
        ("divided", date(2026, 7, 1), ("0", "2")),
        ("encroached", date(2026, 7, 1), None),
    ],
)
def test_a_fine_has_the_bounds_of_the_day_and_kind_of_the_conduct(
    kind: str, on: date, bounds: tuple[str, str] | None
) -> None:
    """社会救助法 art. 71 names withholding, diverting, dividing; encroachment is no ground for its fine."""
    if bounds is None:
        with pytest.raises(Refusal) as caught:
            rules.fine_bounds(kind=kind, policy=policy(on=on))
        assert caught.value.code == "recovery.no_fine_then"
        return
    found = rules.fine_bounds(kind=kind, policy=policy(on=on))
    assert (found.least, found.most) == (Decimal(bounds[0]), Decimal(bounds[1]))


def test_a_case_names_no_more_than_was_paid() -> None:
    rules.check_paid(amount=Money(5000), paid=Money(5000))
    with pytest.raises(Refusal) as caught:
        rules.check_paid(amount=Money(5001), paid=Money(5000))
    assert caught.value.code == "recovery.more_than_paid"
