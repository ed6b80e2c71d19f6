"""Rules of delivery (S12): what a start needs, who may serve whom and when, how far a project has come.

Pure; called by ``commands.delivery``, ``queries.delivery`` and acceptance. Never reads the database, never sees a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from models.core.errors import Detail, Refusal
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.money import Money
from models.core.periods import Period
from models.policy.schema import Policy
from models.rules.force import binding

PERMITTING_LINES: Final = frozenset({"issued", "paid"})
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|(24):(00)")
_MINUTES_AN_HOUR: Final = 60
_TENTH: Final = Decimal("0.1")

RECORD_FIELDS: Final = (
    "person_id",
    "served_on",
    "starts_at",
    "ends_at",
    "minutes",
    "item",
    "staff_ref",
    "place",
    "result",
    "satisfied",
    "revision",
    "correction",
)
"""What the digest of a batch covers, in this order."""

PlanKey = tuple[str, str]
"""What a plan names: person id and item."""

SlotKey = tuple[str, date, str]
"""What tells one service of a contract from another: person id, day, start ``HH:MM``."""


@dataclass(frozen=True)
class Slot:
    """What is on file for a service: its newest revision, and the day the original was recorded."""

    revision: int
    first_recorded_on: date


@dataclass(frozen=True)
class Service:
    """One service as handed in; ``person`` is a ledger id, ``None`` when the code given names nobody selected."""

    person: str | None
    on: date
    start: str
    end: str
    item: str
    staff: str
    corrects: bool


@dataclass(frozen=True)
class Assignment:
    """What the services are held against: selected persons are known by then; ``staff`` is work number → qualified.

    ``slots`` are the services on file, ``term`` the contract's half-open term.
    """

    term: Period
    staff: Mapping[str, bool]
    slots: Mapping[SlotKey, Slot]
    recorded_on: date


@dataclass(frozen=True)
class Reach:
    """How many distinct persons were served, of how many wanted. ``met`` is ``None`` where nothing sets a target."""

    served: int
    target: int | None
    met: bool | None


def check_start(*, line_states: tuple[str, ...], policy: Policy) -> None:
    """Refuse to start a project none of whose plan lines is issued (``delivery.no_plan_line``, ZY-76)."""
    if not PERMITTING_LINES.intersection(line_states):
        raise Refusal("delivery.no_plan_line", rule=binding(policy=policy, rules=("ZY-76", "SYS-PLAN-BEFORE-START")))


def check_funded(*, committed: Money, policy: Policy) -> None:
    """Refuse to start a contract no money is committed to: the contractor would advance it (``delivery.prefinanced``,
    ZY-93, 政府投资条例 art. 22 by reference)."""
    rule = binding(policy=policy, rules=("ZY-93",))
    if rule and not committed:
        raise Refusal("delivery.prefinanced", rule=rule)


def check_cases_planned(*, unplanned: int, policy: Policy) -> None:
    """Refuse to complete while selected persons have no case plan (``delivery.cases_unplanned``, HS-07)."""
    rule = binding(policy=policy, rules=("HS-07",))
    if rule and policy.delivery.case_plan_required and unplanned:
        raise Refusal("delivery.cases_unplanned", rule=rule, facts={"persons": unplanned})


def check_staff(*, refs: tuple[str, ...], uncertified: Sequence[str], policy: Policy) -> None:
    """Refuse a list that names a work number twice, or somebody as qualified without the number of a certificate.

    Raises ``Refusal`` ``delivery.staff_twice`` (SYS-UNIQUE), ``delivery.certificate_missing`` (HS-49).
    """
    twice = sorted({ref for ref in refs if refs.count(ref) > 1})
    if twice:
        raise Refusal("delivery.staff_twice", rule="SYS-UNIQUE", facts={"staff": "、".join(twice)})
    if uncertified:
        rule = binding(policy=policy, rules=("HS-49", "SYS-STAFF-QUALIFIED"))
        raise Refusal("delivery.certificate_missing", rule=rule, facts={"staff": "、".join(uncertified)})


def check_still_open(*, over_on: date | None, recorded_on: date, policy: Policy) -> None:
    """Refuse records of a contract that has been over (its last day ``over_on``) for longer than records may still be
    corrected (``delivery.records_closed``, SYS-SERVICE-RECORD): what was served until then is entered or put right.
    """
    days = policy.delivery.record_correction_days
    if over_on is not None and (recorded_on - over_on).days > days:
        facts = {"on": over_on.isoformat(), "days": days}
        raise Refusal("delivery.records_closed", rule="SYS-SERVICE-RECORD", facts=facts)


def item_names(*, policy: Policy) -> Mapping[str, str]:
    """Return what a service may be called: the non-material kinds of the region, and the service items (HS-10)."""
    return {**policy.delivery.service_item_names, **(policy.delivery.nonmaterial_kinds or {})}


def minutes_between(*, start: str, end: str, corrects: bool = False) -> int:
    """Return the minutes from ``start`` to ``end`` of one day, which may be ``24:00``.

    A correction (``corrects``) may end when it begins: nothing was served, the record is withdrawn. Raises
    ``ValueError`` for no time or an empty span.
    """
    begun, ended = _minute(start), _minute(end)
    if ended < begun or (ended == begun and not corrects):
        raise ValueError("a service ends after it begins")
    return ended - begun


def _minute(text: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("a time is written HH:MM")
    hours, minutes = (part for part in match.groups() if part is not None)
    return int(hours) * _MINUTES_AN_HOUR + int(minutes)


def check_services(*, services: tuple[Service, ...], assignment: Assignment, policy: Policy) -> None:
    """Refuse a batch with any service that may not be recorded, naming every faulty row (counted from 1) and field.

    A service needs: a person selected for the project, a day inside the contract's term and not in the future, an end
    after its start, a listed item, an assigned and qualified member of staff, and no other record of the same person,
    day and start; a correction needs one, recorded at most ``delivery.record_correction_days`` ago.
    Raises ``Refusal`` ``delivery.records_refused`` (SYS-SERVICE-RECORD); each detail carries its own rule.
    """
    names = item_names(policy=policy)
    seen: set[SlotKey] = set()
    faults: list[Detail] = []
    for number, service in enumerate(services, start=1):
        found = [
            *_whom(service),
            *_when(service, assignment),
            *_what(service, names, policy),
            *_by_whom(service, assignment.staff, policy),
            *_once(service, assignment, seen, policy),
        ]
        faults += [_at(number, field, problem, rule) for field, problem, rule in found]
    if faults:
        rows = len({fault.row for fault in faults})
        first = sentence("delivery.first_fault", {"row": faults[0].row, "problem": faults[0].problem})
        facts = {"rows": rows, "total": len(services), "first": first}
        raise Refusal("delivery.records_refused", rule=faults[0].rule, facts=facts, details=tuple(faults))


_Fault = tuple[str, str, str | None]


def _at(number: int, field: str, problem: str, rule: str | None) -> Detail:
    return Detail(problem=problem, field=field, row=number, rule=rule)


def _problem(code: str, facts: dict[str, object] | None = None) -> str:
    return sentence(f"delivery.problem.{code}", facts)


def _whom(service: Service) -> list[_Fault]:
    return [] if service.person else [("person", _problem("person"), "SYS-SELECTED-ONLY")]


def _when(service: Service, assignment: Assignment) -> list[_Fault]:
    faults: list[_Fault] = []
    term = assignment.term
    if service.on not in term:
        facts: dict[str, object] = {"start": term.start.isoformat(), "end": term.last_day}
        faults.append(("on", _problem("term", facts), "SYS-CONTRACT-TERM"))
    elif service.on > assignment.recorded_on:
        faults.append(("on", _problem("future"), "SYS-NOT-YET"))
    try:
        minutes_between(start=service.start, end=service.end, corrects=service.corrects)
    except ValueError:
        faults.append(("end", _problem("time"), "SYS-PERIOD"))
    return faults


def _what(service: Service, names: Mapping[str, str], policy: Policy) -> list[_Fault]:
    if service.item in names:
        return []
    return [
        ("item", _problem("item", {"item": service.item}), binding(policy=policy, rules=("HS-10", "SYS-CODE-LIST")))
    ]


def _by_whom(service: Service, staff: Mapping[str, bool], policy: Policy) -> list[_Fault]:
    facts: dict[str, object] = {"staff": service.staff}
    if service.staff not in staff:
        return [("staff", _problem("staff", facts), "SYS-STAFF-ASSIGNED")]
    if not staff[service.staff]:
        rule = binding(policy=policy, rules=("HS-49", "SYS-STAFF-QUALIFIED"))
        return [("staff", _problem("unqualified", facts), rule)]
    return []


def _once(service: Service, assignment: Assignment, seen: set[SlotKey], policy: Policy) -> list[_Fault]:
    if service.person is None:
        return []
    key = (service.person, service.on, service.start)
    if key in seen:
        return [("start", _problem("twice"), "SYS-UNIQUE")]
    seen.add(key)
    slot = assignment.slots.get(key)
    if slot is None:
        return [("corrects", _problem("nothing_to_correct"), "SYS-APPEND-ONLY")] if service.corrects else []
    if not service.corrects:
        return [("start", _problem("recorded"), "SYS-UNIQUE")]
    days = policy.delivery.record_correction_days
    if (assignment.recorded_on - slot.first_recorded_on).days > days:
        return [("corrects", _problem("too_late", {"days": days}), "SYS-APPEND-ONLY")]
    return []


def records_digest(rows: Sequence[Mapping[str, object]]) -> str:
    """Return the digest of a batch of records in their order; the event of the batch carries it (SYS-APPEND-ONLY).

    A row holds the fields of ``RECORD_FIELDS`` in clear, so that a replay with other vault keys gives the same digest;
    who signed is covered where somebody did, so that the digests of older records stand.
    """
    return digest([[*(row[name] for name in RECORD_FIELDS), *filter(None, [row.get("signed_by")])] for row in rows])


def off_plan(*, services: Sequence[tuple[str, str, date]], plan: Mapping[PlanKey, date]) -> tuple[int, ...]:
    """Return the places (from 0) of services no plan item names on their day (ZY-25); they are kept and flagged.

    ``plan`` is (person, item) → the day the item begins; with no plan at all nothing can be off it.
    """
    if not plan:
        return ()
    return tuple(
        number
        for number, (person, item, on) in enumerate(services)
        if (begins := plan.get((person, item))) is None or on < begins
    )


def check_plan_items(*, items: Sequence[str], unknown: int, policy: Policy) -> None:
    """Refuse a plan with a service the region does not know, or for people who are not the project's.

    Raises ``Refusal`` ``delivery.plan_item_unknown`` (SYS-CODE-LIST), ``delivery.plan_person`` (SYS-SELECTED-ONLY).
    """
    names = item_names(policy=policy)
    strange = sorted({item for item in items if item not in names})
    if strange:
        raise Refusal("delivery.plan_item_unknown", rule="SYS-CODE-LIST", facts={"items": "、".join(strange)})
    if unknown:
        raise Refusal("delivery.plan_person", rule="SYS-SELECTED-ONLY", facts={"persons": unknown})


def check_referral(*, unknown: int, persons: int) -> None:
    """Refuse a referral of persons the project does not serve (``delivery.referral_unknown``, SYS-SELECTED-ONLY)."""
    if unknown:
        facts = {"unknown": unknown, "total": persons}
        raise Refusal("delivery.referral_unknown", rule="SYS-SELECTED-ONLY", facts=facts)


def reach(*, served: int, target: int | None) -> Reach:
    """Return how a project stands against its target of distinct persons; the target itself is enough (HS-06)."""
    return Reach(served, target, None if target is None else served >= target)


def percent(*, part: int, whole: int) -> Decimal | None:
    """Return ``part`` of ``whole`` in percent with one decimal, half up; ``None`` of nothing."""
    if not whole:
        return None
    return (Decimal(100 * part) / whole).quantize(_TENTH, ROUND_HALF_UP)
