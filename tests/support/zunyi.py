"""Zunyi's units and lists for tests, all made up: fourteen counties, townships and villages below the first."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.support.planning import BUREAU, appraisal, open_survey, submitted
from tests.support.world import World

OFFICE = "evaluation_office:u-office"
CITY = "520300"
COUNTIES = tuple(f"syn-county-{number:02d}" for number in range(1, 15))
TOWNSHIPS = ("syn-town-01", "syn-town-02")
VILLAGES = ("syn-village-01", "syn-village-02")
CONSULTED = {"drc": "合成市发展改革委", "sector_authority": "合成行业主管部门", "association": "合成行业协会"}
LISTED = ({"code": "P-01", "title": "合成养老服务政策", "issuer": "合成发布单位", "field": "养老服务"},)


def counties() -> list[dict[str, str]]:
    """Return fourteen made-up counties below the city."""
    return [
        {"code": code, "name": f"合成县{number:02d}", "level": "county", "parent": CITY}
        for number, code in enumerate(COUNTIES, start=1)
    ]


def below() -> list[dict[str, str]]:
    """Return two made-up townships below the first county and two villages below the first township."""
    towns = [
        {"code": code, "name": f"合成乡{code[-1]}", "level": "township", "parent": COUNTIES[0]} for code in TOWNSHIPS
    ]
    return towns + [
        {"code": code, "name": f"合成村{code[-1]}", "level": "village", "parent": TOWNSHIPS[0]} for code in VILLAGES
    ]


def registered(world: World, *, on: date, deep: bool = False) -> None:
    """Register the counties, with ``deep`` also what lies below the first."""
    world.do("unit.register", as_=OFFICE, on=on, units=counties() + (below() if deep else []))


def listed(world: World, *, on: date, **changes: Any) -> Any:
    """Publish the made-up policy list."""
    given: dict[str, Any] = {"items": list(LISTED), "consulted": CONSULTED} | changes
    return world.do("library.publish_policy_list", as_=OFFICE, on=on, **given)


def minutes(world: World) -> dict[str, Any]:
    """Return an upload of made-up minutes."""
    return world.upload("合成纪要".encode(), name="合成纪要.txt", media_type="text/plain").model_dump()


def candidate(world: World, *, on: date, **project: Any) -> str:
    """Register units and list, enter, submit and appraise a project of the first county; return its id."""
    registered(world, on=on)
    listed(world, on=on)
    given: dict[str, Any] = {
        "needs": (open_survey(world, on=on, classes=("TEKUN", "DIBAO")),),
        "policies": ("P-01",),
        "fund_sources": ("donation",),
        "origin": "township",
        "submitter": COUNTIES[0],
    }
    name = submitted(world, on=on, **(given | project))
    world.do("feasibility.appraise", as_=BUREAU, on=on, project=name, **appraisal())
    return name
