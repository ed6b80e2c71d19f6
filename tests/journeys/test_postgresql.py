"""The whole life of a project on SQLite and on PostgreSQL: every stage comes out alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlmodel import Session

from models.queries.ledger_check import faults_of
from portal.cli.replay import load_case, opened
from portal.replay.runner import CaseReport, play
from tests.journeys.story import WHOLE_LIFE, Story, assert_held
from tests.journeys.test_cases import declared
from tests.support.postgres import fresh_database

pytestmark = pytest.mark.xdist_group("whole-life")

_MADE_ANEW = "signature"
"""What differs from run to run on one database too: a signature holds the time it was made."""


def test_a_whole_life_comes_out_alike_on_sqlite_and_on_postgresql(
    whole_life: Story, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_held(whole_life.report)
    assert {step.rule for step in whole_life.report.steps if step.outcome == "refused"} == declared(WHOLE_LIFE)

    monkeypatch.setenv("LIFECYCLE_HOME", whole_life.environment["LIFECYCLE_HOME"])
    with fresh_database(request.getfixturevalue("postgres_url"), name="case") as url:
        there = _played(url)

    assert_held(there)
    here = whole_life.report.steps
    assert [_told(step.as_json()) for step in there.steps] == [_told(step.as_json()) for step in here]


def _played(database_url: str) -> CaseReport:
    case = load_case(WHOLE_LIFE)
    with opened(case, recorded=False, database_url=database_url) as (services, launcher, _folder):
        report = play(case, services=services, launcher=launcher)
        with Session(services.engine) as session:
            assert faults_of(session) == ()
        return report


def _told(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _told(item) for key, item in value.items() if key != _MADE_ANEW}
    return [_told(item) for item in value] if isinstance(value, list | tuple) else value
