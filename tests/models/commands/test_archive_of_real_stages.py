"""A project brought to its archive by the real commands of every stage: complete, equal each time, without a name."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from sqlmodel import Session, select

from infra.bundle_check import check_bundle
from models.tables.needs import Person
from tests.models.commands.finished import bundle_bytes
from tests.support.delivering import accepted
from tests.support.planning import BUREAU
from tests.support.world import World, open_world

EVALUATED_ON = date(2017, 7, 14)
FILED_ON = date(2017, 7, 17)
CLOSED_ON = date(2017, 7, 24)


def closed(folder: Path) -> tuple[World, str]:
    """Return a world in which one project went from needs survey to archive."""
    folder.mkdir()
    world = open_world(folder)
    project = accepted(world).project
    effects = dict.fromkeys(("personal_development", "economic", "social", "cultural"), "成效明显(合成)")
    world.do(
        "evaluation.conclude",
        as_=BUREAU,
        on=EVALUATED_ON,
        project=project,
        effects=effects,
        recommendations=("继续购买(合成)。",),
    )
    world.do("audit.prepare_filing", as_="system", on=FILED_ON, project=project)
    for body in ("audit_body", "discipline_supervision"):
        receipt = {"body": body, "receipt_no": f"合成{body}", "received_on": CLOSED_ON}
        world.do("audit.record_receipt", as_=body, on=CLOSED_ON, project=project, **receipt)
    world.do("archive.close_project", as_="system", on=CLOSED_ON, project=project)
    return world, project


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, str]:
    return closed(tmp_path_factory.mktemp("first") / "world")


def test_real_stages_leave_a_complete_and_intact_bundle(first: tuple[World, str], tmp_path: Path) -> None:
    """No stage's paper is missing, and every file of every stage stands in a folder with a kind of its own."""
    world, project = first
    bundle = tmp_path / "bundle.zip"
    bundle.write_bytes(bundle_bytes(world, project))

    check = check_bundle(bundle, expected_id=world.ask("archive.package", as_="audit_body", project=project).bundle_id)

    with zipfile.ZipFile(bundle) as archive:
        names = [name.split("/", 1)[1] for name in archive.namelist()]
    folders = sorted({name.split("/")[1] for name in names if name.startswith("data/")})
    assert check.findings == ()
    assert [folder[:2] for folder in folders] == [f"0{number}" for number in range(1, 10)]
    assert not [name for name in names if "_材料_" in name or name.endswith(".bin")]


def test_same_story_gives_the_same_bundle(first: tuple[World, str], tmp_path: Path) -> None:
    """Another database, other vault keys, another signer: the same bytes."""
    other, again = closed(tmp_path / "second")

    assert bundle_bytes(*first) == bundle_bytes(other, again)


def test_metadata_names_no_person(first: tuple[World, str]) -> None:
    """Record, chain and catalogue carry ids and figures; no name, no ID number, no phone of anybody surveyed."""
    world, project = first
    vault = world.services.vault
    with Session(world.services.engine) as session:
        people = session.exec(select(Person)).all()
    sealed = [text for one in people for text in (one.name_sealed, one.id_number_sealed, one.phone_sealed) if text]
    with zipfile.ZipFile(io.BytesIO(bundle_bytes(world, project))) as archive:
        tags = {
            name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist() if "/data/" not in name
        }

    found = {text for text in map(vault.open, sealed) for content in tags.values() if text in content}

    assert len(sealed) > 1_000
    assert found == set()


def test_record_of_a_real_project_fits_its_schema(first: tuple[World, str]) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle_bytes(*first))) as archive:
        read = {name.rsplit("/", 1)[1]: archive.read(name) for name in archive.namelist() if "metadata/project" in name}
    record = json.loads(read["project.json"])

    jsonschema.validate(record, json.loads(read["project.schema.json"]))

    filled = {name for name, value in record.items() if isinstance(value, list) and value}
    assert filled >= {
        "content_reviews",
        "cost_estimates",
        "reviews",
        "notices",
        "decisions",
        "approvals",
        "budget_lines",
        "plan_lines",
        "procurements",
        "contracts",
        "evaluations",
        "acceptances",
        "receipts",
    }
    assert [step["method"] for step in record["procurements"][0]["method_path"]]
    assert record["acceptances"][-1]["outcome"] == "accepted"
