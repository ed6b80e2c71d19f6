"""The scripts that check a bundle offline: all look at the same files, and the Windows one is sound PowerShell.

No PowerShell runs here; what can go wrong unseen is checked in its text: encoding, quotes, brackets, shell words.
"""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
import zipfile
from importlib import resources
from pathlib import Path

import pytest

from reports import bundle_layout as layout
from tests.infra.bundle_forgery import rewrite_manifests
from tests.reports import bundles

_FILES = resources.files("reports") / "bundle_files"
SHELL = (_FILES / "verify.sh").read_text("utf-8")
WINDOWS = (_FILES / "verify.ps1").read_text("utf-8")
_STRING = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"`]|`.)*\"")
_PAIRS = {")": "(", "]": "[", "}": "{"}


def code_of(script: str) -> str:
    """The script without its comments and with every string emptied."""
    lines = (_STRING.sub("''", line) for line in script.splitlines())
    return "\n".join(line.split("#", 1)[0] for line in lines)


def test_the_windows_script_in_the_bundle_starts_with_a_byte_order_mark() -> None:
    """Windows PowerShell 5.1 reads a script without one in the local code page."""
    data, _ = bundles.written(bundles.view(bundles.part(1, b"%PDF-")))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        name = next(entry for entry in archive.namelist() if entry.endswith("验真.ps1"))
        script = archive.read(name)

    assert script.startswith(b"\xef\xbb\xbf")
    assert script.decode("utf-8-sig") == WINDOWS


@pytest.mark.parametrize("script", [SHELL, WINDOWS], ids=["sh", "ps1"])
def test_both_scripts_check_the_same_files_in_the_same_steps(script: str) -> None:
    for name in (layout.BAGIT, layout.BAG_INFO, layout.MANIFEST, layout.TAG_MANIFEST):
        assert name in script
    for step in ("一、其他文件的摘要", "二、归档文件的摘要", "三、文件有无增减", "四、归档包编号"):
        assert step in script
    assert "结论:验真通过" in script
    assert "结论:验真不通过" in script
    assert "归档包只能有普通文件" in script


def test_the_windows_script_closes_every_bracket_and_string() -> None:
    open_ones: list[str] = []
    for char in code_of(WINDOWS):
        if char in _PAIRS.values():
            open_ones.append(char)
        elif char in _PAIRS:
            assert open_ones
            assert open_ones.pop() == _PAIRS[char]

    assert open_ones == []
    assert '"' not in code_of(WINDOWS)


def test_the_windows_script_holds_no_words_of_another_shell_and_no_curly_quotes() -> None:
    """PowerShell takes curly quotes for quotes, and ``$name:`` in a text for a drive."""
    assert re.search(r"\b(then|fi|esac|done|elif)\b|&&|\|\||/dev/null|\[ -", code_of(WINDOWS)) is None
    assert re.search("[‘’“”]", WINDOWS) is None
    assert [text for text in _STRING.findall(WINDOWS) if text[0] == '"' and re.search(r"\$\w+:", text)] == []


def test_the_windows_script_says_failure_by_its_exit_code() -> None:
    assert WINDOWS.count("exit 1") == 2
    assert "$ErrorActionPreference = 'Stop'" in WINDOWS


def _stranger(bag: Path, identity: str) -> subprocess.CompletedProcess[str]:
    """Run the Python script of the bag as who has nothing of ours: no packages, no environment."""
    call = [sys.executable, "-I", "-S", "metadata/验真.py", identity]
    return subprocess.run(call, cwd=bag, capture_output=True, text=True, check=False, timeout=60)


def test_a_stranger_with_plain_python_checks_files_identity_and_event_chain(tmp_path: Path) -> None:
    """BJ-49: the standard library is enough, and it walks the chain as we do."""
    data, result = bundles.written(bundles.view())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(tmp_path)
    folder, identity = tmp_path / result.name, result.bundle_id
    whole = _stranger(folder, identity)
    assert (whole.returncode, whole.stderr) == (0, "")
    assert "事件 6 条,链 2 条" in whole.stdout
    assert whole.stdout.splitlines()[-1] == "结论:验真通过"
    assert _stranger(folder, "0" * 64).returncode == 1

    events = folder / layout.EVENTS
    events.write_bytes(events.read_bytes().replace(b'"amount_fen":5000', b'"amount_fen":9000', 1))
    rewrite_manifests(folder)
    forged = _stranger(folder, hashlib.sha256((folder / layout.TAG_MANIFEST).read_bytes()).hexdigest())
    assert (forged.returncode, "事件链在第 1 条断开" in forged.stdout) == (1, True)
    (folder / layout.PAYLOAD / "99_夹带.pdf").write_bytes(b"x")
    assert "未列入清单" in _stranger(folder, identity).stdout
