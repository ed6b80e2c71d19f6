"""Purchases and contracts beyond the first for tests (合成): by their real moves, with nothing printed on the way."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlmodel import Session

from models.commands import transition
from models.commands.ledger import commit_to, issued_lines
from models.context import Context
from models.core.actors import Actor, Role
from models.core.ids import derive_id
from models.tables.contract import Contract
from models.tables.kernel import Project
from models.tables.procurement import Organisation, Procurement
from tests.support.world import World


def context(world: World, command: str, *, on: date, about: str) -> Context:
    """Return the context of a command played without its door."""
    world.clock.day = on
    return Context(world.services, Actor(Role.SYSTEM, "u-x"), on, command, derive_id("cmd", "contracting", about))


def awarded(world: World, project: str, *, on: date, name: str, price_fen: int = 58_800_000) -> str:
    """Return a purchase of a project awarded on a day to a made-up organisation."""
    firm, purchase = derive_id("org", name), derive_id("prc", project, name)
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.add(Organisation(id=firm, name=f"合成机构{name}", kind="social_org", synthetic=True))
        session.commit()
    row = Procurement(
        id=purchase,
        project_id=project,
        state="",
        version=0,
        policy_digest="0" * 64,
        purchaser="合成救助局",
        purchaser_kind="public_institution",
        budget_fen=price_fen,
        budget_year=on.year,
        winner_organisation_id=firm,
        award_fen=price_fen,
        awarded_on=on,
    )
    for command in ("procurement.plan", "procurement.publish_notice", "procurement.award"):
        ctx = context(world, command, on=on, about=f"{purchase}{command}")
        with ctx.writing() as session:
            held = session.get(Procurement, purchase) or row
            transition.apply(session, ctx, held, payload={})
    return purchase


def running(
    world: World, project: str, *, on: date, until: date, name: str, price_fen: int = 58_800_000, start: bool = True
) -> str:
    """Return a contract of a project, its price committed as far as issued plan lines go; with ``start`` both run."""
    purchase = awarded(world, project, on=on, name=name, price_fen=price_fen)
    contract = derive_id("con", purchase)
    row: dict[str, Any] = {
        "id": contract,
        "project_id": project,
        "procurement_id": purchase,
        "organisation_id": derive_id("org", name),
        "policy_digest": "0" * 64,
        "signed_on": on,
        "starts_on": on,
        "ends_on": until,
        "price_fen": price_fen,
    }
    ctx = context(world, "contract.sign", on=on, about=contract)
    with ctx.writing() as session:
        signed = Contract(state="", version=0, **row)
        event = transition.apply(session, ctx, signed, payload={})
        commit_to(session, ctx, event=event, contract=signed, lines=issued_lines(session, project))
    if not start:
        return contract
    ctx = context(world, "delivery.start", on=on, about=f"{contract}-start")
    with ctx.writing() as session:
        transition.apply(session, ctx, session.get_one(Contract, contract), payload={})
        held = session.get_one(Project, project)
        if held.state == "planned":
            transition.apply(session, ctx, held, payload={})
    return contract
