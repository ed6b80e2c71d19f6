"""Beijing's trainings by level: another region's duties on the same mechanism, without a line of code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.support.world import World, open_world

CITY = "city_bureau:u-b"
DISTRICT = "syn-district-01"
DAY = date(2025, 3, 3)


@pytest.fixture
def beijing(tmp_path: Path) -> Iterator[World]:
    made = open_world(tmp_path, region="110000")
    unit = {"code": DISTRICT, "name": "合成区01", "level": "county", "parent": "110000"}
    made.do("unit.register", as_=CITY, on=DAY, units=[unit])
    yield made
    made.services.engine.dispose()


def _training(**changes: Any) -> dict[str, Any]:
    given = {
        "as_": "county_bureau:u-d",
        "on": DAY,
        "duty": "training_of_streets",
        "period": "2025",
        "unit": DISTRICT,
        "held_on": DAY,
        "participants": 30,
    }
    return given | changes


def test_the_city_trains_once_and_each_district_twice_a_year(beijing: World) -> None:
    opened = beijing.do("duty.open_due", as_="system:scheduler", on=DAY, theme="training")
    beijing.do("duty.record", **_training())
    beijing.do("duty.record", **_training(duty="training_of_districts", unit=None, as_=CITY))

    rows = beijing.ask("duty.ledger", on=date(2026, 1, 5)).rows

    assert opened.opened == 3
    assert sorted((row.rule, row.status) for row in rows) == [
        ("BJ-70", "held"),
        ("BJ-71", "held"),
        ("BJ-71", "missing"),
    ]
    beijing.refused("duty.recorded", "duty.record", **_training())
    beijing.do("duty.record", **_training(on=date(2025, 9, 1), held_on=date(2025, 9, 1)))
    beijing.refused("duty.recorded", "duty.record", **_training(on=date(2025, 9, 2), held_on=date(2025, 9, 2)))


def test_others_are_trained_without_a_cadence_and_logged(beijing: World) -> None:
    beijing.do("duty.record", **_training(duty="training_of_others", period=""))

    (row,) = beijing.ask("duty.ledger").rows
    assert (row.rule, row.status, row.due_on) == ("BJ-69", "logged", None)


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("BJ-69", {"duty": "training_of_others", "period": ""}),
        ("BJ-70", {"duty": "training_of_districts", "unit": None, "as_": CITY}),
        ("BJ-71", {}),
    ],
)
def test_a_training_without_participants_is_refused(beijing: World, rule: str, changes: dict[str, Any]) -> None:
    beijing.refused(rule, "duty.record", **_training(participants=None, **changes))


def test_the_yearly_assessment_is_owed_and_the_selection_advised(beijing: World) -> None:
    beijing.do("duty.open_due", as_="system:scheduler", on=DAY, theme="assessment")

    rows = beijing.ask("duty.ledger", on=date(2026, 1, 5)).rows
    assert {row.rule: row.status for row in rows} == {"BJ-75": "missing", "BJ-80": "advised"}
    beijing.refused("BJ-75", "duty.record", as_=CITY, on=DAY, duty="annual_assessment", period="2025", held_on=DAY)


def test_allowances_are_due_in_every_street_every_month(beijing: World) -> None:
    street = {"code": "syn-street-01", "name": "合成街道01", "level": "township", "parent": DISTRICT}
    beijing.do("unit.register", as_=CITY, on=DAY, units=[street])
    for day, opened in ((DAY, 1), (date(2025, 3, 31), 0), (date(2025, 4, 1), 1)):
        assert beijing.do("duty.open_due", as_="system:scheduler", on=day, theme="allowance").opened == opened

    given: dict[str, Any] = {"duty": "allowance_monthly", "period": "2025-03", "unit": "syn-street-01"}
    given |= {"as_": "township:u-t", "on": date(2025, 3, 31), "held_on": date(2025, 3, 31), "participants": 2}
    beijing.refused("BJ-67", "duty.record", **given)
    report = beijing.upload("合成发放材料".encode(), name="r.txt", media_type="text/plain")
    assert not beijing.do("duty.record", **given, report=report).late
