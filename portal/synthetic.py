"""Made-up files a rehearsal hands in where a real one would come from a clerk: ``{synthetic: needs_ledger, …}``.

Called by ``portal.uploads`` for an upload argument given as a mapping with the key ``synthetic``. Equal arguments give
equal bytes; everything made here says in itself that it is synthetic. Never used outside a rehearsal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from models.core.errors import Refusal
from models.core.hashing import canonical_json
from models.core.messages import sentence
from models.core.validation import details_of
from models.rules.synthetic import synthetic_ledger
from reports.needs_ledger_file import needs_ledger_file

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Ask = Callable[[str, Mapping[str, Any]], Any]


@dataclass(frozen=True)
class MadeFile:
    """Name, media type and bytes of a made-up file."""

    name: str
    media_type: str
    data: bytes


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int


class NeedsLedgerSpec(_Spec):
    """``people`` made-up people shaped to Huangshi's published counts (``models.rules.synthetic``).

    ``identities`` turns Huangshi's classes into those of another region or date.
    """

    synthetic: Literal["needs_ledger"]
    people: int = Field(ge=1, le=100_000)
    on: date
    region_code: str = "420200"
    identities: dict[str, str] = Field(default_factory=dict)


class ServiceRecordsSpec(_Spec):
    """``visits`` made-up service records for each selected person of a contract, spread over [first, last]."""

    synthetic: Literal["service_records"]
    contract: str
    first: date
    last: date
    visits: int = Field(ge=1, le=60)
    persons: int | None = None


_SPECS: Final = TypeAdapter[NeedsLedgerSpec | ServiceRecordsSpec](
    Annotated[NeedsLedgerSpec | ServiceRecordsSpec, Field(discriminator="synthetic")]
)


def make_file(spec: Mapping[str, Any], *, ask: Ask) -> MadeFile:
    """Make the file a specification describes; ``ask`` answers queries for it. Raises ``Refusal`` for a bad one."""
    try:
        parsed = _SPECS.validate_python(dict(spec))
    except ValidationError as err:
        details = details_of(err)
        fields = "、".join(dict.fromkeys(detail.field or "?" for detail in details))
        facts = {"command": sentence("case.synthetic_file"), "fields": fields}
        raise Refusal("door.arguments_invalid", rule="SYS-ARGUMENTS", facts=facts, details=details) from err
    if isinstance(parsed, NeedsLedgerSpec):
        rows = synthetic_ledger(people=parsed.people, seed=parsed.seed, as_of=parsed.on, region_code=parsed.region_code)
        named = ({**row, "identity": parsed.identities.get(str(row["identity"]), row["identity"])} for row in rows)
        data = needs_ledger_file(rows=named, date=parsed.on)
        return MadeFile(f"需求台账-合成-{parsed.people}人.xlsx", XLSX, data)
    return MadeFile("服务记录-合成.json", "application/json", canonical_json(_service_records(parsed, ask)))


def _service_records(spec: ServiceRecordsSpec, ask: Ask) -> list[dict[str, object]]:
    roster = ask("delivery.roster", {"contract": spec.contract})
    random = Random(spec.seed)  # noqa: S311  recorded seed, no secret depends on it
    days = (spec.last - spec.first).days + 1
    records: list[dict[str, object]] = []
    for person in roster.persons[: spec.persons]:
        for day in sorted(random.sample(range(days), spec.visits)):
            hour, kind = random.randrange(8, 17), random.choice(roster.kinds)
            records.append(
                {
                    "person": person,
                    "on": date.fromordinal(spec.first.toordinal() + day).isoformat(),
                    "start": f"{hour:02d}:00",
                    "end": f"{hour:02d}:{random.choice((40, 50, 55))}",
                    "kind": kind,
                    "staff": random.choice(roster.staff),
                    "place": "合成地点",
                    "result": "合成记录:已提供服务",
                }
            )
    return records
