"""Matching needs to services to providers (ZY-60, FZ-31): pure, deterministic, near linear in the number of needs.

A need is one person × one demanded service item. Every need ends in exactly one ``Verdict`` with a reason. People who
answer alike (same item, identity, place, benefits …) share a ``Profile``: what they may have is worked out once a
profile, and only needs that contend for scarce places are ranked. Called by ``commands.matching`` and ``make bench``;
never reads the database, never sees a name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from models.policy.schema import Policy
from models.rules.force import binding
from models.rules.lists import SOCIAL, SOCIAL_LED


class Reason(StrEnum):
    """Why a need was matched or not; each has a sentence ``matching.reason.<code>``."""

    MATCHED = "matched"
    CONTINUED = "continued"  # confirmed in an earlier run and still on the lists: keeps its place
    NOT_WILLING = "not_willing"
    NOT_ELIGIBLE = "not_eligible"
    NO_SERVICE = "no_service"
    NOT_TARGET = "not_target"
    REFUSED = "refused"
    BEYOND_BASIC = "beyond_basic"
    COVERED_IN_KIND = "covered_in_kind"
    COVERED_BY_POLICY = "covered_by_policy"
    OWN_ABILITY = "own_ability"
    NO_PROVIDER = "no_provider"
    NO_PROVIDER_IN_AREA = "no_provider_in_area"
    CAPACITY_EXHAUSTED = "capacity_exhausted"


SERVED: Final = frozenset({Reason.MATCHED, Reason.CONTINUED})
MISSING: Final = frozenset({Reason.NO_SERVICE, Reason.NOT_TARGET})
WEAK: Final = frozenset({Reason.NO_PROVIDER, Reason.NO_PROVIDER_IN_AREA, Reason.CAPACITY_EXHAUSTED})


class Profile(NamedTuple):
    """What a match may know of a person and an item. ``benefits``: existing policies and services had in kind (item
    codes); ``abilities``: items the person can manage alone; ``refused``: service rows refused and not offered anew."""

    item: str
    identity: str
    area: str
    willing: bool = True
    benefits: tuple[str, ...] = ()
    abilities: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


class Need(NamedTuple):
    """One person × item. ``urgency`` is greater the sooner served (``urgency``); ``person`` breaks ties, lowest first.
    ``held`` is the (service, resource) confirmed in an earlier run, and whether that service still reads so."""

    person: str
    profile: Profile
    urgency: int
    held: tuple[str, str, bool] | None = None


@dataclass(frozen=True)
class Service:
    """A row of the published service list. ``overlaps``: existing policies that already give it."""

    id: str
    item: str
    targets: frozenset[str]
    payer_class: str
    government_money: bool
    beyond_basic: bool = False
    overlaps: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Resource:
    """A row of the published resource list: ``capacity`` places in the period over all its items together.

    ``areas`` are prefixes (``area_prefix``): each covers every place whose code begins with it."""

    id: str
    items: frozenset[str]
    areas: tuple[str, ...]
    capacity: int
    source: str


def area_prefix(code: str) -> str:
    """Return the part of a region code that all places inside it share: ``520300`` → ``5203``."""
    for length, zeros in ((12, 3), (9, 3), (6, 2), (4, 2)):
        if len(code) == length and code.endswith("0" * zeros):
            code = code[:-zeros]
    return code


class Verdict(NamedTuple):
    """What became of a need. ``policy`` is the existing policy that covers it, ``rule`` what a refusal rests on."""

    reason: Reason
    service: str = ""
    resource: str = ""
    rule: str = ""
    policy: str = ""


@dataclass(frozen=True)
class Bans:
    """Which rule each check rests on here; ``None``: it does not bind. Own ability counts whoever pays: FZ-34 is about
    how people are served. Beyond basic need and what is had already bind the government's money only (decision 16).
    """

    identity: str | None = None
    need: str | None = None
    beyond_basic: str | None = None
    in_kind: str | None = None
    overlap: str | None = None
    own_ability: str | None = None
    eligible: frozenset[str] = frozenset()

    @classmethod
    def of(cls, policy: Policy) -> Bans:
        """Return the bans of a region."""
        return cls(
            identity=binding(policy=policy, rules=("FZ-03", "SYS-IDENTITY")),
            need=binding(policy=policy, rules=("FZ-08",)),
            beyond_basic=binding(policy=policy, rules=("ZY-06", "FZ-28")),
            in_kind=binding(policy=policy, rules=("ZY-07", "FZ-29")),
            overlap=binding(policy=policy, rules=("ZY-08", "FZ-30")),
            own_ability=binding(policy=policy, rules=("FZ-34",)),
            eligible=frozenset({**(policy.needs.historic_identity_classes or {}), **policy.needs.identity_classes}),
        )


@dataclass(frozen=True)
class Matching:
    """The outcome: ``verdicts`` in the order of the needs; ``ranks`` index of a ranked need → its place (from 1)."""

    verdicts: tuple[Verdict, ...]
    ranks: Mapping[int, int]


def urgency(*, max_level: int, severe: int, moderate: int, days_waiting: int, policy: Policy) -> int:
    """Return one number that orders as (max level, severe count, moderate count, days waiting) does, greater first.

    ``max_level`` counts levels from 0 (none). The order of the parts is ``needs.priority_order`` without the person's
    id, which always comes last (FZ-33: by type and degree, explained).
    """
    parts = {"max_level": max_level, "severe_count": severe, "moderate_count": moderate, "days_waiting": days_waiting}
    number = 0
    for part in policy.needs.priority_order:
        if part in parts:
            number = number << _BITS | max(parts[part], 0)
    return number


_BITS: Final = 24  # room for 16 million days or hardships in each part of an urgency


def match(*, needs: Sequence[Need], services: Sequence[Service], resources: Sequence[Resource], bans: Bans) -> Matching:
    """Match every need, most urgent first where places are scarce; equal input gives equal output.

    Who was confirmed before keeps the place while it may still be offered. No resource takes more people than
    its capacity, and nobody is left out of a place that went to somebody less urgent.
    """
    left = {resource.id: resource.capacity for resource in resources}
    verdicts: list[Verdict | None] = [None] * len(needs)
    offers = _Offers(services, resources, bans)
    _keep_held(needs, offers, left, verdicts)
    waiting: dict[Profile, list[int]] = {}
    for index, need in enumerate(needs):
        if verdicts[index] is None:
            group = waiting.get(need.profile)
            if group is None:
                waiting[need.profile] = [index]
            else:
                group.append(index)
    contenders: dict[tuple[Verdict, ...], list[int]] = {}
    for profile, indices in waiting.items():
        options = offers.of(profile)
        if isinstance(options, Verdict):
            for index in indices:
                verdicts[index] = options
        else:
            contenders.setdefault(options, []).extend(indices)
    ranks: dict[int, int] = {}
    for group_of_options in _components(contenders):
        _serve({options: contenders[options] for options in group_of_options}, needs, left, verdicts, ranks)
    return Matching(verdicts=tuple(verdict for verdict in verdicts if verdict is not None), ranks=ranks)


def _keep_held(needs: Sequence[Need], offers: _Offers, left: dict[str, int], verdicts: list[Verdict | None]) -> None:
    """Let confirmed matches that may still be offered keep their places, the most urgent first should one have shrunk.

    Where the service row was replaced the place is kept, but the new wording waits for a confirmation of its own.
    """
    held = [index for index, need in enumerate(needs) if need.held is not None]
    held.sort(key=lambda index: (-needs[index].urgency, needs[index].person))
    for index in held:
        service, resource, same = needs[index].held or ("", "", False)
        options = offers.of(needs[index].profile)
        kept = Verdict(Reason.MATCHED, service, resource)
        if not isinstance(options, Verdict) and kept in options and left[resource] > 0:
            left[resource] -= 1
            verdicts[index] = kept._replace(reason=Reason.CONTINUED) if same else kept


class _Offers:
    """What a profile may be offered, in order of preference, or why nothing."""

    def __init__(self, services: Sequence[Service], resources: Sequence[Resource], bans: Bans) -> None:
        self._services: dict[str, list[Service]] = {}
        for service in sorted(services, key=lambda service: service.id):
            self._services.setdefault(service.item, []).append(service)
        self._resources = sorted(resources, key=lambda resource: resource.id)
        self._bans = bans
        self._found: dict[Profile, tuple[Verdict, ...] | Verdict] = {}

    def of(self, profile: Profile) -> tuple[Verdict, ...] | Verdict:
        """Return the offers of a profile, or the verdict of everybody who has it.

        When several services fail, the reason named is that of the one that came furthest.
        """
        if profile not in self._found:
            self._found[profile] = self._offers(profile)
        return self._found[profile]

    def _offers(self, profile: Profile) -> tuple[Verdict, ...] | Verdict:
        if not profile.willing:
            return Verdict(Reason.NOT_WILLING, rule=self._bans.need or "")
        if profile.identity not in self._bans.eligible:
            return Verdict(Reason.NOT_ELIGIBLE, rule=self._bans.identity or "")
        listed = self._services.get(profile.item)
        if listed is None:
            return Verdict(Reason.NO_SERVICE)
        found: list[Verdict] = []
        failed: list[Verdict] = []
        for service in listed:
            barred = self._barred(profile, service)
            offers = () if barred else self._places(profile, service)
            found.extend(offers)
            if not offers:
                failed.append(barred or self._no_place(profile, service))
        return tuple(found) or max(failed, key=lambda verdict: _ORDER[verdict.reason])

    def _barred(self, profile: Profile, service: Service) -> Verdict | None:
        if profile.identity not in service.targets:
            return Verdict(Reason.NOT_TARGET)
        if service.id in profile.refused:
            return Verdict(Reason.REFUSED, service.id)
        spent = self._not_paid_for(profile, service) if service.government_money else None
        if spent is None and profile.item in profile.abilities and self._bans.own_ability:
            return Verdict(Reason.OWN_ABILITY, service.id, rule=self._bans.own_ability)  # whoever pays for it
        return spent

    def _not_paid_for(self, profile: Profile, service: Service) -> Verdict | None:
        """Return what forbids spending the government's money on a service for a person (decision 16)."""
        bans = self._bans
        if service.beyond_basic and bans.beyond_basic:
            return Verdict(Reason.BEYOND_BASIC, service.id, rule=bans.beyond_basic)
        if profile.item in profile.benefits and bans.in_kind:
            return Verdict(Reason.COVERED_IN_KIND, service.id, rule=bans.in_kind)
        same = next((benefit for benefit in profile.benefits if benefit in service.overlaps), None)
        if same is not None and bans.overlap:
            return Verdict(Reason.COVERED_BY_POLICY, service.id, rule=bans.overlap, policy=same)
        return None

    def _able(self, service: Service) -> list[Resource]:
        """Return who can provide a service; one led by society is provided by society."""
        return [
            resource
            for resource in self._resources
            if service.item in resource.items and (service.payer_class != SOCIAL_LED or resource.source == SOCIAL)
        ]

    def _places(self, profile: Profile, service: Service) -> tuple[Verdict, ...]:
        near = [
            (max(len(area) for area in resource.areas if profile.area.startswith(area)), resource.id)
            for resource in self._able(service)
            if profile.area.startswith(resource.areas)
        ]
        near.sort(key=lambda found: (-found[0], found[1]))  # the provider of the narrowest area first
        return tuple(Verdict(Reason.MATCHED, service.id, resource) for _, resource in near)

    def _no_place(self, profile: Profile, service: Service) -> Verdict:
        reason = Reason.NO_PROVIDER_IN_AREA if self._able(service) else Reason.NO_PROVIDER
        return Verdict(reason, service.id)


_ORDER: Final[Mapping[Reason, int]] = {reason: number for number, reason in enumerate(Reason)}


def _components(contenders: Iterable[tuple[Verdict, ...]]) -> list[list[tuple[Verdict, ...]]]:
    """Return the sets of options that share resources, directly or through others."""
    root: dict[str, str] = {}

    def find(resource: str) -> str:
        root.setdefault(resource, resource)
        while root[resource] != resource:
            root[resource] = root[root[resource]]
            resource = root[resource]
        return resource

    every = list(contenders)
    for options in every:
        first = find(options[0].resource)
        for option in options[1:]:
            root[find(option.resource)] = first
            first = find(first)
    groups: dict[str, list[tuple[Verdict, ...]]] = {}
    for options in every:
        groups.setdefault(find(options[0].resource), []).append(options)
    return list(groups.values())


def _serve(
    demand: Mapping[tuple[Verdict, ...], list[int]],
    needs: Sequence[Need],
    left: dict[str, int],
    verdicts: list[Verdict | None],
    ranks: dict[int, int],
) -> None:
    """Give out the places of one group of resources; ranked only when somebody would not get the first choice."""
    wanted: dict[str, int] = {}
    for options, indices in demand.items():
        first = options[0].resource
        wanted[first] = wanted.get(first, 0) + len(indices)
    if all(left[resource] >= number for resource, number in wanted.items()):
        for options, indices in demand.items():
            left[options[0].resource] -= len(indices)
            for index in indices:
                verdicts[index] = options[0]
        return
    choices = list(demand)
    lines = [
        (-needs[index].urgency, needs[index].person, needs[index].profile.item, index, choice)
        for choice, options in enumerate(choices)
        for index in demand[options]
    ]
    lines.sort()
    for rank, (_, _, _, index, choice) in enumerate(lines, start=1):
        ranks[index], options = rank, choices[choice]
        chosen = next((option for option in options if left[option.resource] > 0), None)
        if chosen is not None:
            left[chosen.resource] -= 1
        verdicts[index] = chosen or Verdict(Reason.CAPACITY_EXHAUSTED, options[0].service, options[0].resource)


def input_digest(*, needs: Sequence[Need], lists: Sequence[str]) -> str:
    """Return the SHA-256 over the versions of lists and policy, and every need with all a match may know of it."""
    running = hashlib.sha256("\n".join(lists).encode())
    for start in range(0, len(needs), _BLOCK):
        running.update("".join(f"{need}\n" for need in map(tuple, needs[start : start + _BLOCK])).encode())
    return running.hexdigest()


def outcome_digest(*, needs: Sequence[Need], matching: Matching) -> str:
    """Return the SHA-256 over every need and what became of it, in the order of the needs."""
    running = hashlib.sha256()
    for start in range(0, len(needs), _BLOCK):
        pairs = zip(needs[start : start + _BLOCK], matching.verdicts[start : start + _BLOCK], strict=True)
        running.update(
            "".join(f"{need.person}|{need.profile.item}|{'|'.join(verdict)}\n" for need, verdict in pairs).encode()
        )
    return running.hexdigest()


_BLOCK: Final = 10_000
