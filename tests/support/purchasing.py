"""Builders around a purchase for tests: tender documents, lists, checks, bids with proofs; all made up."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlmodel import Session, select

from models.commands import events
from models.context import Context
from models.core.actors import Actor, Role
from models.core.ids import derive_id
from models.tables.kernel import WorkItem
from tests.support.purchases import FINANCE, PURCHASER, approved_project
from tests.support.world import World

BUREAU = "city_bureau:u-bureau"
MEDIA = ("designated_media",)
PARTS = ("invitation", "qualification", "requirements", "evaluation", "contract_terms", "instructions")
SECTIONS = dict.fromkeys(PARTS, "合成文本")
CRITERIA = {
    "plan": {"name": "服务方案", "weight": "70"},
    "price": {"name": "报价", "weight": "30", "price": True},
}
PROOFS = dict.fromkeys(
    ("civil_liability", "premises", "equipment_capability", "governance", "credit_accounting", "tax_social_insurance"),
    "合成证明",
)


def happened(world: World, project: str, *types: str, on: date) -> None:
    """Put events on the project's chain, as the earlier stages do (合成)."""
    world.clock.day = on
    ctx = Context(world.services, Actor(Role.SYSTEM, "u-x"), on, "tests.step", derive_id("cmd", project, *types))
    with ctx.writing() as session:
        for type_ in types:
            events.append(session, ctx, stream_kind="project", stream_id=project, type=type_, payload={})


def funded(world: World, *, on: date, amount: str = "600000.00", **project: Any) -> str:
    """Return an approved project with a budget line of the year of ``on``."""
    name = approved_project(world, **project)
    world.do(
        "funding.register_budget",
        as_=FINANCE,
        on=on,
        project=name,
        year=on.year,
        channel="local_budget",
        amount=amount,
        reply_no=None,
    )
    return name


def listed(world: World, kind: str, *, on: date, reply: str | None = "合成财〔2019〕1号", **item: Any) -> Any:
    """Publish a list of one row."""
    row = {"code": "A1", "name": "合成事项"} | item
    return world.do(
        "procurement.publish_list", as_=BUREAU, on=on, kind=kind, year=on.year, items=(row,), finance_reply=reply
    )


def prepare(world: World, purchase: str, *, on: date, **changes: Any) -> Any:
    """Prepare tender documents."""
    given: dict[str, Any] = {"procurement": purchase, "sections": SECTIONS, "criteria": CRITERIA}
    return world.do("procurement.prepare_documents", as_=PURCHASER, on=on, **(given | changes))


def due(world: World) -> dict[str, WorkItem]:
    """Return the open work items by kind."""
    with Session(world.services.engine) as session:
        rows = session.exec(select(WorkItem).where(WorkItem.status == "open")).all()
        session.expunge_all()
    return {row.kind: row for row in rows}
