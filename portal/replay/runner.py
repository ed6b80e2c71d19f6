"""Playing a case: a fresh rehearsal database, a driven clock, every step through the same doors as in real life.

After each ``do`` the outbox drains; schedules fire only by ``run``. Ids and recorded times derive from the case, so the
same case gives the same bytes. Called by the CLI (``replay``, ``demo``) and by tests; prints nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from sqlmodel import Session

from infra.relay import Drained, drain
from models.commands.door import ask, execute
from models.context import Services
from models.core.errors import LifecycleError
from models.core.ids import derive_id
from models.core.messages import sentence
from models.core.registry import operations
from models.ports import Launcher
from models.tables.kernel import Rehearsal
from portal.replay.case import OUTCOMES, Case, Step, UnresolvedReferenceError, resolve
from portal.uploads import store_uploads


@dataclass(frozen=True)
class StepReport:
    """What one step was expected to do and did. ``outcome`` is ok, refused, conflict, fault, transient, or
    unresolved when it refers to the result of a step that was not carried out."""

    number: int
    line: int
    on: date
    actor: str
    verb: str
    name: str
    label: str
    clause: str
    note: str
    event: int | None
    expected: object
    outcome: str
    held: bool
    code: str | None = None
    rule: str | None = None
    message: str = ""
    way_out: str = ""
    details: tuple[Mapping[str, object], ...] = ()
    mismatches: tuple[str, ...] = ()
    result: object = None
    synthetic: tuple[str, ...] = ()
    flows: tuple[Mapping[str, object], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON-able values."""
        return {**asdict(self), "on": self.on.isoformat()}


@dataclass
class CaseReport:
    """The report of a whole case; ``ok`` only when every expectation held."""

    case: str
    title: str
    region: str
    steps: list[StepReport] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every expectation held."""
        return all(step.held for step in self.steps)

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON-able values."""
        return {
            "case": self.case,
            "title": self.title,
            "region": self.region,
            "ok": self.ok,
            "steps": [step.as_json() for step in self.steps],
        }


def play(
    case: Case,
    *,
    services: Services,
    launcher: Launcher,
    on_step: Callable[[StepReport], None] = lambda _report: None,
) -> CaseReport:
    """Play all steps of a case, also after one that did not hold, and return the report.

    ``services`` must stand on a fresh rehearsal database (see ``start_rehearsal``) so that its clock is driven.
    """
    report = CaseReport(case=case.id, title=case.title, region=case.region)
    saved: dict[str, Any] = {}
    for step in case.steps:
        drive_clock(services, step.on)
        outcome = _Player(case, services, launcher, saved).play(step)
        report.steps.append(outcome)
        on_step(outcome)
    return report


def start_rehearsal(services: Services, case: Case) -> None:
    """Give a fresh database its driven clock. Raises ``ValueError`` when the database is already a rehearsal."""
    with Session(services.engine) as session:
        session.connection(execution_options={"writing": True})
        if session.get(Rehearsal, 1) is not None:
            raise ValueError("this database already holds a rehearsal")
        session.add(Rehearsal(id=1, case=case.id, seed=derive_id("case", case.id), today=case.start))
        session.commit()


def drive_clock(services: Services, day: date) -> None:
    """Set the rehearsal's day."""
    with Session(services.engine) as session:
        session.connection(execution_options={"writing": True})
        row = session.get_one(Rehearsal, 1)
        row.today = day
        session.add(row)
        session.commit()


@dataclass
class _Player:
    case: Case
    services: Services
    launcher: Launcher
    saved: dict[str, Any]

    def play(self, step: Step) -> StepReport:
        drained = Drained()
        try:
            result = as_plain(self._act(step))
            if step.verb == "do":
                drained = drain(self.services, self.launcher, as_of=step.on)
        except LifecycleError as fault:
            return self._faulted(step, fault)
        except UnresolvedReferenceError as gap:
            message = sentence("replay.unresolved", {"name": str(gap)})
            return self._report(step, outcome="unresolved", held=False, message=message)
        if step.save is not None:
            self.saved[step.save] = result
        mismatches = [*self._mismatches(step, result), *_broken(drained)]
        return self._report(
            step,
            outcome="ok",
            held=not mismatches,
            mismatches=tuple(mismatches),
            result=result,
            flows=tuple({"deployment": item.deployment, **item.summary} for item in drained.sent),
        )

    def _act(self, step: Step) -> object:
        arguments = resolve(step.arguments, self.saved)
        if step.verb == "run":
            parameters = {**arguments, "as_of": step.on.isoformat()}
            key = derive_id("run", self.case.id, str(step.number))
            return dict(self.launcher.launch(deployment=step.name, parameters=parameters, idempotency_key=key).summary)
        given = store_uploads(
            self.services, name=step.name, arguments=arguments, base=self.case.path.parent, as_of=step.on
        )
        if step.verb == "query":
            return ask(self.services, name=step.name, arguments=given, actor=step.actor, as_of=step.on)
        return execute(
            self.services,
            name=step.name,
            arguments=given,
            actor=step.actor,
            as_of=step.on,
            command_id=derive_id("cmd", self.case.id, str(step.number)),
            synthetic=step.synthetic,
        )

    def _faulted(self, step: Step, fault: LifecycleError) -> StepReport:
        wanted = step.expect.get(fault.family) if isinstance(step.expect, Mapping) else None
        return self._report(
            step,
            outcome=fault.family,
            held=wanted is not None and wanted in (fault.code, fault.rule),
            code=fault.code,
            rule=fault.rule,
            message=fault.message,
            way_out=fault.way_out,
            details=tuple(detail.as_json() for detail in fault.details[:200]),
        )

    def _mismatches(self, step: Step, result: object) -> list[str]:
        if step.expect == "ok":
            return []
        assert isinstance(step.expect, Mapping)
        outcome = next((name for name in OUTCOMES if name in step.expect), None)
        if outcome is not None:
            return [sentence("replay.not_refused", {"outcome": outcome, "wanted": step.expect[outcome]})]
        return list(differences(as_plain(resolve(step.expect, self.saved)), result))

    def _report(self, step: Step, *, outcome: str, held: bool, **more: Any) -> StepReport:
        operation = operations().get(step.name)
        return StepReport(
            number=step.number,
            line=step.line,
            on=step.on,
            actor=str(step.actor),
            verb=step.verb,
            name=step.name,
            label=sentence(f"command.{step.name}") if operation else step.name,
            clause=operation.clause if operation else "SYS-FLOW",
            note=step.note,
            event=step.event,
            expected=step.expect,
            outcome=outcome,
            held=held,
            synthetic=tuple(sorted(step.synthetic)),
            **more,
        )


def _broken(drained: Drained) -> Sequence[str]:
    """Return a line for each follow-up flow that ended in an unexpected error: no case expects a bug."""
    return [
        sentence("replay.follow_up_broken", {"deployment": item.deployment, "incident": item.incident})
        for item in drained.unsent
        if item.incident
    ]


def differences(wanted: object, found: object, path: str = "") -> Sequence[str]:
    """Return how ``found`` differs from ``wanted``; mappings are compared on the wanted keys only."""
    if isinstance(wanted, Mapping):
        if not isinstance(found, Mapping):
            return [
                sentence("replay.differs", {"path": path or sentence("case.result"), "wanted": wanted, "found": found})
            ]
        return [
            difference
            for key, value in wanted.items()
            for difference in differences(value, found.get(key), f"{path}.{key}" if path else str(key))
        ]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [
            difference
            for index, value in enumerate(wanted)
            for difference in differences(value, found[index], f"{path}[{index}]")
        ]
    if wanted == found:
        return []
    return [sentence("replay.differs", {"path": path or sentence("case.result"), "wanted": wanted, "found": found})]


def as_plain(value: object) -> Any:
    """Return a result as JSON-able values (money as fen, dates as ISO text), as cases and ``--json`` show it."""
    match value:
        case BaseModel():
            return value.model_dump(mode="json")
        case Mapping():
            return {str(key): as_plain(item) for key, item in value.items()}
        case list() | tuple():
            return [as_plain(item) for item in value]
        case date():
            return value.isoformat()
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {name: as_plain(item) for name, item in vars(value).items()}
        case _:
            return value


def rehearsal_home(home: Path, case: Case) -> Path:
    """Return a fresh folder for one play of a case below ``home``; the name does not enter any output."""
    parent = home / "rehearsals" / case.id
    parent.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(entry.name) for entry in parent.iterdir() if entry.name.isdigit()), default=0)
    while True:
        folder = parent / f"{number:04d}"
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder
