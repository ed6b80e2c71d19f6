"""Replay steps per second: a whole case through the doors, with a real database, S3 server and quality gate.

Called by ``python -m tests.bench`` in a process of its own: the settings of the rehearsal are put into its environment.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from portal.cli.replay import load_case, opened
from portal.replay.runner import CaseReport, play
from tests.bench.rounds import seconds


def measure(*, case_file: Path, folder: Path, watch: Callable[[int | None], None]) -> dict[str, float]:
    """Return steps per second of one play of a case, flows called in process; starting the servers is not counted.

    ``watch`` is told the process id of each server. Raises ``AssertionError`` when a step did not hold.
    """
    os.environ |= {
        "LIFECYCLE_HOME": str(folder),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
    }
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    case = load_case(case_file)
    reports: list[CaseReport] = []
    with opened(case, recorded=False, watch=watch) as (services, launcher, _home):
        taken = seconds(lambda: reports.append(play(case, services=services, launcher=launcher)))
    wrong = [step.line for step in reports[0].steps if not step.held]
    if wrong:
        raise AssertionError(f"the case does not hold at lines {wrong}")
    steps = len(reports[0].steps)
    return {"steps": steps, "ours_seconds": taken, "steps_per_second": steps / taken}
