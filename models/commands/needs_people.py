"""The person file: new people enter, people assessed again get their one ledger row replaced and the old one kept.

Called by ``commands.needs_load`` for a ledger and by ``commands.needs_assess`` for one person, inside their
transactions. Works in chunks, whatever the number of people; seals every name and number before it reaches a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import ColumnElement, String, bindparam, func, insert, literal, select, update
from sqlalchemy import cast as sql_cast
from sqlmodel import Session, col

from models.commands.bulk import insert_rows
from models.context import Context
from models.core.ids import derive_id
from models.core.progress import report
from models.policy.schema import Policy
from models.rules import needs as rules
from models.rules.needs_assessment import indicators, reassess_due, special_tags, tally
from models.tables.kernel import WorkItem
from models.tables.needs import Assessed, IndicatorSet, LedgerImport, NeedsAssessment, Person, Survey

CHUNK: Final = 5_000
REASSESS: Final = "needs.reassess"
"""The work item of a need that is due again; its subject is the person."""

Row = Mapping[str, Any]
_FACTS: Final = (
    "household_no",
    "region_code",
    "street",
    "identity",
    "lives_alone",
    "disabled",
    "severely_ill",
    "single_parent_student",
    "willing",
    "discovery",
    "assessed_on",
)
_HISTORY: Final = tuple(Assessed.model_fields)


class Known(NamedTuple):
    """What the file already says of a person: id, the survey and day of the newest assessment, and whether that came
    with a ledger whose load was abandoned: a corrected file of that survey replaces it whatever its day.
    """

    id: str
    survey: str
    assessed_on: date
    abandoned: bool


@dataclass(frozen=True)
class Stored:
    """How many people were new, assessed again, and came with an assessment older than the one on file."""

    new: int
    reassessed: int
    older: int

    def __add__(self, other: Stored) -> Stored:
        return Stored(self.new + other.new, self.reassessed + other.reassessed, self.older + other.older)


def hashes_of(ctx: Context, *, rows: Sequence[Row]) -> list[str]:
    """Return the lookup hash of each row's ID number."""
    lookup = ctx.services.vault.lookup
    return [lookup(row["id_number"]) for row in rows]


def anybody(session: Session, *, region: str) -> bool:
    """Say whether the region has a person file at all: the first ledger need not look anybody up."""
    return session.execute(select(col(Person.id)).where(col(Person.region) == region).limit(1)).first() is not None


def known(session: Session, *, region: str, hashes: Sequence[str]) -> dict[str, Known]:
    """Return who of a chunk of hashes has a file in the region, by hash."""
    entry, place = LedgerImport, col(Person.ordinal)
    abandoned = select(col(entry.id)).where(
        col(entry.survey_id) == col(Person.survey_id),
        col(entry.abandoned_on).is_not(None),
        col(entry.first_ordinal) <= place,
        place < col(entry.first_ordinal) + col(entry.people),
    )
    columns = (col(Person.id_hash), col(Person.id), col(Person.survey_id), col(Person.assessed_on), abandoned.exists())
    rows = session.execute(select(*columns).where(col(Person.region) == region, col(Person.id_hash).in_(hashes))).all()
    return {id_hash: Known(*there) for id_hash, *there in rows}


def store(
    session: Session,
    ctx: Context,
    *,
    survey: Survey,
    rows: Sequence[Row],
    hashes: Sequence[str],
    first: int,
    policy: Policy,
) -> Stored:
    """Bring assessed people into the file: every row becomes one person's newest assessment, or joins the history.

    ``first`` is the place of the first row in the survey (``next_ordinal``).
    """
    version = record_indicators(session, ctx, policy=policy)
    portions = Portions(ctx, survey=survey, version=version, policy=policy)
    stored = Stored(0, 0, 0)
    for start in range(0, len(rows), CHUNK):
        keys = hashes[start : start + CHUNK]
        stored += portions.write(session, portions.prepare(rows[start : start + CHUNK], keys, first=first + start))
        report(step="needs.step.load", done=min(start + CHUNK, len(rows)), total=len(rows))
    return stored


def record_indicators(session: Session, ctx: Context, *, policy: Policy) -> str:
    """Keep the content of the indicator set in force and return its version (ZY-54)."""
    found = indicators(policy=policy)
    if session.get(IndicatorSet, found.version) is None:
        session.add(
            IndicatorSet(
                version=found.version,
                region=policy.region,
                status=found.status,
                content=dict(found.content),
                recorded_on=ctx.as_of,
            )
        )
        session.flush()
    return found.version


class Portions:
    """Makes and writes portion after portion of one survey's people; remembers what is the same for many rows.

    ``prepare`` does what takes time and needs no database, so that a transaction around ``write`` is short.
    """

    def __init__(self, ctx: Context, *, survey: Survey, version: str, policy: Policy) -> None:
        self._ctx, self._survey, self._version = ctx, survey, version
        self._due = cache(lambda day: reassess_due(assessed_on=day, policy=policy))
        self._band = cache(lambda birth: rules.age_band(birth=birth, on=ctx.as_of, policy=policy).value)
        self._tally = cache(lambda levels: tally(levels=levels, policy=policy))
        self._sealed = cache(ctx.services.vault.seal)  # an assessor's name stands in thousands of rows
        self._policy = policy
        self._hardships = tuple(policy.needs.hardship_types)
        self._dimensions = tuple(policy.needs.dimensions)

    def prepare(self, rows: Sequence[Row], hashes: Sequence[str], *, first: int) -> list[dict[str, Any]]:
        """Return the rows of ``person``, the first of them in place ``first`` of the survey, everything sealed."""
        return list(self._people(rows, hashes, first))

    def write(self, session: Session, people: Sequence[dict[str, Any]]) -> Stored:
        """Write one prepared portion; who is on file already is assessed again."""
        hashes = [person["id_hash"] for person in people]
        region = self._survey.region
        on_file = known(session, region=region, hashes=hashes) if anybody(session, region=region) else {}
        new = [person for person in people if person["id_hash"] not in on_file]
        met = [(on_file[person["id_hash"]], person) for person in people if person["id_hash"] in on_file]
        newer = [person | {"id": there.id} for there, person in met if self._replaces(person, there)]
        older = [person | {"id": there.id} for there, person in met if not self._replaces(person, there)]
        insert_rows(session, Person, new)
        insert_rows(session, NeedsAssessment, [_superseded(person, self._ctx.as_of) for person in older])
        if newer:
            _replace(session, newer, on=self._ctx.as_of)
        return Stored(len(new), len(newer), len(older))

    def _replaces(self, person: Row, there: Known) -> bool:
        corrects = there.abandoned and there.survey == self._survey.id
        return corrects or bool(person["assessed_on"] >= there.assessed_on)

    def _people(self, rows: Sequence[Row], hashes: Sequence[str], first: int) -> Iterator[dict[str, Any]]:
        """Yield the rows of ``person``. Ids derive from survey and place in it, not from the person: a replay on a
        fresh database, whose vault has other keys, then makes the same ones, and so does a load that died and began
        again.
        """
        seal = self._ctx.services.vault.seal_many
        names, numbers = seal([row["person_name"] for row in rows]), seal([row["id_number"] for row in rows])
        phones = iter(seal([row["phone"] for row in rows if row["phone"]]))
        for place, (row, id_hash, name, number) in enumerate(zip(rows, hashes, names, numbers, strict=True), first):
            levels = {code: row[f"hardship_{code}"] for code in self._hardships}
            degree = self._tally(tuple(levels.values()))
            yield {
                "id": derive_id("per", self._survey.id, str(place)),
                "region": self._survey.region,
                "survey_id": self._survey.id,
                "ordinal": place,
                "id_hash": id_hash,
                "name_sealed": name,
                "id_number_sealed": number,
                "phone_sealed": next(phones) if row["phone"] else None,
                "assessor_sealed": self._sealed(row["assessor"]),
                "birth_year": row["birth_date"].year,
                "age_band": (band := self._band(row["birth_date"])),
                "sex": row["sex"],
                "levels": levels,
                "dimensions": {code: level for code in self._dimensions if (level := row[f"dimension_{code}"])},
                "demands": list(row["demands"]),
                "own_ability": list(row["own_ability"]),
                "existing_benefits": list(row["existing_benefits"]),
                "special_tags": special_tags(
                    given=row.get("special_tags", ()),
                    minor=band == rules.AgeBand.MINOR,
                    severely_ill=row["severely_ill"],
                    policy=self._policy,
                ),
                "max_level": degree.max_level,
                "severe_count": degree.severe_count,
                "moderate_count": degree.moderate_count,
                "indicator_version": self._version,
                "reassess_due_on": self._due(row["assessed_on"]),
                "registered_on": self._ctx.as_of,
                **{column: row[column] for column in _FACTS},
            }


def _replace(session: Session, people: Sequence[dict[str, Any]], *, on: date) -> None:
    ids = [person["id"] for person in people]
    _keep_history(session, ids, on=on)
    changed = [name for name in people[0] if name not in ("id", "region", "id_hash", "registered_on")]
    statement = (
        update(Person)
        .where(col(Person.id) == bindparam("of"))
        .values({name: bindparam(f"to_{name}") for name in changed})
    )
    session.connection().execute(
        statement, [{"of": person["id"]} | {f"to_{name}": person[name] for name in changed} for person in people]
    )
    session.execute(
        update(WorkItem)
        .where(col(WorkItem.kind) == REASSESS, col(WorkItem.subject_id).in_(ids), col(WorkItem.status) == "open")
        .values(status="done", closed_on=on),
        execution_options={"synchronize_session": False},
    )


def _keep_history(session: Session, ids: Sequence[str], *, on: date) -> None:
    taken: dict[str, ColumnElement[Any]] = {name: cast(Any, col(getattr(Person, name))) for name in _HISTORY}
    taken["id"] = _history_id(col(Person.survey_id), sql_cast(col(Person.ordinal), String))
    taken["person_id"] = cast(Any, col(Person.id))
    taken["superseded_on"] = literal(on)
    now = select(*taken.values()).where(col(Person.id).in_(ids))
    session.execute(insert(NeedsAssessment).from_select(list(taken), now))


def _superseded(person: Row, on: date) -> dict[str, Any]:
    return {name: person[name] for name in _HISTORY} | {
        "id": f"{person['survey_id']}-{person['ordinal']}",
        "person_id": person["id"],
        "superseded_on": on,
    }


def _history_id(survey: Any, ordinal: Any) -> ColumnElement[Any]:
    return cast(ColumnElement[Any], survey + literal("-") + ordinal)


def next_ordinal(session: Session, *, survey: str) -> int:
    """Return the first place the survey has not given out yet: not in its ledger or history, nor kept for a file."""
    tables = (Person, NeedsAssessment)
    found = [
        session.execute(select(func.max(col(table.ordinal))).where(col(table.survey_id) == survey)).scalar_one()
        for table in tables
    ]
    kept = func.max(col(LedgerImport.first_ordinal) + col(LedgerImport.people) - 1)
    found.append(session.execute(select(kept).where(col(LedgerImport.survey_id) == survey)).scalar_one())
    return 1 + max((number for number in found if number is not None), default=0)
