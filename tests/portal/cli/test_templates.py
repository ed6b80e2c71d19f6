"""``lifecycle templates``: what is exported can be filled in and imported through the same command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from python_calamine import load_workbook

from reports import needs
from reports.import_templates import TEMPLATES, needs_example
from tests.portal.cli.conftest import Installation, Lifecycle
from tests.support.workbooks import filled

pytestmark = pytest.mark.xdist_group("cli")

OFFICE = ("--as", "evaluation_office:u-office", "--as-of", "2016-03-01")
CLASSES = ["URBAN_DIBAO", "RURAL_DIBAO", "RURAL_WUBAO", "TEKUN"]


def given(**arguments: Any) -> tuple[str, str]:
    return "--with", json.dumps(arguments, ensure_ascii=False)


def test_lists_every_template_with_the_command_it_is_for(lifecycle: Lifecycle) -> None:
    told, shown = lifecycle("templates", "list", "--json"), lifecycle("templates", "list")

    assert {item["kind"]: item["command"] for item in told.json} == {
        "needs_ledger": "needs.import_ledger",
        "application_form": "application.submit",
        "service_records": "delivery.record_services",
    }
    assert all(kind in shown.out for kind in TEMPLATES)


@pytest.mark.parametrize("kind", list(TEMPLATES))
def test_exports_to_a_file_or_into_a_folder_and_never_over_a_file(
    lifecycle: Lifecycle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path / "home"))

    named = lifecycle("templates", "export", kind, "--to", str(tmp_path / "a.xlsx"))
    foldered = lifecycle("templates", "export", kind, "--to", str(tmp_path), "--json")
    again = lifecycle("templates", "export", kind, "--to", str(tmp_path / "a.xlsx"))
    nowhere = lifecycle("templates", "export", kind, "--to", str(tmp_path / "no" / "a.xlsx"))

    assert (named.code, foldered.code, again.code, nowhere.code) == (0, 0, 2, 2)
    assert Path(foldered.json["path"]).read_bytes() == (tmp_path / "a.xlsx").read_bytes()
    assert "填写说明" in load_workbook(tmp_path / "a.xlsx").sheet_names
    assert "没有覆盖" in again.err


def test_an_unknown_template_exits_2_and_names_the_known(lifecycle: Lifecycle) -> None:
    said = lifecycle("templates", "export", "ledger")

    assert said.code == 2
    assert all(kind in said.err for kind in TEMPLATES)


def test_an_exported_ledger_filled_in_is_imported(installation: Installation, lifecycle: Lifecycle) -> None:
    installation.home.mkdir(exist_ok=True)
    file = installation.home / "台账.xlsx"
    lifecycle("templates", "export", "needs_ledger", "--to", str(file))
    row = {(needs.FIRST_DATA_ROW, place): text for place, text in enumerate(needs_example().values(), 1) if text}
    file.write_bytes(filled(file.read_bytes(), row))
    opened = lifecycle(
        "do", "needs.open_survey", *given(title="合成摸底", classes=CLASSES, scope="全市"), *OFFICE, "--json"
    )

    said = lifecycle(
        "do",
        "needs.import_ledger",
        *given(survey=opened.json["result"]["id"], file=str(file)),
        *OFFICE,
        "--json",
    )

    assert said.code == 0, said.out
    assert said.json["result"]["people"] == 1


def test_a_file_that_fails_on_a_dry_run_is_not_said_to_be_kept(
    installation: Installation, lifecycle: Lifecycle
) -> None:
    installation.home.mkdir(exist_ok=True)
    file = installation.home / "台账.xlsx"
    file.write_bytes(TEMPLATES["needs_ledger"].write({}))
    opened = lifecycle(
        "do", "needs.open_survey", *given(title="合成摸底", classes=CLASSES, scope="全市"), *OFFICE, "--json"
    )
    calls = [
        ("do", "needs.import_ledger", *given(survey=opened.json["result"]["id"], file=str(file)), *OFFICE, "--json")
    ]
    for damaged in (b"", b"PK\x03\x04 damaged"):
        file.with_suffix(f".{len(damaged)}.xlsx").write_bytes(damaged)
        broken = str(file.with_suffix(f".{len(damaged)}.xlsx"))
        calls.append(
            ("do", "needs.import_ledger", *given(survey=opened.json["result"]["id"], file=broken), *OFFICE, "--json")
        )

    for call in calls:
        tried, done = lifecycle(*call, "--dry-run"), lifecycle(*call)

        assert (tried.code, done.code) == (13, 13)
        assert "隔离" not in tried.out
        assert "留存" not in tried.out
        assert "来件已隔离留存" in done.json["error"]["way_out"]
