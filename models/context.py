"""What a command is given: the services built once per process, and the context of one call.

``Services`` is built by ``infra.bootstrap``; ``Context`` by the door for each command. A command opens ``reading()`` as
often as it likes and ``writing()`` exactly once: one command is one transaction. Only what would keep every other
writer waiting goes in beforehand in portions (``staging()``), unseen until that transaction says it is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session

from models.core.actors import Actor
from models.core.calendar import WorkCalendar
from models.core.errors import Conflict, Transient
from models.core.ids import derive_id
from models.policy.resolver import PolicyBook
from models.policy.schema import Policy
from models.ports import (
    Bundler,
    Clock,
    DocumentStore,
    Notifier,
    PlanSolver,
    QualityGate,
    Renderer,
    SeedSource,
    Signer,
    Vault,
)
from models.queries.reader import Reader
from models.tables.kernel import Receipt


@dataclass(frozen=True)
class Services:
    """Everything outside the domain, behind its ports. ``region`` is the one this deployment serves.
    ``rehearsal`` is true for demo, replay and ``make up``; ``notifier`` is ``None`` where no channel is set."""

    engine: Engine
    documents: DocumentStore
    renderer: Renderer
    gate: QualityGate
    vault: Vault
    signer: Signer
    bundler: Bundler
    clock: Clock
    policies: PolicyBook
    calendar: WorkCalendar
    region: str
    rehearsal: bool
    seeds: SeedSource
    solver: PlanSolver
    notifier: Notifier | None = None

    def reader(self, session: Session, *, actor: Actor, as_of: date) -> Reader:
        """Return read access for an actor on a date."""
        return Reader(session, self.policies, self.calendar, self.vault, actor, as_of, self.region, self.solver)


@dataclass
class Context:
    """One call of one command: who, when, under which id, and the services.

    All ids made in the call derive from ``command_id``, so that a replay makes the same ones. ``synthetic`` names the
    argument paths that the caller marks as made up (decision 24). ``receipt`` is written with the call's work, so that
    the same call never works twice.
    """

    services: Services
    actor: Actor
    as_of: date
    command: str
    command_id: str
    dry_run: bool = False
    synthetic: frozenset[str] = frozenset()
    receipt: Receipt | None = None
    _wrote: bool = field(default=False, init=False)
    _committed: bool = field(default=False, init=False)

    @property
    def committed(self) -> bool:
        """Whether the call's write transaction stands; one that ended in a refusal was rolled back."""
        return self._committed

    def new_id(self, prefix: str, *parts: str) -> str:
        """Return an id derived from the command id, a prefix and parts that tell siblings apart."""
        return derive_id(prefix, self.command_id, *parts)

    def policy(self, *, region: str, on: date | None = None) -> Policy:
        """Return the policy of a region, by default on the date of the act (decision 11)."""
        return self.services.policies.resolve(region=region, on=on or self.as_of)

    def reader(self, session: Session) -> Reader:
        """Return read access for a query called inside this command."""
        return self.services.reader(session, actor=self.actor, as_of=self.as_of)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a read-only session; nothing done in it is kept. Rows read stay readable after it, as they were."""
        with _translated(), Session(self.services.engine) as session:
            yield session
            session.expunge_all()
            session.rollback()

    @contextmanager
    def staging(self) -> Iterator[Session]:
        """Open a short write transaction for one portion of a large load, before ``writing()``.

        What it keeps must count for nobody yet, and the same call made again after a crash must go on behind it. Raises
        ``Conflict`` code ``kernel.changed_meanwhile`` when somebody else was faster.
        """
        if self._wrote or self.dry_run:
            raise RuntimeError(f"{self.command} stages after it wrote, or in a dry run")
        with _translated(), Session(self.services.engine, expire_on_commit=False) as session:
            session.connection(execution_options={"writing": True})
            yield session
            session.commit()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open the one write transaction of this call; committed on leaving, rolled back on a dry run.

        Raises ``Conflict`` code ``kernel.changed_meanwhile`` when somebody else was faster.
        """
        if self._wrote:
            raise RuntimeError(f"{self.command} opened a second write transaction")
        self._wrote = True
        with _translated(), Session(self.services.engine, expire_on_commit=False) as session:
            session.connection(execution_options={"writing": True})
            if self.receipt is not None:
                session.add(self.receipt)
                session.flush()
            yield session
            session.flush()
            if self.dry_run:
                session.rollback()
            else:
                session.commit()
                self._committed = True


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError as err:
        if not _is_duplicate_key(err):
            raise
        raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT") from err
    except OperationalError as err:
        if not _is_away(err):
            raise
        raise Transient("kernel.database_away", rule="SYS-DATABASE") from err


def _is_duplicate_key(err: IntegrityError) -> bool:
    return getattr(err.orig, "sqlstate", None) == "23505" or "UNIQUE constraint failed" in str(err.orig)


def _is_away(err: OperationalError) -> bool:
    return err.connection_invalidated or "database is locked" in str(err.orig) or "connection" in str(err.orig)
