"""The draw of a review panel through the door: committed seed, recorded conflicts, versions. All people are made up."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.commands.door import execute
from models.context import Services
from models.core.actors import Actor, Role
from models.core.hashing import sha256_hex
from models.ports import Zone
from models.rules.draw import verify
from models.tables.draw import DrawCommitment
from models.tables.kernel import Event
from models.tables.review import ExpertVersion
from tests.support import deciding as path
from tests.support.deciding import APPLICANT, CATEGORIES, OFFICE, OPENED_ON, SYSTEM
from tests.support.planning import candidate
from tests.support.world import World, copy_world, open_world


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


@dataclass(frozen=True)
class _KnownSeeds:
    """Stands for the system's randomness, so that the test knows what it gave."""

    text: str = "5eed" * 16

    def seed(self, *, draw_id: str) -> str:
        return self.text


def _in_production(world: World) -> World:
    services: Services = replace(world.services, rehearsal=False, seeds=_KnownSeeds())
    return World(services=services, clock=world.clock, calls=world.calls)


def _commit(world: World, project: str, *, as_: str = OFFICE) -> Any:
    return world.do("review.commit_seed", as_=as_, on=OPENED_ON, project=project)


def _open(world: World, project: str, **more: Any) -> Any:
    return world.do("review.open_round", as_=OFFICE, on=OPENED_ON, project=project, **more)


def _events(world: World, *types: str) -> list[Event]:
    with Session(world.services.engine) as session:
        found = session.exec(select(Event).where(col(Event.stream_kind) == "project").order_by(col(Event.seq))).all()
    return [row for row in found if row.type in types]


def _protocol(world: World, opened: Any) -> dict[str, Any]:
    record = world.ask("draw.record", subject=opened.id)
    return dict(json.loads(world.services.documents.get(zone=Zone.DOCUMENTS, sha256=record.sha256)))


def test_the_digest_of_the_seed_is_published_before_the_draw_and_the_seed_after_it(world: World, project: str) -> None:
    production = _in_production(world)

    committed = _commit(production, project)
    assert "5eed" not in json.dumps([row.payload for row in _events(world, "draw.seed_committed")])
    opened = _open(production, project)

    before, drawn = _events(world, "draw.seed_committed", "project.review_opened")
    assert (before.type, before.payload["seed_commitment"]) == ("draw.seed_committed", committed.seed_commitment)
    assert committed.seed_commitment == sha256_hex(f"{'5eed' * 16}\n{opened.id}".encode())
    assert drawn.payload["seed"] == "5eed" * 16
    protocol = _protocol(world, opened)
    assert verify(protocol, published=committed.seed_commitment) == ()
    assert protocol["draw_id"] == opened.id == committed.draw_id


def test_the_seed_waits_sealed_and_a_second_commitment_to_the_same_roster_is_the_first(
    world: World, project: str
) -> None:
    production = _in_production(world)
    first, again = _commit(production, project), _commit(production, project, as_=SYSTEM)

    with Session(world.services.engine) as session:
        (row,) = session.exec(select(DrawCommitment)).all()
    assert first == again
    assert "5eed" not in row.model_dump_json()
    assert world.services.vault.open(row.seed_sealed) == "5eed" * 16


def test_in_production_nobody_types_a_seed_or_draws_without_a_commitment(world: World, project: str) -> None:
    production = _in_production(world)
    call = {"as_": OFFICE, "on": OPENED_ON, "project": project}

    production.refused("draw.seed_typed", "review.open_round", **call, seed="my favourite")  # type: ignore[arg-type]
    production.refused("draw.seed_uncommitted", "review.open_round", **call)  # type: ignore[arg-type]

    assert world.ask("project.status", project=project).state == "project.candidate"


def test_a_roster_changed_after_the_commitment_needs_a_new_seed(world: World, project: str) -> None:
    first = _commit(world, project)
    path.register(world, 30, category=CATEGORIES[0])

    world.refused("draw.roster_changed", "review.open_round", as_=OFFICE, on=OPENED_ON, project=project)
    second = _commit(world, project)
    opened = _open(world, project)

    with Session(world.services.engine) as session:
        kept = {row.draw_id: row for row in session.exec(select(DrawCommitment))}
    assert (kept[first.draw_id].overtaken_on, kept[first.draw_id].revealed_on) == (OPENED_ON, None)
    assert kept[second.draw_id].revealed_on == OPENED_ON
    assert opened.id == second.draw_id


def test_the_same_call_of_one_day_commits_anew_when_the_roster_has_changed(world: World, project: str) -> None:
    """The sweep of a day derives one call id from its arguments; a roster filled up that day must still be drawn."""

    def swept(services: Services) -> Any:
        return execute(
            services, name="review.commit_seed", arguments={"project": project}, actor=Actor(Role.SYSTEM, "scheduler"),
            as_of=OPENED_ON, command_id="cmd-swept",
        )  # fmt: skip

    first = swept(world.services)
    path.register(world, 30, category=CATEGORIES[0])
    second = swept(world.services)

    assert second.draw_id != first.draw_id
    assert _open(world, project).id == second.draw_id


def test_a_typed_seed_of_a_rehearsal_is_committed_to_in_an_event_before_the_draw(world: World, project: str) -> None:
    opened = path.open_round(world, project)

    before, drawn = _events(world, "draw.seed_committed", "project.review_opened")
    assert before.seq < drawn.seq
    assert before.payload["seed_commitment"] == sha256_hex(f"seed-2016\n{opened.id}".encode())


def test_a_commitment_reveals_what_a_swapped_seed_or_roster_would_hide(world: World, project: str) -> None:
    committed = _commit(world, project)
    protocol = _protocol(world, _open(world, project))

    other = verify(protocol | {"seed": "another"}, published=committed.seed_commitment)
    elsewhere = verify(protocol, published="0" * 64)

    assert any("抽取前公布的种子摘要" in line for line in other)
    assert [line.split("与")[0] for line in elsewhere] == ["抽取前公布的种子摘要"]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"employer": APPLICANT}, "employer"),
        ({"ties": (APPLICANT,)}, "tie"),
        ({"past_roles": ({"organisation": APPLICANT, "ended_on": "2014-06-30"},)}, "past_role"),
        ({"kin": ({"relation": "配偶", "organisation": APPLICANT},)}, "kinship"),
        ({"kin": ({"relation": "兄弟", "person": "合成甲"},)}, "kinship"),  # 合成甲 leads the project
        ({"name": "合成甲"}, "listed"),
    ],
)
def test_every_recorded_conflict_leaves_the_draw_with_its_reason(
    world: World, project: str, entry: dict[str, Any], reason: str
) -> None:
    tied = path.register(world, 20, category=CATEGORIES[0], **entry)

    protocol = _protocol(world, path.open_round(world, project))

    assert protocol["excluded"] == [{"id": tied, "reason": reason}]
    assert "合成甲" not in json.dumps(protocol, ensure_ascii=False)


def test_a_role_given_up_long_ago_is_no_conflict(world: World, project: str) -> None:
    free = path.register(
        world, 20, category=CATEGORIES[0], past_roles=({"organisation": APPLICANT, "ended_on": "2010-06-30"},)
    )

    opened = path.open_round(world, project)

    assert free in {*opened.panel, *opened.alternates}


def test_every_change_of_a_roster_entry_leaves_a_version(world: World) -> None:
    expert = path.register(world, 20, category=CATEGORIES[0], kin=({"relation": "配偶", "person": "合成丁"},))
    amended = world.do("review.amend_expert", as_=OFFICE, on=OPENED_ON, expert=expert, employer="合成新单位")
    world.do("review.declare_tie", as_=f"expert:{expert}", on=OPENED_ON, organisation="合成旧识单位")

    versions = world.ask("review.expert_versions", expert=expert)

    assert amended.version == 2
    assert [one.number for one in versions] == [1, 2, 3]
    assert [one.entry["employer"] for one in versions] == ["合成单位20", "合成新单位", "合成新单位"]
    assert versions[1].entry["past_roles"] == [{"organisation": "合成单位20", "ended_on": OPENED_ON.isoformat()}]
    assert [len(one.entry["ties"]) for one in versions] == [0, 0, 1]
    assert versions[0].entry["kin"] == [{"relation": "配偶", "organisation": ""}]
    with Session(world.services.engine) as session:
        assert "合成丁" not in "".join(row.model_dump_json() for row in session.exec(select(ExpertVersion)))
    world.refused(
        "review.nothing_amended", "review.amend_expert", as_=OFFICE, on=OPENED_ON, expert=expert, employer="合成新单位"
    )


def test_where_needs_bind_a_project_linked_to_none_is_not_reviewed(world: World, project: str) -> None:
    """ZY-21: in Zunyi the panel starts from the needs; elsewhere the rule does not bind."""
    from models.core.errors import Refusal
    from models.policy.resolver import load_policy_book
    from models.rules.review import check_needs

    zunyi = load_policy_book().resolve(region="520300", on=path.date(2025, 3, 3))
    with pytest.raises(Refusal) as refused:
        check_needs(needs=(" ",), policy=zunyi)
    check_needs(needs=("sur-1",), policy=zunyi)
    check_needs(needs=(), policy=world.services.policies.resolve(region="420200", on=OPENED_ON))

    assert (refused.value.code, refused.value.rule) == ("review.needs_not_linked", "ZY-21")
    assert [need.title for need in world.ask("review.round", round=path.open_round(world, project).id).needs] == [
        "合成需求调查"
    ]


def test_the_sweep_finds_a_candidate_whose_time_has_run_out(world: World, project: str) -> None:
    entered = path.ENTERED_ON
    due = world.services.calendar.add_working_days(entered, days=10).date

    assert world.ask("review.candidates_due", as_=SYSTEM, on=entered) == ()
    assert world.ask("review.candidates_due", as_=SYSTEM, on=due) == (project,)
    path.open_round(world, project)
    assert world.ask("review.candidates_due", as_=SYSTEM, on=due) == ()
