"""A purchase in Beijing from the lists to the award: each gate refuses before what it asks for stands, then holds."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from sqlmodel import Session

from models.ports import Zone
from models.tables.kernel import Document
from models.tables.procurement import Procurement
from tests.support.purchases import AGENCY, PURCHASER
from tests.support.purchasing import CRITERIA, MEDIA, PROOFS, funded, happened, listed, prepare
from tests.support.world import World, open_world

DAY = date(2019, 4, 1)
CLOSES = date(2019, 4, 22)
CERTIFICATE = {"certificate": {"text": "持有社会工作者职业水平证书", "serves": "入户服务需要"}}


def _planned(world: World) -> str:
    """Plan a purchase: BJ-26 and BJ-28 on the budget, BJ-27 and BJ-29 on the lists, BJ-07 on who organises it."""
    project = funded(world, on=DAY)
    happened(world, project, "project.submitted", "project.reviewed", on=DAY)
    call: dict[str, Any] = {
        "as_": PURCHASER,
        "on": DAY,
        "project": project,
        "purchaser": "合成区人民政府",
        "purchaser_kind": "district_government",
        "guided_by": "合成区民政局",
        "budget": "588000.00",
        "contractor_types": ("social_org", "enterprise"),
        "scope": {"category": "照护", "catalogue_item": "A1", "plan_item": "A1"},
    }
    world.refused("BJ-26", "procurement.plan", **(call | {"budget": "600000.01"}))
    world.refused("BJ-07", "procurement.plan", **(call | {"guided_by": None}))
    world.refused("BJ-27", "procurement.plan", **call)
    world.refused("BJ-27", "procurement.publish_list", **_list("catalogue", reply=None))
    listed(world, "catalogue", on=DAY)
    world.refused("BJ-29", "procurement.plan", **call)
    world.refused("BJ-29", "procurement.publish_list", **_list("annual_plan", reply=None))
    assert listed(world, "annual_plan", on=DAY).version == 1
    purchase = str(world.do("procurement.plan", **call).id)
    street = call | {"purchaser_kind": "township", "guided_by": None, "budget": "1000.00", "purchaser": "合成街道"}
    assert world.do("procurement.plan", **street).state == "procurement.planned"  # BJ-08
    return purchase


def _list(kind: str, *, reply: str | None) -> dict[str, Any]:
    items = ({"code": "A1", "name": "合成事项"},)
    return {
        "as_": "city_bureau:u-bureau",
        "on": DAY,
        "kind": kind,
        "year": 2019,
        "items": items,
        "finance_reply": reply,
    }


def _noticed(world: World, purchase: str) -> None:
    """Bring a purchase to its notice: BJ-23 and BJ-32 on the documents, BJ-30 and BJ-22 on what must be public."""
    setting = {"procurement": purchase, "method": "open_tender", "reason": "公开竞争"}
    world.do("procurement.set_method", as_=PURCHASER, on=DAY, **setting)
    documents = {"as_": PURCHASER, "on": DAY, "procurement": purchase, "sections": {"evaluation": "合成"}}
    price = {"price": CRITERIA["price"]}
    world.refused("BJ-32", "procurement.prepare_documents", **documents, criteria=price)
    idle = {"capital": {"text": "注册资本一千万元"}}
    world.refused("BJ-23", "procurement.prepare_documents", **documents, criteria=CRITERIA, qualifications=idle)
    notice = {"as_": AGENCY, "on": DAY, "procurement": purchase, "sites": MEDIA, "bids_close_on": "2019-04-22"}
    world.refused("BJ-30", "procurement.publish_notice", **notice)
    public = {
        "procurement": purchase,
        "content": "合成照护服务",
        "contractor_requirements": "依法登记",
        "evaluation_standards": "满意度和服务量",
        "sites": MEDIA,
    }
    world.do("procurement.publish_requirements", as_=PURCHASER, on=DAY, **public)
    prepare(world, purchase, on=DAY, qualifications=CERTIFICATE)
    world.refused("BJ-22", "procurement.publish_notice", **notice)
    shown = world.do("procurement.publish_requirements", as_=PURCHASER, on=DAY, **public)
    assert _page(world, shown.document).count("持有社会工作者职业水平证书") == 1
    world.do("procurement.publish_notice", **notice)


def _page(world: World, document: str) -> str:
    with Session(world.services.engine) as session:
        row = session.get_one(Document, document)
        assert row.zone == Zone.PUBLIC
        return world.services.documents.get(zone=Zone.PUBLIC, sha256=row.sha256).decode()


def test_a_purchase_in_beijing_meets_every_gate(tmp_path: Path) -> None:
    world = open_world(tmp_path, region="110000")
    purchase = _planned(world)
    _noticed(world, purchase)
    bid: dict[str, Any] = {
        "procurement": purchase,
        "organisation": {"name": "合成社工机构甲", "kind": "social_org"},
        "price": "580000.00",
    }
    world.refused("BJ-16", "procurement.register_bid", as_=AGENCY, on=DAY, **bid)
    world.refused(
        "BJ-21", "procurement.register_bid", as_=AGENCY, on=DAY, **bid, proofs=_without("tax_social_insurance")
    )
    names = []
    for letter in "甲乙丙":
        one = bid | {"organisation": {"name": f"合成社工机构{letter}", "kind": "social_org"}}
        names.append(world.do("procurement.register_bid", as_=AGENCY, on=DAY, **one, proofs=PROOFS).organisation)
    world.do("procurement.close_bidding", as_=AGENCY, on=CLOSES, procurement=purchase)
    award: dict[str, Any] = {
        "as_": PURCHASER,
        "on": CLOSES,
        "procurement": purchase,
        "organisation": names[0],
        "price": "580000.00",
        "reason": "综合评审第一",
    }
    world.refused("BJ-38", "procurement.award", **award)
    with Session(world.services.engine) as session:
        project = session.get_one(Procurement, purchase).project_id
    goals = {"found": {"name": "应救尽救", "target": "100", "unit": "%", "precise": True}}
    world.do("evaluation.set_goals", as_=PURCHASER, on=CLOSES, project=project, goals=goals)
    world.refused("BJ-03", "procurement.award", **award)
    marks = [{"organisation": name, "quality_met": name != names[1], "score": "90.00"} for name in names]
    evaluation = {"procurement": purchase, "marks": marks, "report": "合成评审报告"}
    world.do("procurement.evaluate_bids", as_=AGENCY, on=CLOSES, **evaluation)
    world.refused("BJ-32", "procurement.award", **(award | {"organisation": names[1]}))
    world.do("procurement.award", **award)
    known = world.ask("procurement.bidders", procurement=purchase)
    assert [(one.results, one.barred_until) for one in known] == [((), None)] * 3
    world.services.engine.dispose()


def _without(code: str) -> dict[str, str]:
    return {name: proof for name, proof in PROOFS.items() if name != code}
