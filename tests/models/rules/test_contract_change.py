"""Rules of a contract after its signing: supplements, subcontracts, key posts, succession, helpers, breaches."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from models.core.errors import Refusal
from models.core.money import Money
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules import contract_change as rules
from models.rules.contract import conditions_warning, missing_extension_conditions

DAY = date(2025, 6, 2)
ZUNYI, BEIJING, ANHUI = "520300", "110000", "340000"
PRICE = Money.yuan("100000.00")


def policy(region: str = ZUNYI) -> Policy:
    return load_policy_book().resolve(region=region, on=DAY)


def refused(function: Any, **arguments: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        function(**arguments)
    return caught.value


def test_supplements_add_a_tenth_and_not_a_fen_more() -> None:
    """LAW-ZFCG-49: all supplements together, against the price as signed."""
    case: dict[str, Any] = {
        "original": PRICE,
        "paid": Money.ZERO,
        "planned": PRICE,
        "rise": Money(1),
        "policy": policy(),
    }

    rules.check_supplement(price=Money.yuan("110000.00"), **case)

    fault = refused(rules.check_supplement, price=Money.yuan("110000.01"), **case)
    assert (fault.code, fault.rule) == ("contract.over_supplement", "LAW-ZFCG-49")


def test_a_rise_stays_within_the_plan_and_a_price_above_what_was_paid() -> None:
    """ZY-78 in Zunyi, our own rule elsewhere."""
    case: dict[str, Any] = {"original": PRICE, "price": Money.yuan("105000.00"), "rise": Money.yuan("5000.00")}

    rules.check_supplement(paid=PRICE, planned=Money.yuan("5000.00"), policy=policy(), **case)

    over: dict[str, Any] = {"paid": Money.ZERO, "planned": Money.yuan("4999.99"), **case}
    assert refused(rules.check_supplement, policy=policy(), **over).rule == "ZY-78"
    assert refused(rules.check_supplement, policy=policy(BEIJING), **over).rule == "SYS-BALANCE"
    less: dict[str, Any] = {
        **case,
        "price": Money.yuan("90000.00"),
        "rise": Money.ZERO,
        "paid": PRICE,
        "planned": PRICE,
    }
    assert refused(rules.check_supplement, policy=policy(), **less).code == "contract.below_paid"


@pytest.mark.parametrize(("region", "rule"), [(BEIJING, "BJ-47"), (ZUNYI, "LAW-ZFCGTL-72")])
def test_a_part_may_be_subcontracted_the_whole_may_not(region: str, rule: str) -> None:
    """转包 and 分包 are told apart: by name, and by the sum of the parts."""
    rules.check_not_transferred(whole=False, given=PRICE - Money(1), price=PRICE, policy=policy(region))

    for whole, given in ((True, Money(1)), (False, PRICE)):
        fault = refused(rules.check_not_transferred, whole=whole, given=given, price=PRICE, policy=policy(region))
        assert (fault.code, fault.rule) == ("contract.transferred", rule)


def test_a_subcontract_needs_the_purchasers_consent() -> None:
    """LAW-ZFCG-48."""
    rules.check_consent(consented=True, policy=policy())

    assert refused(rules.check_consent, consented=False, policy=policy()).rule == "LAW-ZFCG-48"


def test_services_come_from_the_contractor_or_who_was_consented_to() -> None:
    """BJ-47: staff of anybody else are a transfer in fact."""
    rules.check_performers(employers={"org-sub"}, allowed={"org-own", "org-sub"}, policy=policy(BEIJING))
    rules.check_performers(employers=set(), allowed={"org-own"}, policy=policy(BEIJING))

    fault = refused(rules.check_performers, employers={"org-x"}, allowed={"org-own"}, policy=policy(BEIJING))
    assert (fault.code, fault.rule) == ("contract.performed_by_other", "BJ-47")


def test_a_key_post_changes_hands_with_consent_only() -> None:
    """ZY-86 in Zunyi, our own rule elsewhere; a post the contract does not name is refused."""
    posts = {"项目负责人": "SW-01"}

    rules.check_key_post(post="项目负责人", posts=posts, consented=True, policy=policy())

    case: dict[str, Any] = {"post": "项目负责人", "posts": posts, "consented": False}
    assert refused(rules.check_key_post, policy=policy(), **case).rule == "ZY-86"
    assert refused(rules.check_key_post, policy=policy(BEIJING), **case).rule == "SYS-KEY-POST"
    unknown: dict[str, Any] = {"post": "督导", "posts": posts, "consented": True}
    assert refused(rules.check_key_post, policy=policy(), **unknown).code == "contract.post_unknown"


def test_contracts_of_a_project_follow_each_other_without_overlap() -> None:
    """The day one ends the next may begin."""
    rules.check_succession(same_project=True, state="ended", ends_on=DAY, starts_on=DAY)

    case: dict[str, Any] = {"state": "running", "ends_on": DAY, "starts_on": date(2025, 6, 1)}
    assert refused(rules.check_succession, same_project=True, **case).code == "contract.successor_overlaps"
    assert refused(rules.check_succession, same_project=False, **case).code == "contract.predecessor_other"


def test_a_performance_bond_is_at_most_a_tenth_of_the_price() -> None:
    """LAW-ZFCGTL-48."""
    rules.check_bond(bond=Money.yuan("10000.00"), price=PRICE, policy=policy())
    rules.check_bond(bond=None, price=PRICE, policy=policy())

    fault = refused(rules.check_bond, bond=Money.yuan("10000.01"), price=PRICE, policy=policy())
    assert fault.rule == "LAW-ZFCGTL-48"


def test_anhui_warns_of_tasks_pushed_to_who_is_no_party() -> None:
    """AH-05 lets them be named, AH-06 warns where they are not; nobody else warns."""
    inside, outside = rules.Assisting("合成村委会", "走访", True), rules.Assisting("合成居委会", "报表", False)

    assert rules.assisting_warnings(assisting=(inside,), policy=policy(ANHUI)) == ()
    warned = rules.assisting_warnings(assisting=(inside, outside), policy=policy(ANHUI))
    assert len(warned) == 1
    assert all(word in warned[0] for word in ("合成居委会", "AH-06"))
    assert rules.assisting_warnings(assisting=(outside,), policy=policy(ZUNYI)) == ()


def test_anhui_warns_of_every_condition_an_extension_leaves_unstated() -> None:
    """AH-14: all four hold together."""
    case: dict[str, Any] = {"starts_on": DAY, "ends_on": date(2027, 6, 2), "policy": policy(ANHUI)}
    all_four = tuple(policy(ANHUI).contract.extension_conditions)

    unstated = missing_extension_conditions(stated=all_four[:3], **case)

    assert "价格变化幅度小" in conditions_warning(unstated=unstated, policy=policy(ANHUI))[0]
    assert (
        conditions_warning(unstated=missing_extension_conditions(stated=all_four, **case), policy=policy(ANHUI)) == ()
    )


def test_a_serious_breach_in_beijing_is_punished_and_names_its_rule() -> None:
    """BJ-51; elsewhere the contract alone speaks."""
    assert rules.check_breach(serious=True, penalty="合成罚决字1号", policy=policy(BEIJING)) == "BJ-51"
    assert rules.check_breach(serious=False, penalty="", policy=policy(BEIJING)) is None
    assert rules.check_breach(serious=True, penalty="", policy=policy(ZUNYI)) is None

    assert refused(rules.check_breach, serious=True, penalty=" ", policy=policy(BEIJING)).rule == "BJ-51"
