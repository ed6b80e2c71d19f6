"""What ships: every leaf cited, the values the sources state, and no claim beyond the evidence."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from models.core.money import Money
from models.policy.coherence import check_book
from models.policy.resolver import load_policy_book
from models.policy.schema import UNSTATED, Evidence, Policy, Status
from models.policy.sections import leaf_specs

HUANGSHI = load_policy_book().resolve(region="420200", on=date(2016, 3, 1))
ZUNYI = load_policy_book().resolve(region="520300", on=date(2025, 3, 1))


def test_every_entry_names_its_source_and_says_when_there_is_none() -> None:
    entries = [
        (code, key, entry)
        for code, pack in load_policy_book().packs.items()
        for key, leaf in pack.leaves.items()
        for entry in leaf
    ]

    assert len(entries) > len(leaf_specs())
    for code, key, entry in entries:
        unstated = entry.citation.title.startswith(UNSTATED)
        assert entry.citation.title, (code, key)
        assert unstated == (entry.evidence is Evidence.PROPOSED), (code, key)
        if entry.status is Status.ENACTED and entry.evidence is Evidence.LAW:
            assert entry.citation.article, (code, key)


def test_the_packs_cover_every_date_and_agree_with_themselves() -> None:
    assert check_book(load_policy_book()) == ()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("procurement.open_tender_threshold", Money(50_000_000)),
        ("procurement.open_tender_strict", True),
        ("needs.served_min", 400),
        ("evaluation.third_party_count", 2),
        ("rules.blocking_strengths", ("M", "C")),
    ],
)
def test_huangshi_states(key: str, value: object) -> None:
    assert HUANGSHI.need(key) == value


@pytest.mark.parametrize(
    ("key", "codes"),
    [
        ("procurement.contractor_types", {"social_org", "class_two_institution", "enterprise"}),
        ("needs.strata", {"elderly_alone", "single_parent_minor_student", "disabled", "severely_ill"}),
        ("monitoring.lines", {"purchaser", "finance", "third_party", "expert", "recipient", "community"}),
        ("evaluation.third_party_dimensions", {"compliance", "professionalism", "effect", "demonstration"}),
        ("evaluation.purchaser_items", {"effect", "management", "social_impact"}),
        ("monitoring.recipient_items", {"staff_professionalism", "hours", "effect"}),
        ("delivery.nonmaterial_kinds", {"resource_link", "capability", "comfort", "inclusion"}),
        ("application.plan_book_parts", {"background", "concept", "goals", "steps", "budget"}),
    ],
)
def test_huangshi_lists(key: str, codes: set[str]) -> None:
    assert set(HUANGSHI.need(key)) == codes
    assert HUANGSHI.leaf(key).status is Status.PRACTICE


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("acceptance.self_check_months", 3),
        ("midterm.trigger_years", 5),
        ("midterm.window_from_years", 2),
        ("midterm.window_to_years", 3),
        ("funding.plan_months", 3),
        ("funding.plan_co_issuers", ("city_bureau", "drc")),
        ("feasibility.opinion_issuer", "county_government"),
    ],
)
def test_zunyi_states(key: str, value: object) -> None:
    assert ZUNYI.need(key) == value
    assert ZUNYI.leaf(key).status is Status.ENACTED


def test_zunyi_dispatch_calendar() -> None:
    assert {(duty.rule, duty.every_months, tuple(duty.lead)) for duty in (ZUNYI.duties.planning or {}).values()} == {
        ("ZY-40", 1, ("city",)),
        ("ZY-41", 6, ("city", "county")),
        ("ZY-42", 12, ("city", "county", "township", "village")),
    }


@pytest.mark.parametrize(
    "key",
    [
        "publicity.working_days",
        "review.panel_size",
        "review.dimension_weights",
        "evaluation.satisfaction_weight",
        "acceptance.satisfaction_pass_ratio",
        "evaluation.grades",
        "procurement.tender_sampling_rate",
        "recovery.repay_days",
        "acceptance.comprehensive_months",
        "alerts.ladder_days",
    ],
)
@pytest.mark.parametrize("policy", [HUANGSHI, ZUNYI], ids=["420200", "520300"])
def test_what_no_seed_states_must_be_confirmed_before_go_live(policy: Policy, key: str) -> None:
    assert key in policy.proposed_keys()
    assert key in policy.unconfirmed_keys()


@pytest.mark.parametrize(
    ("key", "value", "article"),
    [
        ("procurement.tender_days", 20, "第三十五条"),
        ("procurement.bidders_min", 3, "第三十六条"),
        ("procurement.negotiation_group_min", 3, "第三十八条"),
        ("procurement.file_retention_years", 15, "第四十二条"),
        ("procurement.debarment_years_max", 3, "第七十七条"),
        ("procurement.recusal_years", 3, "第九条"),
        ("procurement.bid_bond_ratio", Decimal("0.02"), "第三十三条"),
        ("contract.sign_days", 30, "第四十六条"),
        ("contract.supplement_ratio", Decimal("0.10"), "第四十九条"),
    ],
)
def test_the_national_clocks(key: str, value: object, article: str) -> None:
    leaf = ZUNYI.leaf(key)

    assert (leaf.value, leaf.citation.article, leaf.evidence) == (value, article, Evidence.LAW)


def test_labour_dispatch_is_banned_only_from_the_day_of_the_ban() -> None:
    book = load_policy_book()

    assert book.resolve(region="cn", on=date(2020, 2, 29)).delivery.dispatch_banned is None
    assert book.resolve(region="cn", on=date(2020, 3, 1)).delivery.dispatch_banned is True


def test_every_service_class_stays_open_for_what_the_list_does_not_name() -> None:
    for policy in (HUANGSHI, ZUNYI):
        assert all(codes[-1] == "OTHER" for codes in policy.delivery.service_items.values())


def test_public_pages_print_no_identifier() -> None:
    mask = HUANGSHI.publicity.mask_public

    assert mask["name"] == "surname"
    assert {mask[field] for field in ("id_number", "phone", "address", "diagnosis")} == {"omit"}
    assert HUANGSHI.publicity.mask_internal["id_number"] == "first3_last4"
