"""The read of why a project stands where it stands: every step with its gates, clause, papers, role and money.

Read by ``lifecycle why``. The steps are built from the event chain alone (and what hangs on its events), so they tell
no more than the chain proves; beside them stands what was refused and what was alerted. Writes nothing, names no
person: whoever acted stands there as a role.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Final

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select as select_columns
from sqlmodel import col, select

from models.core.actors import OUTSIDE, ROLE_NAMES, Role
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import operations, query
from models.queries.attempts import Refused, refused
from models.queries.project import HistoryLine, history, states_of
from models.queries.reader import Reader, project_of
from models.queries.work import OpenItem, waiting
from models.rules.citing import written_clause
from models.rules.lifecycle import TRANSITIONS, Thing
from models.rules.register import Kind, Status, register
from models.tables.funding import Posting
from models.tables.kernel import Alert, Document, Event, Project, WorkItem

_JUDGED: Final = (Role.CONTRACTOR, Role.TENDER_AGENCY, Role.EXPERT, Role.THIRD_PARTY_EVALUATOR)
_READERS: Final = tuple(role for role in Role if role not in (*OUTSIDE, *_JUDGED))
_FIGURES: Final = {
    "total_fen": "yuan",
    "budget_fen": "yuan",
    "price_fen": "yuan",
    "bond_fen": "yuan",
    "amount_fen": "yuan",
    "spent_fen": "yuan",
    "verified_fen": "yuan",
    "loss_fen": "yuan",
    "demanded_fen": "yuan",
    "released_fen": "yuan",
    "percent": "percent",
    "verified_percent": "percent",
    "bids": "bids",
    "counted": "bids",
    "served": "people",
    "persons": "people",
    "recipients": "people",
    "records": "times",
    "total": "points",
    "asked": "people",
    "satisfied": "people",
    "days_late": "days",
}
"""What of an event's payload is told as a figure → its unit; each has a name ``why.figure.<key>``."""


class Gate(BaseModel):
    """One rule that the step had to pass: its id, where it stands, and its gist."""

    model_config = ConfigDict(frozen=True)

    rule: str
    clause: str
    gist: str


class PaperLeft(BaseModel):
    """One paper that the step left, by the digest under which it stands in the store and the bundle."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    sha256: str


class Amount(BaseModel):
    """One leg of the entry that the step posted: into the account when positive."""

    model_config = ConfigDict(frozen=True)

    account: str
    channel: str
    year: int
    amount: Money


class Move(BaseModel):
    """One move of a thing and the rule it rests on; ``before`` is empty for a thing that came to be."""

    model_config = ConfigDict(frozen=True)

    thing: str
    before: str
    after: str
    rule: str


class Figure(BaseModel):
    """One figure that the step put down: what it is of, and how much, in words."""

    model_config = ConfigDict(frozen=True)

    name: str
    value: str


class Step(BaseModel):
    """One command: what was done on which day by which role, on what clause, and what it moved and left.

    ``first`` and ``last`` are the places of its events in the chain; a record moves nothing. ``gates`` are what the
    region's rules had it check; ``figures`` what it fixed or counted; ``synthetic`` lists what of it is made up in a
    rehearsal.
    """

    model_config = ConfigDict(frozen=True)

    first: int
    last: int
    on: date
    command: str
    label: str
    role: str
    clause: str
    moves: tuple[Move, ...]
    gates: tuple[Gate, ...]
    papers: tuple[PaperLeft, ...]
    figures: tuple[Figure, ...]
    amounts: tuple[Amount, ...]
    synthetic: tuple[str, ...]


class Alerted(BaseModel):
    """One alert about a thing to do: on which day, at which level of the ladder, about what, and whether too late."""

    model_config = ConfigDict(frozen=True)

    on: date
    level: str
    command: str
    label: str
    due_on: date
    late: bool


class NextMove(BaseModel):
    """A command that may move the thing from where it stands, and the roles that may give it."""

    model_config = ConfigDict(frozen=True)

    command: str
    label: str
    thing: str
    roles: tuple[str, ...]


class Why(BaseModel):
    """How a project came to its present state, what was refused and alerted, what waits, and what may come next."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    region: str
    states: dict[str, list[str]]
    synthetic: bool
    steps: tuple[Step, ...]
    refused: tuple[Refused, ...]
    alerts: tuple[Alerted, ...]
    waiting: tuple[OpenItem, ...]
    next: tuple[NextMove, ...]


@query("project.why", roles=_READERS, clause="SYS-HISTORY")
def why(reader: Reader, *, project: str) -> Why:
    """Return every step that led to a project's present state, oldest first, and what it waits for."""
    row = project_of(reader.session, project)
    states = states_of(reader.session, row)
    ids, papers, amounts = _event_ids(reader, project), _papers(reader, project), _amounts(reader, row)
    return Why(
        id=row.id,
        name=row.name,
        region=row.region,
        states=states,
        synthetic=row.synthetic,
        steps=tuple(
            _step(
                lines,
                region=row.region,
                papers=[paper for line in lines for paper in papers[ids[line.seq]]],
                amounts=[amount for line in lines for amount in amounts[ids[line.seq]]],
            )
            for lines in _by_command(history(reader, project=project))
        ),
        refused=refused(reader.session, project=project),
        alerts=_alerts(reader, project),
        waiting=waiting(reader, col(WorkItem.project_id) == project),
        next=_next(states),
    )


def _by_command(chain: Sequence[HistoryLine]) -> list[list[HistoryLine]]:
    """Put the events of one command together: neighbours of one day and actor that move no thing twice."""
    steps: list[list[HistoryLine]] = []
    for line in chain:
        last = steps[-1] if steps else []
        same = bool(last) and _call(last[0]) == _call(line)
        if same and not (_moved(line) & {thing for one in last for thing in _moved(one)}):
            last.append(line)
        else:
            steps.append([line])
    return steps


def _moved(line: HistoryLine) -> set[str]:
    """Return the id of the thing an event moved; a record moved none."""
    return {line.payload[f"{line.type.split('.', 1)[0]}_id"]} if "to" in line.payload else set()


def _call(line: HistoryLine) -> tuple[str, str, date]:
    return str(line.payload.get("command", "")), line.actor, line.on


def _step(lines: Sequence[HistoryLine], *, region: str, papers: Sequence[PaperLeft], amounts: Sequence[Amount]) -> Step:
    command, actor, on = _call(lines[0])
    moves = tuple(
        Move(
            thing=line.type.split(".", 1)[0],
            before=line.payload["from"],
            after=line.payload["to"],
            rule=line.payload["rule"],
        )
        for line in lines
        if "to" in line.payload
    )
    rules = dict.fromkeys(move.rule for move in moves) or dict.fromkeys([_clause_of(command)])
    role = actor.partition(":")[0]
    return Step(
        first=lines[0].seq,
        last=lines[-1].seq,
        on=on,
        command=command,
        label=sentence(f"command.{command}"),
        role=ROLE_NAMES[Role(role)],
        clause="、".join(written_clause(rule) for rule in rules),
        moves=moves,
        gates=_gates(command, region),
        papers=tuple(papers),
        figures=tuple(figure for line in lines for figure in _figures(line)),
        amounts=tuple(amounts),
        synthetic=tuple(sorted({path for line in lines for path in line.payload.get("synthetic", ())})),
    )


def _figures(line: HistoryLine) -> tuple[Figure, ...]:
    """Return the amounts, shares and counts an event holds that have a name; nothing for none and nought."""
    return tuple(
        Figure(
            name=sentence(f"why.figure.{key}"),
            value=f"{Money(value).plain()}元" if key.endswith("_fen") else sentence(f"why.unit.{unit}", {"n": value}),
        )
        for key, unit in _FIGURES.items()
        if (value := line.payload.get(key)) and not isinstance(value, bool | dict | list)
    )


def _alerts(reader: Reader, project: str) -> tuple[Alerted, ...]:
    raised = (
        select(Alert, WorkItem.resolves_with)
        .join(WorkItem, col(WorkItem.id) == col(Alert.work_item_id))
        .where(col(WorkItem.project_id) == project)
    )
    rows = reader.session.exec(raised.order_by(col(Alert.raised_on), col(Alert.id))).all()
    return tuple(
        Alerted(
            on=row.raised_on,
            level=row.level,
            command=command,
            label=sentence(f"command.{command}"),
            due_on=row.due_on,
            late=row.late,
        )
        for row, command in rows
    )


def _clause_of(command: str) -> str:
    return operations()[command].clause


@cache
def _gates(command: str, region: str) -> tuple[Gate, ...]:
    """Return the rules of the region that this command holds as gates."""
    return tuple(
        Gate(rule=entry.id, clause=written_clause(entry.id), gist=entry.gist)
        for entry in register()
        if entry.region == region
        and entry.kind is Kind.GATE
        and entry.status is Status.IN_FORCE
        and command in entry.held_by
    )


def _event_ids(reader: Reader, project: str) -> dict[int, str]:
    of_project = (col(Event.stream_kind) == "project", col(Event.stream_id) == project)
    return dict(reader.session.exec(select(Event.seq, Event.event_id).where(*of_project)).all())


def _papers(reader: Reader, project: str) -> defaultdict[str, list[PaperLeft]]:
    found: defaultdict[str, list[PaperLeft]] = defaultdict(list)
    rows = reader.session.exec(select(Document).where(col(Document.project_id) == project).order_by(col(Document.id)))
    for row in rows:
        found[row.event_id].append(PaperLeft(id=row.id, title=row.title, sha256=row.sha256))
    return found


def _amounts(reader: Reader, project: Project) -> defaultdict[str, list[Amount]]:
    names = reader.policies.resolve(region=project.region, on=reader.as_of).funding.sources
    found: defaultdict[str, list[Amount]] = defaultdict(list)
    legs = select_columns(
        col(Posting.entry_id), col(Posting.account), col(Posting.channel), col(Posting.year), col(Posting.amount_fen)
    ).where(col(Posting.project_id) == project.id)
    rows = reader.session.execute(legs.order_by(col(Posting.entry_id), col(Posting.leg)))
    for entry, account, channel, year, fen in rows:
        found[entry].append(Amount(account=account, channel=names.get(channel, channel), year=year, amount=Money(fen)))
    return found


def _next(states: dict[str, list[str]]) -> tuple[NextMove, ...]:
    found = {
        (move.command, move.thing): NextMove(
            command=move.command,
            label=sentence(f"command.{move.command}"),
            thing=move.thing.value,
            roles=tuple(sorted(ROLE_NAMES[Role(role)] for role in operations()[move.command].roles)),
        )
        for move in TRANSITIONS
        if set(states.get(move.thing.value, ())) & move.sources
    }
    things = list(Thing)
    return tuple(found[key] for key in sorted(found, key=lambda key: (things.index(key[1]), key[0])))
