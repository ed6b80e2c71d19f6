"""What must stand before a notice and before an award, and what is noted of a choice that stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from models.core.errors import Refusal
from models.core.money import Money
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.purchase_gates import (
    Contest,
    NoticeCase,
    check_before_notice,
    check_checkpoint,
    check_contest,
    check_precheck,
    check_undisputed,
    sample_period,
    sample_size,
    unwatched,
)
from models.rules.selection import draw_warning, share_warning, tie_warning

DAY = date(2025, 3, 3)
READY = NoticeCase(
    prechecked=True,
    has_documents=True,
    requirements_on=DAY,
    intent_on=date(2025, 2, 1),
    by_agency=True,
    engaged=True,
    consulted=True,
)
FAIR = Contest(
    method="open_tender",
    evaluated=True,
    quality_met=True,
    open_orders=0,
    suspended_until=None,
    single_source_until=None,
    above_threshold=True,
    goals_set=True,
)


def policy(region: str) -> Policy:
    return load_policy_book().resolve(region=region, on=DAY)


def refused(function: Any, **arguments: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        function(**arguments)
    assert caught.value.way_out
    return caught.value


@pytest.mark.parametrize(
    ("region", "changes", "rule"),
    [
        ("520300", {"prechecked": False}, "ZY-80"),
        ("350503", {"prechecked": False}, "FZ-36"),
        ("520300", {"has_documents": False}, "ZY-81"),
        ("520300", {"engaged": False}, "ZY-82"),
        ("110000", {"requirements_on": None}, "BJ-30"),
    ],
)
def test_a_notice_waits_for_what_the_region_asks_first(region: str, changes: dict[str, Any], rule: str) -> None:
    """With everything in place it goes out; what one region asks for does not hold it up in Huangshi."""
    case = replace(READY, **changes)

    assert check_before_notice(case=READY, on=DAY, policy=policy(region)) == ()
    assert refused(check_before_notice, case=case, on=DAY, policy=policy(region)).rule == rule
    assert check_before_notice(case=case, on=DAY, policy=policy("420200")) == ()


def test_a_purchaser_without_an_agency_needs_no_agency_record() -> None:
    case = replace(READY, by_agency=False, engaged=False)

    assert check_before_notice(case=case, on=DAY, policy=policy("520300")) == ()


def test_a_late_intent_is_noted_not_refused() -> None:
    assert check_before_notice(case=replace(READY, intent_on=None), on=DAY, policy=policy("420200"))
    assert check_before_notice(case=replace(READY, intent_on=date(2025, 2, 2)), on=DAY, policy=policy("420200"))
    unheard = check_before_notice(case=replace(READY, consulted=False), on=DAY, policy=policy("420200"))
    assert "征求社会公众意见" in unheard[0]


@pytest.mark.parametrize(
    ("region", "changes", "rule"),
    [
        ("110000", {"evaluated": False}, "BJ-03"),
        ("110000", {"quality_met": False}, "BJ-32"),
        ("520300", {"open_orders": 1}, "ZY-84"),
        ("420200", {"suspended_until": date(2025, 3, 4)}, "LAW-ZFCG-57"),
        ("420200", {"method": "single_source", "single_source_until": DAY}, "LAW-ZFCGTL-38"),
        ("420200", {"method": "single_source"}, "LAW-ZFCGTL-38"),
    ],
)
def test_an_award_waits_for_a_fair_contest(region: str, changes: dict[str, Any], rule: str) -> None:
    check_contest(contest=FAIR, on=DAY, policy=policy(region))

    assert refused(check_contest, contest=replace(FAIR, **changes), on=DAY, policy=policy(region)).rule == rule


def test_a_suspension_ends_and_a_small_single_source_needs_no_publicity() -> None:
    check_contest(contest=replace(FAIR, suspended_until=DAY), on=DAY, policy=policy("420200"))
    single = replace(FAIR, method="single_source", evaluated=False, above_threshold=False)
    check_contest(contest=single, on=DAY, policy=policy("110000"))


def test_a_precheck_names_every_aspect_of_the_place() -> None:
    zunyi = {"scope": True, "method": True, "form": True}
    fengze = {"content": True, "contractor": True, "procedure": False, "management": True}

    assert check_precheck(findings=zunyi, policy=policy("520300")) == "ZY-80"
    assert check_precheck(findings=fengze, policy=policy("350503")) == "FZ-36"
    assert refused(check_precheck, findings={"scope": True}, policy=policy("520300")).rule == "ZY-80"


def test_supervision_covers_three_points_and_every_party() -> None:
    assert check_checkpoint(checkpoint="during", party="expert", policy=policy("520300")) == "ZY-85"
    assert check_checkpoint(checkpoint="during", party="supplier", policy=policy("420200")) == "HS-20"
    assert refused(check_checkpoint, checkpoint="never", party="expert", policy=policy("520300")).code == (
        "procurement.checkpoint_unknown"
    )
    seen = frozenset({("before", "agency")})
    assert len(unwatched(seen=seen, by_agency=True, policy=policy("520300"))) == 11
    assert len(unwatched(seen=seen, by_agency=False, policy=policy("520300"))) == 9  # nobody watches who is not there


@pytest.mark.parametrize(("population", "size"), [(0, 0), (1, 1), (10, 1), (11, 2), (200, 20)])
def test_a_tenth_of_the_documents_is_sampled_one_at_least(population: int, size: int) -> None:
    assert sample_size(population=population, rate=Decimal("0.10")) == size


def test_of_equal_bidders_the_one_known_to_be_excellent_is_pointed_at() -> None:
    """BJ-42 warns; where the winner is excellent too, or nobody is equal, there is nothing to note."""
    scores = {"a": "90", "b": "90", "c": "80"}
    call = {"winner": "a", "scores": scores, "policy": policy("110000")}

    assert tie_warning(excellent=frozenset({"b"}), **call)
    assert tie_warning(excellent=frozenset({"a", "b"}), **call) == ()
    assert tie_warning(excellent=frozenset({"c"}), **call) == ()
    assert tie_warning(excellent=frozenset({"b"}), **(call | {"policy": policy("420200")})) == ()


def test_anhui_notes_a_share_of_social_organisations_below_thirty_percent() -> None:
    anhui = policy("340000")

    assert "29.99" in share_warning(awarded=Money(10_000), social_orgs=Money(2_999), policy=anhui)[0]
    assert share_warning(awarded=Money(10_000), social_orgs=Money(3_000), policy=anhui) == ()
    assert share_warning(awarded=Money(10_000), social_orgs=Money(0), policy=policy("420200")) == ()


def test_an_award_in_beijing_waits_for_a_goal_of_precise_help() -> None:
    """BJ-38; elsewhere the rule does not bind."""
    aimless = replace(FAIR, goals_set=False)

    assert refused(check_contest, contest=aimless, on=DAY, policy=policy("110000")).rule == "BJ-38"
    check_contest(contest=FAIR, on=DAY, policy=policy("110000"))
    check_contest(contest=aimless, on=DAY, policy=policy("520300"))


def test_a_judgement_without_drawn_experts_is_noted() -> None:
    """LAW-ZFCGTL-39; a single source is judged by nobody."""
    told = draw_warning(method="open_tender", drawn=False, policy=policy("520300"))

    assert "政府采购法实施条例" in told[0]
    assert draw_warning(method="open_tender", drawn=True, policy=policy("520300")) == ()
    assert draw_warning(method="single_source", drawn=False, policy=policy("520300")) == ()


def test_a_dispute_that_may_change_the_result_holds_the_contract_up_others_warn() -> None:
    """LAW-ZFCGTL-54."""
    assert refused(check_undisputed, grave=1, open_=2).rule == "LAW-ZFCGTL-54"
    assert "2 项" in check_undisputed(grave=0, open_=2)[0]
    assert check_undisputed(grave=0, open_=0) == ()


@pytest.mark.parametrize(
    ("on", "months", "period"),
    [
        (date(2024, 2, 29), 1, (date(2024, 2, 1), date(2024, 2, 29))),
        (date(2025, 12, 31), 1, (date(2025, 12, 1), date(2025, 12, 31))),
        (date(2025, 5, 1), 3, (date(2025, 4, 1), date(2025, 6, 30))),
        (date(2025, 12, 31), 12, (date(2025, 1, 1), date(2025, 12, 31))),
    ],
)
def test_a_sampling_period_is_counted_from_january(on: date, months: int, period: tuple[date, date]) -> None:
    assert sample_period(on=on, months=months) == period
