"""A batch of reviewed applications: read, tallied and examined in every way, against a bare pandas tally.

Called by ``python -m tests.bench``. Both sides read the same sheets from the same database and find the same means;
ours also checks who may see what, ranks by five methods, weighs each rater's severity and looks for sheets that turn a
result.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Table, insert, text

from models.rules.review import form_of
from models.tables.kernel import Project
from models.tables.review import Expert, ReviewRound, ReviewSeat, ReviewSheet
from tests.bench.rounds import in_turns
from tests.support.world import World, open_world

AS_OF = date(2016, 3, 1)
EXPERTS = 7
_ROSTER = 30
_BATCH = "bench"
_READ = (
    "SELECT s.round_id, s.scores FROM review_sheet s JOIN review_round r ON r.id = s.round_id WHERE r.batch = 'bench'"
)


def measure(*, applications: int, folder: Path, rounds: int = 5) -> dict[str, float]:
    """Return seconds and ratio of examining a batch of ``applications`` × 7 sheets.

    Raises ``AssertionError`` when the two sides find other means.
    """
    world = open_world(folder)
    found: dict[str, dict[str, float]] = {}
    try:
        _fill(world, applications)

        def ours() -> None:
            view = world.ask("review.batch", batch=_BATCH, on=AS_OF)
            found["ours"] = {one.round: float(one.values["mean"]) for one in view.standings}

        def baseline() -> None:
            with world.services.engine.connect() as connection:
                frame = pd.read_sql(text(_READ), connection)
            marks = pd.DataFrame([pd.io.json.ujson_loads(one) for one in frame["scores"]]).astype(float)
            found["baseline"] = marks.mean(axis=1).groupby(frame["round_id"]).mean().to_dict()

        ours_seconds, baseline_seconds = in_turns(ours, baseline, rounds=rounds)
    finally:
        world.services.engine.dispose()
    same = all(abs(found["ours"][name] - mean) < 1e-5 for name, mean in found["baseline"].items())
    if not same or len(found["ours"]) != applications:
        raise AssertionError("the batch and the baseline do not find the same means")
    return {
        "rows": applications * EXPERTS,
        "applications": applications,
        "ours_seconds": ours_seconds,
        "baseline_seconds": baseline_seconds,
        "ratio": ours_seconds / baseline_seconds,
    }


def _fill(world: World, applications: int) -> None:
    """Write a closed batch straight into the tables: every application has seven of thirty made-up experts."""
    policy = world.services.policies.resolve(region="420200", on=AS_OF)
    random = Random(2016)  # noqa: S311  made-up marks, no secret
    with world.services.engine.connect().execution_options(writing=True) as connection, connection.begin():
        _write(connection, Expert, (_expert(number) for number in range(_ROSTER)))
        _write(connection, Project, (_project(number) for number in range(applications)))
        form = form_of(policy=policy)
        _write(connection, ReviewRound, (_round(number, form) for number in range(applications)))
        panels = [random.sample(range(_ROSTER), EXPERTS) for _ in range(applications)]
        _write(connection, ReviewSeat, _seats(panels))
        _write(connection, ReviewSheet, _sheets(panels, random, tuple(policy.review.dimensions)))


def _write(connection: Connection, model: Any, rows: Iterator[dict[str, Any]]) -> None:
    table: Table = model.__table__
    connection.execute(insert(table), list(rows))


def _expert(number: int) -> dict[str, Any]:
    return {
        "id": f"exp-{number}",
        "region": "420200",
        "category": "relevant_unit",
        "employer": "合成单位",
        "skills": [],
        "ties": [],
        "past_roles": [],
        "kin": [],
        "version": 1,
        "name_sealed": "",
        "name_hash": f"{number:064}",
        "registered_on": AS_OF,
        "synthetic": True,
    }


def _project(number: int) -> dict[str, Any]:
    row = Project(
        id=f"prj-{number}",
        name="合成项目",
        region="420200",
        payer="government",
        synthetic=True,
        state="reviewed",
        version=1,
        policy_digest="",
        entered_on=AS_OF,
        details={"needs": []},
    )
    return row.model_dump()


def _round(number: int, form: dict[str, Any]) -> dict[str, Any]:
    row = ReviewRound(
        id=f"rnd-{number:06}",
        project_id=f"prj-{number}",
        ordinal=1,
        opened_on=AS_OF,
        closes_on=AS_OF,
        provisional=False,
        batch=_BATCH,
        seed="",
        roster_digest="",
        roster=[],
        alternates=[],
        conflicts=[],
        policy_digest="",
        sheet_form=form,
        protocol_document_id="",
        closed_on=AS_OF,
    )
    return row.model_dump()


def _seats(panels: list[list[int]]) -> Iterator[dict[str, Any]]:
    for number, panel in enumerate(panels):
        for ordinal, expert in enumerate(panel, start=1):
            yield {
                "id": f"seat-{number}-{expert}",
                "round_id": f"rnd-{number:06}",
                "expert_id": f"exp-{expert}",
                "ordinal": ordinal,
                "category": "relevant_unit",
                "due_on": AS_OF,
                "provisional": False,
            }


def _sheets(panels: list[list[int]], random: Random, dimensions: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for number, panel in enumerate(panels):
        for expert in panel:
            yield {
                "id": f"sheet-{number}-{expert}",
                "round_id": f"rnd-{number:06}",
                "expert_id": f"exp-{expert}",
                "scores": {code: str(random.randint(40, 100)) for code in dimensions},
                "reasons": dict.fromkeys(dimensions, "合成理由"),
                "digest": "",
                "submitted_on": AS_OF,
            }
