"""Matching: one outcome and one reason a need, no capacity exceeded, nobody overtaken, near linear."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from models.policy.resolver import load_policy_book
from models.rules.matching import (
    SERVED,
    Bans,
    Need,
    Profile,
    Reason,
    Resource,
    Service,
    Verdict,
    area_prefix,
    match,
    outcome_digest,
    urgency,
)

_BOOK = load_policy_book()
ZUNYI = _BOOK.resolve(region="520300", on=date(2025, 3, 1))
HUANGSHI = _BOOK.resolve(region="420200", on=date(2016, 3, 1))
BANS = Bans.of(ZUNYI)
FENGZE_BANS = Bans(
    identity="FZ-03",
    need="FZ-08",
    beyond_basic="FZ-28",
    in_kind="FZ-29",
    overlap="FZ-30",
    own_ability="FZ-34",
    eligible=BANS.eligible,
)
EVERYBODY = frozenset({"TEKUN", "DIBAO"})
MEALS = Service(id="s-meal", item="meal", targets=EVERYBODY, payer_class="GOVERNMENT_PAID", government_money=True)
KITCHEN = Resource(id="r-kitchen", items=frozenset({"meal"}), areas=("520302",), capacity=1, source="government")
WILLING = Profile(item="meal", identity="DIBAO", area="520302001")


def test_fengze_binds_every_ban_by_its_own_rules() -> None:
    bans = Bans.of(_BOOK.resolve(region="350503", on=date(2025, 3, 1)))
    assert replace(bans, eligible=BANS.eligible) == FENGZE_BANS


def one(
    profile: Profile = WILLING, *, services: tuple[Service, ...] = (MEALS,), bans: Bans = BANS, **resource: object
) -> Verdict:
    """Match a single need and return its verdict."""
    kitchen = replace(KITCHEN, **resource)  # type: ignore[arg-type]
    found = match(needs=[Need("p-1", profile, 1)], services=services, resources=[kitchen], bans=bans)
    assert len(found.verdicts) == 1
    return found.verdicts[0]


def test_a_need_is_matched_to_the_service_and_the_provider_of_its_place() -> None:
    assert one() == Verdict(Reason.MATCHED, "s-meal", "r-kitchen")


def test_every_way_of_not_being_matched_names_its_reason() -> None:
    assert one(WILLING._replace(willing=False)).reason is Reason.NOT_WILLING
    assert one(WILLING._replace(identity="NOBODY")).reason is Reason.NOT_ELIGIBLE
    assert one(WILLING._replace(item="visit")).reason is Reason.NO_SERVICE
    assert one(WILLING._replace(identity="DIBAO_EDGE")).reason is Reason.NOT_TARGET
    assert one(WILLING._replace(refused=("s-meal",))) == Verdict(Reason.REFUSED, "s-meal")
    assert one(items=frozenset({"visit"})).reason is Reason.NO_PROVIDER
    assert one(areas=("520303",)).reason is Reason.NO_PROVIDER_IN_AREA
    assert one(capacity=0).reason is Reason.CAPACITY_EXHAUSTED


def test_what_an_existing_policy_gives_is_not_given_twice_and_the_policy_is_named() -> None:
    served = replace(MEALS, overlaps=frozenset({"basic_elderly_care"}))
    found = one(WILLING._replace(benefits=("basic_elderly_care",)), services=(served,))
    assert found == Verdict(Reason.COVERED_BY_POLICY, "s-meal", rule="ZY-08", policy="basic_elderly_care")
    assert one(WILLING._replace(benefits=("medical_insurance",)), services=(served,)).reason is Reason.MATCHED


def test_a_service_had_in_kind_is_not_given_again() -> None:
    found = one(WILLING._replace(benefits=("meal",)))
    assert (found.reason, found.rule) == (Reason.COVERED_IN_KIND, "ZY-07")


def test_a_service_beyond_basic_need_is_barred() -> None:
    found = one(services=(replace(MEALS, beyond_basic=True),))
    assert (found.reason, found.rule) == (Reason.BEYOND_BASIC, "ZY-06")


def test_what_somebody_can_do_alone_is_not_done_for_them_where_the_rule_binds() -> None:
    able = WILLING._replace(abilities=("meal",))
    assert one(able, bans=FENGZE_BANS) == Verdict(Reason.OWN_ABILITY, "s-meal", rule="FZ-34")
    assert one(able).reason is Reason.MATCHED  # Zunyi states no such rule


def test_own_ability_counts_whoever_pays_but_an_existing_policy_bars_the_governments_money_only() -> None:
    """FZ-34 is about how people are served; ZY-08 and FZ-30 are about money spent twice (decision 16)."""
    gift = replace(MEALS, payer_class="SOCIAL_LED", government_money=False, overlaps=frozenset({"basic_elderly_care"}))
    able = WILLING._replace(abilities=("meal",), benefits=("basic_elderly_care",))
    found = one(able, services=(gift,), source="social", bans=FENGZE_BANS)
    assert found == Verdict(Reason.OWN_ABILITY, "s-meal", rule="FZ-34")
    helpless = able._replace(abilities=())
    assert one(helpless, services=(gift,), source="social", bans=FENGZE_BANS).reason is Reason.MATCHED


def test_the_bans_bind_the_governments_money_only() -> None:
    gift = replace(MEALS, payer_class="SOCIAL_LED", government_money=False, beyond_basic=True)
    assert one(WILLING._replace(benefits=("meal",)), services=(gift,), source="social").reason is Reason.MATCHED
    joint = replace(gift, government_money=True, beyond_basic=False)
    assert one(WILLING._replace(benefits=("meal",)), services=(joint,), source="social").reason is (
        Reason.COVERED_IN_KIND
    )


def test_no_ban_blocks_where_no_rule_of_the_region_states_it() -> None:
    found = one(WILLING._replace(benefits=("meal",), identity="URBAN_DIBAO"), bans=Bans.of(HUANGSHI))
    assert found.reason is Reason.NOT_TARGET  # nothing but the list itself


def test_a_service_led_by_society_needs_a_provider_of_society() -> None:
    gift = replace(MEALS, payer_class="SOCIAL_LED", government_money=False)
    assert one(services=(gift,)).reason is Reason.NO_PROVIDER


def test_the_other_service_serves_when_the_first_is_barred() -> None:
    gift = replace(MEALS, id="s-gift", payer_class="SOCIAL_LED", government_money=False)
    found = one(WILLING._replace(benefits=("meal",)), services=(MEALS, gift), source="social")
    assert found == Verdict(Reason.MATCHED, "s-gift", "r-kitchen")


def test_the_more_urgent_is_served_first_and_ranks_are_told() -> None:
    needs = [Need("p-1", WILLING, 1), Need("p-2", WILLING, 9), Need("p-0", WILLING, 9)]
    found = match(needs=needs, services=[MEALS], resources=[KITCHEN], bans=BANS)
    exhausted = Verdict(Reason.CAPACITY_EXHAUSTED, "s-meal", "r-kitchen")
    assert found.verdicts == (exhausted, exhausted, Verdict(Reason.MATCHED, "s-meal", "r-kitchen"))
    assert found.ranks == {2: 1, 1: 2, 0: 3}


def test_who_was_confirmed_keeps_the_place_whoever_comes_later() -> None:
    needs = [Need("p-1", WILLING, 1, held=("s-meal", "r-kitchen", True)), Need("p-2", WILLING, 9)]
    found = match(needs=needs, services=[MEALS], resources=[KITCHEN], bans=BANS)
    assert [verdict.reason for verdict in found.verdicts] == [Reason.CONTINUED, Reason.CAPACITY_EXHAUSTED]


def test_a_place_is_kept_when_the_service_row_was_reworded_but_waits_for_confirmation() -> None:
    needs = [Need("p-1", WILLING, 1, held=("s-meal", "r-kitchen", False)), Need("p-2", WILLING, 9)]
    found = match(needs=needs, services=[MEALS], resources=[KITCHEN], bans=BANS)
    assert [verdict.reason for verdict in found.verdicts] == [Reason.MATCHED, Reason.CAPACITY_EXHAUSTED]


def test_what_was_confirmed_is_not_kept_when_an_existing_policy_has_come_to_give_it() -> None:
    needs = [Need("p-1", WILLING._replace(benefits=("meal",)), 1, held=("s-meal", "r-kitchen", True))]
    found = match(needs=needs, services=[MEALS], resources=[KITCHEN], bans=BANS)
    assert found.verdicts[0].reason is Reason.COVERED_IN_KIND


def test_an_area_covers_all_places_below_it() -> None:
    codes = ("520000", "520300", "520302", "520302000000", "520302001000", "520302001002")
    assert [area_prefix(code) for code in codes] == ["52", "5203", "520302", "520302", "520302001", "520302001002"]


def test_urgency_orders_by_level_then_severe_then_moderate_then_days() -> None:
    parts = [(1, 0, 0, 900), (2, 0, 1, 0), (2, 0, 2, 0), (3, 1, 0, 0), (3, 1, 0, 30), (3, 1, 1, 0), (3, 2, 0, 0)]
    numbers = [
        urgency(max_level=top, severe=severe, moderate=moderate, days_waiting=days, policy=ZUNYI)
        for top, severe, moderate, days in parts
    ]
    assert numbers == sorted(set(numbers))


_ITEMS = ("meal", "visit", "bathing")
_AREAS = ("5203", "520302", "520303")
_needs = st.lists(
    st.builds(
        lambda item, identity, area, urgency, willing, benefit, ability: (
            Profile(item, identity, area + "001", willing, (benefit,), (ability,)),
            urgency,
        ),
        st.sampled_from(_ITEMS),
        st.sampled_from(("TEKUN", "DIBAO", "NOBODY")),
        st.sampled_from(_AREAS),
        st.integers(0, 3),
        st.booleans() | st.just(True),
        st.sampled_from(("", "", "meal", "basic_elderly_care")),
        st.sampled_from(("", "", "bathing")),
    ),
    max_size=30,
)
_services = st.lists(
    st.tuples(st.sampled_from(_ITEMS), st.booleans(), st.sampled_from(((), ("basic_elderly_care",)))), max_size=4
)
_resources = st.lists(
    st.tuples(
        st.frozensets(st.sampled_from(_ITEMS), min_size=1),
        st.lists(st.sampled_from(_AREAS), min_size=1, max_size=2, unique=True),
        st.integers(0, 4),
        st.sampled_from(("government", "social")),
    ),
    max_size=4,
)


@given(_needs, _services, _resources)
@settings(max_examples=200, deadline=None)
def test_no_capacity_is_exceeded_and_nobody_is_overtaken(
    drawn: list[tuple[Profile, int]],
    listed: list[tuple[str, bool, tuple[str, ...]]],
    given_: list[tuple[frozenset[str], list[str], int, str]],
) -> None:
    needs = [Need(f"p-{number:03}", profile, rank) for number, (profile, rank) in enumerate(drawn)]
    services = [
        Service(
            f"s-{number}", item, EVERYBODY, "GOVERNMENT_PAID" if ours else "SOCIAL_LED", ours, False, frozenset(over)
        )
        for number, (item, ours, over) in enumerate(listed)
    ]
    resources = [
        Resource(f"r-{number}", items, tuple(areas), capacity, source)
        for number, (items, areas, capacity, source) in enumerate(given_)
    ]
    found = match(needs=needs, services=services, resources=resources, bans=FENGZE_BANS)
    again = match(needs=needs, services=services[::-1], resources=resources[::-1], bans=FENGZE_BANS)
    assert outcome_digest(needs=needs, matching=found) == outcome_digest(needs=needs, matching=again)
    assert len(found.verdicts) == len(needs)
    taken = Counter(verdict.resource for verdict in found.verdicts if verdict.reason in SERVED)
    assert all(taken[resource.id] <= resource.capacity for resource in resources)
    for need, verdict in zip(needs, found.verdicts, strict=True):
        _check_fits(need, verdict, services, resources)
    for late, lost in zip(needs, found.verdicts, strict=True):
        for early, won in zip(needs, found.verdicts, strict=True):
            if lost.reason is Reason.CAPACITY_EXHAUSTED and won.resource == lost.resource and won.reason in SERVED:
                assert (-early.urgency, early.person) < (-late.urgency, late.person)


def _check_fits(need: Need, verdict: Verdict, services: list[Service], resources: list[Resource]) -> None:
    """A match is to a service for the person and a provider of the place; a ban names its rule."""
    if verdict.reason in SERVED:
        service = next(service for service in services if service.id == verdict.service)
        resource = next(resource for resource in resources if resource.id == verdict.resource)
        assert service.item == need.profile.item in resource.items
        assert need.profile.area.startswith(resource.areas)
        assert need.profile.willing
        assert need.profile.identity in service.targets
        assert not (service.government_money and need.profile.item in need.profile.benefits + need.profile.abilities)
    if verdict.reason in {Reason.COVERED_IN_KIND, Reason.COVERED_BY_POLICY, Reason.OWN_ABILITY, Reason.BEYOND_BASIC}:
        assert verdict.rule
        assert verdict.service


def test_ten_times_the_needs_take_about_ten_times_as_long() -> None:
    def seconds(people: int) -> float:
        needs = [
            Need(f"p-{number:06}", WILLING._replace(area=f"5203{number % 40:02}"), number % 97)
            for number in range(people)
        ]
        places = [replace(KITCHEN, id=f"r-{n}", areas=(f"5203{n:02}",), capacity=people // 100) for n in range(40)]
        taken = []
        for _ in range(3):
            start = time.perf_counter()
            match(needs=needs, services=[MEALS], resources=places, bans=BANS)
            taken.append(time.perf_counter() - start)
        return min(taken)

    assert seconds(60_000) / seconds(6_000) < 30
