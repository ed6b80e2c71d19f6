"""The expert review through the door: roster, draw, stepping aside, scoring, closing. All people are made up (合成)."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.core.hashing import sha256_hex
from models.core.messages import sentence
from models.ports import Zone
from models.rules.draw import verify
from models.tables.kernel import Document, WorkItem
from models.tables.review import Expert, ReviewSheet
from tests.support import deciding as path
from tests.support.deciding import APPLICANT, CATEGORIES, OFFICE, OPENED_ON, SCORES_CLOSE_ON, SYSTEM
from tests.support.planning import candidate
from tests.support.world import World, copy_world, open_world

LATE = date(2016, 3, 16)


@pytest.fixture(scope="module")
def _base(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, str]:
    world = open_world(tmp_path_factory.mktemp("base"))
    path.roster(world)
    return world, candidate(world)


@pytest.fixture
def world(_base: tuple[World, str], tmp_path: Path) -> World:
    return copy_world(_base[0], tmp_path)


@pytest.fixture
def project(_base: tuple[World, str]) -> str:
    return _base[1]


def _document(world: World, kind: str) -> Document:
    with Session(world.services.engine) as session:
        return session.exec(select(Document).where(col(Document.kind) == kind)).one()


def _submit(world: World, opened: object, expert: str, *, on: date = OPENED_ON, value: object = 80) -> object:
    return world.do(
        "review.submit_score",
        as_=f"expert:{expert}",
        on=on,
        round=opened.id,  # type: ignore[attr-defined]
        **path.sheet(value),
    )


def test_a_name_is_sealed_and_the_same_person_is_not_registered_twice(world: World) -> None:
    with Session(world.services.engine) as session:
        expert = session.exec(select(Expert).where(col(Expert.account) == "u-expert-0")).one()

    assert "合成专家00" not in expert.model_dump_json()
    assert world.services.vault.open(expert.name_sealed) == "合成专家00"
    world.refused(
        "review.expert_known",
        "review.register_expert",
        as_=OFFICE,
        on=OPENED_ON,
        name="合成专家00",
        category=CATEGORIES[0],
        employer="合成单位00",
    )


def test_opening_draws_a_covering_panel_opens_a_task_each_and_keeps_a_protocol_anybody_can_redo(
    world: World, project: str
) -> None:
    opened = path.open_round(world, project)

    with Session(world.services.engine) as session:
        items = session.exec(select(WorkItem).where(col(WorkItem.kind) == "review.submit_score")).all()
        categories = {session.get_one(Expert, expert).category for expert in opened.panel}
    protocol = world.services.documents.get(zone=Zone.DOCUMENTS, sha256=_document(world, "draw_protocol").sha256)
    assert opened.state == "project.under_review"
    assert (len(opened.panel), categories) == (5, set(CATEGORIES))
    assert (opened.closes_on, opened.provisional) == (SCORES_CLOSE_ON, False)
    assert [(item.due_on, item.role, item.status) for item in items] == [(SCORES_CLOSE_ON, "expert", "open")] * 5
    assert verify(json.loads(protocol)) == ()


@pytest.mark.parametrize("as_", ["city_bureau:u-b", "expert:u-expert-0", "contractor:u-c"])
def test_the_mechanism_office_and_nobody_else_convenes_the_panel(world: World, project: str, as_: str) -> None:
    """ZY-19."""
    world.refused("door.role_not_allowed", "review.open_round", as_=as_, on=OPENED_ON, project=project, seed="seed")
    assert len(path.open_round(world, project).panel) == 5


def test_a_dry_run_does_not_tell_whom_a_seed_would_draw(world: World, project: str) -> None:
    tried = path.open_round(world, project, dry_run=True)

    assert (tried.panel, tried.alternates, tried.closes_on) == ((), (), SCORES_CLOSE_ON)
    assert len(path.open_round(world, project).panel) == 5


def test_experts_tied_to_the_applicant_or_on_its_team_are_never_drawn(world: World, project: str) -> None:
    tied = [
        path.register(world, 20, category=CATEGORIES[0], employer=APPLICANT),
        path.register(world, 21, category=CATEGORIES[0], ties=(APPLICANT,)),
        path.register(world, 22, category=CATEGORIES[0], ties=({"organisation": APPLICANT, "kind": "kinship"},)),
        path.register(world, 23, category=CATEGORIES[0], name="合成甲"),
    ]

    opened = path.open_round(world, project)

    assert not {*tied} & {*opened.panel, *opened.alternates}


def test_a_roster_too_small_after_recusals_is_refused_and_nothing_moves(tmp_path: Path) -> None:
    world = open_world(tmp_path)
    for number in range(5):
        path.register(world, number, category=CATEGORIES[number % 4], employer=APPLICANT if number == 4 else "合成大学")
    project = candidate(world)

    world.refused("draw.too_few", "review.open_round", as_=OFFICE, on=OPENED_ON, project=project, seed="s")

    assert world.ask("project.status", project=project).state == "project.candidate"


def test_a_closing_day_in_an_unpublished_year_is_provisional(world: World, project: str) -> None:
    opened = path.open_round(world, project, on=date(2026, 12, 28))

    assert opened.provisional
    assert world.ask("review.round", round=opened.id).provisional


def test_a_second_round_on_the_same_project_is_refused(world: World, project: str) -> None:
    path.open_round(world, project)

    world.refused("SYS-STATE", "review.open_round", as_=OFFICE, on=OPENED_ON, project=project, seed="other")


def test_scores_stay_hidden_until_the_close_but_for_the_own_sheet(world: World, project: str) -> None:
    opened = path.open_round(world, project)
    own, other = opened.panel[:2]
    _submit(world, opened, own, value="88.5")
    _submit(world, opened, other)

    office = world.ask("review.round", round=opened.id)
    expert = world.ask("review.round", as_=f"expert:{own}", round=opened.id)

    assert [seat.scores for seat in office.seats if seat.scored] == [{}, {}]
    shown = {seat.expert: seat.scores for seat in expert.seats if seat.scores}
    assert shown == {own: dict.fromkeys(path.DIMENSIONS, Decimal("88.5"))}
    assert {seat.name for seat in expert.seats} == {"合*"}
    assert office.missing == 3


def test_an_expert_scores_by_account_too_and_the_same_sheet_twice_is_one_sheet(world: World, project: str) -> None:
    opened = path.open_round(world, project)
    with Session(world.services.engine) as session:
        account = session.get_one(Expert, opened.panel[0]).account

    first = world.do("review.submit_score", as_=f"expert:{account}", on=OPENED_ON, round=opened.id, **path.sheet())
    again = _submit(world, opened, opened.panel[0])

    assert first == again
    world.refused(
        "review.already_scored",
        "review.submit_score",
        as_=f"expert:{account}",
        on=OPENED_ON,
        round=opened.id,
        **path.sheet(81),
    )


def test_a_sheet_after_the_last_day_is_refused(world: World, project: str) -> None:
    opened = path.open_round(world, project)

    _submit(world, opened, opened.panel[0], on=SCORES_CLOSE_ON)

    world.refused(
        "review.score_after_close",
        "review.submit_score",
        as_=f"expert:{opened.panel[1]}",
        on=LATE,
        round=opened.id,
        **path.sheet(),
    )


def test_a_stranger_and_an_alternate_may_not_score(world: World, project: str) -> None:
    opened = path.open_round(world, project)

    for expert in ("u-stranger", opened.alternates[0]):
        world.refused(
            "review.not_your_seat",
            "review.submit_score",
            as_=f"expert:{expert}",
            on=OPENED_ON,
            round=opened.id,
            **path.sheet(),
        )


def test_an_incomplete_sheet_is_refused_with_every_gap(world: World, project: str) -> None:
    opened = path.open_round(world, project)

    fault = world.refused(
        "review.sheet_invalid",
        "review.submit_score",
        as_=f"expert:{opened.panel[0]}",
        on=OPENED_ON,
        round=opened.id,
        scores={"innovation": 80, "feasibility": 101},
        reasons=dict.fromkeys(path.DIMENSIONS, "好"),
    )

    assert [detail.field for detail in fault.details] == ["scores.feasibility", "scores.sustainability"]


def test_leaving_voids_the_sheet_without_deleting_and_seats_a_substitute_with_the_full_time(
    world: World, project: str
) -> None:
    opened = path.open_round(world, project)
    leaver = opened.panel[0]
    _submit(world, opened, leaver)

    left = world.do(
        "review.recuse", as_=f"expert:{leaver}", on=date(2016, 3, 8), round=opened.id, reason="与申报单位有合作"
    )

    with Session(world.services.engine) as session:
        sheet = session.exec(select(ReviewSheet).where(col(ReviewSheet.expert_id) == leaver)).one()
        tasks = session.exec(select(WorkItem).where(col(WorkItem.subject_kind) == "review_seat")).all()
    assert sheet.voided_on == date(2016, 3, 8)
    assert left.substitute in opened.alternates
    assert left.due_on == date(2016, 3, 22)
    assert sorted(item.status for item in tasks) == ["done", *["open"] * 5]
    world.refused(
        "review.seat_left", "review.submit_score", as_=f"expert:{leaver}", on=OPENED_ON, round=opened.id, **path.sheet()
    )
    path.score(world, opened, value=90)
    closed = world.do("review.close_round", as_=OFFICE, on=SCORES_CLOSE_ON, round=opened.id, opinion="同意。")
    assert closed.mean == Decimal("90.00")


def test_a_member_who_lets_the_day_pass_is_replaced_and_the_round_can_still_be_closed(
    world: World, project: str
) -> None:
    opened = path.open_round(world, project)
    for expert in opened.panel[1:]:
        _submit(world, opened, expert)

    missing = world.refused("review.sheets_missing", "review.close_round", as_=SYSTEM, on=LATE, round=opened.id)
    left = world.do("review.recuse", as_=OFFICE, on=LATE, round=opened.id, reason="未按期评分", expert=opened.panel[0])
    _submit(world, opened, left.substitute, on=left.due_on)

    assert missing.facts["count"] == 1
    assert world.do("review.close_round", as_=SYSTEM, on=left.due_on, round=opened.id).passed


def test_an_empty_seat_blocks_the_close_until_the_roster_has_grown(world: World, project: str) -> None:
    opened = path.open_round(world, project)
    for _ in range(4):  # three alternates, then nobody
        seat = next(seat for seat in world.ask("review.round", round=opened.id).seats if not seat.recused)
        _leave(world, opened.id, seat.expert)
    path.score(world, opened)
    assert world.ask("review.round", round=opened.id).empty_seats > 0

    world.refused(
        "review.panel_incomplete", "review.close_round", as_=OFFICE, on=OPENED_ON, round=opened.id, opinion="同意"
    )
    for number, category in enumerate(CATEGORIES * 2):
        path.register(world, 40 + number, category=category)
    for seat in world.ask("review.round", round=opened.id).seats:
        if seat.vacant:
            _leave(world, opened.id, seat.expert)
    path.score(world, opened)

    assert world.do("review.close_round", as_=OFFICE, on=OPENED_ON, round=opened.id, opinion="同意").passed


def _leave(world: World, round_id: str, expert: str) -> None:
    world.do(
        "review.recuse",
        as_=OFFICE,
        on=OPENED_ON,
        round=round_id,
        reason="退出",
        expert=expert,
        request=path.letter(world),
    )


def test_the_office_unseats_nobody_without_a_ground(world: World, project: str) -> None:
    opened = path.open_round(world, project)
    scored, missing = opened.panel[:2]
    _submit(world, opened, scored)
    call: dict[str, Any] = {"as_": OFFICE, "round": opened.id, "reason": "退出"}

    world.refused("review.recusal_unfounded", "review.recuse", **call, on=SCORES_CLOSE_ON, expert=missing)
    world.refused("review.recusal_unfounded", "review.recuse", **call, on=LATE, expert=scored)
    world.do("review.recuse", **call, on=LATE, expert=missing)
    world.do("review.recuse", **call, on=LATE, expert=scored, request=path.letter(world))

    assert _document(world, "recusal_request").title.endswith("评审专家退出申请")


def test_declaring_a_tie_to_the_applicant_leaves_the_seat_at_once(world: World, project: str) -> None:
    opened = path.open_round(world, project)
    expert = opened.panel[2]

    harmless = world.do("review.declare_tie", as_=f"expert:{expert}", on=OPENED_ON, organisation="无关单位")
    declared = world.do("review.declare_tie", as_=f"expert:{expert}", on=OPENED_ON, organisation=APPLICANT)

    assert (harmless.left, declared.left) == ((), (opened.id,))
    seats = world.ask("review.round", round=opened.id).seats
    assert [seat.expert for seat in seats if seat.recused] == [expert]
    assert len([seat for seat in seats if not seat.recused]) == 5


def test_closing_before_the_last_day_needs_all_sheets_and_an_opinion(world: World, project: str) -> None:
    opened = path.open_round(world, project)
    early = {"as_": OFFICE, "on": date(2016, 3, 4), "round": opened.id}
    world.refused("review.sheets_missing", "review.close_round", **early, opinion="同意。")  # type: ignore[arg-type]
    path.score(world, opened)
    world.refused("review.opinion_missing", "review.close_round", **early)  # type: ignore[arg-type]

    closed = world.do("review.close_round", **early, opinion="同意通过。", dissent="专家2认为单价偏高。")  # type: ignore[arg-type]

    view = world.ask("review.round", round=opened.id)
    assert closed.state == "project.reviewed"
    assert (closed.mean, closed.passed) == (Decimal("80.00"), True)
    assert (view.state, view.opinion, view.dissent) == ("closed", "同意通过。", "专家2认为单价偏高。")
    assert all(seat.scores for seat in view.seats)
    world.refused("review.round_closed", "review.close_round", **early, opinion="再来一次")  # type: ignore[arg-type]


def test_the_sweep_finds_a_round_the_day_after_and_words_the_opinion_from_the_tally(world: World, project: str) -> None:
    opened = path.open_round(world, project)
    path.score(world, opened, value=50)
    assert world.ask("review.rounds_due", as_=SYSTEM, on=SCORES_CLOSE_ON) == ()
    assert world.ask("review.rounds_due", as_=SYSTEM, on=LATE) == (opened.id,)

    closed = world.do("review.close_round", as_=SYSTEM, on=LATE, round=opened.id)

    assert not closed.passed
    assert "平均50.00分，未达到合格线60分" in world.ask("review.round", round=opened.id).opinion
    assert world.ask("review.rounds_due", as_=SYSTEM, on=LATE) == ()


def test_the_opinion_is_filed_under_its_digest_and_no_event_holds_a_name_or_a_score(world: World, project: str) -> None:
    opened = path.open_round(world, project)
    path.score(world, opened, value="77.25")
    world.do("review.close_round", as_=OFFICE, on=LATE, round=opened.id, opinion="同意。", synthetic=("opinion",))

    document = _document(world, "review_opinion")
    history = json.dumps([line.payload for line in world.ask("project.history", project=project)], ensure_ascii=False)
    assert sha256_hex(world.services.documents.get(zone=Zone.DOCUMENTS, sha256=document.sha256)) == document.sha256
    assert document.synthetic_fields == ["完成专家评审·评审意见"]
    assert "合成专家" not in history
    assert "理由充分" not in history


def test_the_opinion_cites_the_needs_the_project_answers_to(world: World, project: str) -> None:
    """ZY-21: what the panel was shown of the needs stands in the paper it signs."""
    opened = path.open_round(world, project)
    (need,) = world.ask("review.round", round=opened.id).needs
    path.score(world, opened)
    world.do("review.close_round", as_=OFFICE, on=LATE, round=opened.id, opinion="同意。")

    view = _document(world, "review_opinion").data_digest
    assert view is not None
    stored = world.services.documents.get(zone=Zone.DOCUMENTS, sha256=view)
    facts = {fact["label"]: fact["value"]["text"] for fact in json.loads(stored)["facts"]}
    assert need.title
    assert need.title in facts[sentence("review.paper.needs")]
