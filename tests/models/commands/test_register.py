"""The register of numbers under many issuers at once. All made up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlmodel import Session, col, select

from models.commands import register
from models.context import Context
from models.core.actors import Actor, Role
from models.core.errors import Conflict
from models.core.ids import derive_id
from models.tables.decision import DocumentRegister
from tests.support.deciding import APPROVED_ON
from tests.support.postgres import fresh_database
from tests.support.world import World, open_world


def test_issuers_at_once_get_consecutive_numbers_and_none_twice(postgres_url: str, tmp_path: Path) -> None:
    """Eight issuers, each takes three numbers; who meets another tries again and gets the next."""
    with fresh_database(postgres_url, name="numbers") as url:
        world = open_world(tmp_path, database_url=url)

        def issue(issuer: int) -> None:
            for paper in range(3):
                attempt = 0
                while not _taken(world, call=f"{issuer}-{paper}-{attempt}"):
                    attempt += 1

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(issue, range(8)))

        with Session(world.services.engine) as session:
            given = session.exec(select(DocumentRegister.seq).order_by(col(DocumentRegister.seq))).all()
        assert given == list(range(1, 25))
        world.services.engine.dispose()


def _taken(world: World, *, call: str) -> bool:
    actor = Actor(Role.EVALUATION_OFFICE, "u-office")
    ctx = Context(world.services, actor, APPROVED_ON, "decision.approve", derive_id("cmd", call))
    issuer = register.issuer_key(region="520300", role=Role.EVALUATION_OFFICE)
    with ctx.reading() as session:
        number = register.upcoming(session, issuer=issuer, authority="评审办批", year=2016)
    try:
        with ctx.writing() as session:
            register.enter(session, ctx, issuer=issuer, number=number, project_id=None, sha256="0" * 64)
    except Conflict:
        return False
    return True
