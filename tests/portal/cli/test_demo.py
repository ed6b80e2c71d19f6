"""``lifecycle demo``: where its papers go, and that nothing of the user's is ever removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.portal.cli.conftest import Installation, Lifecycle

pytestmark = pytest.mark.xdist_group("cli")


@pytest.mark.parametrize("as_file", [False, True])
def test_folder_that_holds_something_is_refused_and_left_alone(
    installation: Installation, lifecycle: Lifecycle, tmp_path: Path, as_file: bool
) -> None:
    kept = tmp_path / "mine" / "重要.txt"
    kept.parent.mkdir()
    kept.write_text("kept", "utf-8")
    target = kept if as_file else kept.parent

    said = lifecycle("demo", "--to", str(target))

    assert said.code == 2
    assert target.name in said.err
    assert kept.read_text("utf-8") == "kept"
    assert not installation.home.exists()
