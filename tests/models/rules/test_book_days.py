"""Days of a book's row: none before what it follows, none after today where a clock hangs on it."""

from __future__ import annotations

from datetime import date

import pytest

from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.rules.book import book_of, clean

ZUNYI = load_policy_book().resolve(region="520300", on=date(2025, 3, 3))
TODAY = date(2026, 12, 31)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"raised_on": "2027-01-01", "due_on": "2027-02-01"}, "raised_on"),
        ({"due_on": "2025-02-28"}, "due_on"),
        ({"status": "closed", "outcome": "办结", "closed_on": "2027-01-01"}, "closed_on"),
        ({"status": "closed", "outcome": "办结", "closed_on": "2025-02-28"}, "closed_on"),
    ],
)
def test_no_day_of_an_issue_comes_before_it_was_raised_or_after_today(changes: dict[str, str], field: str) -> None:
    """ZY-34: an issue closed in a year to come would hide from everybody that it is open."""
    issues = book_of(ZUNYI, "issues")
    given = {
        "number": "1",
        "kind": "operational",
        "title": "问题(合成)",
        "raised_on": "2025-03-01",
        "owner": "合成部门",
    }
    whole = given | {"due_on": "2025-03-01", "status": "open"}
    clean(book=issues, given=whole, units=(), policy=ZUNYI, document=False, on=TODAY)
    with pytest.raises(Refusal) as caught:
        clean(book=issues, given=whole | changes, units=(), policy=ZUNYI, document=False, on=TODAY)
    assert [(fault.field, fault.rule) for fault in caught.value.details] == [(field, "ZY-34")]
