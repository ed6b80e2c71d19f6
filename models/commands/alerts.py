"""Commands of the delivery of alerts: make the messages with their receipts, hand them out, note how they went, and
check that what was due has a receipt.

A message leaves in ``infra.mailer``, between claim and settle; nothing here touches a server. What is sent but not
settled (a crash between the two) is sent once more under the same number; nothing else ever leaves twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from typing import Final, Literal

from sqlalchemy import or_
from sqlmodel import Session, col, select

from models.commands import alert_texts, events, work
from models.commands.alert_texts import Line, Text
from models.context import Context
from models.core.actors import Role
from models.core.ids import derive_id
from models.core.instants import written
from models.core.messages import sentence
from models.core.registry import command
from models.queries import alerts as reads
from models.queries.reader import found
from models.queries.units import root_unit
from models.rules import alerts as rules
from models.rules.alerts import NOBODY, OVERDUE, SUPERVISOR, Reachable, Subject, Suppressed
from models.tables.alerts import AlertMessage, AlertReceipt, Contact
from models.tables.kernel import Alert, WorkItem

LEASE: Final = timedelta(minutes=10)
LONGEST_WAIT: Final = {"away": timedelta(minutes=15), "deferred": timedelta(days=1)}
"""What waits for a server goes out soon after it is back; one recipient put off is tried less and less often."""

UNDELIVERED: Final = "alerts.undelivered"
UNREACHED: Final = "alerts.unreached"
_STREAM: Final = ("alerts", "delivery")
_CLOCKWORK: Final = (Role.SYSTEM, Role.EVALUATION_OFFICE)

Told = tuple[Alert, WorkItem]


@dataclass(frozen=True)
class Prepared:
    """How many messages were made, and how many alerts were not told to somebody for a reason."""

    messages: int
    suppressed: int


@command("work.prepare_alerts", roles=_CLOCKWORK, clause="SYS-WORK")
def prepare_alerts(ctx: Context) -> Prepared:
    """Give every alert without one its receipts: a message for each account that must hear of it, or why there is none.

    Before the due date a message an alert; afterwards one digest an account, every ``alerts.digest_days``, of all that
    is overdue. Of several alerts of one item that waited for an outage to end, the latest is told.
    """
    with ctx.writing() as session:
        waiting = reads.without_receipt(session)
        newest = rules.newest_of(reads.as_raised(*told) for told in waiting)
        hearers = _hearers(session, ctx, (item for _, item in waiting))
        post, suppressed = _Post(session, ctx), 0
        for alert, item in waiting:
            latest = newest.get((item.id, alert.level == SUPERVISOR), "")
            heard = hearers.of(alert.level, item)
            because = rules.untold(alert=reads.as_raised(alert, item), newest=latest) or _unsendable(ctx, heard)
            if because is None:
                for hearer in heard:
                    post.tell(hearer, alert, item)
                continue
            accounts = [one.account for one in heard] or [NOBODY]
            session.add_all(_receipt(ctx, alert, account, because=because) for account in accounts)
            suppressed += len(accounts)
        made = post.close(_digests_due(session, ctx) if ctx.services.notifier is not None else {})
        if made or suppressed:
            _record(session, ctx, "alerts.rendered", {"messages": made, "suppressed": suppressed})
        return Prepared(messages=made, suppressed=suppressed)


@dataclass(frozen=True)
class _Hearers:
    """Who hears of which item, by the contacts as they are now."""

    subjects: Mapping[str, Subject]
    contacts: Sequence[Reachable]
    supervisors: Mapping[str, str]

    def of(self, level: str, item: WorkItem) -> tuple[Reachable, ...]:
        """Return who is told of an item at a level."""
        return rules.told(
            level=level, subject=self.subjects[item.id], contacts=self.contacts, supervisors=self.supervisors
        )


def _hearers(session: Session, ctx: Context, items: Iterable[WorkItem]) -> _Hearers:
    root = root_unit(policies=ctx.services.policies, region=ctx.services.region)
    subjects = reads.subjects_of(session, items, root=root, on=ctx.as_of)
    return _Hearers(subjects, reads.contacts(session), ctx.policy(region="cn").alerts.supervisors)


def _unsendable(ctx: Context, heard: Sequence[Reachable]) -> Suppressed | None:
    if not heard:
        return Suppressed.NO_CONTACT
    return Suppressed.NO_CHANNEL if ctx.services.notifier is None else None


def _receipt(
    ctx: Context, alert: Alert, account: str, *, because: str | None = None, message: str | None = None
) -> AlertReceipt:
    return AlertReceipt(
        alert_id=alert.id, account=account, message_id=message, suppressed=because, written_on=ctx.as_of
    )


Digests = Mapping[str, tuple[Reachable, Sequence[Line]]]


def _digests_due(session: Session, ctx: Context, *, opened_before: date | None = None) -> Digests:
    """Return account → the digest that is due: all that is overdue of its own, and what it is to see done."""
    policy = ctx.policy(region="cn").alerts
    if not policy.digest_days:
        return {}
    items = [one for one in reads.overdue(session, on=ctx.as_of) if one.opened_on < (opened_before or date.max)]
    hearers, last, escalated = _hearers(session, ctx, items), reads.last_digests(session), reads.escalated(session)
    due: dict[str, tuple[Reachable, list[Line]]] = {}
    for item in items:
        for level in (OVERDUE, SUPERVISOR) if item.id in escalated else (OVERDUE,):
            for hearer in hearers.of(level, item):
                if last.get(hearer.account, date.min) <= ctx.as_of - timedelta(days=policy.digest_days):
                    lines = due.setdefault(hearer.account, (hearer, []))[1]
                    lines.append(Line(item, supervisor=level == SUPERVISOR))
    return due


@dataclass
class _Post:
    """The messages being made: each told alert gets the receipt that names its message."""

    session: Session
    ctx: Context
    made: int = 0
    overdue: dict[str, tuple[Reachable, list[Told]]] = field(default_factory=dict)

    def tell(self, hearer: Reachable, alert: Alert, item: WorkItem) -> None:
        """Make the message of an alert before the due date; one that is overdue waits for the digest."""
        if rules.is_overdue(alert.level):
            self.overdue.setdefault(hearer.account, (hearer, []))[1].append((alert, item))
            return
        number = derive_id("msg", hearer.account, alert.id)
        text = alert_texts.single(self.ctx, number=number, line=Line(item, late=self._late(alert)))
        self._add(hearer, number, text, told=[(alert, item)], digest=False)

    def close(self, digests: Digests) -> int:
        """Make the digests, and a message where one went out already and something new came; return all made."""
        for account in sorted({*digests, *self.overdue}):
            hearer, lines = digests.get(account, (None, ()))
            told_by, told = self.overdue.get(account, (hearer, []))
            late = {item.id for alert, item in told if self._late(alert)}
            listed = {(line.item.id, line.supervisor) for line in lines}
            extra = [Line(item, supervisor=alert.level == SUPERVISOR) for alert, item in told]
            every = [*lines, *(line for line in extra if (line.item.id, line.supervisor) not in listed)]
            marked = [replace(line, late=line.item.id in late) for line in every]
            day = self.ctx.as_of.isoformat()
            number = derive_id("msg", account, day, *(() if hearer else sorted(alert.id for alert, _ in told)))
            text = alert_texts.overdue(self.ctx, number=number, lines=marked)
            assert told_by is not None
            self._add(told_by, number, text, told=told, digest=hearer is not None)
        return self.made

    def _late(self, alert: Alert) -> bool:
        return alert.late or alert.raised_on < self.ctx.as_of

    def _add(self, hearer: Reachable, number: str, text: Text, *, told: Sequence[Told], digest: bool) -> None:
        self.session.add(
            AlertMessage(
                id=number,
                account=hearer.account,
                contact_id=hearer.id,
                title=text.title,
                body=text.body,
                digest=digest,
                rendered_on=self.ctx.as_of,
                status="rendered",
                next_attempt_at=written(self.ctx.services.clock.now()),
            )
        )
        self.session.flush()
        self.session.add_all(_receipt(self.ctx, alert, hearer.account, message=number) for alert, _ in told)
        self.made += 1


@dataclass(frozen=True)
class Mail:
    """A claimed message with its sealed address."""

    id: str
    attempt: int
    title: str
    body: str
    address_sealed: str


@command("work.claim_message", roles=(Role.SYSTEM,), clause="SYS-WORK")
def claim_message(ctx: Context) -> Mail | None:
    """Lease the oldest message that is due and not leased by another sender; ``None`` when there is none."""
    now = ctx.services.clock.now()
    with ctx.writing() as session:
        row = session.exec(
            select(AlertMessage)
            .where(
                col(AlertMessage.status) == "rendered",
                col(AlertMessage.next_attempt_at) <= written(now),
                or_(col(AlertMessage.lease_until).is_(None), col(AlertMessage.lease_until) < written(now)),
            )
            .order_by(col(AlertMessage.next_attempt_at), col(AlertMessage.id))
            .limit(1)
            .with_for_update(skip_locked=True)
        ).first()
        if row is None:
            return None
        row.lease_until = written(now + LEASE)
        row.attempts += 1
        session.add(row)
        contact = session.get_one(Contact, row.contact_id)
        return Mail(row.id, row.attempts, row.title, row.body, contact.address_sealed)


@command("work.settle_message", roles=(Role.SYSTEM,), clause="SYS-WORK")
def settle_message(
    ctx: Context, *, message: str, outcome: Literal["sent", "bounced", "deferred", "away"], error_code: str = ""
) -> str:
    """Note that a message was sent or came back, or give it back: it is due again after 1, 2, 4 … minutes.

    What was sent or came back stays so: settled twice it changes nothing.
    """
    with ctx.writing() as session:
        row = found(session.get(AlertMessage, message), kind="message", id=message)
        if row.status != "rendered":
            return row.status
        row.lease_until, row.last_error = None, error_code or None
        if outcome in LONGEST_WAIT:
            wait = timedelta(minutes=2 ** min(max(row.attempts - 1, 0), 20))
            row.next_attempt_at = written(ctx.services.clock.now() + min(wait, LONGEST_WAIT[outcome]))
        else:
            row.status, row.settled_on = outcome, ctx.as_of
            told = {"message": row.id, "account": row.account, "attempts": row.attempts}
            _record(session, ctx, f"alerts.{outcome}", told)
        session.add(row)
        return row.status


@dataclass(frozen=True)
class Checked:
    """What the nightly check found: alerts not raised or without receipt, digests not made, messages not gone, hearers
    nobody reaches.
    """

    unraised: int
    unreceipted: int
    undigested: int
    unsent: int
    unreached: int


@command("work.check_alerts", roles=_CLOCKWORK, clause="SYS-WORK")
def check_alerts(ctx: Context) -> Checked:
    """Prove that what was due has a receipt and every message has gone; open a work item for any difference.

    An item opened before is closed when nothing is left to mend. Meant for the end of a day, after sweep and sending.
    """
    with ctx.writing() as session:
        unreceipted, unsent = reads.in_doubt(session, on=ctx.as_of)
        checked = Checked(
            unraised=work.unraised(session, ctx),
            unreceipted=unreceipted,
            undigested=len(_digests_due(session, ctx, opened_before=ctx.as_of)) if ctx.services.notifier else 0,
            unsent=unsent,
            unreached=len(_unreached(session, ctx)),
        )
        facts = {name: count for name, count in asdict(checked).items() if name != "unreached"}
        _mend(session, ctx, UNDELIVERED, sum(facts.values()), note=sentence("alerts.note.undelivered", facts))
        told = sentence("alerts.note.unreached", {"count": checked.unreached})
        _mend(session, ctx, UNREACHED, checked.unreached, note=told)
        return checked


def _unreached(session: Session, ctx: Context) -> set[str]:
    """Return the contacts whose message came back, and the roles nobody is registered for where something is open."""
    unheard = reads.unheard(session)
    hearers = _hearers(session, ctx, (item for _, item in unheard))
    return reads.bounced(session) | {item.role for alert, item in unheard if not hearers.of(alert.level, item)}


def _mend(session: Session, ctx: Context, kind: str, count: int, *, note: str) -> None:
    region = ctx.services.region
    if not count:
        work.close_item(session, ctx, kind=kind, subject_id=region)
        return
    policy = ctx.policy(region="cn")
    due = ctx.services.calendar.add_working_days(ctx.as_of, days=max(policy.alerts.mend_working_days, 1))
    item = work.open_item(
        session,
        ctx,
        kind=kind,
        role=Role.EVALUATION_OFFICE,
        subject_kind="region",
        subject_id=region,
        due_on=due.date,
        provisional=due.provisional,
        clause=policy.clause("alerts.mend_working_days"),
        resolves_with="work.prepare_alerts" if kind == UNDELIVERED else "work.register_contact",
        note=note,
    )
    item.note = note
    session.add(item)
    if item.status != "open":
        work.move_item(session, kind=kind, subject_id=region, due_on=due.date, provisional=due.provisional)


def _record(session: Session, ctx: Context, type_: str, payload: Mapping[str, object]) -> None:
    events.append(session, ctx, stream_kind=_STREAM[0], stream_id=_STREAM[1], type=type_, payload=payload)
