"""A purchase in Zunyi: precheck, template, agency record, supervision with orders, the sample of documents."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from models.ports import Zone
from models.tables.kernel import Document, WorkItem
from tests.support.purchases import AGENCY, PURCHASER
from tests.support.purchasing import BUREAU, MEDIA, SECTIONS, due, funded, listed, prepare
from tests.support.world import World, open_world, rows

DAY = date(2025, 3, 3)
CLOSES = date(2025, 3, 24)
ASPECTS = ("scope", "method", "form")


def _planned(world: World) -> str:
    purchase = world.do(
        "procurement.plan",
        as_=PURCHASER,
        on=DAY,
        project=funded(world, on=DAY),
        purchaser="合成市民政局",
        purchaser_kind="state_organ",
        budget="588000.00",
        contractor_types=("social_org",),
    ).id
    chosen = world.do(
        "procurement.set_method", as_=PURCHASER, on=DAY, procurement=purchase, method="open_tender", reason="公开竞争"
    )
    assert chosen.warnings == ()
    return str(purchase)


def _precheck(world: World, purchase: str, *, passed: bool) -> None:
    findings = {code: {"passed": passed or code != "form", "note": "合成审核意见"} for code in ASPECTS}
    world.do("procurement.precheck", as_=BUREAU, on=DAY, procurement=purchase, findings=findings)


def _noticed(world: World) -> str:
    """Bring a purchase to its notice through the gates ZY-80, ZY-81 and ZY-82."""
    purchase = _planned(world)
    notice = {"as_": AGENCY, "on": DAY, "procurement": purchase, "sites": MEDIA, "bids_close_on": CLOSES.isoformat()}
    world.refused("ZY-80", "procurement.publish_notice", **notice)
    _precheck(world, purchase, passed=False)
    world.refused("ZY-80", "procurement.publish_notice", **notice)
    _precheck(world, purchase, passed=True)
    other = {"procurement": purchase, "method": "invited_tender", "reason": "合成理由"}
    world.do("procurement.set_method", as_=PURCHASER, on=DAY, **other)
    world.refused("ZY-80", "procurement.publish_notice", **notice)  # what was checked was another method
    world.do("procurement.set_method", as_=PURCHASER, on=DAY, **(other | {"method": "open_tender"}))
    world.refused("ZY-81", "procurement.publish_notice", **notice)
    documents = {"as_": PURCHASER, "on": DAY, "procurement": purchase, "sections": SECTIONS | {"annex": "合成附件"}}
    criteria = {"plan": {"name": "服务方案", "weight": "100"}}
    world.refused("ZY-81", "procurement.prepare_documents", **documents, criteria=criteria)
    listed(world, "template", on=DAY, reply=None, code="invitation", text="统一公告文本")
    reasons = dict.fromkeys(SECTIONS, "示范文本没有该章节")
    own = {code: text for code, text in SECTIONS.items() if code != "invitation"}
    taken = prepare(world, purchase, on=DAY, deviations=reasons, sections=own)
    assert "invitation" not in taken.deviations  # what is not given is the template's own wording
    left = prepare(world, purchase, on=DAY, deviations=reasons, sections=own, leave_out=("invitation",))
    assert left.deviations["invitation"] == "missing"
    prepared = prepare(world, purchase, on=DAY, deviations=reasons, consultation="已在合成社区征求意见")
    assert (prepared.version, prepared.deviations["invitation"]) == (3, "changed")
    world.refused("ZY-82", "procurement.publish_notice", **notice)
    engaged = world.do(
        "procurement.engage_agency",
        as_=PURCHASER,
        on=DAY,
        procurement=purchase,
        agency={"name": "合成招标代理公司", "kind": "enterprise"},
        staff={"s-1": "项目负责人"},
    )
    world.refused(
        "ZY-82", "procurement.close_agency_record", as_=PURCHASER, on=DAY, engagement=engaged.id, assessment="合成评价"
    )
    told = world.do("procurement.publish_notice", **notice)
    assert "意向" in told.warnings[0]
    _recorded(world, purchase, engaged.id)
    return purchase


def _recorded(world: World, purchase: str, engagement: str) -> None:
    """Keep and close the agency's record (ZY-82); read it and the template back."""
    conduct = {"engagement": engagement, "checkpoint": "during", "conduct": "合成代理行为", "proper": True}
    world.refused("ZY-82", "procurement.note_conduct", as_=PURCHASER, on=DAY, **conduct, staff="s-2")
    world.do("procurement.note_conduct", as_=PURCHASER, on=DAY, **conduct, staff="s-1")
    closed = world.do(
        "procurement.close_agency_record", as_=PURCHASER, on=DAY, engagement=engagement, assessment="合成评价"
    )
    assert (closed.entries, closed.closed) == (1, True)
    (printed,) = (row for row in rows(world, Document) if row.kind == "agency_record_html")
    page = world.services.documents.get(zone=Zone(printed.zone), sha256=printed.sha256).decode()
    assert (printed.zone, "合成代理行为" in page, "s-1（项目负责人）" in page) == ("documents", True, True)
    (kept,) = world.ask("procurement.agency_records", procurement=purchase)
    assert (kept.agency, kept.staff, kept.entries[0].conduct) == (
        "合成招标代理公司",
        {"s-1": "项目负责人"},
        "合成代理行为",
    )
    template = world.ask("procurement.list", kind="template", year=2025)
    assert [(item.code, item.text) for item in template.items] == [("invitation", "统一公告文本")]


def test_a_purchase_in_zunyi_is_checked_before_during_and_after(tmp_path: Path) -> None:
    world = open_world(tmp_path, region="520300")
    purchase = _noticed(world)
    bidders = [_bid(world, purchase, letter) for letter in "甲乙丙"]
    world.do("procurement.close_bidding", as_=AGENCY, on=CLOSES, procurement=purchase)
    check = _sampled(world, purchase)
    award: dict[str, Any] = {
        "as_": PURCHASER,
        "on": date(2025, 4, 2),
        "procurement": purchase,
        "organisation": bidders[0],
        "price": "580000.00",
        "reason": "综合评审第一",
    }
    world.refused("ZY-84", "procurement.award", **award)
    assert due(world)["procurement.rectification"].subject_id == check
    mended = {"as_": PURCHASER, "on": date(2025, 4, 2), "check": check, "result": "已经改正招标文件"}
    world.do("procurement.rectify", **mended)
    world.refused("ZY-84", "procurement.rectify", **mended)
    world.do("procurement.award", **award)
    assert {row.subject_id.partition(":")[2] for row in _checkpoints(world)} == {"before", "during", "after"}
    watched = world.ask("procurement.watch", procurement=purchase, on=date(2025, 4, 2))
    assert (watched.open_orders, len(watched.unwatched)) == ((), 11)
    seen = {"procurement": purchase, "checkpoint": "during", "finding": "合规", "passed": True}
    for party in ("supplier", "agency", "expert"):
        world.do("procurement.supervise", as_=BUREAU, on=date(2025, 4, 2), **seen, party=party)
    assert {row.subject_id.partition(":")[2] for row in _checkpoints(world)} == {"before", "after"}
    world.services.engine.dispose()


def _checkpoints(world: World) -> list[WorkItem]:
    """Return the checkpoints whose records are still owed (ZY-85)."""
    return [row for row in rows(world, WorkItem) if row.kind == "procurement.checkpoint" and row.status == "open"]


def _bid(world: World, purchase: str, letter: str) -> str:
    organisation = {"name": f"合成社工机构{letter}", "kind": "social_org"}
    bid = {"procurement": purchase, "organisation": organisation, "price": "580000.00"}
    return str(world.do("procurement.register_bid", as_=AGENCY, on=DAY, **bid).organisation)


def _sampled(world: World, purchase: str) -> str:
    """Draw the sample of March (ZY-83) and find a fault in the documents drawn; return the check with its order."""
    drawing = {"as_": BUREAU, "month": "2025-03-01", "seed": "合成种子"}
    assert due(world)["procurement.sample"].due_on == date(2025, 5, 6)
    world.refused("procurement.period_open", "procurement.draw_sample", on=date(2025, 3, 31), **drawing)
    scheduler = "system:scheduler"
    assert world.ask("procurement.samples_due", as_=scheduler, on=date(2025, 3, 31)) == ()
    assert world.ask("procurement.samples_due", as_=scheduler, on=date(2025, 6, 30)) == (
        "2025-03-01",
    )  # late, not lost
    drawn = world.do("procurement.draw_sample", on=date(2025, 4, 1), **(drawing | {"as_": scheduler}))
    assert world.ask("procurement.samples_due", as_=scheduler, on=date(2025, 6, 30)) == ()
    assert (drawn.population, drawn.drawn) == (1, (purchase,))
    world.refused("procurement.sampled_already", "procurement.draw_sample", on=date(2025, 4, 1), **drawing)
    assert "procurement.sample" not in due(world)
    finding = {"procurement": purchase, "checkpoint": "during", "party": "purchaser", "finding": "评审因素表述不清"}
    found = world.do("procurement.supervise", as_=BUREAU, on=date(2025, 4, 1), **finding, passed=False, sample=drawn.id)
    assert (found.rule, found.rectify_by) == ("ZY-83", date(2025, 4, 23))
    assert "procurement.sample_check" not in due(world)
    return str(found.id)
