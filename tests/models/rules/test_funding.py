"""Rules of funding: balanced entries, channels apart, co-issuers, and everything a payment rests on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.core.actors import Role
from models.core.errors import DataFault, Refusal
from models.core.money import Money
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.funding import (
    Account,
    BatchLine,
    Leg,
    check_balance,
    check_balanced,
    check_batch,
    check_channel,
    check_may_sign,
    missing_signatures,
)
from models.rules.payment import Category, PaymentCase, check_payment, is_last, result_linked_due


def policy(region: str = "420200", *, on: date = date(2016, 4, 1)) -> Policy:
    return load_policy_book().resolve(region=region, on=on)


ZUNYI = date(2025, 4, 1)


# --- ledger ---------------------------------------------------------------------------------------------------------


@given(amounts=st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=6))
def test_an_entry_balances_or_is_stopped(amounts: list[int]) -> None:
    """Only entries that sum to zero pass."""
    legs = tuple(Leg(Account.PAID, "local_budget", 2016, Money(amount)) for amount in amounts)

    if sum(amounts):
        with pytest.raises(DataFault, match="借贷不平"):
            check_balanced(legs=legs)
    else:
        check_balanced(legs=legs)
    check_balanced(legs=(*legs, Leg(Account.PLANNED, "local_budget", 2016, Money(-sum(amounts)))))


@pytest.mark.parametrize(("channel", "year"), [("donation", 2016), ("local_budget", 2017)])
def test_channels_and_years_are_never_pooled(channel: str, year: int) -> None:
    """ZY-10: money may not leave one channel or year and arrive in another."""
    legs = (
        Leg(Account.REMAINING, "local_budget", 2016, Money(-1)),
        Leg(Account.RESERVED, channel, year, Money(1)),
    )

    with pytest.raises(DataFault) as caught:
        check_balanced(legs=legs)

    assert caught.value.rule == "SYS-LEDGER"


def test_an_entry_without_legs_is_stopped() -> None:
    """Nothing is no entry."""
    with pytest.raises(DataFault):
        check_balanced(legs=())


def test_a_plan_line_takes_no_more_than_its_channel_has() -> None:
    """ZY-78 in Zunyi, our own rule elsewhere; the last fen may be taken."""
    case = {"available": Money(100), "channel": "donation", "year": 2025}

    check_balance(wanted=Money(100), **case, policy=policy())  # type: ignore[arg-type]  # a shared set of arguments
    rules = []
    for region, on in (("520300", ZUNYI), ("420200", ZUNYI)):
        with pytest.raises(Refusal) as caught:
            check_balance(wanted=Money(101), **case, policy=policy(region, on=on))  # type: ignore[arg-type]
        rules.append(caught.value.rule)

    assert rules == ["ZY-78", "SYS-BALANCE"]


def test_a_channel_is_on_the_list_and_other_says_what_it_is() -> None:
    """Decision 15."""
    check_channel(channel="local_budget", note="", policy=policy())
    check_channel(channel="OTHER", note="合成来源", policy=policy())

    for channel in ("pocket", "OTHER"):
        with pytest.raises(Refusal):
            check_channel(channel=channel, note=" ", policy=policy())


# --- plan -----------------------------------------------------------------------------------------------------------


def test_each_co_issuer_signs_once() -> None:
    """Zunyi: bureau and DRC; Huangshi: finance alone."""
    zunyi = policy("520300", on=ZUNYI)

    check_may_sign(role=Role.DRC, signed=("city_bureau",), policy=zunyi)

    assert missing_signatures(signed=("city_bureau",), policy=zunyi) == ("drc",)
    assert missing_signatures(signed=(), policy=policy()) == ("finance_bureau",)
    for role, code in ((Role.CITY_BUREAU, "funding.signed_already"), (Role.FINANCE_BUREAU, "funding.not_co_issuer")):
        with pytest.raises(Refusal) as caught:
            check_may_sign(role=role, signed=("city_bureau",), policy=zunyi)
        assert (caught.value.code, caught.value.rule) == (code, "ZY-77")


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ((), "funding.batch_empty"),
        (("signed", "drafted"), "funding.batch_unsigned"),
        (("issued", "issued"), "funding.batch_issued"),
        (("signed", "paid"), "funding.batch_issued"),
    ],
)
def test_a_batch_goes_out_whole_and_once(states: tuple[str, ...], code: str) -> None:
    """Only when every line is signed by all."""
    check_batch(lines=(BatchLine("合成项目", "signed", ()),), policy=policy())

    with pytest.raises(Refusal) as caught:
        check_batch(lines=tuple(BatchLine("合成项目", state, ("drc",)) for state in states), policy=policy())

    assert caught.value.code == code


# --- payment --------------------------------------------------------------------------------------------------------

PROGRESS = PaymentCase(
    amount=Money(30_000),
    line_state="issued",
    line_amount=Money(100_000),
    line_paid=Money(20_000),
    same_project=True,
    contract_state="running",
    price=Money(100_000),
    contract_paid=Money(20_000),
    reserved_for_contract=Money(80_000),
    estimated=True,
    verified_percent=Decimal(50),
    final=False,
    accepted=False,
    grade=None,
    settled=False,
    estimate=Money(100_000),
    categories={"人员费用": Category(budget=Money(100_000), paid=Money(20_000), now=Money(30_000))},
)
LAST = replace(
    PROGRESS,
    amount=Money(80_000),
    verified_percent=Decimal(100),
    final=True,
    accepted=True,
    grade="good",
    categories=None,
)


def test_a_payment_with_all_its_parts_is_due() -> None:
    """Progress payment up to exactly the verified percentage; last payment after the evaluation."""
    check_payment(case=PROGRESS, policy=policy())
    check_payment(case=PROGRESS, policy=policy("520300", on=ZUNYI))
    check_payment(case=LAST, policy=policy())


@pytest.mark.parametrize("state", ["drafted", "signed", "paid", "closed"])
def test_no_issued_plan_line_no_money(state: str) -> None:
    """ZY-79, ZY-112."""
    _refused(replace(PROGRESS, line_state=state), part="plan_line", rule="SYS-PAYMENT-BASIS")
    _refused(replace(PROGRESS, line_state=state), part="plan_line", rule="ZY-112", region="520300")


@pytest.mark.parametrize(
    ("case", "part", "rule"),
    [
        (replace(PROGRESS, line_paid=Money(70_001)), "plan_amount", "SYS-PAYMENT-BASIS"),
        (replace(PROGRESS, contract_state="terminated", reserved_for_contract=Money.ZERO), "contract", "HS-28"),
        (replace(PROGRESS, same_project=False), "contract_project", "HS-28"),
        (replace(PROGRESS, verified_percent=Decimal("49.99")), "progress", "HS-28"),
        (replace(PROGRESS, reserved_for_contract=Money(29_999)), "committed", "HS-28"),
        (replace(PROGRESS, settled=True), "settled", "HS-44"),
        (replace(LAST, price=Money(99_999), verified_percent=Decimal(100)), "contract_price", "HS-28"),
        (replace(LAST, accepted=False, grade=None), "evaluation", "HS-37"),
        (replace(LAST, grade=None), "grade", "HS-44"),
        (replace(LAST, grade="qualified"), "result", "HS-44"),
        (replace(LAST, grade="unqualified"), "result", "HS-44"),
    ],
)
def test_a_missing_part_is_named(case: PaymentCase, part: str, rule: str) -> None:
    """Each part alone, in its violated form."""
    _refused(case, part=part, rule=rule)


def test_the_estimate_is_asked_for_where_policy_lists_it() -> None:
    """ZY-112 lists the approved estimate; Huangshi does not."""
    case = replace(PROGRESS, estimated=False)

    check_payment(case=case, policy=policy())
    _refused(case, part="estimate", rule="ZY-112", region="520300")


def test_reaching_the_price_is_a_last_payment_whatever_it_is_called() -> None:
    """HS-37 cannot be passed by by not saying final."""
    case = replace(LAST, final=False, accepted=False, grade=None)

    assert is_last(case=case)
    _refused(case, part="evaluation", rule="HS-37")


def test_all_missing_parts_are_named_at_once() -> None:
    """Nobody is sent back three times."""
    with pytest.raises(Refusal) as caught:
        check_payment(
            case=replace(LAST, line_state="drafted", verified_percent=Decimal(10), accepted=False), policy=policy()
        )

    assert [detail.field for detail in caught.value.details] == ["plan_line", "progress", "evaluation"]


def test_what_is_due_follows_the_grade() -> None:
    """The share of the grade is taken of the last instalment: what the contract still owes."""
    assert result_linked_due(case=LAST, policy=policy()) == Money(80_000)
    assert result_linked_due(case=replace(LAST, grade="qualified"), policy=policy()) == Money(72_000)
    assert result_linked_due(case=replace(LAST, grade="unqualified"), policy=policy()) == Money.ZERO
    check_payment(case=replace(LAST, grade="qualified", amount=Money(72_000)), policy=policy())


def _refused(case: PaymentCase, *, part: str, rule: str, region: str = "420200") -> None:
    with pytest.raises(Refusal) as caught:
        check_payment(case=case, policy=policy(region, on=ZUNYI if region == "520300" else date(2016, 4, 1)))
    assert caught.value.code == "funding.payment_not_due"
    assert caught.value.details[0].field == part
    assert caught.value.rule == rule


def test_a_batch_with_a_line_whose_approval_was_voided_is_not_issued() -> None:
    """ZY-75: what was planned is no longer what was approved; the line is named."""
    lines = (BatchLine("合成甲", "signed", ()), BatchLine("合成乙", "signed", (), approved=False))

    with pytest.raises(Refusal) as caught:
        check_batch(lines=lines, policy=policy())

    assert caught.value.code == "funding.approval_voided"
    assert (caught.value.facts["count"], caught.value.facts["projects"]) == (1, "合成乙")
