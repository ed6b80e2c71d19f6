"""Inheritance leaf by leaf, half-open dates, digests, unset leaves."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from models.core.errors import DataFault, Refusal
from models.core.money import Money
from models.policy.loader import load_packs
from models.policy.resolver import PolicyBook, load_policy_book
from models.policy.schema import Evidence, Status
from models.policy.sections import leaf_specs

ON = date(2016, 6, 1)


def test_a_region_s_leaf_stands_in_for_its_parent_s() -> None:
    book = load_policy_book()

    assert book.resolve(region="420200", on=ON).needs.file_unit == "household"
    assert book.resolve(region="cn", on=ON).needs.file_unit == "person"


def test_what_a_region_does_not_set_shows_through_from_the_parent() -> None:
    huangshi = load_policy_book().resolve(region="420200", on=ON)

    assert huangshi.procurement.bidders_min == 3
    assert huangshi.leaf("procurement.bidders_min").region == "cn"
    assert huangshi.leaf("procurement.open_tender_threshold").region == "420200"


def test_outside_a_region_s_period_the_parent_s_leaf_shows_through() -> None:
    book = load_policy_book()

    before = book.resolve(region="520300", on=date(2024, 7, 31)).leaf("acceptance.self_check_months")
    after = book.resolve(region="520300", on=date(2024, 8, 1)).leaf("acceptance.self_check_months")

    assert (before.region, before.status) == ("cn", Status.PROPOSED)
    assert (after.region, after.status, after.value) == ("520300", Status.ENACTED, 3)


def test_a_gap_inside_a_region_s_periods_is_filled_by_the_parent(shipped: Path) -> None:
    file = shipped / "420200" / "needs.yaml"
    file.write_text(file.read_text("utf-8").replace("to: null", "to: 2018-01-01"), "utf-8")
    book = PolicyBook(load_packs(shipped))

    assert book.resolve(region="420200", on=date(2017, 12, 31)).needs.file_unit == "household"
    assert book.resolve(region="420200", on=date(2018, 1, 1)).needs.file_unit == "person"
    assert book.resolve(region="420200", on=date(2018, 1, 1)).needs.strata is None


@pytest.mark.parametrize(
    ("on", "source", "most"), [(date(2026, 6, 30), "社会救助暂行办法", 3), (date(2026, 7, 1), "社会救助法", 2)]
)
def test_a_period_holds_from_its_first_day_to_the_day_before_its_last(on: date, source: str, most: int) -> None:
    leaf = load_policy_book().resolve(region="420200", on=on).leaf("recovery.fraud_fine_max")

    assert leaf.value == most
    assert leaf.citation.title == source


def test_values_come_typed() -> None:
    policy = load_policy_book().resolve(region="420200", on=ON)

    assert policy.procurement.open_tender_threshold == Money(50_000_000)
    assert policy.procurement.negotiation_expert_share == Fraction(2, 3)
    assert dict(policy.needs.strata or {}).get("elderly_alone") == 100
    assert policy.alerts.ladder_days == (30, 15, 7, 0)


def test_a_policy_cannot_be_changed() -> None:
    policy = load_policy_book().resolve(region="420200", on=ON)

    with pytest.raises(FrozenInstanceError):
        policy.review.panel_size = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        policy.needs.identity_classes["X"] = "x"  # type: ignore[index]


def test_the_digest_is_the_same_for_the_same_values_whoever_loads_them(shipped: Path) -> None:
    first = load_policy_book().resolve(region="420200", on=ON)
    again = PolicyBook(load_packs(shipped)).resolve(region="420200", on=ON)

    assert again.digest == first.digest
    assert load_policy_book().resolve(region="420200", on=date(2016, 6, 2)).digest == first.digest


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("cn/review.yaml", "value: 5\n", "value: 7\n"),
        ("cn/evaluation.yaml", "satisfaction: '0.30'", "satisfaction: '0.31'"),
        ("cn/needs.yaml", "      MILD: 轻度\n      MODERATE: 中度\n", "      MODERATE: 中度\n      MILD: 轻度\n"),
    ],
)
def test_the_digest_changes_with_any_value_and_with_the_order_of_a_list(
    shipped: Path, file: str, old: str, new: str
) -> None:
    path = shipped / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")

    changed = PolicyBook(load_packs(shipped)).resolve(region="420200", on=ON)

    assert changed.digest != load_policy_book().resolve(region="420200", on=ON).digest


def test_two_regions_never_share_a_digest() -> None:
    book = load_policy_book()

    assert len({book.resolve(region=code, on=ON).digest for code in book.regions()}) == len(book.regions())


def test_an_unset_leaf_reads_none_and_is_refused_where_it_is_needed() -> None:
    zunyi = load_policy_book().resolve(region="520300", on=date(2025, 1, 2))

    assert zunyi.procurement.open_tender_threshold is None
    with pytest.raises(Refusal) as caught:
        zunyi.need("procurement.open_tender_threshold")
    assert (caught.value.code, caught.value.rule) == ("policy.unset", "SYS-POLICY-UNSET")
    for fact in ("procurement.open_tender_threshold", "520300", "2025-01-02"):
        assert fact in caught.value.message
    assert caught.value.way_out


def test_a_key_that_is_no_leaf_is_a_bug() -> None:
    policy = load_policy_book().resolve(region="cn", on=ON)

    for key in ("procurement.tender_sampling", "procurement", "region.name", "leaves.items"):
        with pytest.raises(KeyError):
            policy.need(key)


def test_an_unknown_region_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Refusal) as caught:
        load_policy_book().resolve(region="999999", on=ON)

    assert caught.value.code == "policy.unknown_region"
    assert "420200" in caught.value.message


def test_a_date_before_coverage_is_refused_not_guessed() -> None:
    book = load_policy_book()

    assert book.resolve(region="420200", on=book.covered_from("420200")).region == "420200"
    with pytest.raises(Refusal) as caught:
        book.resolve(region="420200", on=date(2015, 2, 28))
    assert caught.value.code == "policy.before_coverage"


def test_a_required_leaf_without_a_value_is_a_data_fault(shipped: Path) -> None:
    (shipped / "cn" / "alerts.yaml").unlink()

    with pytest.raises(DataFault) as caught:
        PolicyBook(load_packs(shipped)).resolve(region="420200", on=ON)

    missing = {item.field for item in caught.value.details}
    assert {"420200:alerts.ladder_days", "420200:alerts.overdue_repeat_days"} < missing
    assert {str(field).split(".")[0] for field in missing} == {"420200:alerts"}


def test_lineage_and_nearness() -> None:
    book = load_policy_book()

    assert book.lineage("420200") == ("420200", "cn")
    assert book.is_within("420200", "cn")
    assert book.is_within("420200", "420200")
    assert not book.is_within("cn", "420200")


def test_clauses_print_as_officials_write_them() -> None:
    policy = load_policy_book().resolve(region="420200", on=ON)

    assert policy.clause("procurement.tender_days") == "《政府采购法》第三十五条"
    assert policy.clause("procurement.bid_bond_ratio") == "《政府采购法实施条例》(国务院令第658号)第三十三条"
    assert policy.clause("procurement.open_tender_threshold") == "《黄石市政府购买服务管理办法(暂行)》"
    assert policy.clause("review.panel_size") == "无来源规定(本系统建议值)"


def test_what_no_source_states_is_listed_as_proposed() -> None:
    policy = load_policy_book().resolve(region="420200", on=ON)

    assert "review.panel_size" in policy.proposed_keys()
    assert "procurement.open_tender_threshold" not in policy.proposed_keys()
    assert set(policy.proposed_keys()) <= set(policy.unconfirmed_keys())
    assert policy.leaf("contract.max_years").evidence is Evidence.PROPOSED
    assert set(policy.leaves) | set(policy.unset_keys()) == set(leaf_specs())
