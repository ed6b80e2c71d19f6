"""How bodies and dates are written on paper. Pure; called by the read models of papers."""

from __future__ import annotations

from datetime import date

from models.core.actors import ROLE_NAMES, Role
from models.policy.schema import Policy

_CITY = "市"
_OF_THE_REGION = (Role.CITY_BUREAU, Role.EVALUATION_OFFICE, Role.FINANCE_BUREAU, Role.DRC, Role.EXPERT)


def body_name(*, policy: Policy, role: Role, purchaser: str | None = None) -> str:
    """Return the full name of a body of the region: ``湖北省黄石市民政局``, ``贵州省遵义市评审机制办公室``.

    Bodies of the region itself carry its name; the purchaser is called by its own name where that is known
    (``purchaser``); other roles are named by their role alone.
    """
    if role is Role.PURCHASER and purchaser:
        return purchaser
    name = ROLE_NAMES[role]
    if role is Role.CITY_BUREAU and policy.region_name.endswith(_CITY):
        return policy.region_name + name.removeprefix(_CITY)
    return policy.region_name + name if role in _OF_THE_REGION else name


def written_date(day: date) -> str:
    """Return a date as running text has it: ``2016年3月1日``."""
    return f"{day.year}年{day.month}月{day.day}日"
