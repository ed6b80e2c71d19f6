"""The six packs: what each region's source states from which day, what shows through, and whose rules bind where."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from models.policy.resolver import load_policy_book
from models.policy.schema import Evidence, Policy, Status
from models.rules.force import HOME_REGION, is_binding

BOOK = load_policy_book()
PARENTS = {"110000": "cn", "340000": "cn", "350503": "cn", "420200": "cn", "520300": "cn"}
FIRST_DAY = {"110000": date(2018, 8, 15), "350503": date(2024, 9, 23)}


def on(region: str, day: date = date(2025, 3, 3)) -> Policy:
    return BOOK.resolve(region=region, on=day)


def test_six_packs_ship_and_each_hangs_from_the_nation() -> None:
    assert BOOK.regions() == ("110000", "340000", "350503", "420200", "520300", "cn")
    for region, parent in PARENTS.items():
        assert on(region).lineage == (region, parent)


@pytest.mark.parametrize("region", sorted(PARENTS))
def test_a_region_resolves_on_every_day_something_changes(region: str) -> None:
    for day in BOOK.change_dates(region):
        assert BOOK.resolve(region=region, on=day).region == region


@pytest.mark.parametrize(
    ("region", "key", "value"),
    [
        ("110000", "contract.max_years", 3),
        ("110000", "procurement.debarment_years_min", 3),
        ("110000", "procurement.price_only_ban", True),
        ("110000", "funding.plan_months", 12),
        ("350503", "needs.reassess_months", 12),
        ("350503", "needs.file_unit", "person"),
        ("350503", "delivery.confirmation_first", True),
        ("350503", "duties.stations_min", 1),
    ],
)
def test_what_beijing_and_fengze_state_holds_from_the_day_of_the_document(region: str, key: str, value: object) -> None:
    first = FIRST_DAY[region]
    stated, before = on(region, first).leaf(key), on(region, first - timedelta(days=1)).leaves.get(key)

    assert (stated.value, stated.region, stated.status, stated.evidence) == (
        value,
        region,
        Status.ENACTED,
        Evidence.SEED,
    )
    assert stated.effective.from_ == first
    assert before is None or before.region == "cn"


@pytest.mark.parametrize(
    ("region", "key", "codes"),
    [
        (
            "110000",
            "needs.special_tags",
            "incapacitated dementia bereaved advanced_age severe_disability severe_illness minor",
        ),
        ("110000", "evaluation.parties", "third_party purchaser recipient"),
        ("110000", "publicity.pre_award_items", "project content contractor_requirements evaluation_standards"),
        (
            "110000",
            "procurement.contractor_types",
            "social_org class_two_institution production_institution enterprise",
        ),
        ("350503", "library.service_list_columns", "category target standard supplier"),
        ("350503", "needs.identity_classes", "TEKUN DIBAO DIBAO_EDGE RIGID_EXPENSE ANTI_RETURN OTHER"),
        ("350503", "needs.dimensions", "economy health education housing employment guardianship inclusion"),
        ("350503", "publicity.disclosure_items", "policy service_list standards venue_roster"),
        ("350503", "funding.forbidden_sources", "basic_living_aid special_aid"),
        (
            "340000",
            "lists.purchase_domains",
            "basic_security elderly_care children vagrants communities place_names OTHER",
        ),
        ("340000", "contract.extension_conditions", "fixed_content continuity stable_funding small_price_change"),
        ("340000", "lists.participation_points", "needs design supervision"),
        (
            "520300",
            "library.service_list_columns",
            "category target standard supplier funding service_years",
        ),
    ],
)
def test_the_lists_of_each_region(region: str, key: str, codes: str) -> None:
    leaf = on(region).leaf(key)

    assert list(leaf.value) == codes.split()
    assert leaf.region == region


def test_beijing_buys_six_administrative_items_and_two_services_and_stays_open() -> None:
    items = on("110000").feasibility.purchase_items or {}

    assert {kind: len(codes) for kind, codes in items.items()} == {"ADMINISTRATIVE": 7, "SERVICE": 3}
    assert all(codes[-1] == "OTHER" for codes in items.values())


def test_all_that_is_known_of_anhui_waits_for_confirmation() -> None:
    """The digest bears no date and no number, so nothing of it is in force by itself (decisions 18, 19)."""
    own = [leaf for leaf in on("340000").leaves.values() if leaf.region == "340000"]

    assert len(own) >= 9
    assert {(leaf.status, leaf.evidence, leaf.citation.number) for leaf in own} == {
        (Status.PROPOSED, Evidence.PAGE, None)
    }
    assert all(leaf.key in on("340000").unconfirmed_keys() for leaf in own)


def test_personal_data_stay_in_beijing_s_contracts_once_the_law_asks_for_it() -> None:
    """A local list replaces the nation's whole: it must not lose the clause of the law on personal information."""
    assert "data_protection" not in on("110000", date(2021, 10, 31)).contract.clauses
    assert "data_protection" in on("110000", date(2021, 11, 1)).contract.clauses


def test_fengze_s_pilot_classes_give_way_to_the_law_s() -> None:
    pilot, law = (
        on("350503", date(2026, 6, 30)).leaf("needs.identity_classes"),
        on("350503", date(2026, 7, 1)).leaf("needs.identity_classes"),
    )

    assert (pilot.region, law.region) == ("350503", "cn")
    assert "DISASTER" in law.value


@pytest.mark.parametrize("seed", sorted(HOME_REGION))
def test_a_seed_s_rules_bind_at_home_only(seed: str) -> None:
    home = HOME_REGION[seed]

    assert [region for region in BOOK.regions() if is_binding(policy=on(region), rule=f"{seed}-01")] == [home]


def test_law_and_our_own_rules_bind_everywhere() -> None:
    for region in BOOK.regions():
        assert is_binding(policy=on(region), rule="LAW-ZFCG-36")
        assert is_binding(policy=on(region), rule="SYS-POLICY")


def test_a_digest_depends_on_region_and_values_and_on_nothing_else() -> None:
    digests = {region: on(region).digest for region in BOOK.regions()}

    assert len(set(digests.values())) == len(digests)
    for region, digest in digests.items():
        assert BOOK.resolve(region=region, on=date(2025, 3, 4)).digest == digest
    assert on("110000", date(2018, 8, 14)).digest != on("110000", date(2018, 8, 15)).digest
