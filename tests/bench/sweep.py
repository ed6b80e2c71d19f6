"""The deadline sweep against the same SELECT plus the same inserts. Called by ``python -m tests.bench``.

Both sides find, level by level, the open work items without an alert and insert the missing alerts in one transaction;
what the two insert is compared. The sweep also counts late ones and appends its event.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, delete, exists, insert, select

from models.rules.alerts import OVERDUE
from models.tables.kernel import Alert, WorkItem
from tests.bench.rounds import in_turns
from tests.support.world import World, open_world

AS_OF = date(2016, 3, 1)
_DUE_SHARE = 100  # one in a hundred
_CHUNK = 5_000
_ITEMS, _ALERTS = WorkItem.__table__, Alert.__table__  # type: ignore[attr-defined]


def measure(*, rows: int, folder: Path, database_url: str | None = None, rounds: int = 5) -> dict[str, float]:
    """Return seconds and ratio of one sweep over ``rows`` open work items, 1 % of them due at some level.

    Raises ``AssertionError`` when the sweep and the baseline do not raise the same alerts.
    """
    world = open_world(folder, database_url=database_url)
    engine = world.services.engine
    ladder = sorted(world.services.policies.resolve(region="cn", on=AS_OF).alerts.ladder_days, reverse=True)
    try:
        _fill(engine, rows=rows, ladder=ladder)
        found: list[set[tuple[str, str, bool]]] = []
        ours_seconds, baseline_seconds = _take_turns(world, ladder, rounds, found)
        if any(alerts != found[0] for alerts in found) or len(found[0]) != rows // _DUE_SHARE:
            raise AssertionError("the sweep and the baseline do not raise the same alerts")
    finally:
        engine.dispose()
    return {
        "rows": rows,
        "due": len(found[0]),
        "ours_seconds": ours_seconds,
        "baseline_seconds": baseline_seconds,
        "ratio": ours_seconds / baseline_seconds,
    }


def _take_turns(
    world: World, ladder: list[int], rounds: int, found: list[set[tuple[str, str, bool]]]
) -> tuple[float, float]:
    """Time both sides; after each the alerts are noted and taken away again, outside the clock."""
    engine = world.services.engine

    def ours() -> None:
        world.do("work.sweep_deadlines", as_="system:bench", on=AS_OF)

    def baseline() -> None:
        with engine.connect().execution_options(writing=True) as connection, connection.begin():
            _plain_sweep(connection, ladder)

    def forget() -> None:
        with engine.connect().execution_options(writing=True) as connection, connection.begin():
            found.append(
                {tuple(row) for row in connection.execute(select(*_ALERTS.c["work_item_id", "level", "late"]))}
            )
            connection.execute(delete(_ALERTS))

    taken = in_turns(ours, forget, baseline, forget, rounds=rounds)
    return taken[0], taken[2]


def _plain_sweep(connection: Connection, ladder: list[int]) -> None:
    for name, first, last in _levels(ladder):
        raised = exists().where(
            _ALERTS.c.work_item_id == _ITEMS.c.id, _ALERTS.c.level == name, _ALERTS.c.due_on == _ITEMS.c.due_on
        )
        due = select(_ITEMS.c.id, _ITEMS.c.due_on).where(
            _ITEMS.c.status == "open", _ITEMS.c.due_on.between(first, last), ~raised
        )
        alerts = [
            {
                "id": f"alert-{item}-{name}-{due_on}",
                "work_item_id": item,
                "level": name,
                "due_on": due_on,
                "raised_on": AS_OF,
                "late": due_on < last,
            }
            for item, due_on in connection.execute(due)
        ]
        if alerts:
            connection.execute(insert(_ALERTS), alerts)


def _levels(ladder: list[int]) -> Iterator[tuple[str, date, date]]:
    for index, days in enumerate(ladder):
        after = ladder[index + 1] + 1 if index + 1 < len(ladder) else 0
        yield str(days), AS_OF + timedelta(days=after), AS_OF + timedelta(days=days)
    yield OVERDUE, date.min, AS_OF - timedelta(days=1)


def _fill(engine: Engine, *, rows: int, ladder: list[int]) -> None:
    """Open ``rows`` items: one in a hundred has reached a level (all levels in turn), the others are due much later."""
    reached = [AS_OF + timedelta(days=days) for days in ladder] + [AS_OF - timedelta(days=2)]

    def item(number: int) -> dict[str, Any]:
        due = number % _DUE_SHARE == 0
        due_on = reached[number // _DUE_SHARE % len(reached)] if due else AS_OF + timedelta(days=40 + number % 300)
        return {
            "id": f"work-{number:08}",
            "kind": "bench.item",
            "role": "evaluation_office",
            "subject_kind": "bench",
            "subject_id": f"s-{number:08}",
            "opened_on": AS_OF - timedelta(days=60),
            "due_on": due_on,
            "provisional": False,
            "clause": "SYS-SWEEP",
            "resolves_with": "bench.close",
            "status": "open",
        }

    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        for start in range(0, rows, _CHUNK):
            connection.execute(insert(_ITEMS), [item(number) for number in range(start, min(start + _CHUNK, rows))])
