"""One person at a time (S01): assessing a person's needs outside a ledger, and reading a person's data unmasked.

An assessment goes the way of a ledger row: same checks, same table, same history. The unmasked read is the only one
there is; it leaves an event in the person's stream before anything is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import events
from models.commands import needs_people as people
from models.context import Context
from models.core.actors import Role
from models.core.errors import Conflict, Detail, Refusal
from models.core.identifiers import IdCard, find_leaks, parse_id_card, parse_phone
from models.core.messages import sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.reader import found
from models.rules.force import binding
from models.rules.needs import class_names
from models.rules.needs_assessment import CHANNEL, DEGREE, LEVELS, TAGS, check_codes, unanswered
from models.tables.needs import Person, Survey

PERSON_STREAM: Final = "person"
_WORDING: Final = 200
_LISTS: Final = ("demands", "own_ability", "existing_benefits", "special_tags")


class Assessment(BaseModel):
    """What is found out about one person: hardship type → level for all eight, dimension → level for the seven."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    identity: Annotated[str, Field(description="身份类别")]
    lives_alone: Annotated[bool, Field(description="独居")]
    disabled: Annotated[bool, Field(description="残疾")]
    severely_ill: Annotated[bool, Field(description="重病")]
    single_parent_student: Annotated[bool, Field(description="单亲未成年学生")]
    levels: Annotated[dict[str, str], Field(description="困难类型及程度")]
    dimensions: Annotated[dict[str, str], Field(description="七个方面")] = {}
    demands: Annotated[tuple[str, ...], Field(description="服务诉求")] = ()
    own_ability: Annotated[tuple[str, ...], Field(description="本人能够自理的事项")] = ()
    existing_benefits: Annotated[tuple[str, ...], Field(description="已享受的政策待遇")] = ()
    special_tags: Annotated[tuple[str, ...], Field(description="特殊困难标识")] = ()
    willing: Annotated[bool, Field(description="是否愿意接受服务")]
    discovery: Annotated[str, Field(description="发现渠道")]
    assessor: Annotated[str, Field(min_length=1, max_length=40, description="评估人")]
    assessed_on: Annotated[date, Field(description="评估日期")]


class PersonAssessed(BaseModel):
    """The person's file, whether it was there before, and when the need is to be assessed again."""

    model_config = ConfigDict(frozen=True)

    id: str
    survey: str
    reassessed: bool
    reassess_due_on: date


class PersonRevealed(BaseModel):
    """A person's data in clear. Never goes into an event, a log or a paper."""

    model_config = ConfigDict(frozen=True)

    person: str
    name: str
    id_number: str
    phone: str
    household_no: str
    street: str


@command(
    "needs.assess_person",
    roles=(Role.EVALUATION_OFFICE, Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.TOWNSHIP),
    clause="ZY-58",
)
def assess_person(
    ctx: Context,
    *,
    survey: Annotated[str, Field(description="调查编号")],
    name: Annotated[str, Field(min_length=1, max_length=80, description="姓名")],
    id_number: Annotated[str, Field(max_length=40, description="身份证号")],
    household_no: Annotated[str, Field(min_length=1, max_length=60, description="户编号")],
    region_code: Annotated[str, Field(pattern=r"^[0-9]{6}(?:[0-9]{3}){0,2}$", description="行政区划代码")],
    street: Annotated[str, Field(min_length=1, max_length=80, description="街道")],
    assessment: Annotated[Assessment, Field(description="评估结果")],
    phone: Annotated[str, Field(max_length=40, description="联系电话")] = "",
) -> PersonAssessed:
    """Assess one person; a person on file is assessed again, the earlier assessment is kept.

    Raises ``Refusal`` ``needs.id_number_invalid`` (GB-11643), ``needs.assessment_incomplete`` (the rule of the first
    fault), ``Conflict`` ``needs.assessed_later`` when the file holds an assessment of that day or a later one.
    """
    with ctx.reading() as session:
        surveyed = found(session.get(Survey, survey), kind="survey", id=survey)
    policy = ctx.policy(region=surveyed.region)
    card = _card(ctx, id_number)
    _check(ctx, assessment, classes=tuple(surveyed.classes), policy=policy)
    row = _row(assessment, policy) | {
        "person_name": name,
        "id_number": card.number,
        "birth_date": card.birth,
        "sex": ("female", "male")[int(card.number[16]) % 2],
        "phone": _phone(phone),
        "household_no": household_no,
        "region_code": region_code,
        "street": street,
    }
    hashes = people.hashes_of(ctx, rows=[row])
    with ctx.writing() as session:
        _check_newest(session, region=surveyed.region, id_hash=hashes[0], assessed_on=assessment.assessed_on)
        first = people.next_ordinal(session, survey=survey)
        stored = people.store(session, ctx, survey=surveyed, rows=[row], hashes=hashes, first=first, policy=policy)
        session.expire_all()
        in_file = select(Person).where(col(Person.region) == surveyed.region, col(Person.id_hash) == hashes[0])
        return _record(session, ctx, person=session.exec(in_file).one(), reassessed=bool(stored.reassessed))


def _check_newest(session: Session, *, region: str, id_hash: str, assessed_on: date) -> None:
    earlier = people.known(session, region=region, hashes=[id_hash]).get(id_hash)
    if earlier is not None and assessed_on <= earlier.assessed_on:
        facts = {"person": earlier.id, "on": earlier.assessed_on.isoformat()}
        raise Conflict("needs.assessed_later", rule="SYS-ALREADY-DONE", facts=facts)


def _record(session: Session, ctx: Context, *, person: Person, reassessed: bool) -> PersonAssessed:
    events.append(
        session,
        ctx,
        stream_kind=PERSON_STREAM,
        stream_id=person.id,
        type="needs.person_assessed",
        payload={
            "person_id": person.id,
            "survey_id": person.survey_id,
            "assessed_on": person.assessed_on.isoformat(),
            "indicator_version": person.indicator_version,
            "reassessed": reassessed,
        },
    )
    return PersonAssessed(
        id=person.id, survey=person.survey_id, reassessed=reassessed, reassess_due_on=person.reassess_due_on
    )


@command(
    "needs.reveal_person",
    roles=(Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.TOWNSHIP),
    clause="SYS-PERSONAL-DATA",
    unmasks=True,
)
def reveal_person(
    ctx: Context,
    *,
    person: Annotated[str, Field(description="人员档案编号")],
    reason: Annotated[str, Field(min_length=4, max_length=_WORDING, description="查看理由")],
) -> PersonRevealed:
    """Show one person's data unmasked and record who asked, when and why in the person's stream.

    Raises ``Refusal`` (SYS-PERSONAL-DATA): ``needs.reveal_not_dry`` for a dry run, which would leave no trace, and
    ``needs.reason_names_person`` when the reason itself holds personal data.
    """
    if ctx.dry_run:
        raise Refusal("needs.reveal_not_dry", rule="SYS-PERSONAL-DATA")
    vault = ctx.services.vault
    with ctx.reading() as session:
        row = found(session.get(Person, person), kind="person", id=person)
    shown = PersonRevealed(
        person=row.id,
        name=vault.open(row.name_sealed),
        id_number=vault.open(row.id_number_sealed),
        phone=vault.open(row.phone_sealed) if row.phone_sealed else "",
        household_no=row.household_no,
        street=row.street,
    )
    if find_leaks(reason) or shown.name in reason or (shown.phone and shown.phone in reason):
        raise Refusal("needs.reason_names_person", rule="SYS-PERSONAL-DATA")
    with ctx.writing() as session:
        events.append(
            session,
            ctx,
            stream_kind=PERSON_STREAM,
            stream_id=row.id,
            type="needs.person_revealed",
            payload={"person_id": row.id, "reason": reason},
        )
    return shown


def _card(ctx: Context, text: str) -> IdCard:
    try:
        return parse_id_card(text, as_of=ctx.as_of)
    except ValueError as err:
        raise Refusal("needs.id_number_invalid", rule="GB-11643") from err


def _phone(text: str) -> str | None:
    try:
        return parse_phone(text) if text else None
    except ValueError:
        return text  # a doubtful number must not be lost


def _row(given: Assessment, policy: Policy) -> dict[str, Any]:
    facts = given.model_dump(exclude={"levels", "dimensions"})
    facts |= {field: list(dict.fromkeys(facts[field])) for field in _LISTS}  # said twice is one need
    hardships = {f"hardship_{code}": given.levels[code] for code in policy.needs.hardship_types}
    return facts | hardships | {f"dimension_{code}": given.dimensions.get(code) for code in policy.needs.dimensions}


def _check(ctx: Context, given: Assessment, *, classes: tuple[str, ...], policy: Policy) -> None:
    def left_open(field: str, rule: str) -> Detail:
        return Detail(problem=sentence("needs.unanswered"), field=field, rule=rule)

    degree = binding(policy=policy, rules=DEGREE) or "SYS-CODE-LIST"
    asked = unanswered(dimensions=given.dimensions, demands=given.demands, willing=given.willing, policy=policy)
    details = [
        *_unlisted(given, classes=classes, policy=policy),
        *(left_open(f"levels.{code}", degree) for code in policy.needs.hardship_types if code not in given.levels),
        *(left_open(field, rule) for field, rule in asked),
    ]
    if given.assessed_on > ctx.as_of:
        details.append(Detail(problem=sentence("needs.assessed_in_future"), field="assessed_on", rule="FZ-19"))
    if details:
        raise Refusal(
            "needs.assessment_incomplete",
            rule=details[0].rule or "SYS-CODE-LIST",
            facts={"fields": "、".join(dict.fromkeys(detail.field or "" for detail in details))},
            details=tuple(details),
        )


def _unlisted(given: Assessment, *, classes: tuple[str, ...], policy: Policy) -> tuple[Detail, ...]:
    """Return a fault for each code that is in none of the lists policy gives for it."""
    needs, services = policy.needs, policy.delivery.service_item_names
    identities = {code: label for code, label in class_names(policy=policy).items() if code in classes}
    fields: dict[str, tuple[object, Mapping[str, str]]] = {
        "identity": (given.identity, identities),
        "levels": ((*given.levels.values(),), needs.hardship_levels),
        "hardships": ((*given.levels,), needs.hardship_types),
        "dimensions": ((*given.dimensions,), needs.dimensions),
        "answers": ((*given.dimensions.values(),), needs.hardship_levels),
        "demands": (given.demands, services),
        "own_ability": (given.own_ability, services),
        "existing_benefits": (given.existing_benefits, needs.overlap_policies),
        "special_tags": (given.special_tags, needs.special_tags or {}),
        "discovery": (given.discovery, needs.discovery_sources),
    }
    return check_codes(
        given={field: value for field, (value, _) in fields.items()},
        allowed={field: allowed for field, (_, allowed) in fields.items()},
        rules={
            "levels": binding(policy=policy, rules=LEVELS),
            "discovery": binding(policy=policy, rules=CHANNEL),
            "special_tags": binding(policy=policy, rules=TAGS),
        },
    )
