"""Commands of referrals to another department (FZ-37, BJ-58): send the packet, accept, take the return, close.

The packet shows masked data only; the full data it was made from is sealed and opened by an event of its own. Due dates
are work items, so that the sweep alerts what is late.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, events, work
from models.commands.lists import Name, Words
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, ROLE_NAMES, Role
from models.core.calendar import Due
from models.core.errors import Refusal
from models.core.identifiers import find_leaks
from models.core.messages import sentence
from models.core.registry import Once, command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries.reader import found
from models.rules import referral as rules
from models.rules.masking import masked
from models.tables.matching import MatchOutcome
from models.tables.needs import Person
from models.tables.referral import DepartmentReferral

STREAM: Final = "referral"
_STAGE: Final = "referral"
_ACCEPT: Final = "referral.accept"
_RETURN: Final = "referral.return"
_SENDERS: Final = (*CIVIL_AFFAIRS, Role.TOWNSHIP)

Referral = Annotated[str, Field(description="转介编号")]


class ReferralState(BaseModel):
    """Where the referral stands now."""

    model_config = ConfigDict(frozen=True)

    id: str
    status: str


class ReferralSent(BaseModel):
    """The new referral, its packet and what is due when."""

    model_config = ConfigDict(frozen=True)

    id: str
    status: str
    packet: str
    accept_due_on: str
    return_due_on: str


@command("referral.send", roles=_SENDERS, clause="FZ-37", once_a_day=Once.BY_ANYONE)
def send(
    ctx: Context,
    *,
    person: Annotated[str, Field(description="对象编号")],
    item: Annotated[str, Field(description="服务诉求")],
    from_unit: Annotated[Name, Field(description="转出单位")],
    department: Annotated[Name, Field(description="转入部门")],
    reason: Annotated[Words, Field(min_length=2, description="转介原因")],
    parts: Annotated[dict[str, str], Field(description="衔接内容:政策、对象、信息、资源")],
    receiver: Annotated[Words, Field(description="指定接收人")] = "",
    outcome: Annotated[str | None, Field(description="匹配结果编号")] = None,
) -> ReferralSent:
    """Send one person's need to another department with its packet; acceptance and return become due.

    Raises ``Refusal`` as ``rules.referral.check_packet`` (FZ-37, BJ-58) and ``check_unnamed``,
    ``matching.item_unknown``, ``referral.other_outcome`` (SYS-REFERRAL-OUTCOME), ``kernel.not_found``.
    """
    policy = ctx.policy(region=ctx.services.region)
    if item not in policy.delivery.service_item_names:
        raise Refusal("matching.item_unknown", rule="SYS-CODE-LIST", facts={"item": item})
    rules.check_packet(parts=parts, receiver=receiver, policy=policy)
    who = _whom(ctx, person, item, outcome)
    rules.check_unnamed(parts=parts, personal=_personal(ctx, who), policy=policy)
    calendar = ctx.services.calendar
    accept = calendar.add_working_days(ctx.as_of, days=policy.lists.referral_accept_working_days)
    back = calendar.add_working_days(ctx.as_of, days=policy.delivery.referral_working_days)
    vault = ctx.services.vault
    facts = {"item": item, "from_unit": from_unit, "department": department, "receiver": receiver}
    paper = _paper(ctx, _packet(ctx, who, facts=facts, parts=parts, due=back, policy=policy))
    with ctx.writing() as session:
        title = sentence("referral.title")
        packet = documents.file_paper(
            session, ctx, paper=paper, project_id=None, stage=_STAGE, title=title, issuer=ROLE_NAMES[ctx.actor.role]
        )
        row = DepartmentReferral(
            id=ctx.new_id("referral", person, item),
            region=policy.region,
            person_id=person,
            outcome_id=outcome,
            item=item,
            from_unit=from_unit,
            department=department,
            receiver_sealed=vault.seal(receiver),
            reason_sealed=vault.seal(reason),
            original_sealed=vault.seal(_original(ctx, who, reason)),
            packet_document_id=packet.id,
            status=rules.SENT,
            sent_on=ctx.as_of,
            accept_due_on=accept.date,
            return_due_on=back.date,
            policy_digest=policy.digest,
        )
        _open(session, ctx, row, accept, back, policy)
        due = {"accept_due_on": accept.date.isoformat(), "return_due_on": back.date.isoformat()}
        return ReferralSent(id=row.id, status=row.status, packet=packet.id, **due)


def _whom(ctx: Context, person: str, item: str, outcome: str | None) -> Person:
    """Return the person; the outcome named must be of this person and item."""
    with ctx.reading() as session:
        who = found(session.get(Person, person), kind="person", id=person)
        if outcome is not None:
            need = found(session.get(MatchOutcome, outcome), kind="match_outcome", id=outcome)
            if (need.person_id, need.item) != (person, item):
                raise Refusal("referral.other_outcome", rule="SYS-REFERRAL-OUTCOME")
    return who


def _paper(ctx: Context, view: dict[str, Any]) -> documents.Paper:
    marks = tuple(view["synthetic_fields"])
    return documents.render(ctx, kind="referral_packet", view=view, synthetic_fields=marks)


def _open(session: Session, ctx: Context, row: DepartmentReferral, accept: Due, back: Due, policy: Policy) -> None:
    """Write the row with its event, and what is due: acceptance first, then the return."""
    session.add(row)
    session.flush()
    _note(session, ctx, row, "referral.sent")
    for kind, due, resolver, leaf in (
        (_ACCEPT, accept, "referral.accept", "lists.referral_accept_working_days"),
        (_RETURN, back, "referral.receive_return", "delivery.referral_working_days"),
    ):
        work.open_item(
            session,
            ctx,
            kind=kind,
            role=ctx.actor.role,
            subject_kind="referral",
            subject_id=row.id,
            due_on=due.date,
            provisional=due.provisional,
            clause=policy.clause(leaf),
            resolves_with=resolver,
        )


def _original(ctx: Context, person: Person, reason: str) -> str:
    """Return the full data behind the packet as JSON, to be sealed."""
    return json.dumps(_personal(ctx, person) | {"reason": reason}, ensure_ascii=False, sort_keys=True)


def _personal(ctx: Context, person: Person) -> dict[str, str]:
    """Return name, ID number and phone in clear; never to be shown or logged."""
    vault = ctx.services.vault
    return {
        "name": vault.open(person.name_sealed),
        "id_number": vault.open(person.id_number_sealed),
        "phone": vault.open(person.phone_sealed) if person.phone_sealed else "",
    }


def _packet(
    ctx: Context, person: Person, *, facts: dict[str, str], parts: dict[str, str], due: Due, policy: Policy
) -> dict[str, Any]:
    """Return the view of the packet: the least another department needs, people masked for internal use."""
    styles, vault = policy.publicity.mask_internal, ctx.services.vault
    item = policy.delivery.service_item_names[facts["item"]]
    made_up = ctx.services.rehearsal
    values = {
        "department": facts["department"],
        "receiver": masked(field="name", text=facts["receiver"], styles=styles) if facts["receiver"] else "",
        "from_unit": facts["from_unit"],
        "name": masked(field="name", text=vault.open(person.name_sealed), styles=styles),
        "id_number": masked(field="id_number", text=vault.open(person.id_number_sealed), styles=styles),
        "street": masked(field="address", text=person.street, styles=styles),
        "item": item,
        "sent_on": ctx.as_of.isoformat(),
        "due_on": due.date.isoformat(),
    }
    labels = policy.lists.referral_parts
    return {
        "title_lines": [sentence("referral.title")],
        "issuer": facts["from_unit"],
        "doc_no": "",
        "date": ctx.as_of.isoformat(),
        "rehearsal": made_up,
        "synthetic_fields": [sentence("referral.field.name")] if made_up else [],
        "facts": [
            {
                "label": sentence(f"referral.field.{field}"),
                "value": {"text": text, "stated": bool(text), "synthetic": made_up and field == "name"},
            }
            for field, text in values.items()
        ],
        "terms": [sentence("referral.part", {"label": labels[code], "text": parts[code]}) for code in labels],
    }


@command("referral.accept", roles=_SENDERS, clause="BJ-58")
def accept(
    ctx: Context, *, referral: Referral, receiver: Annotated[Words, Field(description="签收人")] = ""
) -> ReferralState:
    """Record that the other department accepted, by a named receiver where that is demanded (BJ-58).

    Raises ``Refusal`` ``referral.not_in_status`` (SYS-STATE), ``referral.receiver_missing`` (BJ-58).
    """
    rules.check_accepted_by(receiver=receiver, policy=ctx.policy(region=ctx.services.region))
    with ctx.writing() as session:
        row = _step(session, ctx, referral, rules.ACCEPTED)
        row.accepted_on = ctx.as_of
        if receiver:
            row.receiver_sealed = ctx.services.vault.seal(receiver)
        work.close_item(session, ctx, kind=_ACCEPT, subject_id=row.id)
        return _done(session, ctx, row)


@command("referral.receive_return", roles=_SENDERS, clause="FZ-37")
def receive_return(
    ctx: Context,
    *,
    referral: Referral,
    outcome: Annotated[str, Field(description="办理结果:solved、partly、declined")],
    result: Annotated[Words, Field(min_length=2, description="办理情况")],
    receipt: Annotated[Upload | None, Field(description="回执")] = None,
) -> ReferralState:
    """Record what the other department did, with its receipt.

    Raises ``Refusal`` ``referral.outcome_unknown`` (SYS-CODE-LIST), ``referral.not_in_status`` (SYS-STATE),
    ``referral.not_accepted`` (BJ-58).
    """
    rules.check_outcome(outcome=outcome)
    with ctx.writing() as session:
        row = _step(session, ctx, referral, rules.RETURNED)
        row.returned_on, row.outcome = ctx.as_of, outcome
        row.result_sealed = ctx.services.vault.seal(result)
        if receipt is not None:
            row.receipt_document_id = documents.file_upload(
                session,
                ctx,
                stored=receipt,
                project_id=None,
                stage=_STAGE,
                kind="referral_receipt",
                title=sentence("referral.receipt_title"),
                issuer=row.department,
            ).id
        for kind in (_ACCEPT, _RETURN):
            work.close_item(session, ctx, kind=kind, subject_id=row.id)
        return _done(session, ctx, row)


@command("referral.close", roles=_SENDERS, clause="FZ-37")
def close(ctx: Context, *, referral: Referral) -> ReferralState:
    """Close a referral that came back. Raises ``Refusal`` ``referral.not_in_status`` (SYS-STATE)."""
    with ctx.writing() as session:
        row = _step(session, ctx, referral, rules.CLOSED)
        row.closed_on = ctx.as_of
        return _done(session, ctx, row)


def _step(session: Session, ctx: Context, referral: str, to: str) -> DepartmentReferral:
    row = found(session.get(DepartmentReferral, referral, with_for_update=True), kind="referral", id=referral)
    rules.check_step(status=row.status, to=to, policy=ctx.policy(region=row.region))
    row.status = to
    return row


def _done(session: Session, ctx: Context, row: DepartmentReferral) -> ReferralState:
    session.add(row)
    _note(session, ctx, row, f"referral.{row.status}")
    return ReferralState(id=row.id, status=row.status)


def _note(session: Session, ctx: Context, row: DepartmentReferral, type_: str) -> None:
    payload = {"referral_id": row.id, "person_id": row.person_id, "item": row.item, "outcome": row.outcome}
    events.append(session, ctx, stream_kind=STREAM, stream_id=row.id, type=type_, payload=payload)


class ReferralOriginal(BaseModel):
    """The full data behind a packet."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    id_number: str
    phone: str
    reason: str


@command("referral.open_original", roles=CIVIL_AFFAIRS, clause="SYS-UNMASKED", unmasks=True)
def open_original(
    ctx: Context, *, referral: Referral, purpose: Annotated[Words, Field(min_length=2, description="查看用途")]
) -> ReferralOriginal:
    """Open the sealed original of a packet to hand it to the receiver; who opened it and why is an event.

    Raises ``Refusal`` (SYS-PERSONAL-DATA) ``needs.reveal_not_dry``, ``needs.reason_names_person``.
    """
    if ctx.dry_run:
        raise Refusal("needs.reveal_not_dry", rule="SYS-PERSONAL-DATA")
    with ctx.writing() as session:
        row = found(session.get(DepartmentReferral, referral), kind="referral", id=referral)
        clear = ReferralOriginal(id=row.id, **json.loads(ctx.services.vault.open(row.original_sealed)))
        if find_leaks(purpose) or clear.name in purpose:
            raise Refusal("needs.reason_names_person", rule="SYS-PERSONAL-DATA")
        payload = {"referral_id": row.id, "person_id": row.person_id, "reason": purpose}
        events.append(
            session, ctx, stream_kind=STREAM, stream_id=row.id, type="referral.original_opened", payload=payload
        )
        return clear
