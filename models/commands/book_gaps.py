"""The daily look at the books: what a unit lacks becomes a work item, what is there now closes it (set-based).

Only books of strength M ask for work; the others only show in ``book.gaps``. The deadline sweep alerts what is overdue.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from models.commands import events
from models.commands.book import KIND
from models.context import Context
from models.core.actors import Role
from models.core.ids import derive_id
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.book import gaps_on
from models.queries.units import root_unit, units_on
from models.rules import book as rules
from models.tables.kernel import WorkItem

_ENOUGH: Final = 500


@dataclass(frozen=True)
class GapsOpened:
    """How many gaps were newly found, and how many were filled without anybody closing them."""

    opened: int
    closed: int


@command("book.open_gaps", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="SYS-BOOK")
def open_gaps(ctx: Context) -> GapsOpened:
    """Open a work item for each book and unit that lacks rows today; due so many days on (``books.gap_days``)."""
    policy = ctx.policy(region=ctx.services.region)
    books = {code: book for code, (_, book) in rules.books_of(policy).items() if book.strength == "M"}
    with ctx.writing() as session:
        root = root_unit(policies=ctx.services.policies, region=policy.region)
        units = units_on(session, root=root, on=ctx.as_of)
        found = gaps_on(session, policy=policy, units=units, books=books, on=ctx.as_of)
        lacking = {f"{code}/{gap.unit}": books[code].lead[units[gap.unit].level] for code, gap in found}
        known = dict(session.exec(select(WorkItem.subject_id, WorkItem.status).where(col(WorkItem.kind) == KIND)).all())
        filled = [subject for subject, status in known.items() if status == "open" and subject not in lacking]
        again = [subject for subject in lacking if known.get(subject) == "done"]
        fresh = [subject for subject in lacking if subject not in known]
        _close(session, ctx, filled)
        _reopen(session, ctx, policy, again)
        _open(session, ctx, policy, {subject: lacking[subject] for subject in fresh})
        done = GapsOpened(opened=len(fresh) + len(again), closed=len(filled))
        if done.opened or done.closed:
            payload = {"opened": done.opened, "closed": done.closed, "policy_digest": policy.digest}
            events.append(
                session, ctx, stream_kind=KIND, stream_id=policy.region, type="book.gaps_opened", payload=payload
            )
    return done


def _open(session: Session, ctx: Context, policy: Policy, lacking: dict[str, Role]) -> None:
    keys = {code: key for code, (key, _) in rules.books_of(policy).items()}
    items = [
        WorkItem(
            id=derive_id("work", KIND, subject),
            kind=KIND,
            role=role,
            subject_kind="book",
            subject_id=subject,
            opened_on=ctx.as_of,
            due_on=ctx.as_of + timedelta(days=policy.books.gap_days),
            provisional=False,
            clause=policy.clause(keys[subject.partition("/")[0]]),
            resolves_with="book.add_row",
            status="open",
        )
        for subject, role in lacking.items()
    ]
    for start in range(0, len(items), _ENOUGH):
        session.execute(insert(WorkItem), [item.model_dump() for item in items[start : start + _ENOUGH]])


def _reopen(session: Session, ctx: Context, policy: Policy, subjects: list[str]) -> None:
    due = ctx.as_of + timedelta(days=policy.books.gap_days)
    _set(session, subjects, {"status": "open", "closed_on": None, "due_on": due, "moved_on": ctx.as_of})


def _close(session: Session, ctx: Context, subjects: list[str]) -> None:
    _set(session, subjects, {"status": "done", "closed_on": ctx.as_of})


def _set(session: Session, subjects: list[str], values: dict[str, object]) -> None:
    for start in range(0, len(subjects), _ENOUGH):
        part = subjects[start : start + _ENOUGH]
        statement = update(WorkItem).where(col(WorkItem.kind) == KIND, col(WorkItem.subject_id).in_(part))
        session.execute(statement.values(values))
