"""What no gate can tell from a ledger file alone: people already on file, classes not surveyed, questions left open.

Called by ``commands.needs`` before anything is written. The faults address rows by their number in the file and never
repeat a name or a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, Final

from models.commands import needs_people as people
from models.context import Context
from models.core.errors import Detail
from models.core.messages import sentence
from models.core.progress import report
from models.policy.schema import Policy
from models.rules.needs_assessment import unanswered
from models.tables.needs import Survey

MOST_KEPT: Final = 1_000
"""How many faults are kept with their places; the others are counted."""

Row = Mapping[str, Any]


def faults(
    ctx: Context, *, survey: Survey, rows: Sequence[Row], hashes: Sequence[str], policy: Policy, since: int = 0
) -> tuple[tuple[Detail, ...], int]:
    """Return the first faults of a ledger that passed the gate, from row ``since`` on, and how many there are."""
    found = _found(ctx, survey=survey, rows=rows, hashes=hashes, policy=policy, since=since)
    kept = tuple(islice(found, MOST_KEPT))
    return kept, len(kept) + sum(1 for _ in found)


def _found(
    ctx: Context, *, survey: Survey, rows: Sequence[Row], hashes: Sequence[str], policy: Policy, since: int
) -> Iterator[Detail]:
    classes = frozenset(survey.classes)
    dimensions = tuple(policy.needs.dimensions)
    with ctx.reading() as session:
        somebody = people.anybody(session, region=survey.region)
        for start in range(since, len(rows), people.CHUNK):  # in portions: all rows at once would not fit
            keys = hashes[start : start + people.CHUNK]
            on_file = people.known(session, region=survey.region, hashes=keys) if somebody else {}
            for row, key in zip(rows[start : start + people.CHUNK], keys, strict=True):
                there = on_file.get(key)
                if there is not None and _already_in(there, survey=survey, on=row["assessed_on"]):
                    yield _fault(row, "id_number", sentence("needs.person_known"), "HS-04")
                if row["identity"] not in classes:
                    problem = sentence("needs.class_not_surveyed", {"code": row["identity"]})
                    yield _fault(row, "identity", problem, "HS-03")
                answers = {code: row[f"dimension_{code}"] for code in dimensions}
                for field, rule in unanswered(
                    dimensions=answers, demands=row["demands"], willing=row["willing"], policy=policy
                ):
                    yield _fault(row, field, sentence("needs.unanswered"), rule)
            report(step="needs.step.compare", done=min(start + people.CHUNK, len(rows)), total=len(rows))


def _already_in(there: people.Known, *, survey: Survey, on: date) -> bool:
    return there.survey == survey.id and on <= there.assessed_on and not there.abandoned


def _fault(row: Row, field: str, problem: str, rule: str) -> Detail:
    place = f"{sentence('needs.ledger_row')} {row['seq']}"
    return Detail(problem=problem, field=f"{place} · {sentence(f'needs.column.{field}')}", rule=rule)
