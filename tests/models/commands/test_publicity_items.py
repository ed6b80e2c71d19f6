"""Publicity of several projects on one paper: channels and outages, objections to one of them, closing page, site.

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

from models.core.errors import DataFault
from models.core.hashing import sha256_hex
from models.ports import Zone
from models.tables.kernel import Document, Outbox, Project
from models.tables.needs import Person, Selection, SelectionRound
from tests.support import deciding as path
from tests.support.deciding import OFFICE, PUBLISHED_ON, SYSTEM
from tests.support.planning import candidate, surveyed, synthetic_people
from tests.support.world import World, copy_world, open_world

PUBLIC = "public:u-someone"
PAGE = re.compile(rb"<script|https?://|@import|<iframe|<img")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, str, str]:
    """Two reviewed projects and a ledger of thirty made-up people; eight of them are the first project's recipients."""
    world = open_world(tmp_path_factory.mktemp("items"))
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
    return world, first, second


@pytest.fixture
def world(base: tuple[World, str, str], tmp_path: Path) -> World:
    return copy_world(base[0], tmp_path)


@pytest.fixture
def both(base: tuple[World, str, str]) -> tuple[str, str]:
    return base[1], base[2]


def publish(world: World, both: tuple[str, str], **more: Any) -> Any:
    return path.publish(world, both[0], also=(both[1],), **more)


def bytes_of(world: World, document: str) -> tuple[Document, bytes]:
    with Session(world.services.engine) as session:
        row = session.get_one(Document, document)
    return row, world.services.documents.get(zone=Zone(row.zone), sha256=row.sha256)


def pages(world: World) -> dict[str, tuple[bytes, str]]:
    return dict(world.services.documents.pages)  # type: ignore[attr-defined]


def test_the_digest_on_the_row_is_that_of_the_published_bytes(world: World, both: tuple[str, str]) -> None:
    notice = publish(world, both)

    pdf, page = (bytes_of(world, document) for document in notice.documents)
    view = world.ask("publicity.notice", notice=notice.items[1].notice)
    assert (
        (view.sha256, view.html_sha256) == (sha256_hex(pdf[1]), sha256_hex(page[1])) == (pdf[0].sha256, page[0].sha256)
    )
    assert "合成项目甲" in page[1].decode()
    assert "合成项目乙" in page[1].decode()
    assert [item.project for item in notice.items] == list(both)


def test_an_objection_holds_up_its_own_project_only(world: World, both: tuple[str, str]) -> None:
    first, second = (item.notice for item in publish(world, both).items)
    world.do("publicity.raise_objection", as_=PUBLIC, on=date(2016, 3, 18), notice=second, matter="评分不公")

    closed = world.do("publicity.close_notice", as_=SYSTEM, on=path.CLOSED_ON, notice=first)

    assert (closed.id, closed.result) == (first, "passed")
    world.refused("publicity.objection_open", "publicity.close_notice", as_=SYSTEM, on=path.CLOSED_ON, notice=second)
    assert [str(world.ask("project.status", project=one).state) for one in both] == [
        "project.on_publicity",
        "project.objection",
    ]


def test_a_day_on_which_nothing_could_be_read_is_added_and_stands_on_the_closing_page(
    world: World, both: tuple[str, str]
) -> None:
    first, second = (item.notice for item in publish(world, both, channels=("website",)).items)
    call: dict[str, Any] = {"as_": OFFICE, "on": date(2016, 3, 21), "notice": first, "channel": "website"}

    ongoing = world.do("publicity.record_outage", **call, first=date(2016, 3, 21), reason="机房断电")
    known = world.do(
        "publicity.record_outage", **call, first=date(2016, 3, 21), last=date(2016, 3, 21), reason="机房断电"
    )

    assert ongoing.id == known.id
    assert known.ends_on == {first: date(2016, 3, 24), second: date(2016, 3, 24)}
    early = world.refused(
        "publicity.not_over", "publicity.close_notice", as_=SYSTEM, on=date(2016, 3, 24), notice=first
    )
    assert early.facts["ends_on"] == "2016-03-24"
    closed = world.do("publicity.close_notice", as_=SYSTEM, on=date(2016, 3, 25), notice=first)
    page = bytes_of(world, closed.documents[1])[1].decode()
    assert closed.ended_on == date(2016, 3, 24)
    for words in (
        "机房断电",
        "不计入公示期的日期",
        "2016年3月21日",
        world.ask("publicity.notice", notice=first).sha256,
    ):
        assert words in page


def test_a_notice_nobody_can_read_at_present_is_not_closed(world: World, both: tuple[str, str]) -> None:
    first = publish(world, both, channels=("website",)).id
    call: dict[str, Any] = {"as_": OFFICE, "notice": first, "channel": "website", "first": date(2016, 3, 24)}
    world.do("publicity.record_outage", **call, on=date(2016, 3, 24), reason="网站改版")

    assert world.ask("publicity.notices_due", as_=SYSTEM, on=date(2016, 3, 25)) == ()
    world.refused("publicity.unreadable_now", "publicity.close_notice", as_=SYSTEM, on=date(2016, 3, 25), notice=first)
    world.do("publicity.record_outage", **call, on=date(2016, 3, 28), last=date(2016, 3, 25), reason="网站改版")
    assert len(world.ask("publicity.notices_due", as_=SYSTEM, on=date(2016, 3, 28))) == 2


def test_channels_are_posted_and_taken_down_with_evidence_but_never_the_last_one(
    world: World, both: tuple[str, str]
) -> None:
    first = publish(world, both, channels=("website",)).id
    call: dict[str, Any] = {"as_": OFFICE, "on": date(2016, 3, 17), "notice": first}
    photo = world.upload(b"photo", name="board.png", media_type="image/png").model_dump()
    world.refused("publicity.last_channel", "publicity.take_down", **call, channel="website")
    world.refused("publicity.unknown_channel", "publicity.post_notice", **call, channel="gossip")
    world.refused("publicity.not_posted", "publicity.take_down", **call, channel="notice_board")

    posted = world.do("publicity.post_notice", **call, channel="notice_board", evidence=photo)
    down = world.do("publicity.take_down", **call, channel="website")

    assert (posted.posted_on, bytes_of(world, posted.document)[1]) == (date(2016, 3, 17), b"photo")
    assert down.taken_down_on == date(2016, 3, 17)


def test_a_withdrawn_objection_gives_back_its_days(world: World, both: tuple[str, str]) -> None:
    first = publish(world, both).id
    raised = world.do("publicity.raise_objection", as_=PUBLIC, on=date(2016, 3, 18), notice=first, matter="评分不公")
    call: dict[str, Any] = {"on": date(2016, 3, 22), "objection": raised.id}
    world.refused("publicity.not_objector", "publicity.withdraw_objection", as_="public:u-other", **call)
    world.refused("publicity.not_objector", "publicity.withdraw_objection", as_=OFFICE, **call)

    withdrawn = world.do("publicity.withdraw_objection", as_=PUBLIC, **call)

    assert (withdrawn.state, withdrawn.ends_on) == ("project.on_publicity", date(2016, 3, 25))


def test_the_office_enters_a_withdrawal_with_the_written_request(world: World, both: tuple[str, str]) -> None:
    first = publish(world, both).id
    raised = world.do("publicity.raise_objection", as_=PUBLIC, on=date(2016, 3, 18), notice=first, matter="评分不公")
    letter = world.upload("撤回".encode(), name="撤回.txt", media_type="text/plain").model_dump()

    world.do("publicity.withdraw_objection", as_=OFFICE, on=date(2016, 3, 22), objection=raised.id, request=letter)

    assert world.ask("publicity.notice", notice=first).objections[0].outcome == "withdrawn"


def test_a_late_objection_is_answered_as_a_petition_and_holds_nothing_up(world: World, both: tuple[str, str]) -> None:
    first = publish(world, both).id
    late = world.do("publicity.raise_objection", as_=PUBLIC, on=path.CLOSED_ON, notice=first, matter="评分不公")
    assert (late.late, late.state) == (True, "project.on_publicity")
    world.do("publicity.close_notice", as_=SYSTEM, on=path.CLOSED_ON, notice=first)

    answered = world.do(
        "publicity.answer_objection",
        as_=OFFICE,
        on=path.DECIDED_ON,
        objection=late.id,
        outcome="upheld",
        reply="属实。",
    )

    assert answered.state == "project.on_publicity"
    assert world.ask("publicity.notice", notice=first).result == "passed"


def test_the_closing_page_of_a_withdrawn_notice_shows_the_answer_and_not_the_objector(
    world: World, both: tuple[str, str]
) -> None:
    first = publish(world, both).id
    raised = world.do(
        "publicity.raise_objection",
        as_=PUBLIC,
        on=date(2016, 3, 18),
        notice=first,
        matter="私下打分",
        objector="合成某人",
    )
    world.do(
        "publicity.answer_objection", as_=OFFICE, on=date(2016, 3, 22), objection=raised.id, outcome="upheld",
        reply="经查属实,重新评审。",
    )  # fmt: skip

    view = world.ask("publicity.notice", notice=first)
    page = bytes_of(world, view.closing_document)[0]
    with Session(world.services.engine) as session:
        html = session.exec(
            select(Document).where(col(Document.kind) == "publicity_closing_html", col(Document.project_id) == both[0])
        ).one()
    text = world.services.documents.get(zone=Zone.PUBLIC, sha256=html.sha256).decode()
    assert (page.kind, page.zone) == ("publicity_closing", Zone.PUBLIC)
    assert "经查属实,重新评审。" in text
    assert "成立" in text
    assert "合成某人" not in text
    assert "私下打分" not in text


def test_a_personal_number_in_a_reply_or_a_reason_is_refused(world: World, both: tuple[str, str]) -> None:
    first = publish(world, both).id
    raised = world.do("publicity.raise_objection", as_=PUBLIC, on=date(2016, 3, 18), notice=first, matter="评分不公")
    call: dict[str, Any] = {"as_": OFFICE, "on": date(2016, 3, 22)}

    world.refused(
        "publicity.leak", "publicity.answer_objection", **call, objection=raised.id, outcome="rejected",
        reply="请致电13912345678",
    )  # fmt: skip
    world.refused(
        "publicity.leak", "publicity.record_outage", **call, notice=first, channel="website",
        first=date(2016, 3, 21), reason="13912345678停机",
    )  # fmt: skip


def test_the_name_of_a_recipient_stops_the_notice(world: World, both: tuple[str, str]) -> None:
    name = str(synthetic_people(people=30)[0]["person_name"])

    fault = world.refused(
        "publicity.leak", "publicity.publish_notice", as_=OFFICE, on=PUBLISHED_ON, project=both[0],
        channels=("website",), contact=f"联系{name}",
    )  # fmt: skip

    assert isinstance(fault, DataFault)
    assert [detail.field for detail in fault.details] == ["contact.0"]
    assert name not in json.dumps(fault.as_json(), ensure_ascii=False)


def test_recipients_are_listed_masked_without_minors_and_for_the_longer_period(
    world: World, both: tuple[str, str]
) -> None:
    with Session(world.services.engine) as session:
        people = session.exec(select(Person).join(Selection, col(Selection.person_id) == col(Person.id))).all()
    adults = [one for one in people if 2016 - one.birth_year > 18]
    assert 0 < len(adults) < len(people), "the made-up ledger has both"

    notice = publish(world, both, list_recipients=True)

    page = bytes_of(world, notice.documents[1])[1].decode()
    assert page.count("合*") == len(adults)
    assert "未成年人不列入名单" in page
    assert notice.ends_on == date(2016, 3, 25)  # seven working days


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
        project = session.get_one(Project, both[0])
        project.name = "合成项目13912345678"
        session.add(project)
        session.commit()

    built = world.do("publicity.build_site", as_=SYSTEM, on=date(2016, 3, 18))

    after = pages(world)
    assert (built.withheld, built.withheld_pages, built.pages) == (1, (bad,), 3)
    assert after[f"site/{bad}"] == before[f"site/{bad}"]
    assert good in after["site/index.html"][0].decode()
    assert not any(b"13912345678" in data for data, _ in after.values())
    assert [record.__dict__["page"] for record in caplog.records if record.msg == "public page withheld"] == [bad]
    assert "13912345678" not in built.model_dump_json() + caplog.text
