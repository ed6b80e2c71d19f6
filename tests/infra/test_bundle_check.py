"""The bundle checker against honest, tampered, forged and hostile bundles; standard tools must agree with it."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import bagit
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.bundle_check import BundleCheck, check_bundle
from models.core.bundle import BundleResult
from models.core.hashing import canonical_json, digest
from reports import bundle_layout as layout
from reports.bundle import add_signature
from tests.infra.bundle_forgery import Key, rewrite_manifests
from tests.reports import bundles

FIRST = "data/01_申报立项/01_报告_需求评估报告(合成).pdf"


TEST_KEY = Key("测试密钥 合成民政局")
OTHER_KEY = Key("Somebody else")


@pytest.fixture(scope="module")
def bundle() -> tuple[bytes, BundleResult]:
    return bundles.written(bundles.view())


@pytest.fixture
def zipped(tmp_path: Path, bundle: tuple[bytes, BundleResult]) -> Path:
    path = tmp_path / bundle[1].zip_name
    path.write_bytes(bundle[0])
    return path


@pytest.fixture
def folder(zipped: Path) -> Path:
    """The bag unpacked by the standard tool an auditor has."""
    subprocess.run(["unzip", "-q", zipped.name], cwd=zipped.parent, check=True)
    return zipped.with_suffix("")


def _codes(check: BundleCheck) -> set[str]:
    return {found.code for found in check.findings}


def _sha256sum_agrees(bag: Path) -> bool:
    """The published by-hand check: both lists, then the count that sha256sum itself does not see."""
    lists = (layout.TAG_MANIFEST, layout.MANIFEST)
    sums = [subprocess.run(["sha256sum", "--quiet", "--strict", "-c", name], cwd=bag, check=False) for name in lists]
    files = [path for path in (bag / "data").rglob("*") if path.is_file()]
    return all(run.returncode == 0 for run in sums) and len(files) == len(
        (bag / layout.MANIFEST).read_text().splitlines()
    )


def _bagit_agrees(bag: Path) -> bool:
    try:
        return bool(bagit.Bag(str(bag)).validate())
    except bagit.BagError:
        return False


def _script(bag: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "metadata/验真.sh", *arguments], cwd=bag, capture_output=True, text=True, check=False, timeout=60
    )


def test_an_honest_bundle_passes_as_zip_folder_and_folder_around_it(
    zipped: Path, folder: Path, bundle: tuple[bytes, BundleResult]
) -> None:
    """All three ways to hold a bundle give the same identity and counts; notes say what is not proven."""
    checks = [check_bundle(path, expected_id=bundle[1].bundle_id) for path in (zipped, folder, folder.parent)]

    for check in checks:
        assert check.ok, check.findings
        assert check.bundle_id == bundle[1].bundle_id
        assert check.counts == {
            "payload_files": 3,
            "payload_bytes": bundle[1].payload_bytes,
            "tag_files": 15,
            "events": 6,
            "signatures": 0,
        }
        assert [note.code for note in check.notes] == ["bundle.note.synthetic", "bundle.note.unsigned"]
    assert "bundle.note.no_id" in {note.code for note in check_bundle(zipped).notes}


def test_standard_tools_and_the_script_agree_that_an_honest_bag_is_whole(
    folder: Path, bundle: tuple[bytes, BundleResult]
) -> None:
    """bagit.py, sha256sum and our script inside need nothing of ours."""
    run = _script(folder, bundle[1].bundle_id)

    assert _bagit_agrees(folder)
    assert _sha256sum_agrees(folder)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.splitlines()[-1] == "结论:验真通过"
    assert "SM3 摘要不一致" not in run.stdout
    assert run.stderr == ""


@pytest.mark.parametrize(
    ("trial", "code"),
    [("changed", "bundle.altered"), ("removed", "bundle.missing"), ("added", "bundle.extra")],
)
def test_a_payload_file_changed_removed_or_added_is_caught_by_all(folder: Path, trial: str, code: str) -> None:
    """Tamper trials one to three: our checker, sha256sum with the count, bagit.py and the script all see them."""
    victim = folder / FIRST
    match trial:
        case "changed":
            victim.write_bytes(b"%PDF-1.7 onE")
        case "removed":
            victim.unlink()
        case "added":
            victim.with_name("99_夹带.pdf").write_bytes(b"x")

    check = check_bundle(folder)
    run = _script(folder)

    assert code in _codes(check)
    assert not check.ok
    assert not _sha256sum_agrees(folder)
    assert not _bagit_agrees(folder)
    assert (run.returncode, run.stdout.splitlines()[-1]) == (1, "结论:验真不通过")


def test_payload_and_both_manifests_rewritten_is_caught_only_by_identity_and_signature(
    folder: Path, bundle: tuple[bytes, BundleResult], tmp_path: Path
) -> None:
    """Tamper trial four: every digest fits, so only what came by another channel tells."""
    ca = tmp_path / "ca.pem"
    ca.write_bytes(TEST_KEY.pem)
    signature = TEST_KEY.sign(bundle[1].tagmanifest)
    (folder / "signatures").mkdir()
    (folder / FIRST).write_bytes(b"%PDF-1.7 onE")
    rewrite_manifests(folder)

    unsigned = check_bundle(folder)
    identified = check_bundle(folder, expected_id=bundle[1].bundle_id)
    unsigned_script, identified_script = _script(folder), _script(folder, bundle[1].bundle_id)
    tools = (_sha256sum_agrees(folder), _bagit_agrees(folder))
    (folder / layout.SIGNATURE).write_bytes(signature)
    signed = check_bundle(folder, ca_pem=TEST_KEY.pem)
    self_trusted = check_bundle(folder)
    signed_script = _script(folder, "", str(ca))

    assert unsigned.ok, unsigned.findings
    assert tools == (True, True)
    assert unsigned_script.returncode == 0
    assert _codes(identified) == {"bundle.other_id"}
    assert identified_script.returncode == 1
    assert _codes(signed) == _codes(self_trusted) == {"bundle.signature_bad"}
    assert signed_script.returncode == 1
    assert "数字签名验证不通过" in signed_script.stdout


@pytest.mark.parametrize("place", ["inside", "beside"])
def test_a_signature_is_verified_inside_and_beside_and_a_test_key_is_named(
    zipped: Path, bundle: tuple[bytes, BundleResult], place: str
) -> None:
    """Both ways of delivery verify with the given CA, as zip, as folder and by the script; 测试密钥 is said."""
    data, result = bundle
    signature = TEST_KEY.sign(result.tagmanifest)
    if place == "inside":
        out = io.BytesIO()
        add_signature(bundle=io.BytesIO(data), out=out, signature=signature, certificate=TEST_KEY.pem)
        zipped.write_bytes(out.getvalue())
    else:
        zipped.with_name(f"{zipped.name}.p7s").write_bytes(signature)
    subprocess.run(["unzip", "-q", zipped.name], cwd=zipped.parent, check=True)
    folder = zipped.with_suffix("")
    ca = zipped.with_name("ca.pem")
    ca.write_bytes(TEST_KEY.pem)

    checks = [check_bundle(path, expected_id=result.bundle_id, ca_pem=TEST_KEY.pem) for path in (zipped, folder)]
    alone = check_bundle(zipped)
    run = _script(folder, result.bundle_id, "../ca.pem")

    for check in checks:
        assert check.ok, check.findings
        assert check.counts["signatures"] == 1
        assert "bundle.note.test_key" in {note.code for note in check.notes}
    assert {"bundle.note.own_certificate", "bundle.note.test_key"} <= {note.code for note in alone.notes}
    assert _bagit_agrees(folder)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "签名证书:subject=CN=测试密钥 合成民政局" in run.stdout
    assert "提示:测试密钥" in run.stdout


def test_a_signature_by_another_key_or_none_or_garbage_fails_against_the_given_certificate(
    zipped: Path, bundle: tuple[bytes, BundleResult]
) -> None:
    """Whoever gives a certificate wants a signature of that key and accepts nothing less."""
    beside = zipped.with_name(f"{zipped.name}.p7s")

    missing = check_bundle(zipped, ca_pem=TEST_KEY.pem)
    beside.write_bytes(OTHER_KEY.sign(bundle[1].tagmanifest))
    other = check_bundle(zipped, ca_pem=TEST_KEY.pem)
    unknown = check_bundle(zipped)
    no_certificate = check_bundle(zipped, ca_pem=b"not pem")
    beside.write_bytes(b"\x30\x80garbage")
    garbage = check_bundle(zipped)

    assert _codes(missing) == {"bundle.signature_missing"}
    assert _codes(other) == {"bundle.signature_bad"}
    assert unknown.ok
    assert "bundle.note.test_key" not in {note.code for note in unknown.notes}
    assert _codes(no_certificate) == {"bundle.certificate_unreadable"}
    assert _codes(garbage) == {"bundle.signature_bad"}


def test_a_signature_that_carries_its_own_content_does_not_pass_for_other_bytes(zipped: Path) -> None:
    """An attached CMS over other bytes is genuine, but not over this tag manifest."""
    attached = pkcs7.PKCS7SignatureBuilder().set_data(b"other")
    attached = attached.add_signer(TEST_KEY.certificate, TEST_KEY.private, hashes.SHA256())
    zipped.with_name(f"{zipped.name}.p7s").write_bytes(attached.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary]))

    assert _codes(check_bundle(zipped, ca_pem=TEST_KEY.pem)) == {"bundle.signature_bad"}


def test_without_openssl_a_wanted_signature_is_a_finding_and_an_unasked_one_a_note(
    zipped: Path, bundle: tuple[bytes, BundleResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not being able to verify is never taken for verified."""
    zipped.with_name(f"{zipped.name}.p7s").write_bytes(TEST_KEY.sign(bundle[1].tagmanifest))
    monkeypatch.setattr(shutil, "which", lambda name: None)

    wanted, unasked = check_bundle(zipped, ca_pem=TEST_KEY.pem), check_bundle(zipped)

    assert _codes(wanted) == {"bundle.signature_unchecked"}
    assert unasked.ok
    assert "bundle.signature_unchecked" in {note.code for note in unasked.notes}


def test_a_rewritten_event_is_named_even_when_all_manifests_fit(folder: Path) -> None:
    """Forged manifests do not hide a changed event: the chain names the first one that fails."""
    events = list(bundles.chain())
    forged = {name: value for name, value in events[2].items() if name != "hash"} | {"actor": "city_bureau:u-x"}
    events[2] = forged | {"hash": digest(forged)}
    (folder / layout.EVENTS).write_bytes(b"".join(canonical_json(event) + b"\n" for event in events))
    rewrite_manifests(folder)

    check = check_bundle(folder)

    assert _codes(check) == {"bundle.event"}
    assert "evt-project-3" in check.findings[0].message
    assert "第 5 条" in check.findings[0].message


@pytest.mark.parametrize("line", [b"[]\n", b"{\n", b'{"seq":1,"seq":1}\n', b"[" * 100_000 + b"\n", b"\xff\n"])
def test_lines_that_are_no_events_break_the_chain(folder: Path, line: bytes) -> None:
    """Malformed, doubled and bottomless JSON is a finding, not a crash."""
    (folder / layout.EVENTS).write_bytes(line)
    rewrite_manifests(folder)

    assert _codes(check_bundle(folder)) == {"bundle.event"}


@pytest.mark.parametrize(
    ("file", "text", "code"),
    [
        ("bagit.txt", "BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n", "bundle.declaration"),
        ("bag-info.txt", "Payload-Oxum: 1.1\n", "bundle.oxum"),
        ("bag-info.txt", "Bagging-Date: 2016-12-30\n", "bundle.oxum_absent"),
        ("metadata/夹带.txt", "x", None),
    ],
)
def test_tag_files_that_say_something_else_are_found(folder: Path, file: str, text: str, code: str | None) -> None:
    """Changed tag files differ from the tag manifest; with the manifest forged, their content is judged."""
    (folder / file).write_text(text)

    before = _codes(check_bundle(folder))
    rewrite_manifests(folder)
    after = _codes(check_bundle(folder))

    assert before & {"bundle.altered", "bundle.extra"}
    assert after == ({code} if code else set())


def test_manifest_lines_that_are_doubled_misplaced_or_unreadable_are_found(folder: Path) -> None:
    """A forged manifest may not list a file twice, list files of the other manifest, or hold anything else."""
    manifest = folder / layout.MANIFEST
    lines = manifest.read_text()
    manifest.write_text(f"{lines}{lines.splitlines()[0]}\n{'0' * 64}  bagit.txt\nnonsense\n{'0' * 64}  data/../../x\n")

    codes = _codes(check_bundle(folder))

    assert {"bundle.manifest_twice", "bundle.manifest_place", "bundle.manifest_line", "bundle.missing"} <= codes


def test_a_link_in_a_folder_and_unknown_signature_files_are_found(folder: Path) -> None:
    """A link could point anywhere after the check; signatures/ holds only what is known."""
    (folder / "data" / "链接.pdf").symlink_to(folder / FIRST)
    (folder / "signatures").mkdir()
    (folder / "signatures" / "夹带.pdf").write_bytes(b"x")

    assert _codes(check_bundle(folder)) == {"bundle.link", "bundle.extra"}
    assert _script(folder).returncode == 1


def test_script_lists_the_altered_file_and_runs_from_anywhere(folder: Path, tmp_path: Path) -> None:
    """An auditor sees which file it is, whatever the working folder."""
    (folder / FIRST).write_bytes(b"%PDF-1.7 onE")

    run = subprocess.run(
        ["sh", str(folder / "metadata" / "验真.sh")],
        cwd=os.sep,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )

    assert run.returncode == 1
    assert f"    {FIRST}: FAILED" in run.stdout.splitlines()
    assert "不符:归档文件被改动或缺失(见上)" in run.stdout


names = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(titles=st.lists(names, min_size=1, max_size=4), contents=st.lists(st.binary(max_size=200), min_size=4))
def test_any_titles_and_bytes_make_a_bundle_that_checks_out(
    tmp_path: Path, titles: list[str], contents: list[bytes]
) -> None:
    """Round trip: what goes in under any title comes out whole, and bagit.py reads the same names."""
    parts = [bundles.part(number, contents[number - 1], title=title) for number, title in enumerate(titles, start=1)]
    data, result = bundles.written(bundles.view(*parts))
    place = tmp_path / result.bundle_id
    place.mkdir(exist_ok=True)
    (place / result.zip_name).write_bytes(data)
    with zipfile.ZipFile(place / result.zip_name) as archive:
        archive.extractall(place)
        read = {entry.filename.split("/", 1)[1]: archive.read(entry) for entry in archive.infolist()}

    check = check_bundle(place / result.zip_name, expected_id=result.bundle_id)

    assert check.ok, check.findings
    assert [read[f"data/{part.path}"] for part in parts] == contents[: len(parts)]
    assert _bagit_agrees(place / result.name)
    assert _sha256sum_agrees(place / result.name)


def test_a_bundle_whose_interpreter_lacks_sm3_is_still_checked(zipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SHA-256 carries the proof; the missing second digest is said."""
    monkeypatch.setattr(layout, "sm3_available", lambda: False)

    check = check_bundle(zipped)

    assert check.ok
    assert "bundle.note.sm3_unchecked" in {note.code for note in check.notes}


def test_wrong_sm3_alone_is_found(folder: Path) -> None:
    """The SM3 list is a list of its own, compared even where SHA-256 fits."""
    sm3 = folder / layout.SM3_MANIFEST
    lines = sm3.read_text()
    rewrite_manifests(folder)
    sm3.write_text(lines.replace(lines[:4], "0000", 1))
    tag_lines = (folder / layout.TAG_MANIFEST).read_text().splitlines(keepends=True)
    fitting = layout.manifest_line(hashlib.sha256(sm3.read_bytes()).hexdigest(), layout.SM3_MANIFEST)
    (folder / layout.TAG_MANIFEST).write_text(
        "".join(fitting if layout.SM3_MANIFEST in line else line for line in tag_lines)
    )

    check = check_bundle(folder)
    run = _script(folder)

    assert [(found.code, found.message) for found in check.findings] == [
        ("bundle.altered", "SM3 摘要不一致,内容已被改动")
    ]
    assert run.returncode == 1
    assert "SM3 摘要不一致" in run.stdout
