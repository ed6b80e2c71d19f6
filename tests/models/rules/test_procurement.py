"""Rules of procurement: budget first, method by threshold, notice, failed tender, negotiation group, award."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from models.core.calendar import load_calendar
from models.core.errors import Refusal
from models.core.money import Money
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.procurement import (
    ApprovedBudget,
    AwardCase,
    Response,
    check_award,
    check_award_open,
    check_bid_in_time,
    check_bid_verdict,
    check_bidder,
    check_budget_first,
    check_contractor_types,
    check_deadline_passed,
    check_group,
    check_method_change,
    check_notice,
    check_offers,
    check_purchaser,
    check_those_who_came,
    is_lowest,
    responses_needed,
)
from models.rules.purchase_method import MethodCase, choose_method

DAY = date(2016, 4, 1)
HALF_A_MILLION = Money.yuan(500_000)
SITES = ("city_tender_centre", "purchaser_portal")


def policy(region: str = "420200", *, on: date = DAY) -> Policy:
    return load_policy_book().resolve(region=region, on=on)


def refused(function: Any, **arguments: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        function(**arguments)
    assert caught.value.way_out
    return caught.value


# --- budget, purchaser, contractors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("region", "rule"), [("420200", "HS-21"), ("520300", "LAW-ZFCG-6")])
def test_no_purchase_without_a_budget_that_came_first(region: str, rule: str) -> None:
    """A budget replied to on the day counts, one of the day after does not."""
    budgets = (ApprovedBudget(DAY, HALF_A_MILLION),)
    later = (ApprovedBudget(date(2016, 4, 2), HALF_A_MILLION),)

    check_budget_first(
        planned=HALF_A_MILLION, planned_on=DAY, budgets=budgets, others=Money.ZERO, policy=policy(region)
    )
    fault = refused(
        check_budget_first,
        planned=HALF_A_MILLION,
        planned_on=DAY,
        budgets=later,
        others=Money.ZERO,
        policy=policy(region),
    )

    assert (fault.code, fault.rule) == ("procurement.no_budget", rule)


def test_a_purchase_stays_within_its_budget() -> None:
    """Two budget lines add up, the project's other purchases take from them; a fen more is refused."""
    budgets = (ApprovedBudget(DAY, Money(100)), ApprovedBudget(DAY, Money(50)))

    for planned, others in ((150, 0), (50, 100)):
        plan: dict[str, Any] = {"planned_on": DAY, "budgets": budgets, "others": Money(others), "policy": policy()}
        check_budget_first(planned=Money(planned), **plan)
        fault = refused(check_budget_first, planned=Money(planned + 1), **plan)

        assert (fault.code, fault.rule) == ("procurement.over_budget", "HS-21")


def test_an_institution_purchases_under_guidance_in_huangshi() -> None:
    """HS-13 asks for the guiding bureau; elsewhere nothing asks for it; an unknown kind is refused everywhere."""
    check_purchaser(kind="administrative_institution", guided_by="市民政局", policy=policy())
    check_purchaser(kind="state_organ", guided_by=None, policy=policy())
    check_purchaser(kind="administrative_institution", guided_by=None, policy=policy("520300"))

    unguided = refused(check_purchaser, kind="administrative_institution", guided_by=" ", policy=policy())
    unknown = refused(check_purchaser, kind="enterprise", guided_by="市民政局", policy=policy())

    assert (unguided.code, unguided.rule) == ("procurement.guidance_missing", "HS-13")
    assert (unknown.code, unknown.rule) == ("procurement.purchaser_kind", "HS-13")


def test_contractors_come_from_the_list_of_the_region() -> None:
    """Three kinds in Huangshi; a class-one institution is none of them, and no kind at all is refused."""
    check_contractor_types(types=("social_org", "class_two_institution", "enterprise"), policy=policy())

    assert refused(check_contractor_types, types=("class_one_institution",), policy=policy()).rule == "HS-15"
    assert refused(check_contractor_types, types=(), policy=policy()).code == "procurement.contractor_type"


# --- method ---------------------------------------------------------------------------------------------------------


def _method(amount: Money, method: str, *, region: str = "420200", earlier: Money = Money.ZERO, **other: Any) -> None:
    case = MethodCase(method=method, reason=other.get("reason", "合成理由"), amount=amount, earlier=earlier)
    choose_method(case=case, policy=policy(region))


def test_exactly_half_a_million_does_not_force_open_tender() -> None:
    """A2: the Huangshi threshold is strict."""
    _method(HALF_A_MILLION, "competitive_negotiation")


def test_one_fen_more_than_half_a_million_forces_open_tender() -> None:
    """A2 violated: 500,000.01 yuan by another method is refused with HS-14, by open tender it holds."""
    amount = Money.yuan("500000.01")

    _method(amount, "open_tender")
    fault = refused(_method, amount=amount, method="competitive_negotiation")

    assert (fault.code, fault.rule) == ("procurement.tender_forced", "HS-14")


def test_a_region_without_a_threshold_forces_nothing() -> None:
    """The Huangshi rule of 2015 is not reused elsewhere."""
    _method(Money.yuan(2_000_000), "competitive_negotiation", region="520300")


def test_a_purchase_is_not_split_below_the_threshold() -> None:
    """Twice 300,000 yuan without tender in one year is evasion; the first alone is not."""
    part = Money.yuan(300_000)

    _method(part, "competitive_negotiation")
    fault = refused(_method, amount=part, method="competitive_negotiation", earlier=part)

    assert (fault.code, fault.rule) == ("procurement.split", "LAW-ZFCGTL-28")


def test_a_method_needs_a_known_code_and_a_reason() -> None:
    """The record of procurement carries the reason (LAW-ZFCG-42)."""
    assert refused(_method, amount=Money(1), method="raffle").code == "procurement.method_unknown"
    assert refused(_method, amount=Money(1), method="open_tender", reason=" ").rule == "LAW-ZFCG-42"


# --- notice and bids ------------------------------------------------------------------------------------------------


def _notice(closes_on: date, *, method: str = "open_tender", sites: tuple[str, ...] = SITES) -> None:
    check_notice(
        method=method, sites=sites, noticed_on=DAY, closes_on=closes_on, policy=policy(), calendar=load_calendar()
    )


def test_a_notice_stands_on_both_sites() -> None:
    """HS-47."""
    _notice(date(2016, 4, 21))

    fault = refused(_notice, closes_on=date(2016, 4, 21), sites=SITES[:1])

    assert fault.rule == "HS-47"
    assert "购买主体门户网站" in fault.message


@pytest.mark.parametrize(
    ("method", "earliest", "rule"),
    [
        ("open_tender", date(2016, 4, 21), "LAW-ZFCG-35"),
        ("competitive_consultation", date(2016, 4, 11), "SYS-RESPONSE-TIME"),
        ("competitive_negotiation", date(2016, 4, 7), "SYS-RESPONSE-TIME"),  # 4 April 2016 was a holiday
    ],
)
def test_suppliers_get_the_time_the_law_gives_them(method: str, earliest: date, rule: str) -> None:
    """On the earliest day it holds, a day before it is refused with its source."""
    _notice(earliest, method=method)

    fault = refused(_notice, closes_on=earliest.replace(day=earliest.day - 1), method=method)

    assert (fault.code, fault.rule) == ("procurement.time_too_short", rule)


def test_bids_come_in_time_and_bidding_closes_at_its_deadline() -> None:
    """On the deadline a bid is in time and the bidding may be closed."""
    deadline = date(2016, 4, 21)

    check_bid_in_time(closes_on=deadline, closed_on=None, on=deadline)
    check_deadline_passed(closes_on=deadline, on=deadline)

    late = {"closes_on": deadline, "closed_on": None, "on": date(2016, 4, 22)}
    assert refused(check_bid_in_time, **late).code == "procurement.bid_late"
    assert refused(check_bid_in_time, closes_on=deadline, closed_on=DAY, on=DAY).code == "procurement.bid_late"
    assert refused(check_deadline_passed, closes_on=deadline, on=date(2016, 4, 20)).code == "procurement.still_open"


def test_a_bidder_is_of_an_admitted_kind_and_not_barred() -> None:
    """HS-15 and the debarment, which ends on its day."""
    accepted = ("social_org",)

    check_bidder(kind="social_org", accepted=accepted, debarred_until=DAY, on=DAY, policy=policy())

    kind = refused(check_bidder, kind="enterprise", accepted=accepted, debarred_until=None, on=DAY, policy=policy())
    barred = refused(
        check_bidder, kind="social_org", accepted=accepted, debarred_until=date(2016, 4, 2), on=DAY, policy=policy()
    )
    assert (kind.rule, barred.rule) == ("HS-15", "LAW-ZFCG-22")


@pytest.mark.parametrize(("substantive", "reason", "holds"), [(True, None, True), (False, "缺资格证明", True)])
def test_only_a_void_bid_has_a_void_reason(substantive: bool, reason: str | None, holds: bool) -> None:
    """A void bid names its reason, a counting one has none."""
    check_bid_verdict(substantive=substantive, void_reason=reason)

    assert refused(check_bid_verdict, substantive=not substantive, void_reason=reason).rule == "LAW-ZFCG-42"


# --- failed tender --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "failed_with", "needed"),
    [
        ("open_tender", None, 3),
        ("competitive_negotiation", None, 3),
        ("competitive_negotiation", 2, 2),
        ("competitive_negotiation", 1, 3),
        ("single_source", None, 1),
    ],
)
def test_how_many_must_answer_depends_on_the_method(method: str, failed_with: int | None, needed: int) -> None:
    """After an approved conversion two may negotiate, where two answered the tender that failed."""
    assert responses_needed(method=method, failed_with=failed_with, policy=policy()) == needed


@pytest.mark.parametrize(("region", "rule"), [("420200", "HS-17"), ("520300", "LAW-ZFCG-37")])
def test_a_failed_tender_changes_only_to_what_the_law_offers(region: str, rule: str) -> None:
    """Negotiation may follow; single source may not; faulty documents leave the re-tender only."""
    change: dict[str, Any] = {"current": "open_tender", "counted": 2, "policy": policy(region)}

    check_method_change(method="competitive_negotiation", documents_lawful=True, **change)

    unlawful = refused(check_method_change, method="competitive_negotiation", documents_lawful=False, **change)
    other = refused(check_method_change, method="single_source", documents_lawful=True, **change)
    same = refused(check_method_change, method="open_tender", documents_lawful=True, **change)
    assert (unlawful.code, unlawful.rule) == ("procurement.documents_unlawful", rule)
    assert (other.code, other.rule, same.code) == ("procurement.change_not_offered", rule, other.code)


# --- negotiation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("experts", "representatives"), [(2, 1), (3, 0), (4, 1), (5, 2)])
def test_a_group_is_odd_has_three_and_two_thirds_experts(experts: int, representatives: int) -> None:
    """LAW-ZFCG-38: exactly two thirds is enough."""
    check_group(experts=experts, purchaser_representatives=representatives, policy=policy())


@pytest.mark.parametrize(
    ("experts", "representatives", "fault"),
    [(3, 1, "单数"), (1, 0, "少于 3 人"), (1, 2, "专家少于"), (3, 2, "专家少于")],
)
def test_a_wrong_group_is_refused_with_its_fault(experts: int, representatives: int, fault: str) -> None:
    """HS-18 in Huangshi, the law elsewhere."""
    arguments = {"experts": experts, "purchaser_representatives": representatives}

    here = refused(check_group, **arguments, policy=policy())
    there = refused(check_group, **arguments, policy=policy("520300"))

    assert (here.rule, there.rule) == ("HS-18", "LAW-ZFCG-38")
    assert fault in here.message


def test_two_negotiate_only_after_an_approved_change() -> None:
    """Three otherwise."""
    check_offers(suppliers=2, method="competitive_negotiation", failed_with=2, policy=policy())

    case = {"method": "competitive_negotiation", "policy": policy()}
    assert refused(check_offers, suppliers=2, failed_with=None, **case).rule == "LAW-ZFCG-38"
    assert refused(check_offers, suppliers=1, failed_with=2, **case).code == "procurement.offers"


# --- award ----------------------------------------------------------------------------------------------------------

TENDER = AwardCase(
    state="noticed",
    method="open_tender",
    bidding_closed=True,
    negotiated=False,
    responses=tuple(Response(name, Money(price), True) for name, price in (("a", 90), ("b", 80), ("c", 95))),
    organisation_id="a",
    price=Money(90),
    budget=Money(100),
    debarred=False,
)
NEGOTIATION = replace(
    TENDER,
    state="method_changed",
    method="competitive_negotiation",
    negotiated=True,
    responses=(Response("a", Money(90), True), Response("b", Money(80), False)),
)


def test_an_award_that_rests_on_enough_answers_holds() -> None:
    """By tender and by negotiation; the lowest price is recorded as a fact, it does not decide."""
    check_award(case=TENDER, policy=policy())
    check_award(case=NEGOTIATION, policy=policy())

    assert is_lowest(case=TENDER) is False
    assert is_lowest(case=NEGOTIATION) is True
    assert is_lowest(case=replace(TENDER, responses=(Response("a", None, True),))) is None


def test_candidates_are_taken_in_the_order_of_their_scores() -> None:
    """LAW-ZFCGTL-43, 49: one that may not win any more keeps nobody waiting, one whose award fell is never chosen."""
    answers = tuple(
        Response(name, Money(90), True, score=Decimal(score)) for name, score in (("a", 80), ("b", 90), ("c", 80))
    )
    behind = replace(TENDER, responses=answers)

    assert refused(check_award, case=behind, policy=policy()).rule == "LAW-ZFCGTL-43"
    check_award(case=replace(behind, organisation_id="b"), policy=policy())
    fallen = (answers[0], replace(answers[1], eligible=False, set_aside=True), answers[2])
    check_award(case=replace(behind, responses=fallen), policy=policy())
    again = replace(behind, responses=fallen, organisation_id="b")
    assert refused(check_award, case=again, policy=policy()).rule == "LAW-ZFCGTL-49"


def test_a_tender_taken_up_by_a_change_of_method_is_noticed_and_closed_before_its_award() -> None:
    """An invited tender that failed may become an open one; the change alone brings no bidder."""
    changed = replace(TENDER, state="method_changed", bidding_closed=False)

    assert refused(check_award, case=changed, policy=policy()).code == "procurement.not_closed"


def test_fewer_than_usual_negotiate_only_with_those_the_failed_tender_brought() -> None:
    those = {"came": ("a", "b"), "policy": policy()}

    check_those_who_came(offering=("a", "b"), **those)
    check_those_who_came(offering=("a", "x", "y"), **those)
    assert refused(check_those_who_came, offering=("a", "x"), **those).code == "procurement.not_those_who_came"


@pytest.mark.parametrize(("region", "rule"), [("420200", "HS-17"), ("520300", "LAW-ZFCG-36")])
@pytest.mark.parametrize("answers", [0, 1, 2])
def test_no_award_in_a_failed_tender(region: str, rule: str, answers: int) -> None:
    """A1, with 0, 1 and 2 bidders: neither in state failed, nor before closing with too few answers."""
    too_few = replace(TENDER, responses=TENDER.responses[:answers])

    for case in (replace(too_few, state="failed"), too_few, replace(too_few, bidding_closed=False)):
        fault = refused(check_award_open, case=case, policy=policy(region))

        assert (fault.code, fault.rule) == ("procurement.tender_failed", rule)
        assert str(answers) in fault.message


@pytest.mark.parametrize(
    ("case", "code", "rule"),
    [
        (replace(TENDER, bidding_closed=False), "procurement.not_closed", "LAW-ZFCG-35"),
        (replace(NEGOTIATION, negotiated=False), "procurement.not_negotiated", "HS-19"),
        (replace(TENDER, organisation_id="x"), "procurement.winner_not_responsive", "HS-19"),
        (replace(NEGOTIATION, organisation_id="b", price=Money(80)), "procurement.winner_not_responsive", "HS-19"),
        (replace(TENDER, price=Money(91)), "procurement.price_differs", "SYS-AWARD-PRICE"),
        (replace(TENDER, budget=Money(89)), "procurement.award_over_budget", "HS-21"),
        (replace(TENDER, debarred=True), "procurement.winner_debarred", "LAW-ZFCG-22"),
    ],
)
def test_an_award_is_refused_for_each_missing_ground(case: AwardCase, code: str, rule: str) -> None:
    """Every gate of the award in its violated form."""
    fault = refused(check_award, case=case, policy=policy())

    assert (fault.code, fault.rule) == (code, rule)
