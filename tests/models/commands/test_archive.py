"""Archiving: a complete file becomes one bundle under retention, verifiable without us; else nothing moves (ZY-32)."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import bagit
import jsonschema
import pytest
from sqlmodel import Session, col, select

from infra.bundle_check import check_bundle
from infra.embedded.seaweed import EmbeddedS3
from infra.storage import S3DocumentStore
from models.commands import events
from models.context import Context
from models.core.actors import Actor, Role
from models.core.bundle import BundleResult, BundleView, Inspection
from models.core.chain import first_break
from models.core.errors import Conflict
from models.core.ids import derive_id
from models.ports import Zone
from models.tables.archive import ArchivePackage
from models.tables.kernel import Document, Event, WorkItem
from tests.models.commands.finished import SURVEY, audited_project, bundle_bytes, evaluated_project
from tests.support.fakes import MemoryDocumentStore
from tests.support.world import World, open_world

CLOSED_ON = date(2017, 7, 20)
KEPT_UNTIL = date(2047, 7, 20)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return open_world(tmp_path)


def close(world: World, project: str) -> Any:
    return world.do("archive.close_project", as_="system:scheduler", on=CLOSED_ON, project=project)


def files_of(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}


def fake_store(world: World) -> MemoryDocumentStore:
    assert isinstance(world.services.documents, MemoryDocumentStore)
    return world.services.documents


def assert_unmoved(world: World, project: str) -> None:
    assert world.ask("project.status", project=project).states["project"] == ["audited"]
    assert world.ask("archive.projects_to_close", as_="system") == (project,)
    with Session(world.services.engine) as session:
        assert session.exec(select(ArchivePackage)).all() == []


def test_closed_project_leaves_an_intact_bundle_with_its_identity_in_the_ledger(world: World, tmp_path: Path) -> None:
    """The stored zip verifies against the identity in row and event, and against the signature beside it."""
    project = audited_project(world)

    result = close(world, project)

    package = world.ask("archive.package", as_="audit_body", project=project)
    documents = world.services.documents
    target = tmp_path / package.zip_name
    target.write_bytes(bundle_bytes(world, project))
    for suffix, sha256 in ((".p7s", package.signature_sha256), (".pem", package.certificate_sha256)):
        target.with_name(target.name + suffix).write_bytes(documents.get(zone=package.zone, sha256=sha256))
    root = target.with_name(target.name + ".pem").read_bytes()
    check = check_bundle(target, expected_id=package.bundle_id, ca_pem=root)
    assert check.findings == ()
    assert check.counts["signatures"] == 1
    assert (result.state, result.bundle_id, result.sha256) == ("project.archived", package.bundle_id, package.sha256)
    assert (package.payload_count, package.retained_until) == (15, KEPT_UNTIL)
    held = [package.sha256, package.signature_sha256, package.certificate_sha256]
    assert [documents.retained_until(sha256=sha256) for sha256 in held] == [KEPT_UNTIL] * 3
    with Session(world.services.engine) as session:
        moved = session.exec(select(Event).where(col(Event.type) == "project.archived")).one()
        item = session.exec(select(WorkItem).where(col(WorkItem.kind) == "archive.close_project")).one()
    assert (moved.payload["bundle_id"], moved.payload["sha256"]) == (package.bundle_id, package.sha256)
    assert package.signature_sha256 not in json.dumps(moved.payload)
    assert (item.status, item.closed_on) == ("done", CLOSED_ON)
    assert world.ask("archive.projects_to_close", as_="system") == ()
    assert world.ask("archive.closed_projects", as_="audit_body") == (project,)
    assert world.ask("chains.verify", as_="audit_body").ok


def test_bundle_holds_every_document_registered_in_stage_order(world: World) -> None:
    """Folders of the stages, 件号 without gaps, and the digests of the document rows."""
    project = audited_project(world)
    close(world, project)

    files = files_of(bundle_bytes(world, project))

    payload = sorted(name for name in files if name.startswith("data/"))
    assert [name.split("/")[1] for name in payload] == [
        *["01_申报立项"],
        *["02_评审公示"] * 2,
        *["03_批准", "03_批准", "04_投资计划"],
        *["05_实施台账"] * 2,
        *["07_验收"] * 4,
        *["08_评价"],
        *["09_往来材料"] * 2,
    ]
    assert "data/01_申报立项/01_计划书_合成文件：plan_book／1.pdf" in payload
    assert "data/09_往来材料/01_送件单_备案审计送件单（纪委）.pdf" in payload
    with Session(world.services.engine) as session:
        digests = session.exec(select(Document.sha256).where(col(Document.project_id) == project)).all()
    assert sorted(line.split("  ")[0] for line in files["manifest-sha256.txt"].decode().splitlines()) == sorted(digests)
    rows = files["metadata/目录.csv"].decode("utf-8-sig").splitlines()[1:]
    assert [row.split(",")[:2] for row in rows] == [
        [f"420200-2017-D30-{project}-{number:04d}", str(number)] for number in range(1, 16)
    ]


def test_bundle_carries_record_chain_and_provenance(world: World) -> None:
    """The record fits its schema; the chain ends with ``project.audited``; what was made up is named."""
    project = audited_project(world)
    close(world, project)

    files = files_of(bundle_bytes(world, project))

    record = json.loads(files["metadata/project.json"])
    jsonschema.validate(record, json.loads(files["metadata/project.schema.json"]))
    assert record["contracts"][0]["contractor"] == "合成社工中心"
    assert record["contracts"][0]["price_fen"] == 58_800_000
    assert [receipt["body"] for receipt in record["receipts"]] == ["audit_body", "discipline_supervision"]
    chain = [json.loads(line) for line in files["metadata/events.jsonl"].splitlines()]
    own = [event for event in chain if event["stream_kind"] == "project"]
    assert first_break(chain) is None
    assert own[-1]["type"] == "project.audited"
    assert {event["stream_id"] for event in chain} == {project, SURVEY}
    assert f"Event-Chain-Head: {own[-1]['hash']}" in files["bag-info.txt"].decode()
    provenance = json.loads(files["metadata/provenance.json"])
    assert provenance["software"]["product"] == "service-assistance-lifecycle"
    assert len(provenance["software"]["policy"]["digest"]) == 64
    assert provenance["software"]["templates"].keys() == {"audit_handover.typ"}
    assert provenance["synthetic_fields"] == ["项目入库·项目名称"]


def test_same_commands_in_two_worlds_give_the_same_bytes(tmp_path: Path) -> None:
    """Keys, signatures and databases differ; the bundle does not."""
    bundles = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        world = open_world(tmp_path / name)
        project = audited_project(world)
        close(world, project)
        bundles.append(bundle_bytes(world, project))

    assert bundles[0] == bundles[1]


def test_lying_store_refuses_and_nothing_moves(world: World) -> None:
    project = audited_project(world)
    fake_store(world).lying = True

    world.refused("storage.lying", "archive.close_project", as_="system", on=CLOSED_ON, project=project)

    assert_unmoved(world, project)


def test_store_away_moves_nothing_and_the_next_sweep_closes(world: World) -> None:
    project = audited_project(world)
    fake_store(world).away = True

    world.refused("storage.away", "archive.close_project", as_="system", on=CLOSED_ON, project=project)

    fake_store(world).away = False
    assert_unmoved(world, project)
    assert close(world, project).state == "project.archived"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("plan_book", "项目计划书(申报书)"),
        ("content_reviewed", "购买内容审核意见"),
        ("cost_estimated", "成本测算"),
        ("review_opinion", "评审意见"),
        ("publicity_notice", "公示"),
        ("decision_opinion", "决策意见"),
        ("approval_document", "批准文件"),
        ("investment_plan_notice", "投资计划通知"),
        ("procurement_record", "采购活动记录"),
        ("contract_summary", "合同"),
        ("evaluation_report", "评估报告(第三方评估、结果评估)"),
        ("acceptance_conclusion", "综合评估验收结论"),
    ],
)
def test_missing_part_is_named_and_nothing_moves(world: World, kind: str, name: str) -> None:
    project = audited_project(world, without=(kind,))

    fault = world.refused("archive.incomplete", "archive.close_project", as_="system", on=CLOSED_ON, project=project)

    assert [detail.field for detail in fault.details] == [name]
    assert_unmoved(world, project)


def test_closing_an_evaluated_project_without_receipts_names_both_bodies(world: World) -> None:
    project = evaluated_project(world)

    fault = world.refused("audit.receipt_missing", "archive.close_project", as_="system", on=CLOSED_ON, project=project)

    assert "纪委、审计部门" in fault.message


def test_closing_twice_is_refused_and_the_bundle_stays(world: World) -> None:
    project = audited_project(world)
    first = close(world, project)

    world.refused("SYS-STATE", "archive.close_project", as_="system", on=CLOSED_ON, project=project)

    assert world.ask("archive.package", project=project).bundle_id == first.bundle_id


def test_altered_document_is_a_fault_and_nothing_moves(world: World) -> None:
    project = audited_project(world)
    with Session(world.services.engine) as session:
        row = session.exec(select(Document).where(col(Document.kind) == "contract_summary")).one()
    fake_store(world).overwrite(zone=Zone(row.zone), sha256=row.sha256, data=b"another contract")

    world.refused("storage.altered", "archive.close_project", as_="system", on=CLOSED_ON, project=project)

    assert_unmoved(world, project)


def test_chain_that_grew_while_bundling_is_a_conflict(world: World) -> None:
    """A paper filed between reading and writing would be missing from the bundle, so the close starts again."""
    project = audited_project(world)
    real = world.services.bundler

    class Busy:
        def write(self, *, view: BundleView, out: BinaryIO) -> BundleResult:
            ctx = Context(world.services, Actor(Role.SYSTEM, "x"), CLOSED_ON, "x.y", derive_id("cmd", "meanwhile"))
            with ctx.writing() as session:
                events.append(session, ctx, stream_kind="project", stream_id=project, type="x.noted", payload={})
            return real.write(view=view, out=out)

        def inspect(self, *, result: BundleResult, data: bytes, signature: bytes, certificate: bytes) -> Inspection:
            return real.inspect(result=result, data=data, signature=signature, certificate=certificate)

        def payload_path(self, *, folder: str, number: int, kind: str, title: str, suffix: str) -> str:
            return real.payload_path(folder=folder, number=number, kind=kind, title=title, suffix=suffix)

    busy = replace(world, services=replace(world.services, bundler=Busy()))

    with pytest.raises(Conflict):
        close(busy, project)

    assert_unmoved(world, project)


def test_dry_run_checks_and_stores_nothing(world: World) -> None:
    project = audited_project(world)
    writes = fake_store(world).writes

    result = world.do("archive.close_project", as_="system", on=CLOSED_ON, dry_run=True, project=project)

    assert len(result.bundle_id) == 64
    assert fake_store(world).writes == writes
    assert_unmoved(world, project)


def test_package_of_an_open_project_is_refused(world: World) -> None:
    project = audited_project(world)

    with pytest.raises(Exception, match=project) as raised:
        world.ask("archive.package", as_="audit_body", project=project)

    assert getattr(raised.value, "code", None) == "archive.not_closed"


def test_real_store_holds_the_bundle_under_retention_and_bagit_accepts_it(s3: EmbeddedS3, tmp_path: Path) -> None:
    """A rehearsal dated 2017 gets its thirty years from the server of today."""
    plain = open_world(tmp_path)
    store = S3DocumentStore(s3.settings(bucket_prefix="closing"))
    world = replace(plain, services=replace(plain.services, documents=store))
    project = audited_project(world)

    result = close(world, project)

    assert store.retained_until(sha256=result.sha256) == KEPT_UNTIL
    target = tmp_path / result.zip_name
    target.write_bytes(store.get(zone=Zone.ARCHIVE, sha256=result.sha256))
    assert check_bundle(target, expected_id=result.bundle_id).findings == ()
    with zipfile.ZipFile(target) as archive:
        archive.extractall(tmp_path)
    bagit.Bag(str(target.with_suffix(""))).validate()


def test_record_carries_no_sealed_column(world: World) -> None:
    """Whatever the tables hold, ciphertext and vault hashes stay out of the bundle."""
    project = audited_project(world)
    close(world, project)

    schema: Mapping[str, Any] = json.loads(files_of(bundle_bytes(world, project))["metadata/project.schema.json"])

    names = {name for part in (schema, *schema["$defs"].values()) for name in part.get("properties", {})}
    assert {"price_fen", "method_path", "grade"} <= names
    assert not {name for name in names if name.endswith(("_sealed", "_hash"))}


def test_beijing_closes_a_project_once_its_seven_items_are_public(tmp_path: Path) -> None:
    """BJ-48: nothing moves before; the refusal names what is not public yet."""
    world, day = open_world(tmp_path, region="110000"), date(2019, 3, 1)
    project = audited_project(world)
    items = tuple(world.services.policies.resolve(region="110000", on=day).publicity.disclosure_items)
    disclosed = {"as_": "evaluation_office:u-office", "on": day, "project": project, "sites": ("合成网站",)}
    world.do("publicity.disclose", items=items[:-1], **disclosed)  # type: ignore[arg-type]

    fault = world.refused("BJ-48", "archive.close_project", as_="system:scheduler", on=day, project=project)

    assert fault.facts == {"count": 1, "items": "绩效评价结果"}
    assert_unmoved(world, project)
    world.do("publicity.disclose", items=items[-1:], **disclosed)  # type: ignore[arg-type]
    done = world.do("archive.close_project", as_="system:scheduler", on=day, project=project)
    assert done.state == "project.archived"
