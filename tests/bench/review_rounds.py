"""A batch of reviews through the commands: one to open it, a sheet of each member, a close of each round.

Called by ``python -m tests.bench``. Measured at two sizes: a close reads its own sheets and nothing of the rounds
before it, so that a batch of a thousand costs a thousand times one. The opinions are printed as in real life.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert

from models.tables.kernel import Project
from tests.bench.rounds import seconds
from tests.support.deciding import roster, sheet
from tests.support.planning import OFFICE
from tests.support.world import World, open_world

AS_OF = date(2016, 3, 1)
_BATCH = "bench"


def measure(*, applications: int, folder: Path) -> dict[str, float]:
    """Return the seconds of opening, scoring and closing ``applications`` rounds, and of comparing the batch.

    Raises ``AssertionError`` when a round was not opened, or the comparison lacks one.
    """
    world = open_world(folder)
    try:
        roster(world, each=3, on=AS_OF)
        _warm_up(world)
        names = _candidates(world, applications, "prj")
        found: dict[str, Any] = {}

        def open_() -> None:
            found["lines"] = world.do("review.open_batch", as_=OFFICE, on=AS_OF, projects=names, batch=_BATCH).lines

        taken = {"open_seconds": seconds(open_)}
        rounds = [line.round for line in found["lines"] if line.round is not None]
        if len(rounds) != applications:
            raise AssertionError("not every round was opened")

        def score() -> None:
            for name in rounds:
                _score(world, name)

        def close() -> None:
            for name in rounds:
                _close(world, name)

        def compare() -> None:
            found["compared"] = world.do("review.compare_batch", as_=OFFICE, on=AS_OF, batch=_BATCH).rounds

        taken |= {"score_seconds": seconds(score), "close_seconds": seconds(close), "compare_seconds": seconds(compare)}
        if found["compared"] != applications:
            raise AssertionError("the comparison lacks a round")
    finally:
        world.services.engine.dispose()
    return taken | {"applications": applications, "rows": applications, "ours_seconds": sum(taken.values())}


def _warm_up(world: World) -> None:
    """Review one project first: fonts and template are loaded once in a process."""
    (project,) = _candidates(world, 1, "warm")
    opened = world.do("review.open_round", as_=OFFICE, on=AS_OF, project=project, seed="warm")
    _score(world, opened.id)
    _close(world, opened.id)


def _score(world: World, round_: str) -> None:
    for seat in world.ask("review.round", round=round_, on=AS_OF).seats:
        world.do("review.submit_score", as_=f"expert:{seat.expert}", on=AS_OF, round=round_, **sheet(80))


def _close(world: World, round_: str) -> None:
    world.do("review.close_round", as_=OFFICE, on=AS_OF, round=round_, opinion="同意通过评审。")


def _candidates(world: World, count: int, prefix: str) -> list[str]:
    """Write made-up candidates straight into the table: the way there is measured elsewhere."""
    table: Table = Project.__table__  # type: ignore[attr-defined]
    rows = [
        Project(
            id=f"{prefix}-{number:06}",
            name=f"合成项目{number}",
            region="420200",
            payer="government",
            synthetic=True,
            state="candidate",
            version=1,
            policy_digest="",
            entered_on=AS_OF,
            details={"needs": ["合成需求"]},
        ).model_dump()
        for number in range(count)
    ]
    with world.services.engine.connect().execution_options(writing=True) as connection, connection.begin():
        connection.execute(insert(table), rows)
    return [row["id"] for row in rows]
