"""What may be purchased: negative list by date, catalogue and annual plan in Beijing, bundling in Anhui."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.purchase_scope import PurchaseScope, bundle_warning, check_organiser, check_scope

LISTED = PurchaseScope(
    object="service",
    forms=(),
    catalogue_item="A1",
    plan_item="P1",
    catalogue=frozenset({"A1"}),
    planned=frozenset({"P1"}),
)
DISPATCH = replace(LISTED, forms=("labour_dispatch",))


def policy(region: str, on: date = date(2019, 4, 1)) -> Policy:
    return load_policy_book().resolve(region=region, on=on)


def refused(scope: PurchaseScope, policy: Policy) -> Refusal:
    with pytest.raises(Refusal) as caught:
        check_scope(scope=scope, policy=policy)
    return caught.value


def test_dispatch_of_labour_could_be_purchased_until_the_ban() -> None:
    """The law of the day: Beijing's text of 2018 let it, Order 102 bars it from 1 March 2020."""
    check_scope(scope=DISPATCH, policy=policy("110000", date(2020, 2, 29)))

    assert refused(DISPATCH, policy("110000", date(2020, 3, 1))).code == "procurement.form_banned"
    assert refused(DISPATCH, policy("520300", date(2025, 3, 1))).rule == "LAW-ZFGMFW-10"


def test_a_misspelt_form_is_refused_where_there_is_a_list() -> None:
    """It would pass the negative list unseen."""
    misspelt = replace(LISTED, forms=("labor_dispatch",))

    assert refused(misspelt, policy("520300", date(2025, 3, 1))).code == "procurement.form_unknown"
    check_scope(scope=misspelt, policy=policy("420200"))


def test_beijing_purchases_what_stands_in_the_catalogue_and_in_the_plan() -> None:
    beijing = policy("110000")
    check_scope(scope=LISTED, policy=beijing)

    for wrong in (replace(LISTED, catalogue_item="B9"), replace(LISTED, catalogue_item=None)):
        assert refused(wrong, beijing).rule == "BJ-27"
    assert refused(replace(LISTED, catalogue=None), beijing).rule == "BJ-27"
    assert refused(replace(LISTED, plan_item=None), beijing).rule == "BJ-29"


def test_elsewhere_a_list_binds_only_who_names_an_entry_of_it() -> None:
    check_scope(
        scope=replace(LISTED, catalogue_item=None, plan_item=None, catalogue=None, planned=None),
        policy=policy("420200"),
    )

    assert refused(replace(LISTED, catalogue_item="B9"), policy("420200")).rule == "SYS-CODE-LIST"
    assert refused(replace(LISTED, object="sundries"), policy("420200")).rule == "LAW-ZFCG-2"


def test_a_district_governments_purchase_names_the_organising_bureau() -> None:
    check_organiser(kind="district_government", guided_by="合成区民政局", policy=policy("110000"))
    check_organiser(kind="district_government", guided_by=None, policy=policy("420200"))
    check_organiser(kind="township", guided_by=None, policy=policy("110000"))  # BJ-08: a street may purchase itself

    with pytest.raises(Refusal) as caught:
        check_organiser(kind="district_government", guided_by=" ", policy=policy("110000"))
    assert caught.value.rule == "BJ-07"


def test_anhui_offers_to_bundle_what_is_not_yet_noticed() -> None:
    assert "2" in bundle_warning(open_purchases=2, policy=policy("340000"))[0]
    assert bundle_warning(open_purchases=0, policy=policy("340000")) == ()
    assert bundle_warning(open_purchases=2, policy=policy("420200")) == ()
