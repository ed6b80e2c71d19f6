"""What the public is told of donated money: each period while a long project goes on, in full after its end."""

from __future__ import annotations

from datetime import date

from models.policy.resolver import load_policy_book
from models.rules.donation import FINAL, INTERIM, DonatedProject, disclosures_owed

POLICY = load_policy_book().resolve(region="520300", on=date(2025, 6, 1))
STARTS = date(2025, 1, 31)


def owed(as_of: date, *, ends_on: date = date(2026, 1, 31), ended_on: date | None = None) -> list[tuple[str, date]]:
    project = DonatedProject(STARTS, ends_on, ended_on)
    return [(one.kind, one.due_on) for one in disclosures_owed(project=project, as_of=as_of, policy=POLICY)]


def test_a_project_of_more_than_six_months_tells_every_three_months() -> None:
    """LAW-CSF-79: the period that runs is owed by its last day, month ends counted from the first day."""
    assert owed(date(2025, 1, 30)) == []
    assert owed(STARTS) == [(INTERIM, date(2025, 4, 29))]
    assert owed(date(2025, 4, 30)) == [(INTERIM, date(2025, 4, 29)), (INTERIM, date(2025, 7, 30))]


def test_a_project_of_exactly_six_months_tells_at_its_end_alone() -> None:
    exact = date(2025, 7, 31)
    assert owed(date(2025, 6, 1), ends_on=exact) == []
    assert owed(date(2025, 8, 1), ends_on=exact, ended_on=exact) == [(FINAL, date(2025, 10, 31))]
    assert owed(date(2025, 6, 1), ends_on=date(2025, 8, 1))[0] == (INTERIM, date(2025, 4, 29))


def test_after_the_end_the_full_account_takes_the_place_of_the_last_period() -> None:
    """Stopped in the second period: the first stays owed, then everything within three months."""
    ended = date(2025, 6, 10)
    assert owed(date(2025, 9, 1), ended_on=ended) == [(INTERIM, date(2025, 4, 29)), (FINAL, date(2025, 9, 10))]


def test_before_the_law_nothing_is_owed() -> None:
    """The amended article holds from its day on, for what ends or is told after it."""
    old = load_policy_book().resolve(region="520300", on=date(2024, 9, 4))
    project = DonatedProject(date(2024, 1, 1), date(2025, 1, 1), None)
    assert list(disclosures_owed(project=project, as_of=date(2024, 9, 4), policy=old)) == []
    found = list(disclosures_owed(project=project, as_of=date(2024, 10, 1), policy=POLICY))
    assert [one.due_on for one in found] == [date(2024, 9, 30), date(2024, 12, 31)]
