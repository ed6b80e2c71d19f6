"""Every deployment's flow as a plain function: what it counts on an empty world; a second run adds nothing."""

from __future__ import annotations

from typing import Any

import pytest

from infra.orchestrator import Deployments, LocalLauncher
from tests.support.installation import DAY, SURVEYS, Installation

_COUNTS = {"found": 0, "done": 0, "refused": 0, "conflict": 0, "fault": 0}
_ONE = _COUNTS | {"found": 1, "done": 1}
_REFUSED = _COUNTS | {"found": 1, "refused": 1}
_LEDGER = {"survey": "sur-nobody", "media_type": "text/csv", "sha256": "0" * 64, "size": 1}
_EXPECTED: dict[str, tuple[dict[str, object], dict[str, int]]] = {
    "needs-build-household-files": ({}, _COUNTS),
    "needs-import-intake": (_LEDGER, _REFUSED),
    "library-dispatch-monthly": ({}, _ONE),
    "library-dispatch-half-yearly": ({}, _ONE),
    "library-dispatch-yearly": ({}, _ONE),
    "duty-open-due": ({}, _ONE | {"opened": 0}),
    "review-open-round": ({"form": {"project": "prj-nobody"}}, _REFUSED),
    "review-open-batch": (
        {"form": {"projects": ["prj-nobody"], "batch": "b"}},
        _ONE | {"opened": 0, "refused_count": 1},
    ),
    "review-open-due-rounds": ({}, _COUNTS),
    "review-close-due-rounds": ({}, _COUNTS | {"batches_compared": 0}),
    "publicity-close-due-notices": ({}, _COUNTS),
    "funding-open-due": ({}, _COUNTS | {"found": 2, "done": 2, "carried": 0, "surplus": 0, "opened": 0}),
    "funding-prepare-quarterly-plan": ({}, _COUNTS | {"found": 2, "done": 2, "waiting": 0, "candidates": 0}),
    "procurement-draw-samples": ({}, _COUNTS),
    "monitoring-open-due": ({}, _ONE),
    "monitoring-run-monthly-checks": ({}, _COUNTS | {"found": 2, "done": 2}),
    "acceptance-open-clocks": ({}, _COUNTS),
    "acceptance-chase-overdue": ({}, _ONE | {"alerts": 0, "late": 0}),
    "audit-prepare-filings": ({}, _COUNTS),
    "archive-close-audited": ({}, _COUNTS),
    "deadline-sweep": ({}, _ONE | {"alerts": 0, "late": 0}),
    "alerts-send": ({}, _ONE | {"messages": 0, "suppressed": 0, "sent": 0, "bounced": 0, "deferred": 0, "away": 0}),
    "alerts-check": ({}, _ONE | {"unraised": 0, "unreceipted": 0, "undigested": 0, "unsent": 0, "unreached": 0}),
    "outbox-relay": ({}, {"sent": 0}),
}
_NEED_S3 = {
    "audit-anchor-chains",  # puts the heads into the archive bucket: tests/flows/test_deployments.py
    "publicity-build-site",  # puts pages into the public bucket: tests/journeys/test_publicity_case.py
}


def _run(deployment: str, **parameters: object) -> dict[str, Any]:
    given = {"as_of": DAY.isoformat()} | parameters
    return dict(
        LocalLauncher(recorded=False).launch(deployment=deployment, parameters=given, idempotency_key="k").summary
    )


def test_every_deployment_is_tried() -> None:
    assert set(_EXPECTED) | _NEED_S3 == set(Deployments().by_name)


@pytest.mark.parametrize("deployment", sorted(_EXPECTED))
def test_a_flow_on_an_empty_world_says_what_it_counted_and_a_second_run_adds_nothing(
    deployment: str, empty: Installation
) -> None:
    parameters, expected = _EXPECTED[deployment]

    first = _run(deployment, **parameters)
    once = empty.rows()
    second = _run(deployment, **parameters)

    assert {name: first.get(name) for name in expected} == expected
    assert set(second) == set(first)
    assert all(type(count) is int for count in first.values())
    assert empty.rows() == once


def test_a_sweep_does_the_work_of_all_and_the_second_finds_none(surveyed: Installation) -> None:
    first = _run("needs-build-household-files")
    once = surveyed.rows()
    second = _run("needs-build-household-files")

    assert (first["found"], first["done"], second["found"]) == (SURVEYS, SURVEYS, 0)
    assert surveyed.rows() == once


def test_without_a_date_a_flow_works_for_the_installations_present_day(surveyed: Installation) -> None:
    """The driven clock of a rehearsal, not the machine's (decision 7)."""
    summary = LocalLauncher(recorded=False).launch(
        deployment="needs-build-household-files", parameters={}, idempotency_key="k"
    )

    assert summary.summary["done"] == SURVEYS
    assert surveyed.count("household_file", f"opened_on = '{DAY}'") == surveyed.count("household_file") > 0
