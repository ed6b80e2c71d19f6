"""Rules of donations (S09): what the public is to be told of a project that donated money pays, and by when.

Pure; called by ``commands.donation_report``. 慈善法 art. 79: charities that may raise money from the public.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from models.core.periods import add_months
from models.policy.schema import Policy

DISCLOSURE_LAW: Final = "LAW-CSF-79"
INTERIM: Final = "interim"
FINAL: Final = "final"


@dataclass(frozen=True)
class DonatedProject:
    """A project with donated money: its term as its contracts say, and the day it ended, ``None`` while it goes on."""

    starts_on: date
    ends_on: date
    ended_on: date | None


@dataclass(frozen=True)
class Disclosure:
    """One telling that is owed: interim of a period or final, ``since`` when it may be made, and its last day."""

    kind: str
    since: date
    due_on: date


def disclosures_owed(*, project: DonatedProject, as_of: date, policy: Policy) -> Iterator[Disclosure]:
    """Yield what has become due to be told by a day, oldest first; nothing before the law says so.

    A project whose term is longer than ``funding.donation_project_months`` tells of each period it goes on, every
    ``funding.donation_report_months``; each tells in full within ``funding.donation_final_months`` of its end.
    """
    funding = policy.funding
    if not (funding.donation_report_months and funding.donation_project_months and funding.donation_final_months):
        return
    in_force = policy.leaf("funding.donation_report_months").effective.from_
    until = project.ended_on or as_of
    if add_months(project.starts_on, months=funding.donation_project_months) < project.ends_on:
        number = 0
        while (since := add_months(project.starts_on, months=number * funding.donation_report_months)) <= until:
            number += 1
            last = add_months(project.starts_on, months=number * funding.donation_report_months) - timedelta(days=1)
            if last >= in_force and not (project.ended_on and last >= project.ended_on):
                yield Disclosure(INTERIM, since, last)
    if project.ended_on and project.ended_on >= in_force:
        due = add_months(project.ended_on, months=funding.donation_final_months)
        yield Disclosure(FINAL, project.ended_on, due)
