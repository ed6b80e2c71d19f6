"""Made-up people for rehearsals and measurements, shaped to the counts Huangshi published.

Called by the replay case, by tests and by ``make bench``; deterministic by seed. Every person is unmistakably made up:
the name starts with 合成, the ID number carries a region code nobody was ever assigned (999999), and there is no phone
number, because any number that looks like one may be somebody's. This module must never read real people, nor be
called outside a rehearsal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

SYNTHETIC_ID_PREFIX = "999999"
"""Region part of every made-up ID number; not a division of GB/T 2260, so it can never meet a living person."""

_CHECK_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_PHONE_PREFIX = "000-2"
_STREETS = 8
_ASSESSORS = 20
_HOUSEHOLD_SIZES, _SIZE_WEIGHTS = (1, 2, 3, 4, 5), (22, 30, 28, 14, 6)
_IDENTITIES, _IDENTITY_WEIGHTS = ("URBAN_DIBAO", "RURAL_DIBAO", "RURAL_WUBAO"), (94, 4, 2)
_LEVELS, _LEVEL_WEIGHTS = ("NONE", "MILD", "MODERATE", "SEVERE"), (70, 16, 10, 4)
_SOME_LEVELS = ("MILD", "MODERATE", "SEVERE")
_HARDSHIPS = (
    "disease",
    "disability",
    "education",
    "employment",
    "housing",
    "family_structure",
    "social_inclusion",
    "other",
)
_DISCOVERY = (
    "household_survey",
    "monitoring_platform",
    "proactive_discovery",
    "visit",
    "dynamic_management",
    "self",
)
_ADULT_DEMANDS = ("counselling", "resource_link", "capability", "inclusion", "visit", "cleaning", "shopping")
_ELDER_DEMANDS = ("visit", "nursing", "meal", "bathing", "mobility", "cleaning", "errand", "health_monitor")
_MINOR_DEMANDS = ("counselling", "resource_link", "inclusion", "capability")


@dataclass(frozen=True)
class LedgerShape:
    """Counts of people by group; the groups overlap and do not add up to ``people``. Ages are in completed years.

    The defaults are Huangshi's published counts (seed 004; domain.md §5.1): 17,000 people, more than 3,500 of them 60
    or older, 5,190 disabled, 3,490 under 18, 972 severely ill. "3500余" is taken as 3,520. The two last figures are
    not published: people 60 or older living alone, and minor students with one parent.
    """

    people: int = 17_000
    elderly: int = 3_520
    disabled: int = 5_190
    minors: int = 3_490
    severely_ill: int = 972
    elderly_alone: int = 900
    single_parent_households: int = 450

    def scaled(self, *, people: int) -> LedgerShape:
        """Return the same shape for another number of people, each count rounded half up."""
        if people < 0:
            raise ValueError("people must not be negative")
        counts = {name: (2 * count * people + self.people) // (2 * self.people) for name, count in vars(self).items()}
        return LedgerShape(**counts)


HUANGSHI = LedgerShape()
_OLD_FROM, _ADULT_FROM, _SCHOOL_FROM, _OLDEST = 60, 18, 7, 95  # the bounds of the published groups, in years


@dataclass
class _Person:
    born: date
    household: int = 0
    street: int = 0
    size: int = 1
    single_parent_student: bool = False
    disabled: bool = False
    severely_ill: bool = False


@dataclass
class _Draft:
    random: Random
    as_of: date
    households: list[list[_Person]] = field(default_factory=list)

    def born(self, *, younger_than: int, from_age: int) -> _Person:
        """Make a person whose age on ``as_of`` is in ``[from_age, younger_than)`` completed years."""
        first = _years_before(self.as_of, younger_than) + timedelta(days=1)
        last = _years_before(self.as_of, from_age)
        return _Person(first + timedelta(days=self.random.randrange((last - first).days + 1)))


def synthetic_ledger(
    *, people: int, seed: int, as_of: date, region_code: str, shape: LedgerShape = HUANGSHI
) -> Iterator[dict[str, object]]:
    """Yield ``people`` made-up rows of the needs ledger, keyed by its column identifiers, household by household.

    Counts follow ``shape`` scaled to ``people``. Values are typed as the needs gate hands them on: dates, bools, codes,
    ``demands`` as a tuple of codes. Equal arguments give equal rows.
    """
    random = Random(seed)  # noqa: S311  # recorded seed, no secret depends on it
    draft = _Draft(random, as_of)
    counts = shape.scaled(people=people)
    _settle(draft, counts)
    everyone = [person for household in draft.households for person in household]
    for person in random.sample(everyone, counts.disabled):
        person.disabled = True
    for person in random.sample(everyone, counts.severely_ill):
        person.severely_ill = True
    numbers: dict[tuple[date, bool], int] = {}
    identities = [_identity(random, household) for household in draft.households]
    for seq, person in enumerate(everyone, start=1):
        identity = identities[person.household - 1]
        male = random.random() < 0.5
        serial = numbers[person.born, male] = numbers.get((person.born, male), -1) + 1
        assessed = _assessment(random, person, as_of=as_of)
        yield {
            "seq": seq,
            "person_name": f"合成{_STEMS[seq % len(_STEMS)]}{seq:04d}",
            "id_number": _id_number(person.born, serial=serial, male=male),
            "household_no": f"{region_code}-SYN-{person.household:06d}",
            "region_code": region_code,
            "street": f"合成街道{person.street:02d}",
            "identity": identity,
            "birth_date": person.born,
            "sex": "male" if male else "female",
            "lives_alone": person.size == 1,
            "disabled": person.disabled,
            "severely_ill": person.severely_ill,
            "single_parent_student": person.single_parent_student,
            **assessed,
            "phone": None,
            **_answers(assessed, identity),
        }


def _settle(draft: _Draft, counts: LedgerShape) -> None:
    """Make the people by age group and put each of them into one household of one to five."""
    random = draft.random
    minors = [draft.born(younger_than=_ADULT_FROM, from_age=0) for _ in range(counts.minors)]
    elders = [draft.born(younger_than=_OLDEST, from_age=_OLD_FROM) for _ in range(counts.elderly)]
    adults = [
        draft.born(younger_than=_OLD_FROM, from_age=_ADULT_FROM)
        for _ in range(counts.people - counts.minors - counts.elderly)
    ]
    draft.households.extend([elders.pop()] for _ in range(min(counts.elderly_alone, len(elders))))
    school_age = _years_before(draft.as_of, _SCHOOL_FROM)
    pupils = [person for person in minors if person.born <= school_age]
    others = [person for person in minors if person.born > school_age]
    for _ in range(min(counts.single_parent_households, len(adults), len(pupils))):
        pupil = pupils.pop()
        pupil.single_parent_student = True
        draft.households.append([adults.pop(), pupil])
    grown, young = adults + elders, pupils + others
    random.shuffle(grown)
    random.shuffle(young)
    draft.households.extend(_mixed_households(random, grown, young))
    random.shuffle(draft.households)
    for number, household in enumerate(draft.households, start=1):
        street = random.randrange(_STREETS) + 1
        for person in household:
            person.household, person.street, person.size = number, street, len(household)


def _mixed_households(random: Random, grown: list[_Person], young: list[_Person]) -> Iterator[list[_Person]]:
    """Yield households of one to five, each with at least one adult as long as adults last; empties both lists."""
    while grown or young:
        size = random.choices(_HOUSEHOLD_SIZES, _SIZE_WEIGHTS)[0]
        household = [grown.pop() if grown else young.pop()]
        while len(household) < size and (grown or young):
            take_young = random.randrange(len(grown) + len(young)) < 2 * len(young)
            household.append(young.pop() if young and (take_young or not grown) else grown.pop())
        yield household


def _identity(random: Random, household: Sequence[_Person]) -> str:
    identity = random.choices(_IDENTITIES, _IDENTITY_WEIGHTS)[0]
    return "RURAL_DIBAO" if identity == "RURAL_WUBAO" and len(household) > 1 else identity


def _assessment(random: Random, person: _Person, *, as_of: date) -> dict[str, object]:
    """Return the assessed part of a row; the levels agree with the person's flags."""
    levels = dict(zip(_HARDSHIPS, random.choices(_LEVELS, _LEVEL_WEIGHTS, k=len(_HARDSHIPS)), strict=True))
    if person.disabled:
        levels["disability"] = random.choice(_SOME_LEVELS)
    if person.severely_ill:
        levels["disease"] = "SEVERE"
    if person.single_parent_student:
        levels["family_structure"] = random.choice(_SOME_LEVELS)
    return {
        **{f"hardship_{name}": level for name, level in levels.items()},
        "demands": _demands(random, person, as_of=as_of),
        "willing": random.random() < 0.95,
        "discovery": random.choices(_DISCOVERY, (60, 15, 10, 8, 4, 3))[0],
        "assessor": f"合成调查员{random.randrange(_ASSESSORS) + 1:02d}",
        "assessed_on": max(person.born, as_of - timedelta(days=random.randrange(60))),
    }


def _answers(assessed: Mapping[str, object], identity: str) -> dict[str, object]:
    """Return the seven dimensions, own ability and benefits as they follow from the rest: nothing of it is drawn, so
    that the draws before stay as they were.
    """
    disability = assessed["hardship_disability"]
    health = max((assessed["hardship_disease"], disability), key=lambda level: _LEVELS.index(str(level)))
    return {
        "dimension_economy": "MODERATE" if identity == "RURAL_WUBAO" else "MILD",
        "dimension_health": health,
        "dimension_education": assessed["hardship_education"],
        "dimension_housing": assessed["hardship_housing"],
        "dimension_employment": assessed["hardship_employment"],
        "dimension_guardianship": assessed["hardship_family_structure"],
        "dimension_inclusion": assessed["hardship_social_inclusion"],
        "own_ability": ("errand", "shopping") if health == "NONE" else (),
        "existing_benefits": ("disabled_living_subsidy",) if disability == "SEVERE" else (),
    }


def _demands(random: Random, person: _Person, *, as_of: date) -> tuple[str, ...]:
    if person.born > _years_before(as_of, _ADULT_FROM):
        offered: tuple[str, ...] = _MINOR_DEMANDS
    elif person.born <= _years_before(as_of, _OLD_FROM):
        offered = _ELDER_DEMANDS
    else:
        offered = _ADULT_DEMANDS
    wanted = set(random.sample(offered, random.choice((1, 1, 2, 3))))
    if person.disabled:
        wanted.add("rehab")
    if person.severely_ill:
        wanted.add("medical_escort")
    return tuple(sorted(wanted))


def _id_number(born: date, *, serial: int, male: bool) -> str:
    """Return a well-formed number: unassigned region, birth date, serial (odd for men), check digit of GB 11643."""
    sequence = 2 * serial + (1 if male else 2)
    if sequence > 999:
        raise ValueError("more made-up people were born on one day than ID numbers can tell apart")
    body = f"{SYNTHETIC_ID_PREFIX}{born:%Y%m%d}{sequence:03d}"
    return (
        body + _CHECK_DIGITS[sum(int(digit) * weight for digit, weight in zip(body, _CHECK_WEIGHTS, strict=True)) % 11]
    )


def _years_before(day: date, years: int) -> date:
    """Return the last birth date of those who are ``years`` old on ``day``.

    29 February gives 28 February: on it, who was born on 1 March is not yet that old.
    """
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 2, 28)
