"""How bodies and dates are written on paper. Pure; called by the read models of papers."""

from __future__ import annotations

from datetime import date

from models.core.actors import ROLE_NAMES, Role
from models.policy.schema import Policy

_CITY = "市"


def body_name(*, policy: Policy, role: Role) -> str:
    """Return the full name of a body of the region: ``湖北省黄石市民政局``, ``贵州省遵义市评审机制办公室``.

    Only the two bodies that exist once a region carry its name; other roles are named by their role alone.
    """
    name = ROLE_NAMES[role]
    if role is Role.CITY_BUREAU and policy.region_name.endswith(_CITY):
        return policy.region_name + name.removeprefix(_CITY)
    return policy.region_name + name if role in (Role.CITY_BUREAU, Role.EVALUATION_OFFICE) else name


def written_date(day: date) -> str:
    """Return a date as running text has it: ``2016年3月1日``."""
    return f"{day.year}年{day.month}月{day.day}日"
