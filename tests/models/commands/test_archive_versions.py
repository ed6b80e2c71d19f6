"""A closed bundle stays as it is: what fails a property is never closed, what comes later is in the next version."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from models.core.bundle import BundleResult, BundleView, Inspection
from models.core.errors import LifecycleError
from models.ports import Bundler, Zone
from tests.models.commands.finished import audited_project
from tests.support.world import World, copy_world, open_world

CLOSED_ON = date(2017, 7, 20)
LATER = date(2018, 2, 1)


@pytest.fixture(scope="module")
def _audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    world = open_world(tmp_path_factory.mktemp("audited"))
    yield world, audited_project(world)
    world.services.engine.dispose()


@pytest.fixture
def audited(_audited: tuple[World, str], tmp_path: Path) -> tuple[World, str]:
    return copy_world(_audited[0], tmp_path), _audited[1]


def close(world: World, project: str) -> Any:
    return world.do("archive.close_project", as_="system:scheduler", on=CLOSED_ON, project=project)


def misuse(world: World, project: str) -> None:
    evidence = world.upload("发现材料(合成)".encode(), name="材料.txt", media_type="text/plain").model_dump()
    found: dict[str, Any] = {
        "kind": "diverted",
        "unit": "合成单位",
        "amount": "10.00",
        "event_on": LATER,
        "evidence": evidence,
    }
    world.do("recovery.open_case", as_="audit_body:u-audit", on=LATER, project=project, **found)


def names(world: World, sha256: str) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(world.services.documents.get(zone=Zone.ARCHIVE, sha256=sha256))) as archive:
        return {name.split("/", 1)[1] for name in archive.namelist() if "/data/" in name}


def test_a_closed_bundle_says_that_all_four_properties_hold_and_how_long_each_volume_is_kept(
    audited: tuple[World, str],
) -> None:
    world, project = audited

    done = close(world, project)

    package = world.ask("archive.package", as_="audit_body", project=project)
    assert done.properties == dict.fromkeys(("authenticity", "integrity", "usability", "security"), True)
    volumes = [(one.name, one.years, one.retained_until) for one in package.volumes]
    assert volumes[:2] == [("申报", 30, date(2047, 7, 20)), ("评审", 30, date(2047, 7, 20))]
    assert sum(one.files for one in package.volumes) == package.payload_count
    assert [one.code for one in package.volumes][-1] == "audit"


class Wrong:
    """A bundler whose zip is not what it says: one thing damaged on the way to the store."""

    def __init__(self, real: Bundler, how: str) -> None:
        self._real, self._how = real, how

    def write(self, *, view: BundleView, out: BinaryIO) -> BundleResult:
        return self._real.write(view=view, out=out)

    def inspect(self, *, result: BundleResult, data: bytes, signature: bytes, certificate: bytes) -> Inspection:
        given: dict[str, Any] = {"result": result, "data": data, "signature": signature, "certificate": certificate}
        match self._how:
            case "authenticity":
                given["signature"] = b"no signature"
            case "integrity":
                given["data"] = _with_a_file_altered(data)
            case "usability":
                given["data"] = data[: len(data) // 2]
            case "security":
                given["data"] = _with_a_link_out(data)
        return self._real.inspect(**given)

    def payload_path(self, *, folder: str, number: int, kind: str, title: str, suffix: str) -> str:
        return self._real.payload_path(folder=folder, number=number, kind=kind, title=title, suffix=suffix)


def _with_a_file_altered(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b"contract_summary", b"contract_altered") if "/data/" in name else data)
    return out.getvalue()


def _with_a_link_out(data: bytes) -> bytes:
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(f"{archive.namelist()[0].split('/')[0]}/../outside.txt", b"x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("how", "name"),
    [("authenticity", "真实性"), ("integrity", "完整性"), ("usability", "可用性"), ("security", "安全性")],
)
def test_a_bundle_that_fails_a_property_closes_nothing(audited: tuple[World, str], how: str, name: str) -> None:
    """档案法实施条例 art. 40: each of the four is really asked, and what fails is neither kept nor recorded."""
    world, project = audited
    broken = replace(world, services=replace(world.services, bundler=Wrong(world.services.bundler, how)))

    fault = broken.refused("LAW-DAFTL-40", "archive.close_project", as_="system", on=CLOSED_ON, project=project)

    assert (fault.code, fault.facts["properties"]) == ("archive.property_fails", name)
    assert world.ask("project.status", project=project).states["project"] == ["audited"]


def test_what_is_filed_after_the_closing_is_in_the_next_version_and_the_first_stays(audited: tuple[World, str]) -> None:
    """ZY-32: a misuse found a year later is archived too; the bundle that closed the project is not touched."""
    world, project = audited
    first = close(world, project)
    assert world.ask("archive.projects_to_supplement", as_="system", on=LATER) == ()
    _refused_as_nothing_new(world, project)
    misuse(world, project)
    assert world.ask("archive.projects_to_supplement", as_="system", on=LATER) == (project,)

    second = world.do("archive.supplement_project", as_="system:scheduler", on=LATER, project=project)

    assert (second.version, second.state, second.retained_until) == (2, "project.archived", date(2048, 2, 1))
    old, new = (world.ask("archive.package", as_="audit_body", project=project, version=one) for one in (1, 2))
    assert (old.bundle_id, old.retained_until) == (first.bundle_id, date(2047, 7, 20))
    assert len(names(world, new.sha256) - names(world, old.sha256)) == 1
    assert world.services.documents.retained_until(sha256=old.sha256) == date(2047, 7, 20)
    assert world.ask("archive.package", as_="audit_body", project=project).version == 2
    assert world.ask("archive.closed_projects", as_="audit_body") == (project,)
    assert world.ask("archive.projects_to_supplement", as_="system", on=LATER) == ()
    _refused_as_nothing_new(world, project)


def _refused_as_nothing_new(world: World, project: str) -> None:
    with pytest.raises(LifecycleError) as caught:
        world.do("archive.supplement_project", as_="system", on=LATER, project=project)
    assert caught.value.code == "archive.nothing_new"


def test_goals_are_neither_set_nor_judged_once_the_archive_is_closed(audited: tuple[World, str]) -> None:
    """AH-28: set before, tracked during, judged after; an archive is no time for any of them."""
    world, project = audited
    close(world, project)
    goals = {"one": {"name": "目标(合成)", "target": "1", "precise": True}}
    how = {"means": "抽查", "method": "评分", "path": "网上"}
    call = {"as_": "city_bureau:u-bureau", "on": LATER, "project": project}
    world.refused("SYS-STATE", "evaluation.set_goals", **call, goals=goals, **how)  # type: ignore[arg-type]
    world.refused("SYS-STATE", "evaluation.record_goals", **call, phase="end", values={"one": "1"})  # type: ignore[arg-type]


def test_a_project_that_is_not_closed_has_no_next_version(audited: tuple[World, str]) -> None:
    world, project = audited
    world.refused("SYS-STATE", "archive.supplement_project", as_="system", on=CLOSED_ON, project=project)
