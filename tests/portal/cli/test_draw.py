"""``lifecycle draw verify``: a published protocol is drawn again; what is no protocol is said so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from models.context import Services
from models.rules.draw import Candidate, draw, protocol_of
from portal.cli import draw as cli
from tests.portal.cli.conftest import Installation, Lifecycle
from tests.support import deciding as path
from tests.support.planning import OFFICE, candidate
from tests.support.world import World, open_world

pytestmark = pytest.mark.xdist_group("cli")


@pytest.fixture
def protocol() -> dict[str, Any]:
    roster = tuple(Candidate(f"e-{number}", "expert", f"合成单位{number}") for number in range(7))
    asked: dict[str, Any] = {"roster": roster, "conflicts_with": frozenset({"合成单位3"}), "size": 3, "quotas": {}}
    return protocol_of(**asked, drawn=draw(**asked, seed="seed"))


def test_true_protocol_exits_0(protocol: dict[str, Any], lifecycle: Lifecycle, tmp_path: Path) -> None:
    file = tmp_path / "protocol.json"
    file.write_text(json.dumps(protocol), "utf-8")

    shown, told = lifecycle("draw", "verify", str(file)), lifecycle("draw", "verify", str(file), "--json")
    compared = lifecycle("draw", "verify", str(file), "--commitment", protocol["seed_commitment"])

    assert (shown.code, told.code, compared.code) == (0, 0, 0)
    assert told.json == {"ok": True, "differences": [], "commitment_compared": False}
    assert "没有与抽取前公布的种子摘要比对" in shown.out
    assert "种子摘要" not in compared.out


def test_edited_protocol_exits_1_and_says_what_differs(
    protocol: dict[str, Any], lifecycle: Lifecycle, tmp_path: Path
) -> None:
    file = tmp_path / "protocol.json"
    edited = protocol | {"chosen": ["e-3", *protocol["chosen"][1:]]}
    file.write_text(json.dumps(edited), "utf-8")

    shown, told = lifecycle("draw", "verify", str(file)), lifecycle("draw", "verify", str(file), "--json")

    assert (shown.code, told.code, told.json["ok"]) == (1, 1, False)
    assert told.json["differences"]
    assert all(difference in shown.out for difference in told.json["differences"])


@pytest.mark.parametrize("text", ["no JSON", '"text"', '["abc"]', "[1]", "3", "null", '{"chosen": []}', ""])
def test_what_is_no_protocol_is_never_called_true(text: str, lifecycle: Lifecycle, tmp_path: Path) -> None:
    file = tmp_path / "protocol.json"
    file.write_text(text, "utf-8")

    said = lifecycle("draw", "verify", str(file), "--json")

    assert said.code in {1, 2}
    assert said.json["ok"] is False


@pytest.mark.parametrize("name", ["nowhere.json", "."])
def test_file_that_is_not_there_exits_2(name: str, lifecycle: Lifecycle, tmp_path: Path) -> None:
    assert lifecycle("draw", "verify", str(tmp_path / name)).code == 2


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A made-up world with a roster, which the command line serves."""
    world = open_world(tmp_path)
    path.roster(world)

    @contextmanager
    def services(_settings: object) -> Iterator[Services]:
        yield world.services

    monkeypatch.setattr(cli, "open_services", services)
    return world


def test_exported_record_verifies_against_the_commitment_published_before_the_draw(
    world: World, lifecycle: Lifecycle, tmp_path: Path
) -> None:
    opened = path.open_round(world, candidate(world))
    file = tmp_path / "draw.json"

    told = lifecycle("draw", "export", opened.id, "--to", str(file), "--json").json

    commitment = told["seed_commitment"]
    assert json.loads(file.read_text("utf-8"))["chosen"] == list(opened.panel)
    assert lifecycle("draw", "verify", str(file), "--commitment", commitment).code == 0
    other = lifecycle("draw", "verify", str(file), "--commitment", "0" * 64, "--json")
    assert (other.code, len(other.json["differences"]), other.json["commitment_compared"]) == (1, 1, True)

    drawn = _substitute(world, opened)
    told = lifecycle("draw", "export", drawn, "--to", str(file), "--json").json
    assert lifecycle("draw", "verify", str(file), "--commitment", told["seed_commitment"]).code == 0
    record = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps(record | {"chosen": record["alternates"][:1]}), "utf-8")
    assert lifecycle("draw", "verify", str(file), "--commitment", told["seed_commitment"]).code == 1


def _substitute(world: World, opened: Any) -> str:
    """Let members leave until one is replaced by a draw among those who joined the roster since; return that draw."""
    for number, category in enumerate(path.CATEGORIES * 2):
        path.register(world, 40 + number, category=category)
    while True:
        seats = world.ask("review.round", round=opened.id).seats
        drawn = [seat.draw for seat in seats if seat.draw]
        if drawn:
            return str(drawn[0])
        expert = next(seat.expert for seat in seats if not seat.recused)
        given: dict[str, Any] = {"round": opened.id, "reason": "退出", "expert": expert, "request": path.letter(world)}
        world.do("review.recuse", as_=OFFICE, on=path.OPENED_ON, **given)


def test_export_of_what_was_never_drawn_is_refused(
    installation: Installation, lifecycle: Lifecycle, tmp_path: Path
) -> None:
    assert lifecycle("draw", "export", "rnd-nobody", "--to", str(tmp_path / "x.json")).code == 10
    assert not (tmp_path / "x.json").exists()
