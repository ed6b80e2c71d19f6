"""Every shipped case but the Huangshi story: each step comes out as told, and just the rules it names refuse.

A case says in its header which rules refuse in it: ``# refused: ZY-20 ZY-23``. A new file under ``portal/cases`` is
played without being listed here. Huangshi, the long one, the case of objections, which leaves a public site to read
back, and the whole life of a project, played on two kinds of database, have journeys of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlmodel import Session

from infra.embedded.seaweed import EmbeddedS3
from models.queries.ledger_check import faults_of
from models.queries.succession import recipients_without_owner
from portal.cli.replay import load_case, opened
from portal.replay.runner import CaseReport, play
from tests.journeys.story import CASES, SHIPPED, WHOLE_LIFE, assert_held

OBJECTIONS = CASES / "zunyi-objections.yaml"
FILES = tuple(sorted(file for file in CASES.glob("*.yaml") if file not in {SHIPPED, OBJECTIONS, WHOLE_LIFE}))


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose S3 server all cases of this worker share."""
    path = tmp_path_factory.mktemp("cases")
    with EmbeddedS3(path / "s3"):
        yield path


@pytest.fixture(scope="session")
def played() -> dict[str, CaseReport]:
    """The reports of this worker so far, so that a case is played once."""
    return {}


def _report(name: str, home: Path, played: dict[str, CaseReport], monkeypatch: pytest.MonkeyPatch) -> CaseReport:
    if name not in played:
        monkeypatch.setenv("LIFECYCLE_HOME", str(home))
        case = load_case(CASES / name)
        with opened(case, recorded=False) as (services, launcher, _folder):
            played[name] = play(case, services=services, launcher=launcher)
            with Session(services.engine) as session:
                assert recipients_without_owner(session, date.max) == {}
                assert faults_of(session) == ()  # wherever a case moved money, the ledger is whole
    return played[name]


def declared(file: Path) -> set[str]:
    """Return the rules that refuse in a case, as its header tells."""
    told = re.search(r"^# refused: (.+)$", file.read_text("utf-8"), re.MULTILINE)
    return set(told.group(1).split()) if told else set()


@pytest.mark.parametrize(
    "file", [pytest.param(one, marks=pytest.mark.xdist_group(one.stem), id=one.stem) for one in FILES]
)
def test_every_step_holds_and_the_declared_rules_refuse(
    file: Path, home: Path, played: dict[str, CaseReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = _report(file.name, home, played, monkeypatch)

    assert_held(report)
    assert {step.rule for step in report.steps if step.outcome == "refused"} == declared(file)
    assert all(step.message and step.way_out for step in report.steps if step.outcome == "refused")


def test_every_case_lists_its_refusals_and_marks_what_is_made_up() -> None:
    assert FILES, "no case is shipped"
    assert [file.name for file in FILES if not declared(file)] == []
    unmarked = [one.name for one in FILES if "合成" in (text := one.read_text("utf-8")) and "synthetic" not in text]
    assert unmarked == []


@pytest.mark.xdist_group("fengze-2024")
def test_the_dated_timeline_of_fengze_tells_its_nine_checks(
    home: Path, played: dict[str, CaseReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """C1 to C9: due dates, work before the plan, lateness, no invented report, proof, order, no end."""
    report = _report("fengze-2024.yaml", home, played, monkeypatch)

    told = " ".join(step.note for step in report.steps)
    assert [check for check in (f"C{number}" for number in range(1, 10)) if check not in told] == []
    assert declared(CASES / "fengze-2024.yaml") >= {
        f"FZ-{number}" for number in (58, 59, 60, 62, 63, 64, 65, 66, 67, 68, 69, 73, 75, 79)
    }


@pytest.mark.xdist_group("zunyi-policy-change")
def test_the_policy_did_change_in_mid_round(
    home: Path, played: dict[str, CaseReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = _report("zunyi-policy-change.yaml", home, played, monkeypatch)

    digests = [step.result["digest"] for step in report.steps if step.name == "policy.digest"]  # type: ignore[index]
    assert len(digests) == len(set(digests)) == 2
