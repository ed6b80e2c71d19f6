"""Rules of one needs assessment (S01): the indicator set it refers to, what must be answered, when it is due again.

Pure; called by ``commands.needs`` and its neighbours for one person or a million. Never sees a name or a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from models.core.errors import Detail
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.periods import add_months
from models.policy.schema import Policy
from models.rules.force import binding

_DIGEST_PLACES: Final = 12
ANSWERS: Final = ("ZY-55", "FZ-12")
REASSESS: Final = ("FZ-19", "ZY-57")
DEGREE: Final = ("FZ-13", "BJ-78", "ZY-58", "SYS-CODE-LIST")
"""Every hardship is rated: the degree stands in the ledger."""
LEVELS: Final = ("FZ-14", "SYS-CODE-LIST")
CHANNEL: Final = ("FZ-21", "ZY-56", "SYS-CODE-LIST")
TAGS: Final = ("BJ-09", "SYS-CODE-LIST")
RESURVEY: Final = ("ZY-57", "FZ-20")


@dataclass(frozen=True)
class Indicators:
    """The needs indicators of one policy as a version (ZY-54): what an assessment refers to."""

    version: str
    status: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Tally:
    """The degree of hardship: the heaviest level (0 = none), how many severe and how many moderate ones (ZY-58)."""

    max_level: int
    severe_count: int
    moderate_count: int


def indicators(*, policy: Policy) -> Indicators:
    """Return the indicator set in force: eight hardships by four levels with their anchors, and the dimensions.

    The version derives from the content, so that a changed set is another version whoever changed it.
    """
    needs = policy.needs
    content = {
        "hardship_types": dict(needs.hardship_types),
        "hardship_levels": dict(needs.hardship_levels),
        "hardship_anchors": {code: list(anchors) for code, anchors in needs.hardship_anchors.items()},
        "dimensions": dict(needs.dimensions),
        "demand_required": needs.demand_required,
    }
    size = f"{len(needs.hardship_types)}x{len(needs.hardship_levels)}"
    status = policy.leaf("needs.hardship_types").status
    return Indicators(f"{size}-{digest(content)[:_DIGEST_PLACES]}", str(status), content)


def tally(*, levels: Sequence[str], policy: Policy) -> Tally:
    """Return the degree of the rated hardships; levels count in the order policy lists them, lightest first."""
    order = list(policy.needs.hardship_levels)
    return Tally(
        max_level=max((order.index(level) for level in levels), default=0),
        severe_count=levels.count(order[-1]),
        moderate_count=levels.count(order[-2]),
    )


def reassess_due(*, assessed_on: date, policy: Policy) -> date:
    """Return the day by which the need is assessed again (FZ-19; soft: it warns and never blocks a service)."""
    return add_months(assessed_on, months=policy.needs.reassess_months)


def unanswered(
    *, dimensions: Mapping[str, str], demands: object, willing: bool, policy: Policy
) -> Iterator[tuple[str, str]]:
    """Yield (field, rule) for each question left open where ZY-55 or FZ-12 binds; a person who wants no service need
    not name one.
    """
    rule = binding(policy=policy, rules=ANSWERS)
    if rule is None:
        return
    for code in policy.needs.dimensions:
        if not dimensions.get(code):
            yield f"dimension_{code}", rule
    if policy.needs.demand_required and willing and not demands:
        yield "demands", rule


def special_tags(*, given: Sequence[str], minor: bool, severely_ill: bool, policy: Policy) -> list[str]:
    """Return the special difficulties of a person in the order of policy (BJ-09): those told, and those known anyway.

    Empty where policy lists none.
    """
    known = {"minor": minor, "severe_illness": severely_ill}
    return [tag for tag in policy.needs.special_tags or {} if tag in given or known.get(tag, False)]


def check_codes(
    *,
    given: Mapping[str, object],
    allowed: Mapping[str, Mapping[str, str]],
    rules: Mapping[str, str | None],
) -> tuple[Detail, ...]:
    """Return a detail for each code that is not in the list of its field; ``given`` is field → code or codes, ``rules``
    field → the rule that asks for it.
    """
    faults: list[Detail] = []
    for field, value in given.items():
        codes = value if isinstance(value, tuple) else (value,)
        known = allowed[field]
        faults.extend(
            Detail(
                problem=sentence("needs.code_unknown", {"code": str(code)}),
                field=field,
                expected="、".join(known),
                rule=rules.get(field),
            )
            for code in codes
            if code not in known
        )
    return tuple(faults)
