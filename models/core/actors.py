"""Who acts: roles of the glossary (domain.md §1.2) and the actor every write names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from models.core.identifiers import find_leaks

_ACCOUNT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Role(StrEnum):
    """Roles that may call commands. ``SYSTEM`` is the scheduler and the relay."""

    EVALUATION_OFFICE = "evaluation_office"
    CITY_BUREAU = "city_bureau"
    COUNTY_BUREAU = "county_bureau"
    COUNTY_GOVERNMENT = "county_government"
    TOWNSHIP = "township"
    VILLAGE_COMMITTEE = "village_committee"
    DRC = "drc"
    FINANCE_BUREAU = "finance_bureau"
    PURCHASER = "purchaser"
    CONTRACTOR = "contractor"
    TENDER_AGENCY = "tender_agency"
    EXPERT = "expert"
    THIRD_PARTY_EVALUATOR = "third_party_evaluator"
    DONOR = "donor"
    RECIPIENT = "recipient"
    RECIPIENT_AGENT = "recipient_agent"
    DISCIPLINE_SUPERVISION = "discipline_supervision"
    AUDIT_BODY = "audit_body"
    PUBLIC = "public"
    SYSTEM = "system"


HANDLERS: Final = (Role.EVALUATION_OFFICE, Role.CITY_BUREAU)
"""Who handle applications, guides and notices: the office and the bureau it belongs to."""
CIVIL_AFFAIRS: Final = (*HANDLERS, Role.COUNTY_BUREAU)
OUTSIDE: Final = (Role.PUBLIC, Role.DONOR, Role.RECIPIENT, Role.RECIPIENT_AGENT)
"""Who belong to no body of the mechanism: they see their own and what is public."""
INSIDE: Final = tuple(role for role in Role if role not in OUTSIDE)

ROLE_NAMES: dict[Role, str] = {
    Role.EVALUATION_OFFICE: "评审机制办公室",
    Role.CITY_BUREAU: "市民政局",
    Role.COUNTY_BUREAU: "县(市、区)民政局",
    Role.COUNTY_GOVERNMENT: "属地县级人民政府",
    Role.TOWNSHIP: "乡镇(街道)",
    Role.VILLAGE_COMMITTEE: "村(居)委会",
    Role.DRC: "发展改革委",
    Role.FINANCE_BUREAU: "财政局",
    Role.PURCHASER: "购买主体",
    Role.CONTRACTOR: "承接主体",
    Role.TENDER_AGENCY: "招标代理机构",
    Role.EXPERT: "评审专家",
    Role.THIRD_PARTY_EVALUATOR: "第三方评估机构",
    Role.DONOR: "捐赠方",
    Role.RECIPIENT: "救助对象",
    Role.RECIPIENT_AGENT: "救助对象代理人",
    Role.DISCIPLINE_SUPERVISION: "纪委监委",
    Role.AUDIT_BODY: "审计部门",
    Role.PUBLIC: "社会公众",
    Role.SYSTEM: "系统",
}


@dataclass(frozen=True)
class Actor:
    """A role and an account id (``u-office``). The id is an account, never a person's name or number."""

    role: Role
    id: str

    def __str__(self) -> str:
        return f"{self.role}:{self.id}"


def is_account(text: str) -> bool:
    """Say whether ``text`` may be an account id: 1 to 64 plain characters that hold no personal number (SYS-ACTOR)."""
    return _ACCOUNT.fullmatch(text) is not None and not find_leaks(text)
