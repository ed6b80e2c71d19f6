"""``lifecycle commands | do | query``: the list others build on, the exit codes, and what a call leaves behind."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infra.bootstrap import open_services
from infra.orchestrator import Deployments
from infra.settings import Settings
from models.core.actors import Role
from models.core.hashing import sha256_hex
from models.core.registry import operations
from models.ports import Zone
from models.rules.synthetic import synthetic_ledger
from portal.cli import archive
from reports.needs_ledger_file import texts_of
from reports.workbook import needs_workbook
from tests.portal.cli.conftest import Installation, Lifecycle

pytestmark = pytest.mark.xdist_group("cli")

DAY = "2016-03-01"
OFFICE = ("--as", "evaluation_office:u-office", "--as-of", DAY)
SURVEY = {"title": "合成摸底", "classes": ["URBAN_DIBAO", "RURAL_DIBAO", "RURAL_WUBAO"], "scope": "全市"}


def given(**arguments: Any) -> tuple[str, str]:
    return "--with", json.dumps(arguments, ensure_ascii=False)


def ledger(people: int, *, spoiled: dict[int, dict[str, str]] | None = None) -> bytes:
    """Return a ledger workbook of made-up people; ``spoiled`` maps a row to the texts written over it."""
    rows = synthetic_ledger(people=people, seed=1, as_of=date(2016, 3, 1), region_code="420200")
    texts = [row | (spoiled or {}).get(number, {}) for number, row in enumerate(texts_of(rows), start=1)]
    return needs_workbook(rows=texts, note="合成数据,仅供演练。", issuer="", date=date(2016, 3, 1))


@pytest.fixture
def survey(installation: Installation, lifecycle: Lifecycle) -> str:
    done = lifecycle("do", "needs.open_survey", *given(**SURVEY), *OFFICE, "--json")
    return str(done.json["result"]["id"])


@pytest.fixture
def project(installation: Installation, lifecycle: Lifecycle) -> str:
    done = lifecycle(
        "do", "library.enter_project", *given(name="合成项目", needs=["x"], policies=["y"]), *OFFICE, "--json"
    )
    return str(done.json["result"]["id"])


class TestCommands:
    def test_lists_every_command_query_and_flow_with_schema_and_roles(self, lifecycle: Lifecycle) -> None:
        said = lifecycle("commands", "--json")

        listed = {item["name"]: item for item in said.json}
        assert said.code == 0
        assert set(operations()) < set(listed)
        assert {item["kind"] for item in listed.values()} == {"command", "query", "flow"}
        for item in listed.values():
            Draft202012Validator.check_schema(item["arguments"])
            assert item["arguments"]["type"] == "object"
            assert item["label"]
            assert item["clause"]
            assert item["roles"]
            assert set(item["roles"]) <= set(Role)

    def test_lists_every_deployment_as_a_flow(self, lifecycle: Lifecycle) -> None:
        declared = re.findall(r"^  - name: ([a-z-]+)$", Path("prefect.yaml").read_text("utf-8"), re.MULTILINE)

        flows = [item["name"] for item in lifecycle("commands", "--json").json if item["kind"] == "flow"]

        assert flows == sorted(declared)
        assert flows

    def test_schema_refuses_what_the_command_refuses(self, lifecycle: Lifecycle) -> None:
        listed = {item["name"]: item for item in lifecycle("commands", "--json").json}
        schema = Draft202012Validator(listed["needs.open_survey"]["arguments"])

        assert schema.is_valid(SURVEY)
        assert not schema.is_valid(SURVEY | {"unknown": 1})
        assert not schema.is_valid({"title": "合成摸底"})

    def test_are_shown_to_people_with_whole_names_to_copy(self, lifecycle: Lifecycle) -> None:
        said = lifecycle("commands")

        assert said.code == 0
        assert "项目入库" in said.out
        assert set(operations()) < set(said.out.split())

    def test_of_one_stage_or_one_role(self, lifecycle: Lifecycle) -> None:
        stage = {item["name"] for item in lifecycle("commands", "funding", "--json").json}
        expert = lifecycle("commands", "--role", "expert", "--json").json

        assert stage == {name for name in operations() if name.startswith("funding.")} | {
            flow for flow in Deployments().by_name if flow.startswith("funding-")
        }
        assert "review.submit_score" in {item["name"] for item in expert}
        assert all("expert" in item["roles"] for item in expert)

    def test_one_alone_says_who_may_and_what_it_wants(self, lifecycle: Lifecycle) -> None:
        said = lifecycle("commands", "application.submit")

        assert said.code == 0
        for words in ("项目申报", "ZY-18", "购买主体 purchaser", "项目编号", "plan_book.budget[].amount", "文件路径"):
            assert words in said.out

    def test_a_name_that_is_none_is_said_to_be_none(self, lifecycle: Lifecycle) -> None:
        assert lifecycle("commands", "funding.nothing").code == 2
        assert lifecycle("commands", "--role", "nobody").code == 2


class TestDo:
    def test_carries_out_and_query_reads_it(self, survey: str, lifecycle: Lifecycle) -> None:
        said = lifecycle("query", "needs.summary", *given(survey=survey), *OFFICE, "--json")

        assert said.code == 0
        assert said.json["ok"] is True
        assert said.json["result"]["people"] == 0

    def test_refusal_exits_10_with_rule_message_and_way_out(
        self, installation: Installation, lifecycle: Lifecycle
    ) -> None:
        call = ("do", "needs.open_survey", *given(**SURVEY | {"classes": ["URBAN_DIBAO"]}), *OFFICE)

        shown, told = lifecycle(*call), lifecycle(*call, "--json")

        error = told.json["error"]
        assert (shown.code, told.code, told.json["ok"]) == (10, 10, False)
        assert (error["family"], error["code"], error["rule"]) == ("refused", "needs.class_missing", "HS-03")
        assert error["message"] in shown.err
        assert error["way_out"] in shown.err
        assert "HS-03" in shown.err

    def test_wrong_role_is_refused_and_kept_as_an_attempt(
        self, installation: Installation, lifecycle: Lifecycle
    ) -> None:
        said = lifecycle("do", "needs.open_survey", *given(**SURVEY), "--as", "contractor:c-1", "--json")

        assert (said.code, said.json["error"]["rule"]) == (10, "SYS-ROLE")
        kept = "SELECT command, actor, family, rule FROM attempt"
        assert installation.rows(kept) == [("needs.open_survey", "contractor:c-1", "refused", "SYS-ROLE")]

    def test_wrong_arguments_are_named_field_by_field(self, installation: Installation, lifecycle: Lifecycle) -> None:
        said = lifecycle("do", "needs.open_survey", *given(title="合成", klasses=[]), *OFFICE, "--json")

        assert (said.code, said.json["error"]["rule"]) == (10, "SYS-ARGUMENTS")
        assert {detail["field"] for detail in said.json["error"]["details"]} == {"classes", "scope", "klasses"}

    def test_done_already_exits_11(self, project: str, lifecycle: Lifecycle) -> None:
        source = given(project=project, source="合成来源", values=[{"field": "合同价款"}])
        call = ("do", "rehearsal.record_source", *source, *OFFICE, "--json")

        first, second = lifecycle(*call), lifecycle(*call)

        assert (first.code, second.code) == (0, 11)
        assert second.json["error"]["family"] == "conflict"

    def test_store_away_exits_12_and_moves_nothing(
        self, survey: str, installation: Installation, lifecycle: Lifecycle, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = installation.home / "台账.xlsx"
        file.write_bytes(b"anything")
        before = installation.counts()
        monkeypatch.setenv("LIFECYCLE_S3_ENDPOINT", "127.0.0.1:1")

        said = lifecycle("do", "needs.import_ledger", *given(survey=survey, file=str(file)), *OFFICE, "--json")

        assert (said.code, said.json["error"]["family"]) == (12, "transient")
        assert installation.counts() == before

    def test_bug_exits_70_with_an_incident_that_is_in_the_log(
        self, lifecycle: Lifecycle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("not foreseen")

        monkeypatch.setattr(archive, "check_bundle", broken)
        with caplog.at_level(logging.ERROR, logger="lifecycle"):
            said = lifecycle("archive", "verify", "bundle.zip", "--json")

        logged = [record for record in caplog.records if record.name == "lifecycle"]
        assert said.code == 70
        assert len(logged) == 1
        assert vars(logged[0])["incident"] in said.json["error"]["message"]
        assert "not foreseen" not in said.out

    @pytest.mark.parametrize(
        "call",
        [
            ("do", "no.such_command", *OFFICE),
            ("do", "project.status", *OFFICE),
            ("query", "library.enter_project"),
            ("do", "needs.open_survey", *OFFICE, "--with", "{"),
            ("do", "needs.open_survey", *OFFICE, "--with", "[]"),
            ("do", "needs.open_survey", *OFFICE, "--with", "[" * 100_000),
            ("do", "needs.open_survey", *OFFICE, "--with", f'{{"title": {"9" * 5000}}}'),
            ("do", "needs.open_survey", "--as", "mayor:m-1"),
            ("do", "needs.open_survey", "--as", "evaluation_office:13812345678"),
            ("do", "needs.open_survey", "--as", "evaluation_office:张三"),
            ("do", "needs.open_survey", *OFFICE[:2], "--as-of", "2016-02-30"),
            ("do", "needs.open_survey"),
            ("do",),
            ("do", "needs.open_survey", *OFFICE, "--frobnicate"),
            ("do", "needs.open_survey", "more", *OFFICE),
            ("frobnicate",),
            ("archive", "verify", "bundle.zip", "--ca", "/nowhere/at/all"),
        ],
    )
    def test_wrong_use_exits_2_before_anything_is_opened(
        self, installation: Installation, lifecycle: Lifecycle, call: tuple[str, ...]
    ) -> None:
        shown, told = lifecycle(*call), lifecycle(*call, "--json")

        assert (shown.code, told.code) == (2, 2)
        assert shown.err.strip() == told.json["error"]["message"].strip() != ""
        assert re.search(r"[一-鿿]", shown.err)
        assert not re.search(r"Usage|Error|Missing|No such|Try", shown.err)
        assert not installation.home.exists()

    def test_name_that_is_no_text_exits_2(self, installation: Installation, lifecycle: Lifecycle) -> None:
        shown, told = lifecycle("do", "no.such_\udcff", *OFFICE), lifecycle("do", "no.such_\udcff", *OFFICE, "--json")

        assert (shown.code, told.code) == (2, 2)
        assert "no.such_\\udcff" in shown.err
        assert told.json["ok"] is False

    def test_group_without_a_command_exits_2(self, lifecycle: Lifecycle) -> None:
        said = lifecycle("archive")

        assert (said.code, said.out) == (2, "")
        assert said.err.startswith("缺少子命令")
        assert "lifecycle archive --help" in said.err

    def test_actor_must_be_named(self, installation: Installation, lifecycle: Lifecycle) -> None:
        said = lifecycle("do", "needs.open_survey", *given(**SURVEY))

        assert said.code == 2
        assert "--as" in said.err

    def test_nothing_asked_for_shows_the_help(self, lifecycle: Lifecycle) -> None:
        said = lifecycle()

        assert said.code == 2
        assert "服务类社会救助项目" in said.out + said.err

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            (("--with", '{"title": "\\ud800", "classes": [], "scope": "x"}'), "door.arguments_invalid"),
            (("--with", '{"title": "\\u0000", "classes": [], "scope": "x"}'), "door.arguments_invalid"),
            (("--with", f'{{"title": {"[" * 80}{"]" * 80}}}'), "door.arguments_invalid"),
            (("--as-of", "9999-12-31"), "door.date_out_of_range"),
        ],
    )
    def test_what_cannot_be_recorded_is_refused(
        self, installation: Installation, lifecycle: Lifecycle, more: tuple[str, ...], code: str
    ) -> None:
        said = lifecycle("do", "needs.open_survey", *given(**SURVEY), *OFFICE, *more, "--json")

        assert (said.code, said.json["error"]["code"]) == (10, code)
        assert installation.rows("SELECT code FROM attempt") == [(code,)]


class TestDryRun:
    def test_of_what_would_be_done_leaves_nothing(self, installation: Installation, lifecycle: Lifecycle) -> None:
        lifecycle("query", "chains.verify", "--as", "audit_body:a-1", "--json")  # makes the database
        before = installation.counts()

        said = lifecycle("do", "needs.open_survey", *given(**SURVEY), *OFFICE, "--dry-run", "--json")

        assert (said.code, said.json["ok"], said.json["dry_run"]) == (0, True, True)
        assert installation.counts() == before

    def test_of_what_would_be_refused_does_not_say_that_it_was_kept(
        self, installation: Installation, lifecycle: Lifecycle
    ) -> None:
        call = ("do", "needs.open_survey", *given(**SURVEY | {"classes": []}), *OFFICE, "--json")

        tried, done = lifecycle(*call, "--dry-run"), lifecycle(*call)

        assert "留存" not in tried.out
        assert "已留存" in done.json["error"]["way_out"]

    def test_of_what_would_be_refused_leaves_no_attempt(
        self, survey: str, installation: Installation, lifecycle: Lifecycle
    ) -> None:
        before = installation.counts()

        said = lifecycle("do", "needs.open_survey", *given(**SURVEY | {"classes": []}), *OFFICE, "--dry-run", "--json")

        assert said.code == 10
        assert installation.counts() == before

    def test_of_a_file_checks_it_and_stores_it_nowhere(
        self, survey: str, installation: Installation, lifecycle: Lifecycle
    ) -> None:
        file = installation.home / "台账.xlsx"
        file.write_bytes(ledger(21))
        before = installation.counts()
        call = ("do", "needs.import_ledger", *given(survey=survey, file=str(file)), *OFFICE, "--json")

        said = lifecycle(*call, "--dry-run")

        assert (said.code, said.json.get("result", {}).get("people")) == (0, 21), said.out
        assert installation.counts() == before
        with open_services(Settings()) as services:
            assert not services.documents.exists(zone=Zone.INTAKE, sha256=sha256_hex(file.read_bytes()))


class TestBrokenFile:
    def test_exits_13_names_the_cells_keeps_the_file_and_records_the_attempt(
        self, survey: str, installation: Installation, lifecycle: Lifecycle
    ) -> None:
        file = installation.home / "台账.xlsx"
        file.write_bytes(ledger(23, spoiled={3: {"id_number": "99999919700101001"}, 7: {"street": ""}}))
        call = ("do", "needs.import_ledger", *given(survey=survey, file=str(file)), *OFFICE)

        told, shown = lifecycle(*call, "--json"), lifecycle(*call)

        error = told.json["error"]
        assert (told.code, shown.code, error["family"], error["rule"]) == (13, 13, "fault", "SYS-GATE")
        places = {(detail["row"], detail["column"]) for detail in error["details"]}
        assert len({row for row, _ in places}) == 2
        assert all(detail["sheet"] and detail["problem"] and detail["value_class"] for detail in error["details"])
        assert all(f"第{row}行" in shown.err for row, _ in places)
        assert "99999919700101001" not in told.out + shown.err, "a value may be somebody's"
        kept = "SELECT DISTINCT command, family, code FROM attempt"
        assert installation.rows(kept) == [("needs.import_ledger", "fault", "needs.ledger_rejected")]
        assert installation.rows("SELECT count(*) FROM person") == [(0,)]
        with open_services(Settings()) as services:
            held = services.documents.get(zone=Zone.QUARANTINE, sha256=sha256_hex(file.read_bytes()))
        assert held == file.read_bytes()

    def test_that_is_no_workbook_exits_13_and_is_kept(
        self, survey: str, installation: Installation, lifecycle: Lifecycle
    ) -> None:
        file = installation.home / "台账.xlsx"
        file.write_bytes(b"no workbook at all")

        said = lifecycle("do", "needs.import_ledger", *given(survey=survey, file=str(file)), *OFFICE, "--json")

        assert (said.code, said.json["error"]["code"]) == (13, "gate.unreadable")
        with open_services(Settings()) as services:
            assert services.documents.exists(zone=Zone.QUARANTINE, sha256=sha256_hex(file.read_bytes()))

    def test_that_is_not_there_is_refused_by_name(
        self, survey: str, installation: Installation, lifecycle: Lifecycle
    ) -> None:
        said = lifecycle("do", "needs.import_ledger", *given(survey=survey, file="nowhere.xlsx"), *OFFICE, "--json")

        assert (said.code, said.json["error"]["code"]) == (10, "case.file_missing")
        assert "nowhere.xlsx" in said.json["error"]["message"]


def test_entry_point_is_the_same_in_a_process_of_its_own(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("case: x\nunknown: 1\n", "utf-8")

    done = subprocess.run(
        [sys.executable, "-c", "from portal.cli.main import run; run()", "replay", str(bad)],
        capture_output=True,
        text=True,
        check=False,
        env={"LIFECYCLE_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path.cwd())},
    )

    assert done.returncode == 2, done.stderr
    assert f"{bad}:2:1" in done.stderr
    assert done.stdout == ""
