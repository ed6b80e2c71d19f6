"""``lifecycle replay`` on a case file that cannot be played: exit 2 with line and column, before anything is opened."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.portal.cli.conftest import Installation, Lifecycle

pytestmark = pytest.mark.xdist_group("cli")

HEAD = 'case: bad\nregion: "420200"\nstart: 2016-01-04\n'
SURVEY = "{title: 合成摸底, classes: [URBAN_DIBAO, RURAL_DIBAO, RURAL_WUBAO], scope: 全市}"
OPEN = f"on: 2016-01-04, as: {{role: evaluation_office}}, do: needs.open_survey, with: {SURVEY}"
SUMMARY = "on: 2016-01-05, query: needs.summary"


def steps(*lines: str) -> str:
    """Return a case of these steps, one a line."""
    return HEAD + "steps:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


# What is wrong: the text, with ▶ before the place that must be named, and a word the message must hold.
BAD = {
    "unknown command": (steps(OPEN.replace("needs.open_survey", "▶needs.open_surveys")), "needs.open_surveys"),
    "query told as a command": (steps(OPEN.replace("needs.open_survey", "▶needs.summary")), "needs.summary"),
    "unknown query": (steps("on: 2016-01-04, query: ▶needs.total"), "needs.total"),
    "command told as a query": (steps("on: 2016-01-04, query: ▶needs.open_survey"), "needs.open_survey"),
    "unknown deployment": (steps("on: 2016-01-04, run: ▶no-such-flow"), "no-such-flow"),
    "unknown key of the case": (HEAD + "▶colour: red\nsteps: []\n", "colour"),
    "unknown key of a step": (steps(f"{OPEN}, ▶expects: ok"), "expects"),
    "unknown key of the actor": (steps(OPEN.replace("role: ", "▶name: x, role: ")), "name"),
    "repeated key": (steps(f"{OPEN}, ▶on: 2016-01-05"), "on"),
    "repeated argument": (steps(OPEN.replace("{title:", "{title: 甲乙, ▶title:")), "title"),
    "repeated name deep inside": (
        steps(f"{SUMMARY}, with: {{survey: x}}, expect: {{by_identity: {{A: 1, ▶A: 2}}}}"),
        "A",
    ),
    "unknown role": (steps(OPEN.replace("evaluation_office", "▶mayor")), "mayor"),
    "unknown region": (HEAD.replace('"420200"', '▶"000000"') + "steps: []\n", "000000"),
    "unknown argument": (steps(OPEN.replace("scope:", "▶range:")), "range"),
    "unknown argument of a flow": (steps("on: 2016-01-04, run: outbox-relay, with: {▶speed: 1}"), "speed"),
    "day of a flow as an argument": (
        steps("on: 2016-01-04, run: outbox-relay, with: {▶as_of: 2016-01-05}"),
        "as_of",
    ),
    "account that is a mobile number": (
        steps(OPEN.replace("role: evaluation_office", "role: evaluation_office, id: ▶13812345678")),
        "账号",
    ),
    "account that is a name": (
        steps(OPEN.replace("role: evaluation_office", "role: evaluation_office, id: ▶张三")),
        "账号",
    ),
    "brackets without end": ("▶" + "[" * 5000, "层级"),
    "reference nobody saved": (steps(f"{SUMMARY}, with: {{survey: ▶$survey}}"), "$survey"),
    "reference to a later step": (
        steps(f"{SUMMARY}, with: {{survey: ▶$survey}}", OPEN.replace("01-04", "01-05") + ", save: survey"),
        "$survey",
    ),
    "reference in the expectation": (
        steps("on: 2016-01-04, query: chains.verify, expect: {first_bad: ▶$nobody}"),
        "$nobody",
    ),
    "dates going back": (
        steps(f"{SUMMARY}, with: {{survey: x}}", OPEN).replace("- {on: 2016-01-04", "- ▶{on: 2016-01-04"),
        "2016-01-04",
    ),
    "date before the start": (steps(OPEN).replace("- {on: 2016-01-04", "- ▶{on: 2016-01-03"), "2016-01-03"),
    "no date": (steps(OPEN.replace("2016-01-04", "▶soon")), "日期"),
    "date that does not exist": (steps(OPEN.replace("2016-01-04", "▶2016-02-30")), "日期"),
    "date that does not exist in an argument": (steps(OPEN.replace("全市", "▶2016-02-30")), "值"),
    "no verb": (steps("on: 2016-01-04").replace("- {", "- ▶{"), "do、run、query"),
    "two verbs": (steps(f"{OPEN}, query: needs.summary").replace("- {", "- ▶{"), "do、run、query"),
    "command without an actor": (
        steps(OPEN.replace("as: {role: evaluation_office}, ", "")).replace("- {", "- ▶{"),
        "as",
    ),
    "step without a date": (steps("query: chains.verify").replace("- {", "- ▶{"), "on"),
    "missing key": ('▶case: bad\nregion: "420200"\nsteps: []\n', "start"),
    "no steps": (HEAD + "steps: ▶[]\n", "steps"),
    "step that is a word": (HEAD + "steps:\n  - ▶hello\n", "步骤"),
    "file that is a list": ("▶- 1\n", "案例文件"),
    "synthetic mark of nothing": (steps(f"{OPEN}, synthetic: [▶price]"), "price"),
    "synthetic mark that is no list": (steps(f"{OPEN}, synthetic: ▶title"), "synthetic"),
    "synthetic mark that is no word": (steps(f"{OPEN}, synthetic: [▶[title]]"), "synthetic"),
    "unknown expectation": (steps(f"{OPEN}, expect: ▶fine"), "expect"),
    "two outcomes at once": (steps(f"{OPEN}, expect: ▶{{refused: HS-03, fault: x}}"), "expect"),
    "event that is no number": (steps(f"{OPEN}, event: ▶third"), "整数"),
    "result kept under no name": (steps(f"{OPEN}, save: ▶my-survey"), "save"),
    "not YAML": (HEAD + "steps: [\n▶", "YAML"),
    "unknown tag": (steps(OPEN) + "title: ▶!!python/name:os.system x\n", "值"),
    "key that is a list": (HEAD + "▶[a, b]: 1\nsteps: []\n", "名称"),
    "list as a name inside an argument": (steps(f"{SUMMARY}, with: {{survey: {{▶[1]: 2}}}}"), "名称"),
    "content of itself": (steps(f"{SUMMARY}, with: {{survey: ▶&a [*a]}}"), "自身"),
    "control character": (HEAD + "title: a▶\x07b\n", "YAML"),
    "empty file": ("▶", "空"),
    "only a comment": ("▶# nothing\n", "空"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_case_is_refused_with_its_place(
    name: str, installation: Installation, lifecycle: Lifecycle, tmp_path: Path
) -> None:
    marked, word = BAD[name]
    before, _, rest = marked.partition("▶")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    file = tmp_path / "案例.yaml"
    file.write_text(before + rest, "utf-8")

    shown, told = lifecycle("replay", str(file)), lifecycle("replay", str(file), "--json")

    assert (shown.code, told.code) == (2, 2), shown.err
    assert shown.err.startswith(f"{file}:{line}:{column}: "), shown.err
    assert shown.out == ""
    error = told.json["error"]
    assert (error["line"], error["column"], told.json["ok"]) == (line, column, False)
    assert error["message"].strip() == shown.err.strip()
    assert word in error["message"].removeprefix(f"{file}:{line}:{column}: ")
    assert not re.search("expected|found|allowed", error["message"]), "the parser speaks English"
    assert not installation.home.exists()


@pytest.mark.parametrize("name", ["nowhere.yaml", "."])
def test_missing_file_is_refused(name: str, lifecycle: Lifecycle, tmp_path: Path) -> None:
    said = lifecycle("replay", str(tmp_path / name), "--json")

    assert (said.code, said.json["error"]["line"], said.json["error"]["column"]) == (2, 1, 1)


def test_file_of_another_encoding_is_refused(lifecycle: Lifecycle, tmp_path: Path) -> None:
    file = tmp_path / "案例.yaml"
    file.write_bytes((HEAD + "title: 黄石\n").encode("gbk"))

    said = lifecycle("replay", str(file), "--json")

    assert (said.code, said.json["error"]["line"]) == (2, 1)
    assert "UTF-8" in said.json["error"]["message"]
