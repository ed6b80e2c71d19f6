"""The gates several regions share rest, in each region, on that region's own rule; what it asks for holds there."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from models.core.errors import Refusal
from models.core.money import Money
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.contract import check_clauses, check_term
from models.rules.evaluation import check_parties
from models.rules.library import Entry, check_entry
from models.rules.payment import PaymentCase, check_payment
from models.rules.procurement import ApprovedBudget, check_bidder, check_budget_first, check_contractor_types

DAY = date(2025, 6, 2)
ZUNYI, BEIJING, FENGZE, ANHUI = "520300", "110000", "350503", "340000"


def policy(region: str) -> Policy:
    return load_policy_book().resolve(region=region, on=DAY)


def refused(function: Any, **arguments: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        function(**arguments)
    return caught.value


@pytest.mark.parametrize(("region", "rule"), [(BEIJING, "BJ-36"), (ANHUI, "AH-15"), (ZUNYI, "SYS-CONTRACT-TERM")])
def test_a_contract_of_three_years_holds_and_a_day_more_is_refused(region: str, rule: str) -> None:
    check_term(starts_on=DAY, ends_on=date(2028, 6, 2), policy=policy(region))

    assert refused(check_term, starts_on=DAY, ends_on=date(2028, 6, 3), policy=policy(region)).rule == rule


def test_a_contract_in_beijing_has_every_clause() -> None:
    """BJ-34."""
    clauses = dict.fromkeys(policy(BEIJING).contract.clauses, "合成条款")

    check_clauses(clauses=clauses, policy=policy(BEIJING))

    for code in clauses:
        assert refused(check_clauses, clauses=clauses | {code: " "}, policy=policy(BEIJING)).rule == "BJ-34"


def test_a_contractor_in_beijing_is_of_a_listed_kind() -> None:
    """BJ-14: a class-one institution is not on the list, a social organisation is."""
    check_contractor_types(types=("social_org", "enterprise"), policy=policy(BEIJING))

    fault = refused(check_contractor_types, types=("class_one_institution",), policy=policy(BEIJING))
    assert fault.rule == "BJ-14"


def test_a_barred_contractor_in_beijing_may_bid_again_on_the_day_its_bar_ends() -> None:
    """BJ-52."""
    call: dict[str, Any] = {"kind": "social_org", "accepted": ("social_org",), "on": DAY, "policy": policy(BEIJING)}
    check_bidder(**call, debarred_until=DAY)

    assert refused(check_bidder, **call, debarred_until=date(2025, 6, 3)).rule == "BJ-52"


def test_a_purchase_in_beijing_comes_after_its_approved_budget() -> None:
    """BJ-28."""
    call: dict[str, Any] = {
        "planned": Money.yuan(10),
        "planned_on": DAY,
        "others": Money.ZERO,
        "policy": policy(BEIJING),
    }
    check_budget_first(**call, budgets=(ApprovedBudget(DAY, Money.yuan(10)),))

    late = (ApprovedBudget(date(2025, 6, 3), Money.yuan(10)),)
    assert refused(check_budget_first, **call, budgets=late).rule == "BJ-28"


@pytest.mark.parametrize(("amount", "faulty"), [(50_000, False), (50_001, True)])
def test_a_payment_in_beijing_keeps_to_the_contract(amount: int, faulty: bool) -> None:
    """BJ-35: half the service is verified, so half the price is due and not a fen more."""
    case = PaymentCase(
        amount=Money(amount),
        line_state="issued",
        line_amount=Money(100_000),
        line_paid=Money.ZERO,
        same_project=True,
        contract_state="running",
        price=Money(100_000),
        contract_paid=Money.ZERO,
        reserved_for_contract=Money(100_000),
        estimated=True,
        verified_percent=Decimal(50),
        final=False,
        accepted=False,
        grade=None,
        settled=False,
    )
    if not faulty:
        check_payment(case=case, policy=policy(BEIJING))
        return
    details = refused(check_payment, case=case, policy=policy(BEIJING)).details
    assert [(detail.field, detail.rule) for detail in details] == [("progress", "BJ-35")]


def test_three_parties_evaluate_in_beijing() -> None:
    """BJ-37."""
    parties = ("purchaser", "recipient", "third_party")

    check_parties(parties=parties, policy=policy(BEIJING))

    for left in parties:
        others = tuple(party for party in parties if party != left)
        assert refused(check_parties, parties=others, policy=policy(BEIJING)).rule == "BJ-37"


ENTRY: dict[str, Any] = {
    "needs": ("合成需求",),
    "policies": ("合成政策",),
    "fund_sources": ("local_budget",),
    "cooperation_modes": (),
    "origin": "township",
    "payer": "government",
    "submitter": "合成县",
    "plan_alignment": "合成规划",
    "attribute": "active",
}


@pytest.mark.parametrize(("region", "rule"), [(ZUNYI, "ZY-44"), (ANHUI, "AH-03"), (FENGZE, "SYS-ENTRY-LINKS")])
def test_an_entry_follows_a_need_and_a_policy(region: str, rule: str) -> None:
    check_entry(entry=Entry(**ENTRY), policy=policy(region))

    for link in ("needs", "policies"):
        assert refused(check_entry, entry=Entry(**ENTRY | {link: ()}), policy=policy(region)).rule == rule


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"fund_sources": ("pocket_money",)}, "ZY-46"),
        ({"cooperation_modes": ("alone",)}, "ZY-09"),
        ({"origin": "nowhere"}, "ZY-39"),
    ],
)
def test_an_entry_in_zunyi_names_codes_of_its_lists(changes: dict[str, Any], rule: str) -> None:
    modes = tuple(policy(ZUNYI).library.cooperation_modes)
    check_entry(entry=Entry(**ENTRY | {"cooperation_modes": modes}), policy=policy(ZUNYI))

    fault = refused(check_entry, entry=Entry(**ENTRY | changes), policy=policy(ZUNYI))
    assert [detail.rule for detail in fault.details] == [rule]
