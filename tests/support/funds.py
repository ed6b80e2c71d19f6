"""Builders of money that is no project's yet, for tests: allotments, donations (合成), what stands where."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlmodel import Session

from models.core.money import Money
from models.tables.application import Application, ApplicationBudgetLine
from tests.support.purchases import DAY, FINANCE
from tests.support.world import World

BUREAU = "city_bureau:u-bureau"
CHARITY = {"name": "合成慈善基金会", "uscc": "53420200MJ0000000J"}
GIVER = {"kind": "person", "name": "合成赵六", "account": "u-giver"}


def paper(world: World, text: str = "合成文书") -> dict[str, Any]:
    return world.upload(text.encode(), name="合成文书.txt", media_type="text/plain").model_dump()


def allot(world: World, *, amount: str = "600000.00", **changes: Any) -> str:
    given: dict[str, Any] = {
        "year": 2016,
        "channel": "special_fund",
        "amount": amount,
        "doc_no": "合成财社1号",
        "purpose": "合成用途",
    }
    return str(world.do("funding.register_allotment", as_=FINANCE, on=DAY, **(given | changes)).id)


def donate(world: World, *, amount: str = "600000.00", **changes: Any) -> str:
    given: dict[str, Any] = {
        "donor": GIVER,
        "charity": CHARITY,
        "amount": amount,
        "purpose": "合成助老",
        "consent": paper(world, "合成同意书"),
        "year": 2016,
    }
    return str(world.do("funding.register_donation", as_=BUREAU, on=DAY, **(given | changes)).id)


def accounts(world: World, channel: str, *, year: int = 2016) -> dict[str, int]:
    balances = world.ask("funding.balances", year=year)
    found = {one.channel: one.accounts for one in balances.channels}
    return {name: money.fen // 100 for name, money in found.get(channel, {}).items() if money}


def issue(world: World, line: str, *, on: date = DAY) -> None:
    world.do("funding.sign_plan", as_=FINANCE, on=on, plan_line=line)
    world.do("funding.issue_plan", as_=FINANCE, on=on, quarter="2016Q2", batch=1)


def asked(world: World, project: str, amount: str, *, channel: str, on: date, credit_code: str | None = None) -> None:
    """Leave an application behind (合成) by which a project asks for money of a channel."""
    fen = Money.yuan(amount).fen
    application = Application(
        id=f"app-{project}",
        project_id=project,
        revision=1,
        policy_digest="0" * 64,
        applicant="合成社会服务中心",
        credit_code=credit_code,
        parts={},
        total_fen=fen,
        submitted_on=on,
        gate_report_sha256="0" * 64,
        document_id="doc-made-up",
    )
    line = ApplicationBudgetLine(
        id=f"abl-{project}",
        application_id=application.id,
        ordinal=1,
        category="合成",
        channel=channel,
        amount_fen=fen,
    )
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.add(application)
        session.flush()
        session.add(line)
        session.commit()
