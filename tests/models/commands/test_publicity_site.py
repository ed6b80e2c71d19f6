"""The public site of notices: its pages, index and feed, and what is withheld because somebody would be found in it.

All people and units are made up; the dates lie in 2016 as in ``test_publicity``.
"""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.core.messages import sentence
from models.queries.publicity_history import published_names
from models.tables.kernel import Outbox, Project
from models.tables.needs import Person
from models.tables.publicity import PublicityNotice
from tests.support import deciding as path
from tests.support.deciding import PUBLISHED_ON, SYSTEM
from tests.support.planning import OFFICE
from tests.support.publicizing import Pair, bytes_of, pages, publish
from tests.support.world import World, open_world

PUBLIC = "public:u-someone"
PAGE = re.compile(rb"<script|https?://|@import|<iframe|<img")


@pytest.fixture
def world(pair: Pair) -> World:
    return pair.world


@pytest.fixture
def both(pair: Pair) -> tuple[str, str]:
    return pair.projects


def test_the_site_has_an_index_a_page_for_each_notice_and_a_feed_and_is_the_same_twice(
    world: World, both: tuple[str, str]
) -> None:
    notice = publish(world, both)
    with Session(world.services.engine) as session:
        routes = session.exec(select(Outbox.route)).all()
    assert routes.count("publicity-build-site") == 2

    built = world.do("publicity.build_site", as_=SYSTEM, on=PUBLISHED_ON)
    before = pages(world)
    again = world.do("publicity.build_site", as_=SYSTEM, on=date(2016, 3, 18))

    assert (built.pages, built.written, again.written) == (4, 4, 0)
    assert pages(world) == before
    assert (built.sha256, built.address) == (again.sha256, "memory://public/site/index.html")
    own = f"site/notices/{notice.id}.html"
    pdf = bytes_of(world, notice.documents[0])[0]
    assert {"site/index.html", "site/feed.json", own} < set(before)
    assert notice.sha256.encode() in before[own][0]
    assert f'href="../../{pdf.key}"'.encode() in before[own][0]
    assert not any(PAGE.search(data) for key, (data, _) in before.items() if key.endswith(".html"))
    feed = json.loads(before["site/feed.json"][0])
    assert [item["id"] for item in feed["items"]] == sorted(item.notice for item in notice.items)


def test_the_site_follows_what_happens_to_a_notice(world: World, both: tuple[str, str]) -> None:
    first = publish(world, both).id
    world.do("publicity.build_site", as_=SYSTEM, on=PUBLISHED_ON)
    world.do("publicity.close_notice", as_=SYSTEM, on=path.CLOSED_ON, notice=first)

    built = world.do("publicity.build_site", as_=SYSTEM, on=path.CLOSED_ON)

    assert built.written == 3  # its page, the feed, the index
    assert "公示情况（PDF）" in pages(world)[f"site/notices/{first}.html"][0].decode()


def test_a_site_without_notices_says_so(tmp_path: Path) -> None:
    world = open_world(tmp_path)

    assert world.do("publicity.build_site", as_=SYSTEM, on=PUBLISHED_ON).pages == 2
    assert "目前没有公示" in pages(world)["site/index.html"][0].decode()


def _named(world: World, name: str) -> None:
    """Somebody in the ledger is called so."""
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        one = session.exec(select(Person)).first()
        assert one is not None
        one.name_sealed = world.services.vault.seal(name)
        session.add(one)
        session.commit()


def test_a_person_surveyed_later_who_is_called_like_a_project_hides_no_notice(
    world: World, both: tuple[str, str]
) -> None:
    first = publish(world, both).id
    _named(world, "项目甲")

    built = world.do("publicity.build_site", as_=SYSTEM, on=PUBLISHED_ON)
    world.do("publicity.close_notice", as_=SYSTEM, on=path.CLOSED_ON, notice=first)

    assert (built.pages, built.withheld) == (4, 0)
    assert world.ask("publicity.notice", notice=first).result == "passed"
    assert "合成项目甲" in pages(world)[f"site/notices/{first}.html"][0].decode()


def test_the_site_shows_the_name_a_project_was_published_under_whatever_it_is_called_later(
    world: World, both: tuple[str, str]
) -> None:
    """SYS-PUBLIC-LEAK: a new name was on no notice that somebody scanned."""
    first = publish(world, both).id
    _named(world, "甄合成")
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.get_one(Project, both[0]).name = "甄合成帮扶项目"
        session.commit()

    built = world.do("publicity.build_site", as_=SYSTEM, on=PUBLISHED_ON)
    world.do("publicity.close_notice", as_=SYSTEM, on=path.CLOSED_ON, notice=first)

    assert built.withheld == 0
    assert "合成项目甲" in pages(world)[f"site/notices/{first}.html"][0].decode()
    assert not any("甄合成" in data.decode(errors="ignore") for data, _ in pages(world).values())
    with Session(world.services.engine) as session:
        assert published_names(session, both[0]) == ("合成项目甲",)


def test_a_new_name_that_tells_of_a_person_is_refused(world: World, both: tuple[str, str]) -> None:
    """SYS-PUBLIC-LEAK: it comes to stand on contracts, purchase notices and results that everybody reads."""
    _named(world, "甄合成")
    for name in ("甄合成帮扶项目", "合成项目13912345678"):
        given: dict[str, Any] = {"project": both[0], "changes": {"name": name}, "reason": "合成变更理由"}
        world.refused("SYS-PUBLIC-LEAK", "decision.modify", as_=OFFICE, on=PUBLISHED_ON, **given)


def test_a_person_surveyed_later_is_blotted_out_of_a_recorded_reason(world: World, both: tuple[str, str]) -> None:
    first = publish(world, both).id
    world.do(
        "publicity.record_outage", as_=OFFICE, on=date(2016, 3, 21), notice=first, channel="website",
        first=date(2016, 3, 21), last=date(2016, 3, 21), reason="甄合成报修停机",
    )  # fmt: skip
    _named(world, "甄合成")

    built = world.do("publicity.build_site", as_=SYSTEM, on=date(2016, 3, 22))

    text = pages(world)[f"site/notices/{first}.html"][0].decode()
    assert built.withheld == 0
    assert "＊＊＊报修停机" in text
    assert "甄合成" not in text


def test_a_page_with_a_personal_number_is_withheld_and_the_others_are_built(
    world: World, both: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    notice = publish(world, both)
    bad, good = (f"notices/{item.notice}.html" for item in notice.items)
    world.do("publicity.build_site", as_=SYSTEM, on=PUBLISHED_ON)
    before = pages(world)
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        row = session.get_one(PublicityNotice, notice.items[0].notice)
        row.project_name = "合成项目13912345678"
        session.add(row)
        session.commit()

    built = world.do("publicity.build_site", as_=SYSTEM, on=date(2016, 3, 18))

    after = pages(world)
    assert (built.withheld, built.withheld_pages, built.pages) == (1, (bad,), 3)
    assert after[f"site/{bad}"] == before[f"site/{bad}"]
    assert good in after["site/index.html"][0].decode()
    assert not any(b"13912345678" in data for data, _ in after.values())
    assert [record.__dict__["page"] for record in caplog.records if record.msg == "public page withheld"] == [bad]
    assert "13912345678" not in built.model_dump_json() + caplog.text


def _renamed(world: World, project: str, name: str) -> None:
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        row = session.exec(select(PublicityNotice).where(col(PublicityNotice.project_id) == project)).one()
        row.project_name = name
        session.add(row)
        session.commit()


def _held_back(world: World, on: date) -> list[Any]:
    return [item for item in world.ask("work.list", on=on) if item.kind == "publicity.page_withheld"]


def test_a_withheld_page_is_the_offices_work_until_it_is_published_clean(world: World, both: tuple[str, str]) -> None:
    page = f"notices/{publish(world, both).items[0].notice}.html"
    number = "13912345678"
    first, second, later = PUBLISHED_ON, date(2016, 3, 17), date(2016, 3, 18)
    _renamed(world, both[0], f"合成项目{number}")
    world.do("publicity.build_site", as_=SYSTEM, on=first)
    world.do("publicity.build_site", as_=SYSTEM, on=second)

    [item] = _held_back(world, second)

    assert (item.subject, item.role, item.due_on) == (page, "evaluation_office", first)
    assert (item.project, item.resolves_with) == (both[0], "publicity.build_site")
    assert "title_lines.0 第1行第5字含手机号" in item.note
    assert number not in item.note
    _renamed(world, both[0], "合成项目甲")
    built = world.do(item.resolves_with, as_=OFFICE, on=later)
    assert (built.withheld, built.pages, _held_back(world, later)) == (0, 4, [])
    _renamed(world, both[0], f"合成项目{number}")
    world.do("publicity.build_site", as_=SYSTEM, on=date(2016, 3, 21))
    assert [one.due_on for one in _held_back(world, date(2016, 3, 21))] == [date(2016, 3, 21)]


def test_an_index_that_may_not_be_public_holds_up_no_page(world: World, both: tuple[str, str]) -> None:
    """Somebody surveyed is called like a word of the index: the pages are built, the index waits for the office."""
    notice = publish(world, both)
    heading = sentence("publicity.site.title")
    _named(world, heading)

    built = world.do("publicity.build_site", as_=SYSTEM, on=PUBLISHED_ON)

    assert set(built.withheld_pages) == {"feed.json", "index.html"}
    assert {f"site/notices/{item.notice}.html" for item in notice.items} <= set(pages(world))
    assert {item.subject for item in _held_back(world, PUBLISHED_ON)} == {"feed.json", "index.html"}
    assert all(heading not in item.note for item in _held_back(world, PUBLISHED_ON))
