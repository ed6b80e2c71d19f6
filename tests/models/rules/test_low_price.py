"""Abnormally low prices: strictly below the ratios of 2026, nothing before; an explanation within the time given."""

from __future__ import annotations

from datetime import date

import pytest

from models.core.errors import Refusal
from models.core.money import Money
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.low_price import check_low_price, check_reply_time, suspicious

CEILING = Money.yuan(100)


def policy(on: date = date(2026, 3, 2)) -> Policy:
    return load_policy_book().resolve(region="520300", on=on)


@pytest.mark.parametrize(
    ("yuan", "low"),
    [
        ((90, 90, 45), set()),  # half of the second lowest and the share of the ceiling exactly
        ((90, 90, 44), {"c"}),
        ((45, 45, 45), set()),  # the ceiling's share exactly
        ((44, 44, 44), {"a", "b", "c"}),
        ((46,), set()),
        ((), set()),
    ],
)
def test_a_price_below_any_of_three_bounds_is_suspicious(yuan: tuple[int, ...], low: set[str]) -> None:
    prices = {name: Money.yuan(amount) for name, amount in zip("abc", yuan, strict=False)}
    assert suspicious(prices=prices, ceiling=CEILING, policy=policy()) == (low or frozenset())


def test_before_the_rule_of_2026_no_price_is_suspicious() -> None:
    prices = {"a": Money(1), "b": CEILING}

    assert suspicious(prices=prices, ceiling=CEILING, policy=policy(date(2025, 3, 3))) == frozenset()


def test_a_low_price_is_awarded_only_with_a_believable_explanation() -> None:
    check_low_price(low=True, explained=True, policy=policy())
    check_low_price(low=False, explained=None, policy=policy())
    check_reply_time(minutes=30, policy=policy())

    for explained in (None, False):
        with pytest.raises(Refusal) as caught:
            check_low_price(low=True, explained=explained, policy=policy())
        assert caught.value.rule == "LAW-CK2026-2"
    with pytest.raises(Refusal, match="过短"):
        check_reply_time(minutes=29, policy=policy())
