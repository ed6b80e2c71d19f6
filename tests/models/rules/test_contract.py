"""Rules of the contract: at most three years, the price of the award, all clauses, thirty days to sign."""

from __future__ import annotations

from datetime import date

import pytest

from models.core.errors import Refusal
from models.core.money import Money
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.contract import check_clauses, check_price, check_term, days_late, missing_extension_conditions

START = date(2016, 6, 1)
CONDITIONS = ("fixed_content", "continuity", "stable_funding", "small_price_change")


def policy(region: str = "420200", *, on: date = START) -> Policy:
    return load_policy_book().resolve(region=region, on=on)


def test_three_years_are_allowed() -> None:
    """The day after the term is the same day three years on; a leap day ends on the last of February."""
    check_term(starts_on=START, ends_on=date(2019, 6, 1), policy=policy())
    check_term(starts_on=date(2016, 2, 29), ends_on=date(2019, 2, 28), policy=policy())


def test_three_years_and_a_day_are_refused() -> None:
    """No rule of Huangshi says so: our own rule, with the citation of the leaf."""
    with pytest.raises(Refusal) as caught:
        check_term(starts_on=START, ends_on=date(2019, 6, 2), policy=policy())

    assert (caught.value.code, caught.value.rule) == ("contract.term_too_long", "SYS-CONTRACT-TERM")
    assert "2019-06-01" in caught.value.message


def test_a_term_has_at_least_a_day() -> None:
    """Half-open: equal dates are empty."""
    with pytest.raises(Refusal) as caught:
        check_term(starts_on=START, ends_on=START, policy=policy())

    assert caught.value.rule == "SYS-PERIOD"


def test_a_term_over_a_year_asks_for_all_four_conditions() -> None:
    """One year asks for none; a day more for all that are not stated; a made-up condition is refused."""

    def unstated(ends_on: date, stated: tuple[str, ...] = ()) -> tuple[str, ...]:
        return missing_extension_conditions(starts_on=START, ends_on=ends_on, stated=stated, policy=policy())

    assert unstated(date(2017, 6, 1)) == ()
    assert unstated(date(2017, 6, 2)) == CONDITIONS
    assert unstated(date(2017, 6, 2), CONDITIONS[:3]) == CONDITIONS[3:]
    assert unstated(date(2019, 6, 1), CONDITIONS) == ()
    with pytest.raises(Refusal, match="cheap"):
        unstated(date(2019, 6, 1), ("cheap",))


def test_the_price_is_that_of_the_award() -> None:
    """A fen less is refused (LAW-ZFCG-46)."""
    check_price(price=Money(100), awarded=Money(100))

    with pytest.raises(Refusal) as caught:
        check_price(price=Money(99), awarded=Money(100))

    assert caught.value.rule == "LAW-ZFCG-46"


def test_every_clause_is_there_and_says_something() -> None:
    """A blank clause is a missing clause, named as users know it; since 2021 data protection is one of them."""
    clauses = dict.fromkeys(policy().contract.clauses, "合成条款")

    check_clauses(clauses=clauses | {"extra": "补充"}, policy=policy())

    with pytest.raises(Refusal) as caught:
        check_clauses(clauses=clauses | {"payment": "  "}, policy=policy())
    assert caught.value.code == "contract.clause_missing"
    assert "资金支付方式" in caught.value.message
    with pytest.raises(Refusal, match="个人信息"):
        check_clauses(clauses=clauses, policy=policy(on=date(2022, 1, 1)))


def test_a_late_signing_is_counted_in_days() -> None:
    """On the day it is in time."""
    assert days_late(signed_on=START, due_on=START) == 0
    assert days_late(signed_on=date(2016, 6, 3), due_on=START) == 2
