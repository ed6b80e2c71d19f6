"""Files named in arguments: stored untouched, made up where a rehearsal says so, never kept by a dry run."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.core.errors import DataFault, Refusal
from models.core.hashing import sha256_hex
from models.ports import Zone
from portal.uploads import dry, store_uploads
from tests.support.world import World, open_world

DAY = date(2016, 3, 1)
SPEC = {"synthetic": "needs_ledger", "people": 9, "seed": 7, "on": "2016-03-01"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return open_world(tmp_path)


def stored(world: World, file: object, *, base: Path) -> Any:
    given = {"survey": "sur-1", "file": file}
    return store_uploads(world.services, name="needs.import_ledger", arguments=given, base=base, as_of=DAY)["file"]


def test_file_is_stored_untouched_and_named_by_its_digest(world: World, tmp_path: Path) -> None:
    (tmp_path / "台账.xlsx").write_bytes(b"as it came")

    upload = stored(world, "台账.xlsx", base=tmp_path)

    assert (upload["name"], upload["size"], upload["sha256"]) == ("台账.xlsx", 10, sha256_hex(b"as it came"))
    assert upload["media_type"].endswith("spreadsheetml.sheet")
    assert world.services.documents.get(zone=Zone.INTAKE, sha256=upload["sha256"]) == b"as it came"


def test_path_is_relative_to_the_base_and_may_be_absolute(world: World, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"x")

    assert stored(world, str(tmp_path / "a.bin"), base=Path("/nowhere")) == stored(world, "a.bin", base=tmp_path)


def test_missing_file_is_refused_by_its_name_alone(world: World, tmp_path: Path) -> None:
    with pytest.raises(Refusal) as refusal:
        stored(world, "private/nowhere.xlsx", base=tmp_path)

    assert refusal.value.code == "case.file_missing"
    assert "private" not in refusal.value.message


@pytest.mark.parametrize("name", ["a\x00b.xlsx", "a\ud800.xlsx", "x" * 5000])
def test_name_no_file_can_have_is_refused_as_missing(world: World, tmp_path: Path, name: str) -> None:
    with pytest.raises(Refusal) as refusal:
        stored(world, name, base=tmp_path)

    assert refusal.value.code == "case.file_missing"


def test_upload_that_is_stored_already_passes_as_it_is(world: World, tmp_path: Path) -> None:
    upload = {"name": "a", "media_type": "b", "sha256": "0" * 64, "size": 1}

    assert stored(world, upload, base=tmp_path) == upload


def test_equal_specifications_give_equal_bytes(world: World, tmp_path: Path) -> None:
    first, again = stored(world, SPEC, base=tmp_path), stored(world, SPEC, base=tmp_path)
    other = stored(world, SPEC | {"seed": 8}, base=tmp_path)

    assert first == again
    assert first["sha256"] != other["sha256"]


@pytest.mark.parametrize(
    "spec",
    [
        {"synthetic": "needs_ledger"},
        {"synthetic": "something_else", "seed": 1},
        SPEC | {"people": 0},
        SPEC | {"people": 10_000_000},
        SPEC | {"colour": "red"},
        SPEC | {"on": "soon"},
    ],
)
def test_specification_that_cannot_be_made_is_refused(world: World, tmp_path: Path, spec: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refusal:
        stored(world, spec, base=tmp_path)

    assert (refusal.value.code, refusal.value.rule) == ("door.arguments_invalid", "SYS-ARGUMENTS")
    assert refusal.value.details


def test_production_takes_no_made_up_file(world: World, tmp_path: Path) -> None:
    world.services = replace(world.services, rehearsal=False)

    with pytest.raises(Refusal) as refusal:
        stored(world, SPEC, base=tmp_path)

    assert refusal.value.code == "case.synthetic_in_production"


def test_dry_run_reads_the_file_but_the_store_keeps_nothing(world: World, tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"as it came")
    real = world.services
    world.services = dry(real)

    upload = stored(world, "a.xlsx", base=tmp_path)

    assert world.services.documents.get(zone=Zone.INTAKE, sha256=upload["sha256"]) == b"as it came"
    assert world.services.documents.exists(zone=Zone.INTAKE, sha256=upload["sha256"])
    assert not real.documents.exists(zone=Zone.INTAKE, sha256=upload["sha256"])


def test_dry_run_reads_through_to_what_is_stored(world: World) -> None:
    kept = world.services.documents.put(zone=Zone.DOCUMENTS, data=b"kept", media_type="text/plain")
    services = dry(world.services)

    assert services.documents.get(zone=Zone.DOCUMENTS, sha256=kept.sha256) == b"kept"
    with pytest.raises(DataFault):
        services.documents.get(zone=Zone.INTAKE, sha256=kept.sha256)


def test_dry_run_puts_nothing_under_retention(world: World) -> None:
    services = dry(world.services)

    held = services.documents.archive(data=b"bundle", media_type="application/zip", retain_until=date(2050, 1, 1))

    assert held.zone is Zone.ARCHIVE
    assert not world.services.documents.exists(zone=Zone.ARCHIVE, sha256=held.sha256)
    assert services.documents.retained_until(sha256=held.sha256) is None


def test_dry_run_publishes_nothing(world: World) -> None:
    behind = world.services.documents
    store = dry(world.services).documents

    assert store.publish(path="index.html", data=b"<p>", media_type="text/html")
    assert store.address(path="index.html") == behind.address(path="index.html")
    assert behind.publish(path="index.html", data=b"<p>", media_type="text/html"), "it was there already"
