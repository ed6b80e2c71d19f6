"""One report, one opinion, one set: who gives the opinion, on which report, which formalities, and what counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from models.core.actors import Role
from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.rules.feasibility_set import (
    FORMALITIES,
    OPINION,
    REPORT,
    OnFile,
    asked,
    check_complete,
    check_formality,
    check_issuer,
    check_pinned,
    standing,
)

ZUNYI = load_policy_book().resolve(region="520300", on=date(2025, 3, 1))
ALL = frozenset(ZUNYI.feasibility.formalities)
WHOLE = OnFile(report="a" * 64, report_current=True, opinion_on="a" * 64, opinion_positive=True, formalities=ALL)


def test_the_county_government_gives_the_opinion() -> None:
    check_issuer(role=Role.COUNTY_GOVERNMENT, policy=ZUNYI)


@pytest.mark.parametrize("role", [Role.COUNTY_BUREAU, Role.CITY_BUREAU, Role.EVALUATION_OFFICE])
def test_a_bureau_never_gives_it(role: Role) -> None:
    """ZY-67."""
    with pytest.raises(Refusal) as caught:
        check_issuer(role=role, policy=ZUNYI)

    assert (caught.value.code, caught.value.rule) == ("feasibility.opinion_issuer", "ZY-67")
    assert "县级人民政府" in caught.value.way_out


def test_what_a_modification_voided_counts_no_longer_and_says_so() -> None:
    held = standing(
        on_file=replace(WHOLE, voided=frozenset({REPORT, OPINION, FORMALITIES})), payer="government", policy=ZUNYI
    )

    assert held.kinds == frozenset()
    assert all("变更" in reason for reason in held.reasons.values())
    assert held.reasons.keys() == {REPORT, OPINION, FORMALITIES}


def test_an_opinion_is_pinned_to_the_newest_report() -> None:
    check_pinned(report="a" * 64, given="a" * 64, policy=ZUNYI)
    for report, code in ((None, "feasibility.no_report"), ("b" * 64, "feasibility.other_report")):
        with pytest.raises(Refusal) as caught:
            check_pinned(report=report, given="a" * 64, policy=ZUNYI)
        assert (caught.value.code, caught.value.rule) == (code, "ZY-67")


def test_formalities_depend_on_who_pays() -> None:
    assert asked(payer="government", policy=ZUNYI) == tuple(ZUNYI.feasibility.formalities)
    assert asked(payer="enterprise", policy=ZUNYI) == ("impact_assessment",)


def test_a_formality_has_a_paper_or_a_reason_not_both() -> None:
    """ZY-68."""
    check_formality(code="budget_line", payer="government", has_file=True, not_applicable="", policy=ZUNYI)
    check_formality(code="budget_line", payer="government", has_file=False, not_applicable="未动用", policy=ZUNYI)
    for has_file, reason in ((True, "不适用"), (False, " ")):
        with pytest.raises(Refusal) as caught:
            check_formality(
                code="budget_line", payer="government", has_file=has_file, not_applicable=reason, policy=ZUNYI
            )
        assert (caught.value.code, caught.value.rule) == ("feasibility.formality_either", "ZY-68")
    with pytest.raises(Refusal, match="budget_line"):
        check_formality(code="budget_line", payer="enterprise", has_file=True, not_applicable="", policy=ZUNYI)


def test_open_formalities_are_named_at_once() -> None:
    check_complete(answered=ALL, payer="government", policy=ZUNYI)
    with pytest.raises(Refusal) as caught:
        check_complete(answered={"budget_line"}, payer="government", policy=ZUNYI)

    assert caught.value.rule == "ZY-68"
    assert len(caught.value.details) == len(ALL) - 1


def test_a_whole_set_counts() -> None:
    held = standing(on_file=WHOLE, payer="government", policy=ZUNYI)

    assert held.kinds == {REPORT, OPINION, FORMALITIES}
    assert held.reasons == {}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"report_current": False}, REPORT),
        ({"opinion_on": "b" * 64}, OPINION),
        ({"opinion_positive": False}, OPINION),
        ({"formalities": frozenset({"budget_line"})}, FORMALITIES),
    ],
)
def test_what_went_stale_no_longer_counts_and_says_why(changes: dict[str, object], kind: str) -> None:
    held = standing(on_file=replace(WHOLE, **changes), payer="government", policy=ZUNYI)  # type: ignore[arg-type]

    assert kind not in held.kinds
    assert list(held.reasons) == [kind]


def test_what_is_not_there_is_missing_without_a_reason() -> None:
    empty = OnFile(report=None, report_current=False, opinion_on=None, opinion_positive=False, formalities=None)

    held = standing(on_file=empty, payer="government", policy=ZUNYI)

    assert (held.kinds, held.reasons) == (frozenset(), {})
