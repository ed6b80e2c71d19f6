"""Commands of the delivery of alerts: make the messages with their receipts, and check that what was due has one.

``commands.alert_sending`` hands them out. Whoever must act and cannot be told is never passed over in silence: who
supervises hears instead, and the office gets a work item.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from typing import Final

from sqlmodel import Session

from models.commands import alert_texts, events, work
from models.commands.alert_texts import Line
from models.context import Context
from models.core.actors import Role
from models.core.ids import derive_id
from models.core.instants import written
from models.core.messages import sentence
from models.core.registry import command
from models.queries import alerts as reads
from models.queries.hearers import subjects_of
from models.queries.units import root_unit
from models.rules import alerts as rules
from models.rules.alerts import NOBODY, OVERDUE, SUPERVISOR, Reachable, Subject, Suppressed
from models.tables.alerts import AlertMessage, AlertReceipt
from models.tables.kernel import Alert, WorkItem

UNDELIVERED: Final = "alerts.undelivered"
UNREACHED: Final = "alerts.unreached"
STREAM: Final = ("alerts", "delivery")
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
    is overdue. Of several alerts of one item that waited for an outage to end, the latest is told. What nobody heard,
    because there was no contact or its message came back, is told as soon as somebody can be reached.
    """
    with ctx.writing() as session:
        fresh = reads.without_receipt(session)
        again = reads.unheard(session) if ctx.services.notifier is not None else []
        newest = rules.newest_of(reads.as_raised(*told) for told in fresh)
        hearers = _hearers(session, ctx, (item for _, item in [*fresh, *again]))
        post, suppressed = _Post(session, ctx), 0
        for alert, item in fresh:
            latest = newest.get((item.id, alert.level == SUPERVISOR), "")
            heard = hearers.of(alert.level, item)
            because = rules.untold(alert=reads.as_raised(alert, item), newest=latest) or _unsendable(ctx, heard)
            if because is None:
                post.tell(heard, alert, Line(item))
                continue
            accounts = [one.account for one in heard] or [NOBODY]
            session.add_all(_receipt(ctx, alert, account, because=because) for account in accounts)
            suppressed += len(accounts)
            if because is Suppressed.NO_CONTACT:
                again.append((alert, item))
        _tell_instead(session, hearers, post, again)
        made = post.close(_digests_due(session, ctx) if ctx.services.notifier is not None else {})
        if made or suppressed:
            _record(session, ctx, "alerts.rendered", {"messages": made, "suppressed": suppressed})
        return Prepared(messages=made, suppressed=suppressed)


def _tell_instead(session: Session, hearers: _Hearers, post: _Post, unheard: Sequence[Told]) -> None:
    """Tell what nobody heard to who can be reached by now, else to those who supervise; nobody is told one twice."""
    if post.ctx.services.notifier is None:
        return
    told = reads.accounts_told(session, [alert.id for alert, _ in unheard])
    for alert, item in unheard:
        before = told[alert.id]
        heard = [one for one in hearers.of(alert.level, item) if one.account not in before]
        above = [] if heard else [one for one in hearers.of(SUPERVISOR, item) if one.account not in before]
        post.tell(heard or above, alert, Line(item, supervisor=bool(above), stand_in=bool(above)))


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
    subjects = subjects_of(session, items, root=root, on=ctx.as_of)
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


def _digests_due(session: Session, ctx: Context, *, dated_before: date | None = None) -> Digests:
    """Return account → the digest that is due: all that is overdue of its own, and what it is to see done."""
    policy = ctx.policy(region="cn").alerts
    if not policy.digest_days:
        return {}
    items = [
        one
        for one in reads.overdue(session, on=ctx.as_of)
        if (one.moved_on or one.opened_on) < (dated_before or date.max)
    ]
    hearers, last, escalated = _hearers(session, ctx, items), reads.last_digests(session), reads.escalated(session)
    due: dict[str, tuple[Reachable, list[Line]]] = {}
    for item in items:
        own = hearers.of(OVERDUE, item)
        above = hearers.of(SUPERVISOR, item) if item.id in escalated or not own else ()
        told = [(one, Line(item)) for one in own]
        told += [(one, Line(item, supervisor=True, stand_in=not own)) for one in above]
        for hearer, line in told:
            if last.get(hearer.account, date.min) <= ctx.as_of - timedelta(days=policy.digest_days):
                due.setdefault(hearer.account, (hearer, []))[1].append(line)
    return due


@dataclass
class _Post:
    """The messages being made: each told alert gets the receipt that names its message."""

    session: Session
    ctx: Context
    made: int = 0
    overdue: dict[str, tuple[Reachable, list[tuple[Alert, Line]]]] = field(default_factory=dict)

    def tell(self, heard: Iterable[Reachable], alert: Alert, line: Line) -> None:
        """Make the messages of an alert before the due date; one that is overdue waits for the digest."""
        late = alert.late or alert.raised_on < self.ctx.as_of
        marked = replace(line, late=late, supervisor=line.supervisor or alert.level == SUPERVISOR)
        for hearer in heard:
            if rules.is_overdue(alert.level):
                self.overdue.setdefault(hearer.account, (hearer, []))[1].append((alert, marked))
            else:
                self._add(hearer, derive_id("msg", hearer.account, alert.id), [marked], told=[alert], digest=False)

    def close(self, digests: Digests) -> int:
        """Make the digests, and a message where one went out already and something new came; return all made."""
        for account in sorted({*digests, *self.overdue}):
            hearer, lines = digests.get(account, (None, ()))
            told_by, told = self.overdue.get(account, (hearer, []))
            assert told_by is not None
            new = {(line.item.id, line.supervisor): line for _, line in told}
            every = {(line.item.id, line.supervisor): line for line in lines} | new
            day = self.ctx.as_of.isoformat()
            number = derive_id("msg", account, day, *(() if hearer else sorted(alert.id for alert, _ in told)))
            alerts = [alert for alert, _ in told]
            self._add(told_by, number, list(every.values()), told=alerts, digest=hearer is not None)
        return self.made

    def _add(
        self, hearer: Reachable, number: str, lines: Sequence[Line], *, told: Sequence[Alert], digest: bool
    ) -> None:
        text = alert_texts.text_of(self.ctx, number=number, lines=lines, digest=digest)
        self.session.add(
            AlertMessage(
                id=number,
                account=hearer.account,
                contact_id=hearer.id,
                title=text.title,
                body=text.body,
                lines=[alert_texts.kept(line) for line in lines],
                digest=digest,
                rendered_on=self.ctx.as_of,
                status="rendered",
                next_attempt_at=written(self.ctx.services.clock.now()),
            )
        )
        self.session.flush()
        self.session.add_all(_receipt(self.ctx, alert, hearer.account, message=number) for alert in told)
        self.made += 1


@dataclass(frozen=True)
class Checked:
    """What the nightly check found: alerts not raised, alerts or hearers of one without receipt, digests not made,
    messages not gone, hearers nobody reaches.
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
        untold, unsent = reads.in_doubt(session, on=ctx.as_of)
        checked = Checked(
            unraised=work.unraised(session, ctx),
            unreceipted=untold + _passed_over(session, ctx),
            undigested=len(_digests_due(session, ctx, dated_before=ctx.as_of)) if ctx.services.notifier else 0,
            unsent=unsent,
            unreached=len(_unreached(session, ctx)),
        )
        facts = {name: count for name, count in asdict(checked).items() if name != "unreached"}
        _mend(session, ctx, UNDELIVERED, sum(facts.values()), note=sentence("alerts.note.undelivered", facts))
        told = sentence("alerts.note.unreached", {"count": checked.unreached})
        _mend(session, ctx, UNREACHED, checked.unreached, note=told)
        return checked


def _passed_over(session: Session, ctx: Context) -> int:
    """Return how many people have no receipt of an alert of the day that was theirs to hear; newcomers do not count."""
    receipts = reads.receipted_on(session, on=ctx.as_of)
    hearers = _hearers(session, ctx, (item for _, item, _ in receipts))
    return sum(
        hearer.account not in accounts and hearer.since < ctx.as_of
        for alert, item, accounts in receipts
        for hearer in hearers.of(alert.level, item)
    )


def _unreached(session: Session, ctx: Context) -> set[str]:
    """Return the contacts whose message came back, and the roles nobody is registered for where something is open."""
    alerted = reads.alerted(session)
    hearers = _hearers(session, ctx, (item for item, _ in alerted))
    return reads.bounced(session) | {item.role for item, level in alerted if not hearers.of(level, item)}


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
        work.move_item(session, ctx, kind=kind, subject_id=region, due_on=due.date, provisional=due.provisional)


def _record(session: Session, ctx: Context, type_: str, payload: Mapping[str, object]) -> None:
    events.append(session, ctx, stream_kind=STREAM[0], stream_id=STREAM[1], type=type_, payload=payload)
