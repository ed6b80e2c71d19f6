"""The same case played twice, in fresh databases with other keys and another S3 server, gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from infra.embedded.seaweed import EmbeddedS3
from tests.journeys.story import END, Scene, Story, play_story

pytestmark = pytest.mark.xdist_group("huangshi")


def test_case_played_again_gives_the_same_report_and_the_same_bundle(
    story: Story, after: Callable[[str], Scene], tmp_path: Path
) -> None:
    home = tmp_path / "again"
    with EmbeddedS3(home / "s3"):
        again = play_story(story.text, home=home, stands=frozenset({END}))
        with again.scene(END, home) as scene:
            second = scene.bundle(tmp_path / "second")

    first = after(END).bundle(tmp_path / "first")

    assert again.report.as_json() == story.report.as_json()
    assert second.name == first.name
    assert second.read_bytes() == first.read_bytes()
