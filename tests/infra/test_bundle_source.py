"""Bundles that try to lead the reader astray: hostile names, links, bombs, damage. Nothing of it may raise."""

from __future__ import annotations

import os
import random
import shutil
import stat
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from infra.bundle_check import BundleCheck, check_bundle
from models.core.bundle import BundleResult
from tests.reports import bundles

FIRST = "data/01_申报立项/01_报告_需求评估报告(合成).pdf"


@pytest.fixture(scope="module")
def bundle() -> tuple[bytes, BundleResult]:
    return bundles.written(bundles.view())


@pytest.fixture
def zipped(tmp_path: Path, bundle: tuple[bytes, BundleResult]) -> Path:
    path = tmp_path / bundle[1].zip_name
    path.write_bytes(bundle[0])
    return path


def _codes(check: BundleCheck) -> set[str]:
    return {found.code for found in check.findings}


def _append(zipped: Path, name: str, data: bytes, *, mode: int = stat.S_IFREG | 0o644, deflate: bool = False) -> None:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    with zipfile.ZipFile(zipped, "a") as archive:
        archive.writestr(entry, data, compress_type=zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("HSMZ-2016-0001_v1/../../evil", "bundle.name"),
        ("../evil", "bundle.name"),
        ("/etc/evil", "bundle.name"),
        ("HSMZ-2016-0001_v1/data/C:\\evil", "bundle.name"),
        ("HSMZ-2016-0001_v1/data/a\x1b[2Jb", "bundle.name"),
        (f"HSMZ-2016-0001_v1/{FIRST}", "bundle.name_twice"),
        (f"HSMZ-2016-0001_v1/{FIRST.upper()}", "bundle.name_twice"),
        ("other/file.txt", "bundle.stray"),
        ("HSMZ-2016-0001_v1/data/夹带.pdf", "bundle.extra"),
    ],
)
def test_hostile_or_extra_zip_entries_are_found(zipped: Path, name: str, code: str) -> None:
    """Leaving the bag, double names, terminal escapes and files outside the bag are findings, never read."""
    _append(zipped, name, b"evil")

    check = check_bundle(zipped)

    assert code in _codes(check)
    assert all(found.path.isprintable() and found.message.isprintable() for found in check.findings)


def test_links_bombs_and_two_bags_in_a_zip_are_refused(zipped: Path, tmp_path: Path) -> None:
    """None of the three is read."""
    root = "HSMZ-2016-0001_v1"
    linked, bomb, double = (shutil.copy(zipped, tmp_path / name) for name in ("link.zip", "bomb.zip", "double.zip"))
    _append(linked, f"{root}/data/链接", b"/etc/passwd", mode=stat.S_IFLNK | 0o777)
    _append(bomb, f"{root}/data/零", bytes(40 << 20), deflate=True)
    _append(double, "other/bagit.txt", b"")

    assert "bundle.link" in _codes(check_bundle(linked))
    assert "bundle.bomb" in _codes(check_bundle(bomb))
    assert _codes(check_bundle(double)) == {"bundle.no_bag"}


def test_what_is_no_bundle_at_all_is_a_finding(tmp_path: Path) -> None:
    """Absent, text, empty folder, a pipe: one clear finding each, no exception and no waiting."""
    text = tmp_path / "a.zip"
    text.write_text("not a zip")
    empty = tmp_path / "empty"
    empty.mkdir()
    os.mkfifo(tmp_path / "pipe.zip")

    assert "不存在" in check_bundle(tmp_path / "pipe.zip").findings[0].message
    assert "不存在" in check_bundle(tmp_path / "none.zip").findings[0].message
    assert "zip 已损坏" in check_bundle(text).findings[0].message
    assert _codes(check_bundle(empty)) == {"bundle.no_bag"}
    assert check_bundle(empty).bundle_id is None


def test_any_damage_to_a_zip_gives_findings_and_never_raises(zipped: Path, bundle: tuple[bytes, BundleResult]) -> None:
    """Random bytes overwritten, and truncation: never a crash; damage inside a file's bytes is never overlooked."""
    data, result = bundle
    chance = random.Random(20160104)  # noqa: S311 -- a recorded seed, no secret
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] ^= chance.randint(1, 255)
        zipped.write_bytes(damaged[: chance.choice((len(damaged), chance.randrange(len(damaged))))])
        check = check_bundle(zipped, expected_id=result.bundle_id)
        assert check.ok is (not check.findings)
    payload = data.index(b"%PDF-1.7 one")
    zipped.write_bytes(data[:payload] + b"#" + data[payload + 1 :])

    assert "bundle.unreadable" in _codes(check_bundle(zipped))


def test_an_encrypted_entry_is_unreadable_not_a_crash(zipped: Path, bundle: tuple[bytes, BundleResult]) -> None:
    """The encryption bit on a payload entry is a finding."""
    data = bytearray(bundle[0])
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    zipped.write_bytes(data)

    assert "bundle.unreadable" in _codes(check_bundle(zipped))


def test_names_unpacked_in_decomposed_form_are_recognised(zipped: Path, bundle: tuple[bytes, BundleResult]) -> None:
    """Some file systems hand out decomposed names; they mean the same files."""
    part = replace(bundles.part(1, b"x"), path="01_申报/Café.pdf")
    data, result = bundles.written(bundles.view(part))
    zipped.write_bytes(data)
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(zipped.parent)
    place = zipped.parent / result.name / "data" / "01_申报"
    (place / "Café.pdf").rename(place / "Cafe\u0301.pdf")

    assert check_bundle(zipped.parent / result.name, expected_id=result.bundle_id).ok
