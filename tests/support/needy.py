"""Builders of the three lists and of matching: a survey with made-up people (合成) in any region, through commands."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from models.rules.synthetic import synthetic_ledger
from tests.support.world import World

OFFICE = "evaluation_office:u-office"
STREET = "township:u-street"
DAY = date(2025, 3, 3)
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
OVERLAPS = (
    "low_income_aid",
    "basic_elderly_care",
    "disabled_living_subsidy",
    "severe_disability_nursing_subsidy",
    "disabled_day_care",
    "medical_insurance",
    "long_term_care_insurance",
)
CLASSES = ("TEKUN", "DIBAO", "DIBAO_EDGE", "RIGID_EXPENSE")


@cache
def _id_numbers(region: str) -> tuple[str, ...]:
    rows = synthetic_ledger(people=12, seed=11, as_of=DAY, region_code=region)
    return tuple(str(row["id_number"]) for row in rows)


def survey(world: World, *, on: date = DAY) -> str:
    """Open a survey of the four plain classes."""
    return str(
        world.do("needs.open_survey", as_=OFFICE, on=on, title="合成摸底调查", classes=CLASSES, scope="合成城区").id
    )


def person(
    world: World,
    survey_: str,
    number: int,
    *,
    level: str = "MILD",
    on: date = DAY,
    told: dict[str, str] | None = None,
    **found: Any,
) -> str:
    """Assess one made-up person; ``found`` replaces parts of the assessment, ``told`` what is told of the person.

    Returns the person's id.
    """
    area = world.services.region
    assessment: dict[str, Any] = {
        "identity": "DIBAO",
        "lives_alone": False,
        "disabled": False,
        "severely_ill": False,
        "single_parent_student": False,
        "levels": dict.fromkeys(HARDSHIPS, "NONE") | {"disease": level},
        "dimensions": dict.fromkeys(DIMENSIONS, "MILD"),
        "demands": ("meal",),
        "willing": True,
        "discovery": "household_survey",
        "assessor": "合成评估员",
        "assessed_on": on.isoformat(),
    }
    given = {
        "survey": survey_,
        "name": f"合成甲{number}",
        "id_number": _id_numbers(area)[number],
        "household_no": f"H-{number:03}",
        "region_code": area,
        "street": "合成街道",
        "assessment": assessment | found,
    }
    return str(world.do("needs.assess_person", as_=STREET, on=on, **(given | (told or {}))).id)


def service(**changes: Any) -> dict[str, Any]:
    """Return a complete row of the service list; ``changes`` replace its entries."""
    return {
        "service_class": "LIVING",
        "item": "meal",
        "targets": CLASSES,
        "standard": "每日一餐,荤素搭配",
        "supplier": "合成助餐点",
        "payer_class": "GOVERNMENT_PAID",
        "funding": "120000.00",
        "service_years": 1,
        "beyond_basic": False,
        "covered_by_material": False,
        "overlaps": dict.fromkeys(OVERLAPS, False),
    } | changes


def resource(world: World, **changes: Any) -> dict[str, Any]:
    """Return a complete row of the resource list that covers the whole region; ``changes`` replace its entries."""
    return {
        "provider": "合成助餐服务中心",
        "kind": "charity",
        "source": "social",
        "items": ("meal",),
        "areas": (world.services.region,),
        "capacity": 1,
        "valid_from": "2025-01-01",
        "valid_until": "2025-12-31",
        "contact": "13800000000",
        "submitted_by": "合成团委",
    } | changes


def add_service(world: World, *, on: date = DAY, **changes: Any) -> str:
    """Register a service row and return its id."""
    return str(world.do("lists.register_service", as_=OFFICE, on=on, **service(**changes)).id)


def add_resource(world: World, *, on: date = DAY, **changes: Any) -> str:
    """Register a resource row and return its id."""
    return str(world.do("lists.register_resource", as_=OFFICE, on=on, **resource(world, **changes)).id)


def publish(world: World, *, on: date = DAY) -> None:
    """Publish the service and the resource list as they stand."""
    publish_services(world, on=on)
    world.do("lists.publish_resource_list", as_=OFFICE, on=on)


def publish_services(world: World, *, on: date = DAY, **changes: Any) -> Any:
    """Publish the service list with a charity and a positive conclusion; ``changes`` replace them."""
    given = {
        "co_drafters": ("合成慈善总会",),
        "fiscal_capacity_positive": True,
        "fiscal_capacity": "合成财政承受能力论证〔2025〕1号",
    }
    return world.do("lists.publish_service_list", as_=OFFICE, on=on, **(given | changes))


def outcomes(world: World, run: str, *, on: date = DAY) -> dict[tuple[str, str], Any]:
    """Return (person, item) → outcome of a run."""
    rows = world.ask("matching.outcomes", on=on, run=run, limit=1000)
    return {(row.person, row.item): row for row in rows}
