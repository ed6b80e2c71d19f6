"""The Huangshi story and the whole life of a project in Zunyi, each played once per worker.

The modules that use one share its xdist group: ``huangshi``, ``whole-life``.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from infra.embedded.seaweed import EmbeddedS3
from tests.journeys.story import (
    END,
    SHIPPED,
    WHOLE_LIFE,
    Scene,
    Stand,
    Story,
    assert_held,
    play_story,
    with_fewer_people,
)

STANDS = frozenset(
    {
        "feasibility.estimate_cost",
        "funding.issue_plan",
        "procurement.publish_notice",
        "procurement.close_bidding",
        "procurement.approve_method_change",
        "monitoring.record_supervision#2",
        "delivery.log_referral",
        "acceptance.submit_self_check",
        "publicity.disclose",
        END,
    }
)

LIFE_STANDS = (
    "matching.confirm_item#2",
    "decision.approve#2",
    "funding.adopt_scenario",
    "procurement.close_bidding",
    "contract.sign",
    "delivery.record_services",
    "acceptance.submit_self_check",
    "acceptance.conclude",
)
"""Where random lives begin."""

TWO_PROJECTS = "two projects"
"""Where another one begins: the first project is served, a second one like it is approved."""

BEFORE = ("funding.sign_plan#2", "funding.verify_progress", "acceptance.submit_self_check", "audit.record_receipt")
"""Where what must happen once has not happened yet: issuing, paying, accepting, archiving."""


@pytest.fixture(scope="session")
def whole_life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The shipped case of a whole life, and the places from which random ones go on; its S3 server stays up."""
    home = tmp_path_factory.mktemp("whole-life")
    shutil.copytree(WHOLE_LIFE.parent / "files", home / "files")
    with EmbeddedS3(home / "s3"):
        played = play_story(WHOLE_LIFE.read_text("utf-8"), home=home, stands=frozenset((*LIFE_STANDS, *BEFORE)))
        yield _with_a_second(played, home)


def second_project(story: Story, *, month: str) -> tuple[str, ...]:
    """Return the steps that bring a second project to its approval: those of the first, told again in a later month."""
    once = ("decision.record_office", "decision.record_meeting", "decision.decide", "decision.approve")
    steps = story.until("decision.approve#2", after="matching.gaps", without=once)
    again = ((re.sub(r", expect: \{[^}]*\}", "", one), r"(?<!payer: )(?<!county_)government") for one in steps)
    return tuple(re.sub(name, "second", one).replace("on: 2025-03", f"on: {month}") for one, name in again)


def _with_a_second(story: Story, home: Path) -> Story:
    with story.scene("delivery.record_services", home) as scene:  # beside the files that its steps hand in
        scene.holds(*second_project(story, month="2025-07"))
        stand = Stand(
            Path(str(scene.services.engine.url.database)), scene.saved, story.stands["delivery.record_services"].done
        )
    return replace(story, stands={**story.stands, TWO_PROJECTS: stand})


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The shipped case with fewer people, and the places from which tests go on; its S3 server stays up for them."""
    home = tmp_path_factory.mktemp("huangshi")
    with EmbeddedS3(home / "s3"):
        played = play_story(with_fewer_people(SHIPPED.read_text("utf-8")), home=home, stands=STANDS)
        assert_held(played.report)
        yield played


@pytest.fixture
def after(story: Story, tmp_path: Path) -> Iterator[Callable[[str], Scene]]:
    """Open the story where it stood after a step, each time on a database of its own."""
    with ExitStack() as stack:
        yield lambda key: stack.enter_context(story.scene(key, tmp_path))
