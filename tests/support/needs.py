"""Builders around the person file: one assessment by hand, and a load that is killed half way."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from models.commands import needs_people
from models.core.progress import watching
from models.rules.synthetic import synthetic_ledger
from tests.support.planning import ENTERED_ON, ledger_upload, open_survey
from tests.support.world import open_world

HARDSHIPS = (
    "disease",
    "disability",
    "education",
    "employment",
    "housing",
    "family_structure",
    "social_inclusion",
    "other",
)
DIMENSIONS = ("economy", "health", "education", "housing", "employment", "guardianship", "inclusion")


def assessment(**changes: Any) -> dict[str, Any]:
    """Return a complete made-up assessment; ``changes`` replace its entries."""
    return {
        "identity": "URBAN_DIBAO",
        "lives_alone": True,
        "disabled": False,
        "severely_ill": False,
        "single_parent_student": False,
        "levels": dict.fromkeys(HARDSHIPS, "NONE") | {"disease": "SEVERE", "housing": "MODERATE"},
        "dimensions": dict.fromkeys(DIMENSIONS, "MILD"),
        "demands": ["visit", "meal"],
        "own_ability": ["shopping"],
        "existing_benefits": ["medical_insurance"],
        "willing": True,
        "discovery": "household_survey",
        "assessor": "合成调查员01",
        "assessed_on": ENTERED_ON.isoformat(),
    } | changes


def someone(*, seed: int = 3, **changes: Any) -> dict[str, Any]:
    """Return the arguments of ``needs.assess_person`` for a made-up person, without the survey."""
    row = next(iter(synthetic_ledger(people=5, seed=seed, as_of=ENTERED_ON, region_code="420200")))
    return {
        "name": row["person_name"],
        "id_number": row["id_number"],
        "household_no": "420200-SYN-900001",
        "region_code": "420200",
        "street": "合成街道01",
        "assessment": assessment(),
    } | changes


def import_until_killed(folder: str, people: int, portion: int) -> None:
    """Import a ledger by portions in this process and kill it when half of the rows are in. Never returns."""
    needs_people.CHUNK = portion  # type: ignore[misc]  # a ledger worth several portions, yet made in a moment
    world = open_world(Path(folder))
    rows = ledger_rows(people)
    survey = open_survey(world)

    def die(step: str, done: int, total: int) -> None:
        if step == "needs.step.load" and 2 * done >= total:
            os.kill(os.getpid(), signal.SIGKILL)

    with watching(die):
        upload = ledger_upload(world, rows)
        world.do(
            "needs.import_ledger",
            as_="city_bureau:u-bureau",
            on=ENTERED_ON,
            survey=survey,
            file=upload.model_dump(),
        )


def ledger_rows(people: int) -> list[dict[str, object]]:
    """Return the rows of that ledger."""
    return list(synthetic_ledger(people=people, seed=11, as_of=ENTERED_ON, region_code="420200"))
