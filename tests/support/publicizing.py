"""Two reviewed projects side by side, for tests of public notices: the way there, publishing, what was published.

All people and units are made up; the dates lie in 2016 as in ``deciding``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from models.ports import Zone
from models.tables.kernel import Document
from models.tables.needs import Person, Selection, SelectionRound
from tests.support import deciding as path
from tests.support.planning import OFFICE, candidate, surveyed, synthetic_people
from tests.support.world import World, open_world


@dataclass(frozen=True)
class Pair:
    """A world and the two projects reviewed in it."""

    world: World
    projects: tuple[str, str]


def reviewed_pair(home: Path) -> Pair:
    """Two reviewed projects and a ledger of thirty made-up people; eight of them are the first project's recipients."""
    world = open_world(home)
    first = path.reviewed(world, name="合成项目甲")
    second = candidate(world, name="合成项目乙")
    opened = path.open_round(world, second, seed="second")
    path.score(world, opened)
    world.do("review.close_round", as_=OFFICE, on=path.SCORES_CLOSE_ON, round=opened.id, opinion="同意通过评审。")
    survey = surveyed(world, rows=synthetic_people(people=30))
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        people = session.exec(select(Person).order_by(col(Person.birth_year), col(Person.id))).all()
        session.add(
            SelectionRound(
                id="sel",
                project_id=first,
                survey_id=survey,
                seed="s",
                pool_digest="0" * 64,
                counts={},
                selected_on=path.OPENED_ON,
                policy_digest="0" * 64,
            )
        )
        session.flush()
        session.add_all(
            Selection(id=f"s{n}", round_id="sel", project_id=first, person_id=one.id, stratum="合成", ordinal=n)
            for n, one in enumerate([*people[:4], *people[-4:]])
        )
        session.commit()
    return Pair(world, (first, second))


def publish(world: World, both: tuple[str, str], **more: Any) -> Any:
    return path.publish(world, both[0], also=(both[1],), **more)


def bytes_of(world: World, document: str) -> tuple[Document, bytes]:
    with Session(world.services.engine) as session:
        row = session.get_one(Document, document)
    return row, world.services.documents.get(zone=Zone(row.zone), sha256=row.sha256)


def pages(world: World) -> dict[str, tuple[bytes, str]]:
    return dict(world.services.documents.pages)  # type: ignore[attr-defined]
