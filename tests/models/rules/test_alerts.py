"""Who is told of a work item, and which alerts are told no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from models.rules.alerts import Raised, Reachable, Subject, Suppressed, newest_of, told, untold

_SUPERVISORS = {"contractor": "city_bureau"}
_ALERT = Raised(
    id="a-1",
    item="w-1",
    level="7",
    due_on=date(2025, 5, 8),
    raised_on=date(2025, 5, 1),
    open=True,
    item_due_on=date(2025, 5, 8),
)


def _contact(account: str, role: str, unit: str, *, supervises: bool = False) -> Reachable:
    return Reachable(f"c-{account}-{unit}", account, role, unit, supervises)


def _accounts(level: str, subject: Subject, *contacts: Reachable) -> list[str]:
    found = told(level=level, subject=subject, contacts=contacts, supervisors=_SUPERVISORS)
    return [one.account for one in found]


def test_a_contractor_hears_of_its_own_projects_only() -> None:
    mine, other = _contact("u-a", "contractor", "CODE-A"), _contact("u-b", "contractor", "CODE-B")

    assert _accounts("7", Subject("contractor", frozenset({"CODE-A"})), mine, other) == ["u-a"]


def test_a_person_with_two_entries_hears_once() -> None:
    twice = [_contact("u-a", "city_bureau", unit) for unit in ("520300", "520302")]

    assert _accounts("0", Subject("city_bureau", frozenset({"520300", "520302"})), *twice) == ["u-a"]


def test_the_supervisor_hears_only_what_stays_overdue_and_then_alone() -> None:
    worker = _contact("u-worker", "contractor", "CODE-A")
    chief = _contact("u-chief", "city_bureau", "520300", supervises=True)
    clerk = _contact("u-clerk", "city_bureau", "520300")
    subject = Subject("contractor", frozenset({"CODE-A"}), above=frozenset({"520300"}))

    assert _accounts("overdue", subject, worker, chief, clerk) == ["u-worker"]
    assert _accounts("supervisor", subject, worker, chief, clerk) == ["u-chief"]


def test_who_is_named_in_person_hears_whatever_the_unit() -> None:
    expert, other = _contact("x-1", "expert", "x-1"), _contact("x-2", "expert", "x-2")

    assert _accounts("0", Subject("expert", frozenset(), frozenset({"x-1"})), expert, other) == ["x-1"]


@pytest.mark.parametrize(
    ("alert", "newest", "because"),
    [
        (_ALERT, "a-1", None),
        (replace(_ALERT, open=False), "a-1", Suppressed.DONE),
        (replace(_ALERT, item_due_on=date(2025, 6, 8)), "a-1", Suppressed.MOVED),
        (_ALERT, "a-2", Suppressed.SUPERSEDED),
    ],
)
def test_why_an_alert_is_not_told(alert: Raised, newest: str, because: Suppressed | None) -> None:
    assert untold(alert=alert, newest=newest) is because


def test_the_latest_alert_of_an_item_is_told_and_supervisors_are_counted_apart() -> None:
    later = replace(_ALERT, id="a-2", level="0", raised_on=date(2025, 5, 8))
    chief = replace(_ALERT, id="a-3", level="supervisor", raised_on=date(2025, 5, 15))
    moved = replace(_ALERT, id="a-4", due_on=date(2025, 4, 1), raised_on=date(2025, 5, 20))

    assert newest_of([later, _ALERT, chief, moved]) == {("w-1", False): "a-2", ("w-1", True): "a-3"}
