"""Problems on the way (SX2): each has an owner, a last day of its own and an outcome; the mechanism resolves what one
department cannot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.commands.book import CLOCK
from models.core.errors import LifecycleError
from models.tables.kernel import WorkItem
from tests.support.world import World, copy_world, open_world

CITY = "city_bureau:u-b"
DISTRICT = "county_bureau:u-d"
DAY = date(2025, 3, 3)
ISSUE = {
    "number": "合成1号",
    "kind": "operational",
    "title": "场地尚未移交(合成)",
    "raised_on": "2025-03-03",
    "owner": "合成部门",
    "due_on": "2025-03-20",
    "status": "open",
}
CROSSING = {
    "number": "合成1号",
    "title": "信息未共享(合成)",
    "departments": "several",
    "owner": "合成区民政局",
    "raised_on": "2025-03-03",
    "due_on": "2025-03-20",
    "status": "open",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, World]:
    zunyi = open_world(tmp_path_factory.mktemp("zunyi"), region="520300")
    beijing = open_world(tmp_path_factory.mktemp("beijing"), region="110000")
    district = {"code": "syn-d1", "name": "合成区", "level": "county", "parent": "110000"}
    beijing.do("unit.register", as_=CITY, on=DAY, units=[district])
    return {"zunyi": zunyi, "beijing": beijing}


@pytest.fixture
def zunyi(built: dict[str, World], tmp_path: Path) -> Iterator[World]:
    made = copy_world(built["zunyi"], tmp_path)
    yield made
    made.services.engine.dispose()


@pytest.fixture
def beijing(built: dict[str, World], tmp_path: Path) -> Iterator[World]:
    made = copy_world(built["beijing"], tmp_path)
    yield made
    made.services.engine.dispose()


def _clock(world: World) -> tuple[date, str]:
    with Session(world.services.engine) as session:
        (item,) = session.exec(select(WorkItem).where(col(WorkItem.kind) == CLOCK)).all()
        return item.due_on, item.status


def _issue(world: World, **changes: Any) -> Any:
    return world.do("book.add_row", as_=CITY, on=DAY, book="issues", fields=ISSUE | changes)


def _wrong(world: World, **changes: Any) -> tuple[str | None, set[str | None]]:
    with pytest.raises(LifecycleError) as caught:
        _issue(world, **changes)
    return caught.value.rule, {one.field for one in caught.value.details}


def test_an_issue_has_an_owner_a_last_day_of_its_own_and_an_outcome(zunyi: World) -> None:
    """ZY-34: the work item is due on the issue's own day and done when it is closed with its outcome."""
    row = _issue(zunyi)
    assert _clock(zunyi) == (date(2025, 3, 20), "open")

    closed: dict[str, Any] = {"status": "closed", "closed_on": "2025-03-12", "outcome": "已移交(合成)"}
    zunyi.do("book.revise_row", as_=CITY, on=date(2025, 3, 12), row=row.id, fields=closed, reason="办结")

    assert _clock(zunyi)[1] == "done"


def test_an_issue_without_owner_or_day_or_closed_without_outcome_is_not_taken(zunyi: World) -> None:
    assert _wrong(zunyi, owner="", due_on="") == ("ZY-34", {"owner", "due_on"})
    assert _wrong(zunyi, status="closed") == ("ZY-34", {"closed_on", "outcome"})
    assert _wrong(zunyi, closed_on="2025-03-03") == ("ZY-34", {"closed_on"})


def test_a_major_issue_is_looked_into_and_resolved_by_the_mechanism(zunyi: World) -> None:
    """ZY-33: investigation and proposal at once, the resolution before it is closed."""
    looked = {"kind": "major", "investigation": "已调研(合成)", "proposal": "提请研究(合成)"}
    assert _wrong(zunyi, kind="major") == ("ZY-33", {"investigation", "proposal"})
    over = {"status": "closed", "closed_on": "2025-03-03", "outcome": "已解决(合成)"}
    assert _wrong(zunyi, **looked, **over) == ("ZY-33", {"mechanism_on", "resolution"})

    assert _issue(zunyi, **looked).revision == 1


@pytest.mark.parametrize("kind", ["funding", "formality"])
def test_trouble_with_money_or_papers_goes_to_the_mechanism(zunyi: World, kind: str) -> None:
    """ZY-89."""
    assert _wrong(zunyi, kind=kind) == ("ZY-89", {"mechanism_on"})

    assert _issue(zunyi, kind=kind, mechanism_on="2025-03-03").revision == 1


def test_a_project_shows_which_of_its_contacts_is_missing_and_masks_their_names(zunyi: World) -> None:
    """ZY-90: soft, so it is shown and opens no work."""
    contact = {"project": "prj-1", "side": "department", "unit_name": "合成部门", "contact": "甄合成"}
    zunyi.do("book.add_row", as_=CITY, on=DAY, book="project_contacts", fields=contact)

    (row,) = zunyi.ask("book.rows", book="project_contacts").rows
    gaps = [one for one in zunyi.ask("book.gaps", book="project_contacts").gaps if one.rule == "ZY-90"]
    assert row.values["contact"] == "甄*"
    assert len(gaps) == 1


def test_what_crosses_departments_goes_to_the_district_mechanism(beijing: World) -> None:
    """BJ-74."""
    call: dict[str, Any] = {"as_": DISTRICT, "on": DAY, "book": "coordination", "unit": "syn-d1"}
    fault = beijing.refused("BJ-74", "book.add_row", **call, fields=CROSSING)
    assert [one.field for one in fault.details] == ["mechanism_on"]

    beijing.do("book.add_row", **call, fields=CROSSING | {"mechanism_on": "2025-03-05"})

    assert _clock(beijing) == (date(2025, 3, 20), "open")
