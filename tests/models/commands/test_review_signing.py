"""ZY-23: the final opinion is signed by its panel, or the stage is not left. Zunyi's rule; all people are made up."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.ports import Zone
from models.queries.archive import on_file
from models.tables.kernel import Document, WorkItem
from tests.support import deciding as path
from tests.support import zunyi
from tests.support.planning import OFFICE, candidate
from tests.support.world import World, copy_world, open_world

ZUNYI = "520300"
ENTERED = date(2025, 3, 3)
LATE = date(2025, 3, 20)  # well after five working days


@pytest.fixture(scope="module")
def _base(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, str, Any]:
    world = open_world(tmp_path_factory.mktemp("zunyi"), region=ZUNYI)
    path.roster(world, each=3, on=ENTERED)
    project = zunyi.candidate(world, on=ENTERED)
    opened = path.open_round(world, project, on=ENTERED)
    path.score(world, opened, on=ENTERED)
    closed = world.do("review.close_round", as_=OFFICE, on=ENTERED, round=opened.id, opinion="同意。")
    return world, project, (opened, closed)


@pytest.fixture
def world(_base: tuple[World, str, Any], tmp_path: Path) -> World:
    return copy_world(_base[0], tmp_path)


@pytest.fixture
def project(_base: tuple[World, str, Any]) -> str:
    return _base[1]


@pytest.fixture
def opened(_base: tuple[World, str, Any]) -> Any:
    return _base[2][0]


@pytest.fixture
def digest(_base: tuple[World, str, Any]) -> str:
    return str(_base[2][1].opinion_sha256)


def _sign(world: World, opened: Any, digest: str, expert: str, *, on: date = ENTERED, **more: Any) -> Any:
    given: dict[str, Any] = {"round": opened.id, "opinion_sha256": digest} | more
    return world.do("review.sign_opinion", as_=f"expert:{expert}", on=on, **given)


def test_the_stage_is_not_left_before_the_last_signature(world: World, project: str, opened: Any, digest: str) -> None:
    assert world.ask("project.status", project=project).state == "project.under_review"
    world.refused(
        "SYS-STATE",
        "publicity.publish_notice",
        as_=OFFICE,
        on=ENTERED,
        project=project,
        channels=("website",),
        contact="电话",
    )

    states = [_sign(world, opened, digest, expert).state for expert in opened.panel]

    assert states == ["project.under_review"] * 4 + ["project.reviewed"]
    asked = world.ask("review.signatures", round=opened.id)
    assert (asked.standing, asked.signed, asked.needed) == ("signed", 5, 5)
    with Session(world.services.engine) as session:
        items = session.exec(select(WorkItem.status).where(col(WorkItem.kind) == "review.sign_opinion")).all()
    assert items == ["done"] * 5


def test_the_statements_of_those_who_signed_belong_to_the_file_that_is_archived(
    world: World, project: str, opened: Any, digest: str
) -> None:
    """A refusal that was made good is filed too, but is no signature."""
    _sign(world, opened, digest, opened.panel[0], refusal="需再核对(合成)")
    for expert in opened.panel:
        _sign(world, opened, digest, expert)

    with Session(world.services.engine) as session:
        filed = on_file(session, project)
        statements = session.exec(select(Document.id).where(col(Document.kind) == "opinion_signature")).all()
    assert (filed.kinds["opinion_signature"], filed.signatures_due, len(statements)) == (5, 5, 6)


def test_a_dissent_is_signed_and_filed_and_stands_in_no_event(
    world: World, project: str, opened: Any, digest: str
) -> None:
    for expert in opened.panel:
        _sign(world, opened, digest, expert, dissent="单价偏高,建议再比较。" if expert == opened.panel[0] else "")

    (act,) = [one for one in world.ask("review.signatures", round=opened.id).acts if one.said]
    assert (act.expert, act.signed, act.said) == (opened.panel[0], True, "单价偏高,建议再比较。")
    with Session(world.services.engine) as session:
        statement = world.services.documents.get(
            zone=Zone.DOCUMENTS, sha256=session.get_one(Document, act.document).sha256
        )
    told = json.loads(statement)
    assert (told["opinion_sha256"], told["dissent"], told["signed"]) == (digest, "单价偏高,建议再比较。", True)
    assert "单价" not in str([line.payload for line in world.ask("project.history", project=project)])


def test_another_text_a_stranger_and_the_office_do_not_sign(world: World, opened: Any, digest: str) -> None:
    own, act = f"expert:{opened.panel[0]}", "review.sign_opinion"
    given: dict[str, Any] = {"round": opened.id, "opinion_sha256": digest}

    world.refused("review.other_opinion", act, as_=own, on=ENTERED, round=opened.id, opinion_sha256="0" * 64)
    world.refused("review.not_your_seat", act, as_="expert:u-stranger", on=ENTERED, **given)
    office: dict[str, Any] = given | {"expert": opened.panel[0]}
    world.refused("review.signed_by_another", act, as_=OFFICE, on=ENTERED, **office)
    world.refused("review.not_overdue", act, as_=OFFICE, on=ENTERED, **office, refusal="联系不上")
    world.refused("review.dissent_is_signed", act, as_=own, on=ENTERED, **given, dissent="有异议", refusal="不签")
    _sign(world, opened, digest, opened.panel[0])
    world.refused("review.opinion_signed", act, as_=own, on=ENTERED, **given)
    world.refused("review.opinion_signed", act, as_=own, on=ENTERED, **given, refusal="反悔")


def test_a_refusal_is_recorded_and_may_be_made_good(world: World, project: str, opened: Any, digest: str) -> None:
    refuser, *others = opened.panel
    refused = _sign(world, opened, digest, refuser, refusal="与讨论不符")
    for expert in others:
        _sign(world, opened, digest, expert)

    assert not refused.signed
    assert world.ask("review.signatures", round=opened.id).standing == "void"
    assert _sign(world, opened, digest, refuser).state == "project.reviewed"
    asked = world.ask("review.signatures", round=opened.id)
    assert (asked.signed, asked.declined, len(asked.acts)) == (5, 0, 6)


def test_an_opinion_too_many_refuse_gives_way_to_a_new_round(
    world: World, project: str, opened: Any, digest: str
) -> None:
    world.refused("SYS-STATE", "review.open_round", as_=OFFICE, on=ENTERED, project=project, seed="again")
    given: dict[str, Any] = {"round": opened.id, "opinion_sha256": digest, "expert": opened.panel[0]}
    world.do("review.sign_opinion", as_=OFFICE, on=LATE, **given, refusal="逾期未签")

    again = path.open_round(world, project, seed="again", on=LATE)
    path.score(world, again, on=LATE)
    closed = world.do("review.close_round", as_=OFFICE, on=LATE, round=again.id, opinion="同意。")
    for expert in again.panel:
        last = _sign(world, again, closed.opinion_sha256, expert, on=LATE)

    assert last.state == "project.reviewed"
    assert world.ask("review.signatures", round=opened.id).standing == "void"


def test_a_void_opinion_cannot_be_completed_while_a_newer_round_is_open(
    world: World, project: str, opened: Any, digest: str
) -> None:
    """Else the refuser's change of mind would move the project under the opinion that was given up."""
    refuser, *others = opened.panel
    _sign(world, opened, digest, refuser, refusal="与讨论不符")
    for expert in others:
        _sign(world, opened, digest, expert)
    path.open_round(world, project, seed="again", on=LATE)

    own: dict[str, Any] = {"as_": f"expert:{refuser}", "on": LATE, "round": opened.id, "opinion_sha256": digest}
    world.refused("review.opinion_overtaken", "review.sign_opinion", **own)

    assert world.ask("project.status", project=project).state == "project.under_review"
    assert world.ask("review.signatures", round=opened.id).signed == 4


def test_a_dry_run_of_the_close_tells_no_result(tmp_path: Path) -> None:
    """Else the office could look first and have a member replaced afterwards."""
    world = open_world(tmp_path)
    path.roster(world)
    opened = path.open_round(world, candidate(world))
    path.score(world, opened)
    given: dict[str, Any] = {"round": opened.id, "opinion": "同意。"}

    looked = world.do("review.close_round", as_=OFFICE, on=path.OPENED_ON, dry_run=True, **given)

    assert (looked.mean, looked.passed, looked.opinion_sha256) == (None, None, "")
    closed = world.do("review.close_round", as_=OFFICE, on=path.OPENED_ON, **given)
    assert (closed.state, closed.signatures_needed, closed.passed) == ("project.reviewed", 0, True)
    world.refused(
        "review.signature_not_asked",
        "review.sign_opinion",
        as_=f"expert:{opened.panel[0]}",
        on=path.OPENED_ON,
        round=opened.id,
        opinion_sha256=closed.opinion_sha256,
    )
