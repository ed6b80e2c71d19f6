"""Tender documents: deviations from the template, conditions that serve, criteria beyond the price, the days of law."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from models.core.calendar import load_calendar
from models.core.errors import Refusal
from models.core.money import Money
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.tender_documents import (
    Criterion,
    Qualification,
    check_amendment,
    check_bond,
    check_criteria,
    check_deviations,
    check_on_offer,
    check_public_qualifications,
    check_qualifications,
    deviations,
)

TEMPLATE = {"invitation": "统一公告文本", "evaluation": ""}
QUALITY = Criterion("服务方案", Decimal(70), price=False)
PRICE = Criterion("报价", Decimal(30), price=True)


def policy(region: str, on: date = date(2025, 3, 3)) -> Policy:
    return load_policy_book().resolve(region=region, on=on)


def refused(function: Any, **arguments: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        function(**arguments)
    assert caught.value.way_out
    return caught.value


def test_deviations_are_found_in_the_texts() -> None:
    """Spacing is none; where the template leaves the wording open any wording follows it."""
    assert deviations(sections={"invitation": "统一 公告文本", "evaluation": "合成"}, template=TEMPLATE) == {}
    assert deviations(sections={"invitation": "另一文本", "annex": "合成"}, template=TEMPLATE) == {
        "annex": "added",
        "evaluation": "missing",
        "invitation": "changed",
    }


def test_zunyi_lists_every_deviation_with_its_reason() -> None:
    call = {"found": {"annex": "added"}, "has_template": True, "policy": policy("520300")}
    check_deviations(reasons={"annex": "服务对象特殊"}, **call)

    assert refused(check_deviations, reasons={}, **call).rule == "ZY-81"
    assert refused(check_deviations, reasons={}, **(call | {"has_template": False})).code == (
        "procurement.template_missing"
    )
    check_deviations(reasons={}, **(call | {"policy": policy("420200")}))


def test_a_condition_must_serve_the_service() -> None:
    serving = {"certificate": Qualification("持有社会工作者证书", "入户服务需要")}
    idle = {"capital": Qualification("注册资本一千万元", " ")}

    check_qualifications(qualifications=serving, policy=policy("110000"))
    assert refused(check_qualifications, qualifications=idle, policy=policy("110000")).rule == "BJ-23"
    assert refused(check_qualifications, qualifications=idle, policy=policy("520300")).rule == "LAW-ZFCGTL-20"


def test_price_alone_decides_nothing() -> None:
    check_criteria(criteria={"plan": QUALITY, "price": PRICE}, policy=policy("110000"))

    assert refused(check_criteria, criteria={"price": PRICE}, policy=policy("110000")).rule == "BJ-32"
    assert refused(check_criteria, criteria={"price": PRICE}, policy=policy("520300")).rule == "SYS-PRICE-ONLY"
    assert refused(check_criteria, criteria={}, policy=policy("110000")).code == "procurement.criteria_empty"


def test_beijing_uses_no_condition_that_was_not_public() -> None:
    used = {"used": frozenset({"certificate"})}
    check_public_qualifications(published=frozenset({"certificate"}), policy=policy("110000"), **used)
    check_public_qualifications(published=frozenset(), policy=policy("420200"), **used)

    assert refused(check_public_qualifications, published=frozenset(), policy=policy("110000"), **used).rule == "BJ-22"


def test_documents_are_on_offer_for_five_working_days() -> None:
    """From 2025-03-03, a Monday: until the tenth, and not until the seventh."""
    call = {"from_on": date(2025, 3, 3), "policy": policy("520300"), "calendar": load_calendar()}
    check_on_offer(until_on=None, **call)
    check_on_offer(until_on=date(2025, 3, 10), **call)

    assert refused(check_on_offer, until_on=date(2025, 3, 7), **call).rule == "LAW-ZFCGTL-31"


def test_an_amendment_leaves_fifteen_days() -> None:
    check_amendment(on=date(2025, 3, 3), closes_on=date(2025, 3, 18), policy=policy("520300"))

    late = refused(check_amendment, on=date(2025, 3, 3), closes_on=date(2025, 3, 17), policy=policy("520300"))
    assert late.rule == "LAW-ZFCGTL-31"


def test_a_deposit_is_two_percent_at_most() -> None:
    budget = Money.yuan(600_000)
    check_bond(bond=None, budget=budget, policy=policy("520300"))
    check_bond(bond=Money.yuan(12_000), budget=budget, policy=policy("520300"))

    high = refused(check_bond, bond=Money.yuan("12000.01"), budget=budget, policy=policy("520300"))
    assert high.rule == "LAW-ZFCGTL-33"
