"""``lifecycle draw verify``: a published protocol is drawn again; what is no protocol is said so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from models.rules.draw import Candidate, draw, protocol_of
from tests.portal.cli.conftest import Lifecycle

pytestmark = pytest.mark.xdist_group("cli")


@pytest.fixture
def protocol() -> dict[str, Any]:
    roster = tuple(Candidate(f"e-{number}", "expert", f"合成单位{number}") for number in range(7))
    asked: dict[str, Any] = {"roster": roster, "conflicts_with": frozenset({"合成单位3"}), "size": 3, "quotas": {}}
    return protocol_of(**asked, drawn=draw(**asked, seed="seed"))


def test_true_protocol_exits_0(protocol: dict[str, Any], lifecycle: Lifecycle, tmp_path: Path) -> None:
    file = tmp_path / "protocol.json"
    file.write_text(json.dumps(protocol), "utf-8")

    assert lifecycle("draw", "verify", str(file)).code == 0
    assert lifecycle("draw", "verify", str(file), "--json").json == {"ok": True, "differences": []}


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
