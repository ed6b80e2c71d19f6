"""Who may bid: kind against credit code, Beijing's six conditions with their proofs, the term of a bar."""

from __future__ import annotations

from datetime import date

import pytest

from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.eligibility import (
    check_bar,
    check_conditions,
    check_kind_of_code,
    check_not_involved,
    relation_counts,
)

CONDITIONS = {
    "civil_liability": "BJ-16",
    "premises": "BJ-17",
    "equipment_capability": "BJ-18",
    "governance": "BJ-19",
    "credit_accounting": "BJ-20",
    "tax_social_insurance": "BJ-21",
}
PROOFS = dict.fromkeys(CONDITIONS, "合成证明")
ENTERPRISE = "91110000600037341L"


def policy(region: str = "110000") -> Policy:
    return load_policy_book().resolve(region=region, on=date(2019, 4, 1))


def test_all_six_proofs_let_a_bidder_in() -> None:
    assert check_conditions(kind="social_org", proofs=PROOFS, policy=policy()) == ()


@pytest.mark.parametrize(("code", "rule"), CONDITIONS.items())
def test_each_condition_without_its_proof_keeps_a_bidder_out(code: str, rule: str) -> None:
    """An empty proof is none; elsewhere the same bid stands."""
    proofs = PROOFS | {code: " "}

    with pytest.raises(Refusal) as caught:
        check_conditions(kind="social_org", proofs=proofs, policy=policy())
    assert (caught.value.rule, [detail.field for detail in caught.value.details]) == (rule, [code])
    check_conditions(kind="social_org", proofs={}, policy=policy("420200"))


def test_who_designed_a_purchase_or_runs_it_does_not_bid_for_it() -> None:
    """LAW-ZFCGTL-18, a single source excepted."""
    names = ("org-1", "合成设计院", None)

    check_not_involved(supplier=names, involved=("合成代理公司",), single_source=False)
    check_not_involved(supplier=names, involved=("合成设计院",), single_source=True)
    with pytest.raises(Refusal) as caught:
        check_not_involved(supplier=names, involved=("org-9", "合成设计院"), single_source=False)
    assert caught.value.rule == "LAW-ZFCGTL-18"


def test_a_class_two_institution_is_warned_when_its_note_is_missing() -> None:
    note = PROOFS | {"coordination_note": "合成说明"}

    assert "BJ-15" in check_conditions(kind="class_two_institution", proofs=PROOFS, policy=policy())[0]
    assert check_conditions(kind="class_two_institution", proofs=note, policy=policy()) == ()
    with pytest.raises(Refusal, match="没有这样的"):
        check_conditions(kind="social_org", proofs=PROOFS | {"height": "合成"}, policy=policy())


def test_the_credit_code_tells_the_kind() -> None:
    check_kind_of_code(kind="enterprise", uscc=ENTERPRISE, policy=policy())
    check_kind_of_code(kind="social_org", uscc=None, policy=policy())

    with pytest.raises(Refusal) as caught:
        check_kind_of_code(kind="social_org", uscc=ENTERPRISE, policy=policy())
    assert (caught.value.code, caught.value.rule) == ("procurement.kind_differs", "BJ-14")


@pytest.mark.parametrize(
    ("region", "until", "stands"),
    [
        ("110000", date(2022, 4, 1), True),
        ("110000", date(2021, 4, 1), False),
        ("420200", date(2020, 4, 1), True),
        ("420200", date(2020, 3, 31), False),
        ("420200", date(2022, 4, 2), False),
    ],
)
def test_a_bar_lasts_what_the_law_lets_it(region: str, until: date, stands: bool) -> None:
    """Three years in Beijing (BJ-52), one to three by law (LAW-ZFCG-77)."""
    rule = "BJ-52" if region == "110000" else "LAW-ZFCG-77"
    if stands:
        assert check_bar(from_on=date(2019, 4, 1), until_on=until, policy=policy(region)) == rule
        return
    with pytest.raises(Refusal) as caught:
        check_bar(from_on=date(2019, 4, 1), until_on=until, policy=policy(region))
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("kind", "ended_on", "counts"),
    [
        ("employment", None, True),
        ("employment", date(2016, 4, 2), True),
        ("employment", date(2016, 4, 1), False),
        ("kinship", date(2000, 1, 1), True),
    ],
)
def test_an_experts_relation_counts_for_three_years_and_kinship_always(
    kind: str, ended_on: date | None, counts: bool
) -> None:
    """LAW-ZFCGTL-9."""
    assert relation_counts(kind=kind, ended_on=ended_on, on=date(2019, 4, 1), policy=policy()) is counts

    with pytest.raises(Refusal, match="没有“neighbour”"):
        relation_counts(kind="neighbour", ended_on=None, on=date(2019, 4, 1), policy=policy())
