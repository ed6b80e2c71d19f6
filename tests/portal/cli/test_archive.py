"""``lifecycle archive`` on a stored bundle: what is exported verifies alone, what was altered does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from sqlmodel import Session, col, select
from typer.testing import CliRunner

from models.context import Services
from models.core.errors import Refusal
from models.tables.kernel import Event
from portal.cli import archive
from portal.cli.archive import app, stored_packages, write_package
from tests.models.commands.finished import EVALUATED_ON, audited_project, evaluated_project
from tests.support.world import World, open_world

CLOSED_ON = date(2017, 7, 20)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = open_world(tmp_path_factory.mktemp("world"))
    project = audited_project(world)
    world.do("archive.close_project", as_="system", on=CLOSED_ON, project=project)
    return world


@pytest.fixture
def exported(world: World, tmp_path: Path) -> tuple[Path, str]:
    package = stored_packages(world.services, on=CLOSED_ON)[-1]
    return write_package(world.services, package, to=tmp_path / "out"), package.bundle_id


@pytest.fixture
def opened(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Commands open this world instead of the installation's services."""

    @contextmanager
    def services(_settings: object) -> Iterator[Services]:
        yield world.services

    monkeypatch.setattr(archive, "open_services", services)
    return world


def test_list_and_export_name_the_same_bundle(opened: World, tmp_path: Path) -> None:
    listed = json.loads(CliRunner().invoke(app, ["list", "--json"]).output)
    shown = CliRunner().invoke(app, ["list"]).output

    done = CliRunner().invoke(app, ["export", listed[0]["project"], "--to", str(tmp_path / "out"), "--json"])

    assert listed[0]["bundle_id"] in shown
    assert "2047-07-20" in shown
    assert json.loads(done.output)["bundle_id"] == listed[0]["bundle_id"]
    assert (tmp_path / "out" / listed[0]["zip_name"]).stat().st_size == listed[0]["size"]


def test_export_puts_signature_and_certificate_beside_the_zip(exported: tuple[Path, str]) -> None:
    target, _ = exported

    assert sorted(path.name for path in target.parent.iterdir()) == [
        target.name,
        f"{target.name}.p7s",
        f"{target.name}.pem",
    ]


def test_exported_bundle_verifies_by_identity_and_signature(exported: tuple[Path, str]) -> None:
    target, bundle_id = exported

    done = CliRunner().invoke(app, ["verify", str(target), "--id", bundle_id, "--ca", f"{target}.pem"])

    assert done.exit_code == 0, done.output
    assert f"档案包编号:{bundle_id}" in done.output
    assert "验证通过的签名 1 个" in done.output
    assert "测试密钥" in done.output


def test_bundle_of_another_identity_is_not_intact(exported: tuple[Path, str]) -> None:
    target, _ = exported

    done = CliRunner().invoke(app, ["verify", str(target), "--id", "0" * 64])

    assert done.exit_code == 1
    assert "不可信" in done.output
    assert "tagmanifest-sha256.txt 归档包编号应为" in done.output


def test_altered_bundle_is_reported_as_json(exported: tuple[Path, str]) -> None:
    target, bundle_id = exported
    data = bytearray(target.read_bytes())
    data[data.index(b"%PDF contract_summary")] ^= 1
    target.write_bytes(data)

    done = CliRunner().invoke(app, ["verify", str(target), "--id", bundle_id, "--json"])

    report = json.loads(done.output)
    assert done.exit_code == 1
    assert (report["ok"], report["bundle_id"]) == (False, bundle_id)
    assert any("合同" in finding["path"] for finding in report["findings"])


def test_a_bundle_is_judged_by_the_four_properties(exported: tuple[Path, str]) -> None:
    target, bundle_id = exported
    whole = CliRunner().invoke(app, ["verify", str(target), "--id", bundle_id])
    other = json.loads(CliRunner().invoke(app, ["verify", str(target), "--id", "0" * 64, "--json"]).output)

    assert [f"{name}:通过" in whole.output for name in ("真实性", "完整性", "可用性", "安全性")] == [True] * 4
    assert other["properties"] == {"authenticity": False, "integrity": True, "usability": True, "security": True}


def test_a_link_expires_and_leaves_who_asked_for_what_but_never_the_link(opened: World) -> None:
    """BJ-49, decision 34: the issue is the event."""
    (project, *_) = [one["project"] for one in json.loads(CliRunner().invoke(app, ["list", "--json"]).output)]

    done = CliRunner().invoke(app, ["link", project, "--hours", "48", "--as", "audit_body:u-audit", "--json"])
    told = json.loads(done.output)
    long = CliRunner().invoke(app, ["link", project, "--hours", "73"])

    (event,) = _events(opened, "archive.link_issued")
    assert (event.actor, event.payload["hours"]) == ("audit_body:u-audit", 48)
    assert told["url"].endswith(f"X-Amz-Expires={48 * 3600}")
    assert event.payload["sha256"] == told["sha256"]
    assert told["url"] not in json.dumps(event.payload)
    assert isinstance(long.exception, Refusal)


def test_every_export_is_a_recorded_download(opened: World, tmp_path: Path) -> None:
    (project, *_) = [one["project"] for one in json.loads(CliRunner().invoke(app, ["list", "--json"]).output)]
    before = len(_events(opened, "archive.downloaded"))

    CliRunner().invoke(app, ["export", project, "--to", str(tmp_path), "--as", "discipline_supervision:u-d"])

    *_, last = _events(opened, "archive.downloaded")
    assert len(_events(opened, "archive.downloaded")) == before + 1
    assert last.actor == "discipline_supervision:u-d"


def test_both_receipts_come_through_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ZY-31, BJ-49: audit and discipline each give theirs; with both the project is audited."""
    made = open_world(tmp_path)

    @contextmanager
    def services(_settings: object) -> Iterator[Services]:
        yield made.services

    monkeypatch.setattr(archive, "open_services", services)
    project = evaluated_project(made)
    made.do("audit.prepare_filing", as_="system", on=EVALUATED_ON, project=project)
    day = EVALUATED_ON.isoformat()
    states = []
    for body in ("audit_body", "discipline_supervision"):
        call = ["receipt", project, "--body", body, "--no", "合成1号", "--on", day, "--as", f"{body}:u-x", "--json"]
        states.append(json.loads(CliRunner().invoke(app, call).output)["state"])

    assert states == ["project.evaluated", "project.audited"]


def _events(world: World, type_: str) -> list[Event]:
    with Session(world.services.engine) as session:
        found = list(session.exec(select(Event).where(col(Event.type) == type_).order_by(col(Event.seq))).all())
        session.expunge_all()
    return found
