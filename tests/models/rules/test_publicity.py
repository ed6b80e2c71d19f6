"""Rules of publicity: channels, objections, closing, disclosure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.publicity import (
    check_all_answered,
    check_attribute,
    check_channels,
    check_disclosure,
    check_may_be_noticed,
    check_objector,
    check_open,
    check_outage,
    check_over,
    check_withdrawal,
    disclosable,
    is_late,
    is_minor,
)

HUANGSHI = load_policy_book().resolve(region="420200", on=date(2016, 3, 1))
ZUNYI = load_policy_book().resolve(region="520300", on=date(2025, 3, 3))
FENGZE = load_policy_book().resolve(region="350503", on=date(2025, 3, 3))
BEIJING = load_policy_book().resolve(region="110000", on=date(2025, 3, 3))
SITES = ("city_tender_centre", "purchaser_portal")


def test_one_listed_channel_is_enough() -> None:
    check_channels(channels=("notice_board",), policy=ZUNYI)


@pytest.mark.parametrize(
    ("channels", "code"),
    [((), "publicity.too_few_channels"), (("gossip",), "publicity.unknown_channel")],
)
def test_no_channel_or_an_unknown_one_is_refused(channels: tuple[str, ...], code: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_channels(channels=channels, policy=ZUNYI)

    assert (refused.value.code, refused.value.rule) == (code, "ZY-24")


def test_a_closed_notice_takes_nothing_more() -> None:
    check_open(closed_on=None)
    with pytest.raises(Refusal, match="2016-03-24"):
        check_open(closed_on=date(2016, 3, 24))


def test_an_open_objection_holds_everything_up() -> None:
    check_all_answered(open_objections=0, policy=ZUNYI)
    with pytest.raises(Refusal) as refused:
        check_all_answered(open_objections=1, policy=ZUNYI)

    assert refused.value.rule == "ZY-24"


def test_a_notice_is_over_the_day_after_its_last() -> None:
    check_over(ends_on=date(2016, 3, 23), as_of=date(2016, 3, 24), policy=HUANGSHI)
    with pytest.raises(Refusal, match="2016-03-23") as refused:
        check_over(ends_on=date(2016, 3, 23), as_of=date(2016, 3, 23), policy=HUANGSHI)

    assert refused.value.code == "publicity.not_over"


def test_a_late_objection_is_told_apart_and_a_paused_notice_has_no_late_ones() -> None:
    last = date(2016, 3, 23)

    def late(*, closed_on: date | None = None, paused: bool = False, readable: bool = True, as_of: date) -> bool:
        return is_late(
            closed_on=closed_on, paused=paused, ends_on=last, readable=readable, as_of=as_of, policy=HUANGSHI
        )

    assert not late(as_of=last)
    assert late(as_of=date(2016, 3, 24))
    assert not late(paused=True, as_of=date(2016, 3, 24))
    assert not late(readable=False, as_of=date(2016, 3, 24))
    assert late(closed_on=last, as_of=last)
    assert late(closed_on=last, readable=False, as_of=last)


def test_an_objection_without_a_name_is_refused_only_where_policy_says_so() -> None:
    named_only = replace(ZUNYI, publicity=replace(ZUNYI.publicity, anonymous_objections=False))

    check_objector(named=False, policy=ZUNYI)
    check_objector(named=True, policy=named_only)
    with pytest.raises(Refusal) as refused:
        check_objector(named=False, policy=named_only)

    assert (refused.value.code, refused.value.rule) == ("publicity.objector_unnamed", "ZY-24")


def test_only_the_objector_withdraws_and_the_office_with_a_written_request() -> None:
    check_withdrawal(own=True, office=False, request=False)
    check_withdrawal(own=False, office=True, request=True)
    for office, request in ((False, True), (True, False)):
        with pytest.raises(Refusal) as refused:
            check_withdrawal(own=False, office=office, request=request)
        assert refused.value.code == "publicity.not_objector"


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2016, 3, 15), None),
        (date(2016, 3, 22), None),
        (date(2016, 3, 18), date(2016, 3, 17)),
        (date(2016, 3, 18), date(2016, 3, 22)),
    ],
)
def test_an_outage_lies_between_posting_and_today(first: date, last: date | None) -> None:
    call = {"posted_on": date(2016, 3, 16), "as_of": date(2016, 3, 21)}
    check_outage(first=date(2016, 3, 16), last=date(2016, 3, 21), **call)

    with pytest.raises(Refusal) as refused:
        check_outage(first=first, last=last, **call)

    assert refused.value.code == "publicity.outage_days"


def test_a_recipient_whose_birthday_is_not_known_counts_as_a_minor_for_the_whole_year() -> None:
    day = date(2025, 3, 3)

    assert is_minor(birth_year=2007, age_band="adult", as_of=day, policy=ZUNYI)
    assert is_minor(birth_year=1990, age_band="minor", as_of=day, policy=ZUNYI)
    assert not is_minor(birth_year=2006, age_band="adult", as_of=day, policy=ZUNYI)


def test_procurement_is_disclosed_on_both_sites_in_huangshi() -> None:
    check_disclosure(items=("procurement",), sites=SITES, policy=HUANGSHI)
    with pytest.raises(Refusal) as refused:
        check_disclosure(items=("procurement",), sites=SITES[:1], policy=HUANGSHI)

    assert refused.value.rule == "HS-47"


def test_other_items_need_some_site() -> None:
    check_disclosure(items=("catalogue",), sites=("website",), policy=HUANGSHI)
    with pytest.raises(Refusal) as refused:
        check_disclosure(items=("catalogue",), sites=(), policy=HUANGSHI)

    assert refused.value.code == "publicity.site_unnamed"


@pytest.mark.parametrize("items", [(), ("diary",)])
def test_unknown_items_are_refused(items: tuple[str, ...]) -> None:
    with pytest.raises(Refusal) as refused:
        check_disclosure(items=items, sites=SITES, policy=HUANGSHI)

    assert refused.value.rule == "HS-45"


@pytest.mark.parametrize("attribute", ["on_request", "withheld"])
def test_what_is_not_for_the_public_is_not_published_of_its_own_accord(attribute: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_attribute(attribute=attribute, policy=FENGZE)

    assert (refused.value.code, refused.value.rule) == ("publicity.not_public", "FZ-01")


@pytest.mark.parametrize("attribute", [None, "active"])
def test_what_is_for_the_public_or_states_nothing_may_be_published(attribute: str | None) -> None:
    check_attribute(attribute=attribute, policy=FENGZE)


@pytest.mark.parametrize(
    ("attribute", "policy"),
    [("active", FENGZE), ("on_request", FENGZE), (None, FENGZE), ("withheld", HUANGSHI)],
)
def test_the_result_of_a_review_is_noticed_unless_the_plan_must_be_and_is_withheld(
    attribute: str | None, policy: Policy
) -> None:
    check_may_be_noticed(attribute=attribute, policy=policy)
    with pytest.raises(Refusal):
        check_may_be_noticed(attribute="withheld", policy=FENGZE)


def test_beijing_may_publish_what_must_be_public_before_a_contractor_is_selected() -> None:
    items = ("project", "content", "contractor_requirements", "evaluation_standards")

    check_disclosure(items=items, sites=SITES, policy=BEIJING)

    assert {"project", "contractor_requirements"}.isdisjoint(disclosable(policy=HUANGSHI))
