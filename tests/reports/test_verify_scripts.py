"""The scripts that check a bundle offline: both look at the same files, and the Windows one is sound PowerShell.

No PowerShell runs here; what can go wrong unseen is checked in its text: encoding, quotes, brackets, shell words.
"""

from __future__ import annotations

import io
import re
import zipfile
from importlib import resources

import pytest

from reports import bundle_layout as layout
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
