"""Publicity of several projects on one paper: channels and outages, objections to one of them, closing page, site.

All people and units are made up; the dates lie in 2016 as in ``test_publicity``.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlmodel import Session, col, select

from models.core.errors import DataFault
from models.core.hashing import sha256_hex
from models.policy.resolver import PolicyBook
from models.policy.schema import Policy
from models.ports import Zone
from models.queries.provenance import marks
from models.queries.publicity_history import Teller, Told, history_view
from models.tables.kernel import Document, Project
from models.tables.needs import Person, Selection
from models.tables.publicity import PublicityNotice
from tests.support import deciding as path
from tests.support.deciding import OFFICE, PUBLISHED_ON, SYSTEM
from tests.support.planning import synthetic_people
from tests.support.publicizing import Pair, bytes_of, publish
from tests.support.world import World

PUBLIC = "public:u-someone"
PAGE = re.compile(rb"<script|https?://|@import|<iframe|<img")


@pytest.fixture
def world(pair: Pair) -> World:
    return pair.world


@pytest.fixture
def both(pair: Pair) -> tuple[str, str]:
    return pair.projects


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


def test_an_outage_of_a_channel_that_was_taken_down_and_posted_again_can_still_be_ended(
    world: World, both: tuple[str, str]
) -> None:
    first = publish(world, both, channels=("website", "notice_board")).id
    call: dict[str, Any] = {"as_": OFFICE, "notice": first, "channel": "website"}
    outage: dict[str, Any] = {**call, "first": date(2016, 3, 17), "reason": "机房断电"}
    ongoing = world.do("publicity.record_outage", **outage, on=date(2016, 3, 17))
    world.do("publicity.take_down", **call, on=date(2016, 3, 18))
    world.do("publicity.post_notice", **call, on=date(2016, 3, 21))

    ended = world.do("publicity.record_outage", **outage, on=date(2016, 3, 22), last=date(2016, 3, 18))

    assert ended.id == ongoing.id
    gap = {**outage, "first": date(2016, 3, 19), "on": date(2016, 3, 22)}
    refusal = world.refused("publicity.outage_days", "publicity.record_outage", **gap)
    assert refusal.facts["posted_on"] == "2016-03-21"
    world.do("publicity.take_down", **call, on=date(2016, 3, 22))
    world.refused("publicity.not_posted", "publicity.record_outage", **{**gap, "first": date(2016, 3, 22)})


def test_a_channel_taken_down_may_be_posted_again_on_the_same_day(world: World, both: tuple[str, str]) -> None:
    first = publish(world, both, channels=("website", "notice_board")).id
    call: dict[str, Any] = {"as_": OFFICE, "on": PUBLISHED_ON, "notice": first, "channel": "website"}
    world.do("publicity.take_down", **call)

    again = world.do("publicity.post_notice", **call)

    assert (again.posted_on, again.taken_down_on) == (PUBLISHED_ON, None)


def test_whether_unreadable_days_count_is_for_the_policy_the_notice_was_published_under(
    world: World, both: tuple[str, str]
) -> None:
    """The law changes in mid-notice: its clock and the page that tells of it go by the old one."""
    first = publish(world, both, channels=("website",)).id
    day = date(2016, 3, 21)
    world.do(
        "publicity.record_outage", as_=OFFICE, on=day, notice=first, channel="website", first=day, last=day,
        reason="机房断电",
    )  # fmt: skip
    with Session(world.services.engine) as session:
        notice, project = session.get_one(PublicityNotice, first), session.get_one(Project, both[0])
        old = world.services.policies.resolve(region=project.region, on=notice.published_on)
        new = _with_outages_ignored(old)
        book = cast(PolicyBook, SimpleNamespace(resolve=lambda *, region, on: old if on <= PUBLISHED_ON else new))
        teller = Teller(new, book, world.services.calendar, world.services.vault, frozenset(), rehearsal=False)
        view = history_view(
            session,
            notice=notice,
            told=Told(path.CLOSED_ON, notice.ends_on, None, None),
            project=project,
            marks=marks(session, project.id),
            teller=teller,
        )

    assert "2016年3月21日" in [line["value"]["text"] for line in view["facts"]]


def _with_outages_ignored(policy: Policy) -> Policy:
    return replace(policy, publicity=replace(policy.publicity, outage_extends=False))


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
