"""Builders of the purchasing stages: from an approved project to a signed contract, through real commands.

``approved_project`` is temporary: it sets the row until the path through review and decision has a builder of its own.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlmodel import Session

from models.tables.kernel import Project
from tests.support.world import World

DAY = date(2016, 4, 1)
CLOSES = date(2016, 4, 21)
SITES = ("city_tender_centre", "purchaser_portal")
PURCHASER = "purchaser:u-purchaser"
FINANCE = "finance_bureau:u-finance"
AGENCY = "tender_agency:u-agency"
OFFICE = "evaluation_office:u-office"
CLAUSES = dict.fromkeys(
    ("scope", "object", "quantity", "quality", "term", "payment", "rights_duties", "breach", "data_protection"),
    "合成条款",
)


def approved_project(world: World, *, id: str = "prj-made-up", region: str | None = None) -> str:
    """Insert an approved project (合成) and return its id."""
    region = region or world.services.region
    policy = world.services.policies.resolve(region=region, on=DAY)
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.add(
            Project(
                id=id,
                region=region,
                name=f"合成项目{id[-4:]}",
                payer="government",
                state="approved",
                version=1,
                policy_digest=policy.digest,
                entered_on=DAY,
                synthetic=True,
            )
        )
        session.commit()
    return id


def budgeted_project(world: World, *, amount: str = "600000.00", **project: Any) -> str:
    """Return an approved project with a budget line of this year in the local budget."""
    name = approved_project(world, **project)
    world.do(
        "funding.register_budget",
        as_=FINANCE,
        on=DAY,
        project=name,
        year=2016,
        channel="local_budget",
        amount=amount,
        reply_no=None,
    )
    return name


def plan_line(world: World, project: str, *, amount: str = "600000.00", on: date = DAY, **changes: Any) -> str:
    """Draft a plan line of the second quarter, batch 1, and return its id."""
    arguments: dict[str, Any] = {
        "project": project,
        "quarter": "2016Q2",
        "batch": 1,
        "channel": "local_budget",
        "amount": amount,
        "content": "四类对象各100名（合成）",
        "target": "服务不少于400人",
    }
    return str(world.do("funding.draft_plan", as_=FINANCE, on=on, **(arguments | changes)).id)


def issued_line(world: World, project: str, *, amount: str = "600000.00", on: date = DAY) -> str:
    """Return a plan line signed by finance (Huangshi) and issued."""
    line = plan_line(world, project, amount=amount, on=on)
    world.do("funding.sign_plan", as_=FINANCE, on=on, plan_line=line)
    world.do("funding.issue_plan", as_=FINANCE, on=on, quarter="2016Q2", batch=1)
    return line


def planned_purchase(world: World, project: str, *, budget: str = "600000.00", method: str = "open_tender") -> str:
    """Return a purchase with its method set."""
    purchase = world.do(
        "procurement.plan",
        as_=PURCHASER,
        on=DAY,
        project=project,
        purchaser="合成社会救助局",
        purchaser_kind="administrative_institution",
        guided_by="合成市民政局",
        budget=budget,
        contractor_types=("social_org", "class_two_institution", "enterprise"),
    ).id
    reason = "项目资金超过50万元" if method == "open_tender" else "未达公开招标数额标准"
    world.do("procurement.set_method", as_=PURCHASER, on=DAY, procurement=purchase, method=method, reason=reason)
    return str(purchase)


def noticed_purchase(world: World, project: str, **purchase: Any) -> str:
    """Return a purchase on both sites, bids open until ``CLOSES``."""
    name = planned_purchase(world, project, **purchase)
    world.do(
        "procurement.publish_notice",
        as_=AGENCY,
        on=DAY,
        procurement=name,
        sites=SITES,
        bids_close_on=CLOSES.isoformat(),
    )
    return name


def bid(world: World, purchase: str, name: str, *, on: date = DAY, **changes: Any) -> str:
    """Register a bid of a social organisation (合成) and return the organisation's id."""
    arguments: dict[str, Any] = {
        "procurement": purchase,
        "organisation": {"name": f"合成社工机构{name}", "kind": "social_org"},
        "price": "588000.00",
        "substantive": True,
    }
    return str(world.do("procurement.register_bid", as_=AGENCY, on=on, **(arguments | changes)).organisation)


def close(world: World, purchase: str) -> Any:
    """Close the bidding on its deadline."""
    return world.do("procurement.close_bidding", as_=AGENCY, on=CLOSES, procurement=purchase)


def tendered_purchase(world: World, project: str, **purchase: Any) -> tuple[str, tuple[str, ...]]:
    """Return a purchase whose tender closed with three bids, and the organisations."""
    name = noticed_purchase(world, project, **purchase)
    bidders = tuple(bid(world, name, letter) for letter in "甲乙丙")
    close(world, name)
    return name, bidders


def failed_purchase(world: World, project: str, *, bidders: int = 2) -> tuple[str, tuple[str, ...]]:
    """Return a purchase whose tender failed with this many bids, and the organisations."""
    name = noticed_purchase(world, project)
    names = tuple(bid(world, name, letter) for letter in "甲乙"[:bidders])
    close(world, name)
    return name, names


def awarded_purchase(world: World, project: str, *, price: str = "588000.00") -> str:
    """Return a purchase awarded by open tender on ``CLOSES``."""
    purchase, bidders = tendered_purchase(world, project)
    world.do(
        "procurement.award",
        as_=PURCHASER,
        on=CLOSES,
        procurement=purchase,
        organisation=bidders[0],
        price=price,
        reason="综合评分第一",
    )
    return purchase


def signed_contract(world: World, project: str, *, on: date = CLOSES) -> str:
    """Return a contract of a year signed after an award."""
    return str(
        world.do(
            "contract.sign",
            as_=PURCHASER,
            on=on,
            procurement=awarded_purchase(world, project),
            starts_on="2016-06-01",
            ends_on="2017-06-01",
            price="588000.00",
            clauses=CLAUSES,
        ).id
    )
