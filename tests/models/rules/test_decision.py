"""Rules of decision and approval: publicity first, who decides, the three papers, the local steps, dates."""

from __future__ import annotations

from datetime import date

import pytest

from models.core.actors import Role
from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.rules.decision import (
    check_approval,
    check_authority,
    check_citation,
    check_feasibility,
    check_opinion_issuer,
    check_publicity,
    check_review,
    check_set,
)

HUANGSHI = load_policy_book().resolve(region="420200", on=date(2016, 3, 1))
ZUNYI = load_policy_book().resolve(region="520300", on=date(2025, 3, 3))
SET = ("feasibility_report", "county_review_opinion", "formality_set")
STEPS = ("feasibility.content_reviewed", "feasibility.cost_estimated")


def test_a_decision_follows_a_notice_that_ended_well() -> None:
    ended = date(2025, 3, 12)
    check_publicity(result="passed", closed_on=ended, on=ended, policy=ZUNYI)


def test_a_decision_is_not_dated_before_the_notice_was_closed() -> None:
    with pytest.raises(Refusal) as refused:
        check_publicity(result="passed", closed_on=date(2025, 3, 12), on=date(2025, 3, 11), policy=ZUNYI)

    assert (refused.value.code, refused.value.rule) == ("decision.before_publicity_end", "ZY-24")
    assert refused.value.facts == {"closed_on": "2025-03-12", "on": "2025-03-11"}


def test_an_enterprise_cites_no_rule_to_decide_on_public_money() -> None:
    for payer in ("government", "joint"):
        with pytest.raises(Refusal) as refused:
            check_authority(role=Role.DONOR, payer=payer, override_citation="合成规定第一条", policy=ZUNYI)
        assert refused.value.code == "decision.wrong_authority"


@pytest.mark.parametrize("result", [None, "upheld"])
def test_an_open_notice_or_an_upheld_objection_bars_the_decision(result: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        check_publicity(result=result, closed_on=None, on=date(2025, 3, 13), policy=ZUNYI)

    assert (refused.value.code, refused.value.rule) == ("decision.publicity_open", "ZY-24")


def test_a_project_the_experts_refused_can_only_be_decided_negatively() -> None:
    check_review(outcome="negative", passed=False, policy=ZUNYI)
    check_review(outcome="positive", passed=True, policy=ZUNYI)
    with pytest.raises(Refusal) as refused:
        check_review(outcome="positive", passed=False, policy=ZUNYI)

    assert refused.value.rule == "ZY-23"


@pytest.mark.parametrize(
    ("payer", "right", "wrong", "rule"),
    [
        ("government", Role.CITY_BUREAU, Role.EVALUATION_OFFICE, "ZY-71"),
        ("enterprise", Role.DONOR, Role.CITY_BUREAU, "ZY-72"),
        ("joint", Role.EVALUATION_OFFICE, Role.DONOR, "ZY-73"),
    ],
)
def test_who_decides_depends_on_who_pays(payer: str, right: Role, wrong: Role, rule: str) -> None:
    assert check_authority(role=right, payer=payer, override_citation="", policy=ZUNYI) == right
    with pytest.raises(Refusal) as refused:
        check_authority(role=wrong, payer=payer, override_citation=" ", policy=ZUNYI)

    assert (refused.value.code, refused.value.rule) == ("decision.wrong_authority", rule)


def test_a_cited_national_rule_lets_another_body_decide() -> None:
    assert check_authority(role=Role.DRC, payer="government", override_citation="合成规定第一条", policy=ZUNYI) == (
        Role.CITY_BUREAU
    )


def test_an_overriding_rule_is_cited_with_title_and_article() -> None:
    check_citation(title="合成规定", article="第一条", policy=ZUNYI)
    for title, article in (("", "第一条"), ("合成规定", " ")):
        with pytest.raises(Refusal) as refused:
            check_citation(title=title, article=article, policy=ZUNYI)

        assert (refused.value.code, refused.value.rule) == ("decision.override_uncited", "ZY-74")


def test_in_huangshi_the_regions_own_policy_names_the_authority() -> None:
    with pytest.raises(Refusal) as refused:
        check_authority(role=Role.DRC, payer="government", override_citation="", policy=HUANGSHI)

    assert refused.value.rule == "SYS-DECISION-AUTHORITY"


def test_an_unknown_payer_class_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        check_authority(role=Role.CITY_BUREAU, payer="nobody", override_citation="", policy=ZUNYI)

    assert refused.value.code == "decision.unknown_payer"


def test_the_opinion_comes_from_the_county_government_never_from_a_bureau() -> None:
    check_opinion_issuer(issuer=Role.COUNTY_GOVERNMENT, policy=ZUNYI)
    for issuer in (Role.COUNTY_BUREAU, None):
        with pytest.raises(Refusal) as refused:
            check_opinion_issuer(issuer=issuer, policy=ZUNYI)

        assert refused.value.rule == "ZY-67"


def test_the_three_papers_let_the_decision_through() -> None:
    check_set(kinds={*SET, "plan_book"}, policy=ZUNYI)


@pytest.mark.parametrize("missing", SET)
def test_each_of_the_three_papers_is_needed(missing: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_set(kinds=set(SET) - {missing}, policy=ZUNYI)

    assert refused.value.rule == "ZY-69"


def test_the_three_papers_do_not_bind_in_huangshi() -> None:
    check_set(kinds=(), policy=HUANGSHI)


@pytest.mark.parametrize(("missing", "rule"), list(zip(STEPS, ("HS-12", "HS-23"), strict=True)))
def test_content_review_and_costing_bind_in_huangshi_only(missing: str, rule: str) -> None:
    done = set(STEPS) - {missing}

    check_feasibility(events=STEPS, policy=HUANGSHI)
    check_feasibility(events=done, policy=ZUNYI)
    with pytest.raises(Refusal) as refused:
        check_feasibility(events=done, policy=HUANGSHI)

    assert refused.value.rule == rule


def test_the_office_approves_on_or_after_the_day_of_the_decision() -> None:
    day = date(2025, 3, 3)

    check_approval(role=Role.EVALUATION_OFFICE, decided_on=day, approved_on=day, policy=ZUNYI)
    with pytest.raises(Refusal) as early:
        check_approval(role=Role.EVALUATION_OFFICE, decided_on=day, approved_on=date(2025, 3, 2), policy=ZUNYI)
    with pytest.raises(Refusal) as other:
        check_approval(role=Role.CITY_BUREAU, decided_on=day, approved_on=day, policy=ZUNYI)

    assert (early.value.code, early.value.rule) == ("decision.after_approval", "ZY-71")
    assert (other.value.code, other.value.rule) == ("decision.wrong_approver", "ZY-70")
