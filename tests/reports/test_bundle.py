"""The bundle writer: deterministic, streaming, portable; refuses what an auditor could not trust."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from python_calamine import load_workbook

from models.core.errors import DataFault
from reports import bundle_layout as layout
from reports.bundle import add_signature, write_bundle
from tests.reports import bundles


def _files(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {entry.filename.split("/", 1)[1]: archive.read(entry) for entry in archive.infolist()}


def test_bundle_holds_the_layout_an_archive_asks_for() -> None:
    """Every file of the layout is there, and nothing else."""
    data, result = bundles.written(bundles.view())

    files = _files(data)

    assert {path for path in files if not path.startswith("data/")} == {
        "bagit.txt",
        "bag-info.txt",
        "manifest-sha256.txt",
        "tagmanifest-sha256.txt",
        "metadata/目录.csv",
        "metadata/目录.xlsx",
        "metadata/records.xml",
        "metadata/project.json",
        "metadata/project.schema.json",
        "metadata/events.jsonl",
        "metadata/provenance.json",
        "metadata/manifest-sm3.txt",
        "metadata/README_验真说明.txt",
        "metadata/验真.sh",
        "metadata/验真.ps1",
        "metadata/验真.py",
    }
    assert files["data/01_申报立项/02_报告_支出占比95％：说明／附表.pdf"] == b"".join(
        bytes([n]) * 1000 for n in range(9)
    )
    assert (result.payload_count, result.payload_bytes) == (3, 12 + 9000 + 14)
    assert result.zip_name == "HSMZ-2016-0001_v1.zip"


def test_identity_is_the_digest_of_the_tag_manifest_which_covers_every_other_tag_file() -> None:
    """Whoever changes any file must change the identity."""
    data, result = bundles.written(bundles.view())

    files = _files(data)

    assert result.bundle_id == hashlib.sha256(files["tagmanifest-sha256.txt"]).hexdigest()
    assert result.tagmanifest == files["tagmanifest-sha256.txt"]
    listed = dict(reversed(entry) for entry in layout.manifest_entries(result.tagmanifest.decode()) if entry)
    assert listed == {
        path: hashlib.sha256(content).hexdigest()
        for path, content in files.items()
        if not path.startswith("data/") and path != "tagmanifest-sha256.txt"
    }


def test_equal_views_give_equal_bytes_in_two_processes() -> None:
    """Neither hash seeds nor clocks nor the order of parts reach the zip."""
    code = (
        "import hashlib; from tests.reports import bundles; "
        "print(hashlib.sha256(bundles.written(bundles.view())[0]).hexdigest())"
    )
    view = bundles.view()
    shuffled = replace(view, parts=tuple(reversed(view.parts)))

    other = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parents[2],
            env={"PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed, zone in (("1", "UTC"), ("2", "Asia/Shanghai"))
    ]

    assert {*other, hashlib.sha256(bundles.written(shuffled)[0]).hexdigest()} == {
        hashlib.sha256(bundles.written(view)[0]).hexdigest()
    }


def test_zip_entries_are_stored_dated_1980_and_have_plain_modes() -> None:
    """What would differ between machines is fixed."""
    data, _ = bundles.written(bundles.view())

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()

    assert {(e.compress_type, e.date_time, e.external_attr >> 16) for e in entries} == {
        (zipfile.ZIP_STORED, (1980, 1, 1, 0, 0, 0), 0o100644)
    }
    assert all(e.flag_bits & 0x800 for e in entries if not e.filename.isascii())
    assert entries[-1].filename.endswith("/tagmanifest-sha256.txt")


class _Sink(io.RawIOBase):
    """Counts and forgets; seekable as a file is."""

    place = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.place = offset
        return offset

    def write(self, data: object) -> int:
        size = memoryview(data).nbytes  # type: ignore[arg-type]
        self.place += size
        return size


def test_thirty_megabytes_stream_through_bounded_memory() -> None:
    """A part given in chunks never stands in memory whole."""
    block = bytes(range(256)) * 4096

    def chunks() -> Iterator[bytes]:
        for _ in range(30):
            yield block

    view = bundles.view(bundles.part(1, chunks))
    bundles.written(bundles.view())  # imports and caches are not what is measured
    tracemalloc.start()

    result = write_bundle(view=view, out=_Sink())  # type: ignore[arg-type]

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.payload_bytes == 30 << 20
    assert peak < 6 << 20


def test_catalogue_names_each_file_alike_in_csv_xlsx_and_xml() -> None:
    """Three readers, one catalogue; synthetic fields are named file by file."""
    files = _files(bundles.written(bundles.view())[0])

    table = list(csv.reader(io.StringIO(files["metadata/目录.csv"].decode("utf-8-sig"))))
    sheet = load_workbook(io.BytesIO(files["metadata/目录.xlsx"])).get_sheet_by_name("目录").to_python()
    xml = ET.fromstring(files["metadata/records.xml"])  # noqa: S314 -- our own bytes

    assert sheet[2:] == table
    assert [[field.text or "" for field in record] for record in xml] == table[1:]
    assert [field.tag for field in xml[0]] == ["SHA-256" if name == "SHA-256" else name for name in table[0]]
    row = dict(zip(table[0], table[2], strict=True))
    assert row["件号"] == "2"
    assert row["合成字段"] == "日期"
    assert row["SHA-256"] == hashlib.sha256(files[row["路径"]]).hexdigest()
    assert row["SM3"] == hashlib.new("sm3", files[row["路径"]]).hexdigest()


def test_catalogue_keeps_a_formula_as_text_and_drops_control_characters() -> None:
    """A title of a malicious upload neither runs in a spreadsheet nor breaks the XML."""
    part = replace(bundles.part(1, b"x"), record=bundles.record(1, title="=HYPERLINK(1)\x00\x1b[2J\n次行"))

    files = _files(bundles.written(bundles.view(part))[0])

    assert "'=HYPERLINK(1)[2J 次行" in files["metadata/目录.csv"].decode()
    assert ET.fromstring(files["metadata/records.xml"])[0].findtext("题名") == "=HYPERLINK(1)[2J 次行"  # noqa: S314


def test_synthetic_content_is_announced_where_people_look() -> None:
    """bag-info, read-me and provenance all say what was made up; a bundle without says that."""
    files = _files(bundles.written(bundles.view())[0])
    genuine = replace(bundles.part(1, b"x"), record=bundles.record(1))
    plain = _files(bundles.written(replace(bundles.view(genuine), synthetic_fields=()))[0])

    assert "Synthetic-Content: 本归档包含合成内容" in files["bag-info.txt"].decode()
    assert "共 4 项" in files["metadata/README_验真说明.txt"].decode()
    assert json.loads(files["metadata/provenance.json"])["synthetic_fields"] == ["合同价"]
    assert "Synthetic-Content" not in plain["bag-info.txt"].decode()
    assert "本归档包不含合成内容" in plain["metadata/README_验真说明.txt"].decode()


def test_without_sm3_the_list_is_left_out_and_provenance_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hardened OpenSSL costs the second digest, never the bundle."""
    monkeypatch.setattr(layout, "sm3_available", lambda: False)

    files = _files(bundles.written(bundles.view())[0])

    assert "metadata/manifest-sm3.txt" not in files
    assert "不支持 SM3" in json.loads(files["metadata/provenance.json"])["digests"]["sm3_absent_because"]


def test_adding_a_signature_leaves_every_earlier_entry_and_the_identity_alone() -> None:
    """The signature is appended last; what was written before it keeps its bytes and its place."""
    data, _ = bundles.written(bundles.view())
    out = io.BytesIO()

    add_signature(bundle=io.BytesIO(data), out=out, signature=b"p7s", certificate=b"pem")

    signed = _files(out.getvalue())
    assert signed.pop("signatures/tagmanifest-sha256.txt.p7s") == b"p7s"
    assert signed.pop("signatures/signer.pem") == b"pem"
    assert signed == _files(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert out.getvalue()[: archive.start_dir] == data[: archive.start_dir]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../evil",
        "a/../b",
        "a//b",
        "a\\b",
        "a\nb",
        "a\u202eb",
        "a\u2028b",
        "e\u0301.pdf",
        "95%",
        "末尾 /b",
        "末尾.",
        "长" * 67,
    ],
)
def test_unportable_paths_are_refused_before_anything_is_written(path: str) -> None:
    """A name that some system cannot store, or that leads outside, never gets into a bundle."""
    out = io.BytesIO()

    with pytest.raises(DataFault) as fault:
        write_bundle(view=bundles.view(replace(bundles.part(1, b"x"), path=path)), out=out)

    assert fault.value.code == "bundle.path"
    assert not out.getvalue()


@pytest.mark.parametrize(("first", "second"), [("a/B.pdf", "A/b.pdf"), ("a/b", "a/b/c.pdf")])
def test_paths_that_fall_together_are_refused(first: str, second: str) -> None:
    """Windows and macOS would keep only one of the two."""
    parts = (replace(bundles.part(1, b"x"), path=first), replace(bundles.part(2, b"y"), path=second))

    with pytest.raises(DataFault) as fault:
        bundles.written(bundles.view(*parts))

    assert fault.value.code == "bundle.path_twice"


def test_item_numbers_with_a_gap_or_a_shared_code_are_refused_and_attachments_are_not() -> None:
    """件号 is gap-free and 档号 unique to it; several files of one item share both."""
    one, two, three = (bundles.part(number, b"x") for number in (1, 2, 3))
    attachment = replace(one, path="01_申报立项/01_附件.pdf")

    for parts in ((one, three), (one, replace(two, record=replace(two.record, archival_code="Q001-2016-0001")))):
        with pytest.raises(DataFault) as fault:
            bundles.written(bundles.view(*parts))
        assert fault.value.code == "bundle.item_numbers"
    assert bundles.written(bundles.view(one, attachment, two))[1].payload_count == 3


def test_an_empty_bundle_and_a_broken_event_chain_are_refused() -> None:
    """What cannot be trusted is not archived; the fault names the first bad event."""
    view = bundles.view()
    events = list(bundles.chain())
    events[2] = events[2] | {"payload": {"amount_fen": 6000}}

    with pytest.raises(DataFault) as empty:
        bundles.written(replace(view, parts=()))
    with pytest.raises(DataFault) as broken:
        bundles.written(replace(view, events=events))

    assert empty.value.code == "bundle.empty"
    assert broken.value.code == "bundle.chain_broken"
    assert broken.value.facts["event"] == "evt-project-2"


def test_bytes_that_differ_from_the_registered_digest_stop_the_bundle() -> None:
    """A store that hands out other bytes than were registered is found out while writing."""
    part = bundles.part(1, lambda: b"other bytes")
    right = replace(part, sha256=hashlib.sha256(b"other bytes").hexdigest())

    with pytest.raises(DataFault) as fault:
        bundles.written(bundles.view(replace(part, sha256="0" * 64)))

    assert fault.value.code == "bundle.part_altered"
    assert bundles.written(bundles.view(right))[1].payload_count == 1
