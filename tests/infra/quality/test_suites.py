"""The suites as data agree with the columns they are about."""

from __future__ import annotations

import re

import pytest

from infra.quality.expectations import run_checks
from infra.quality.frame import frame_of
from infra.quality.suite import GATES, Check, load_suite
from infra.quality.table import Field, Table
from models.core.messages import catalogue
from reports.application_form import APPLICATION_FIELDS, BUDGET_COLUMNS, TEAM_COLUMNS
from reports.needs import NEEDS_COLUMNS
from reports.service_records import SERVICE_COLUMNS
from tests.infra.quality.ledgers import AS_OF

COLUMNS = {
    "needs_ledger": {"rows": NEEDS_COLUMNS},
    "application_form": {"form": APPLICATION_FIELDS, "budget": BUDGET_COLUMNS, "team": TEAM_COLUMNS},
    "service_records": {"rows": SERVICE_COLUMNS},
}


@pytest.mark.parametrize("gate", GATES)
def test_every_required_column_is_asked_for_and_every_cell_is_read(gate: str) -> None:
    """A required column has a not-null error; each column has a check of its fault or dictionary."""
    suite = load_suite(gate)
    for table, columns in COLUMNS[gate].items():
        checks = [check for check in suite.checks if check.table == table]
        asked = {
            column
            for check in checks
            if check.expectation == "expect_column_values_to_not_be_null" and check.severity == "error"
            for column in check.columns
        }
        read = {
            column
            for check in checks
            if check.aspect == "fault" or check.arguments.get("value_set") == "$choices"
            for column in check.columns
        }
        assert asked == {column.key for column in columns if column.required}
        assert read == {column.key for column in columns}


@pytest.mark.parametrize("gate", GATES)
def test_every_check_has_a_rule_and_a_sentence(gate: str) -> None:
    """Only checks of faults take their sentence from the cell."""
    for check in load_suite(gate).checks:
        assert check.rule
        assert check.message or check.aspect == "fault"


def test_the_version_of_a_suite_is_its_number_and_the_digest_of_its_file() -> None:
    """Two suites never share a version; unknown gates have none."""
    versions = {gate: load_suite(gate).version for gate in GATES}

    assert all(re.fullmatch(r"[0-9]+-[0-9a-f]{12}", version) for version in versions.values())
    assert len(set(versions.values())) == len(GATES)
    with pytest.raises(KeyError):
        load_suite("other")


def test_a_check_that_cannot_be_computed_is_a_bug_and_never_a_verdict() -> None:
    """A broken suite raises; it neither passes nor blames a cell."""
    field = Field("street", "街道", "text")
    frame = frame_of(Table((field,), (4,), {"street": ("甲街",)}), as_of=AS_OF)
    broken = Check(
        id="broken",
        rule="SYS-TEST",
        table="rows",
        columns=("street",),
        expectation="expect_column_values_to_be_between",
        arguments={"min_value": 1},
    )

    with pytest.raises(RuntimeError, match="broken/street"):
        run_checks(frame=frame.data, checks=[broken], fields=[field], most=10)


def test_every_sentence_of_a_cell_is_in_the_catalogue() -> None:
    """Fault codes become sentences; a missing one would be a crash in front of a clerk."""
    for code in ("digits_lost", "not_text", "date", "no_such_day", "int", "choice"):
        assert catalogue()[f"gate.cell.{code}"]["text"]
