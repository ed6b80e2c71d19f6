"""What a payment rests on beyond plan line and contract: account, estimate, categories, verified progress."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from models.core.errors import Refusal
from models.core.money import Money
from models.policy.resolver import load_policy_book
from models.rules.payment import Category, PaymentCase, check_account_own, check_payment, verified

_BOOK = load_policy_book()
ZUNYI = _BOOK.resolve(region="520300", on=date(2025, 4, 1))
HUANGSHI = _BOOK.resolve(region="420200", on=date(2016, 4, 1))
ANHUI = _BOOK.resolve(region="340000", on=date(2025, 4, 1))

CASE = PaymentCase(
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
    estimate=Money(50_000),
    project_paid=Money(20_000),
    categories={"人员费用": Category(budget=Money(50_000), paid=Money(20_000), now=Money(30_000))},
)


def _parts(case: PaymentCase, *, zunyi: bool = True) -> list[tuple[str | None, str | None]]:
    try:
        check_payment(case=case, policy=ZUNYI if zunyi else HUANGSHI)
    except Refusal as fault:
        return [(detail.field, detail.rule) for detail in fault.details]
    return []


def test_a_payment_to_the_last_fen_of_estimate_and_category_is_due() -> None:
    assert _parts(CASE) == []


def test_all_four_parts_that_lack_are_named_in_one_refusal() -> None:
    """ZY-112: nobody is sent back four times."""
    case = replace(CASE, line_state="signed", estimated=False, contract_state="unsigned", verified_percent=None)

    assert _parts(case) == [
        ("plan_line", "ZY-112"),
        ("estimate", "ZY-112"),
        ("contract", "ZY-112"),
        ("unverified", "ZY-112"),
    ]


def test_the_first_payment_waits_for_the_dedicated_account() -> None:
    """ZY-92 binds in its region alone."""
    case = replace(CASE, account=False)

    assert _parts(case) == [("account", "ZY-92")]
    assert _parts(case, zunyi=False) == []


def test_an_account_is_kept_for_one_project() -> None:
    check_account_own(shared=False, policy=ZUNYI)
    for policy, rule in ((ZUNYI, "ZY-92"), (HUANGSHI, "SYS-DEDICATED-ACCOUNT")):
        with pytest.raises(Refusal) as caught:
            check_account_own(shared=True, policy=policy)
        assert (caught.value.code, caught.value.rule) == ("funding.account_shared", rule)


def test_all_payments_of_a_project_stay_within_its_estimate() -> None:
    """ZY-93: as with government investment, and only where it binds."""
    case = replace(CASE, estimate=Money(49_999))

    assert _parts(case) == [("over_estimate", "ZY-93")]
    assert _parts(case, zunyi=False) == []


@pytest.mark.parametrize(
    ("categories", "part"),
    [
        (None, "categories"),
        ({"人员费用": Category(Money(50_000), Money(20_001), Money(30_000))}, "category_over"),
        ({"招待费用": Category(Money.ZERO, Money.ZERO, Money(30_000))}, "category_unknown"),
        ({"人员费用": Category(Money(50_000), Money.ZERO, Money(29_999))}, "category_sum"),
    ],
)
def test_no_category_goes_beyond_its_budget_and_no_other_purpose_is_paid(
    categories: dict[str, Category] | None, part: str
) -> None:
    """ZY-94; elsewhere the law on purchases stands behind a breakdown that was given."""
    case = replace(CASE, categories=categories)

    assert _parts(case) == [(part, "ZY-94")]
    assert _parts(case, zunyi=False) == ([] if categories is None else [(part, "LAW-ZFCG-6")])


def test_progress_is_what_was_verified_never_what_the_payer_says_beyond_it() -> None:
    """ZY-112: in Zunyi there is none without a record."""
    forty, fifty = Decimal(40), Decimal(50)

    assert verified(stated=fifty, recorded=forty, policy=HUANGSHI) == forty
    assert verified(stated=forty, recorded=fifty, policy=ZUNYI) == forty
    assert verified(stated=None, recorded=fifty, policy=ZUNYI) == fifty
    assert verified(stated=fifty, recorded=None, policy=HUANGSHI) == fifty
    assert verified(stated=fifty, recorded=None, policy=ZUNYI) is None


def test_the_last_instalment_in_anhui_follows_the_result() -> None:
    """AH-30: what the grade leaves due is paid, a fen more is not."""
    last = replace(
        CASE,
        amount=Money(72_000),
        verified_percent=Decimal(100),
        final=True,
        accepted=True,
        grade="qualified",
        categories=None,
    )

    check_payment(case=last, policy=ANHUI)
    with pytest.raises(Refusal) as caught:
        check_payment(case=replace(last, amount=Money(72_001)), policy=ANHUI)

    assert [(detail.field, detail.rule) for detail in caught.value.details] == [("result", "AH-30")]
