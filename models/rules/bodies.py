"""How bodies and dates are written on paper. Pure; called by the read models of papers."""

from __future__ import annotations

from datetime import date

from models.core.actors import ROLE_NAMES, Role
from models.core.messages import sentence
from models.core.periods import Quarter
from models.policy.schema import Policy

_CITY = "市"
_COUNTIES = ("区", "县")
_OF_THE_REGION = (Role.EVALUATION_OFFICE, Role.FINANCE_BUREAU, Role.DRC, Role.EXPERT)


def body_name(*, policy: Policy, role: Role, purchaser: str | None = None) -> str:
    """Return the full name of a body of the region: ``湖北省黄石市民政局``, ``贵州省遵义市评审机制办公室``.

    Bodies of the region itself carry its name (the city bureau that of a city, the county bureau that of a county or
    district, else neither); the purchaser is called by its own name where that is known
    (``purchaser``); other roles are named by their role alone.
    """
    if role is Role.PURCHASER and purchaser:
        return purchaser
    name = ROLE_NAMES[role]
    if role is Role.CITY_BUREAU and policy.region_name.endswith(_CITY):
        return policy.region_name + name.removeprefix(_CITY)
    if role is Role.COUNTY_BUREAU and policy.region_name.endswith(_COUNTIES):
        return policy.region_name + name.rpartition(")")[2]
    return policy.region_name + name if role in _OF_THE_REGION else name


def written_date(day: date) -> str:
    """Return a date as running text has it: ``2016年3月1日``."""
    return f"{day.year}年{day.month}月{day.day}日"


def batch_name(quarter: str, batch: int) -> str:
    """Return a quarterly batch as running text has it: ``2016年第二季度第1批``; ``quarter`` is written ``2016Q2``."""
    when = Quarter.parse(quarter)
    facts = {"year": when.year, "quarter": sentence(f"funding.quarter.{when.number}"), "batch": batch}
    return sentence("funding.batch_name", facts)
