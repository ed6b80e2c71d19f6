"""Rules of duties: who owes what for which period, when it is due, and what a record of it must bring.

Pure; called by ``commands.duty`` and ``queries.duty``. Knows no duty by name: they are rows of ``policy.duties``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from models.core.actors import ROLE_NAMES, Role
from models.core.calendar import Due, WorkCalendar
from models.core.errors import Detail, Refusal
from models.core.identifiers import find_leaks
from models.core.messages import sentence
from models.core.periods import Period
from models.policy.duties import Duty
from models.policy.schema import Policy
from models.rules.units import Unit

_MONTHS_OF: Final = {"": 12, "H": 6, "T": 4, "Q": 3, "B": 2, "-": 1}
_LETTER: Final = {months: letter for letter, months in _MONTHS_OF.items()}
_LABEL: Final = re.compile(r"([1-9][0-9]{3})(?:([HTQB-])([0-9]{1,2}))?")
_MEDIA: Final = ("image/", "video/")


@dataclass(frozen=True)
class Span:
    """One period of a duty: label, first and last day."""

    label: str
    first: date
    last: date


@dataclass(frozen=True)
class Owed:
    """One time a unit owes a duty, with its due date."""

    duty: str
    unit: str
    span: Span
    ordinal: int
    due: Due


@dataclass(frozen=True)
class Given:
    """What a record brings: ``evidence`` codes present, texts by part, media type of the case, and when it was held."""

    held_on: date
    evidence: frozenset[str]
    parts: Mapping[str, str]
    case_media: str
    late_reason: str


def duties_of(policy: Policy) -> dict[str, tuple[str, Duty]]:
    """Return duty code → (its leaf key, the duty), for every duty in force here."""
    return {code: (key, duty) for key, table in policy.duties.themes().items() for code, duty in table.items()}


def duty_of(policy: Policy, code: str) -> Duty:
    """Return a duty in force. Raises ``Refusal`` ``duty.unknown`` (SYS-DUTY)."""
    known = duties_of(policy)
    if code not in known:
        raise Refusal("duty.unknown", rule="SYS-DUTY", facts={"duty": code, "known": "、".join(known) or "—"})
    return known[code][1]


def label_of(day: date, *, months: int) -> str:
    """Return how the period that holds ``day`` is called: ``2025``, ``2025H1``, ``2025Q2``, ``2025-04``."""
    number = (day.month - 1) // months + 1
    match months:
        case 12:
            return str(day.year)
        case 1:
            return f"{day.year}-{number:02d}"
        case _:
            return f"{day.year}{_LETTER[months]}{number}"


def span_of(*, duty: Duty, label: str) -> Span:
    """Return the period of a duty by its label. Raises ``Refusal`` ``duty.no_such_period`` naming the duty's rule."""
    for window in duty.windows:
        if window.key == label:
            return Span(window.key, window.first, window.last)
    match = _LABEL.fullmatch(label)
    months = _MONTHS_OF[match[2] or ""] if match else 0
    number = int(match[3] or 1) if match else 0
    if match is None or months != duty.every_months or not 1 <= number <= 12 // months:
        raise Refusal(
            "duty.no_such_period",
            rule=duty.rule,
            facts={"duty": duty.title, "period": label, "known": _cadence(duty)},
        )
    return _calendar_span(date(int(match[1]), (number - 1) * months + 1, 1), months)


def _cadence(duty: Duty) -> str:
    if duty.windows:
        return "、".join(window.key for window in duty.windows)
    return sentence(f"duty.cadence.{duty.every_months or 'log'}")


def _calendar_span(day: date, months: int) -> Span:
    period = Period.aligned(day, months=months)
    assert period.last_day is not None
    return Span(label_of(period.start, months=months), period.start, period.last_day)


def spans_until(*, duty: Duty, since: date | None, in_force: date, as_of: date) -> Iterator[Span]:
    """Yield the periods to open: every dated window; of a recurring duty the present one and, so that an outage loses
    none, all that began after ``since`` (the start of the first one on file), but none before the period in which the
    duty came ``in_force``: nobody owes a record what one made by hand for an earlier year would suggest.
    """
    for window in duty.windows:
        yield Span(window.key, window.first, window.last)
    if duty.every_months is None:
        return
    span = _calendar_span(as_of, duty.every_months)
    missed = [span]
    if since is not None:
        since = max(since, _calendar_span(in_force, duty.every_months).first)
    while since is not None and span.first > since:
        span = _calendar_span(date.fromordinal(span.first.toordinal() - 1), duty.every_months)
        missed.append(span)
    yield from (one for one in reversed(missed) if since is None or one.first >= since)


def due_of(*, span: Span, policy: Policy, calendar: WorkCalendar) -> Due:
    """Return when a period's duty is due: its last day, rolled over days off where policy says so."""
    return calendar.roll_forward(span.last) if policy.duties.due_rolls else Due(span.last, provisional=False)


def check_unit(*, duty: Duty, unit: Unit, role: Role, offices: tuple[Role, ...]) -> None:
    """Refuse a unit of a level that does not owe the duty, and a role that answers for neither it nor its level.

    Raises ``Refusal`` ``duty.wrong_level`` (the duty's rule), ``duty.not_yours`` (SYS-ROLE).
    """
    if unit.level not in duty.lead:
        levels = "、".join(sentence(f"unit.level.{level}") for level in duty.lead)
        facts = {"duty": duty.title, "unit": unit.name, "levels": levels}
        raise Refusal("duty.wrong_level", rule=duty.rule, facts=facts)
    lead = duty.lead[unit.level]
    if role not in {*offices, lead}:
        raise Refusal("duty.not_yours", rule="SYS-ROLE", facts={"duty": duty.title, "role": ROLE_NAMES[lead]})


def check_record(*, duty: Duty, span: Span | None, due_on: date | None, given: Given, as_of: date) -> None:
    """Refuse a record that is dated wrongly or does not bring what proves the duty was done.

    Held after the due date is taken only with its reason, and is kept as late. Raises ``Refusal`` ``duty.in_future``,
    ``duty.before_period``, ``duty.after_period``, ``duty.evidence_missing``, ``duty.case_not_media``,
    ``duty.names_person`` — all under the duty's rule.
    """
    facts = {"duty": duty.title, "on": given.held_on.isoformat(), "period": span.label if span else ""}
    first = span.first if span else duty.starts_on
    if given.held_on > as_of:
        raise Refusal("duty.in_future", rule=duty.rule, facts=facts)
    if first is not None and given.held_on < first:
        raise Refusal("duty.before_period", rule=duty.rule, facts=facts | {"first": first.isoformat()})
    if due_on is not None and given.held_on > due_on and not given.late_reason:
        raise Refusal("duty.after_period", rule=duty.rule, facts=facts | {"due": due_on.isoformat()})
    _check_evidence(duty=duty, given=given, facts=facts)


def _check_evidence(*, duty: Duty, given: Given, facts: Mapping[str, str]) -> None:
    lacking = [(code, sentence(f"duty.evidence.{code}")) for code in duty.evidence if code not in given.evidence]
    lacking += [("parts", name) for code, name in duty.parts.items() if not given.parts.get(code, "").strip()]
    lacking += [
        ("parts", sentence("duty.part_unknown", {"part": code})) for code in given.parts if code not in duty.parts
    ]
    if lacking:
        details = tuple(Detail(problem=name, rule=_proof_rule(duty, code)) for code, name in lacking)
        missing = "、".join(name for _, name in lacking)
        raise Refusal(
            "duty.evidence_missing", rule=details[0].rule, facts={**facts, "missing": missing}, details=details
        )
    if "case" in duty.evidence and not given.case_media.startswith(_MEDIA):
        raise Refusal("duty.case_not_media", rule=_proof_rule(duty, "case"), facts=dict(facts))
    if any(find_leaks(text) for text in given.parts.values()):
        raise Refusal("duty.names_person", rule="SYS-PRIVACY", facts=dict(facts))


def _proof_rule(duty: Duty, proof: str) -> str:
    return duty.proof_rules.get(proof, duty.rule)
