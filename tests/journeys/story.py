"""The Huangshi story for tests: the shipped case with fewer people, played once through the replay door.

A ``Scene`` goes on from where the story stood after a step, on a copy of its database, with other steps than the
shipped ones. Everything a scene plays is a complete case file that ``lifecycle replay`` would take.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from sqlmodel import Session, col, select

from infra.bootstrap import open_services
from infra.orchestrator import LocalLauncher
from infra.settings import Settings
from models.context import Services
from models.ports import Zone
from models.queries.ledger_check import faults_of
from models.tables.kernel import Document
from portal.cli.archive import stored_packages, write_package
from portal.cli.replay import load_case, opened
from portal.replay.case import Case, Step, UnresolvedReferenceError, resolve
from portal.replay.runner import CaseReport, StepReport, play
from tests.support.postgres import transplant

CASES = Path(__file__).parents[2] / "portal" / "cases"
SHIPPED = CASES / "huangshi-2016.yaml"
WHOLE_LIFE = CASES / "zunyi-whole-life.yaml"
PEOPLE = 4_200
END = "end"


@dataclass(frozen=True)
class Stand:
    """Where the story stood: a copy of the database, the results kept so far, how many steps were played."""

    database: Path
    saved: Mapping[str, Any]
    done: int


@dataclass(frozen=True)
class Story:
    """A played case: its text, its report, and the stands that were asked for, by step (``<name>`` or ``<name>#2``)."""

    text: str
    case: Case
    report: CaseReport
    stands: Mapping[str, Stand]
    environment: Mapping[str, str]

    def told(self, key: str) -> str:
        """Return the text of one of the case's own steps, ready to be told again."""
        return _text_of(self.text, self.case, self._number(key))

    def until(self, key: str, *, after: str, without: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return the texts of the steps after ``after`` up to and including ``key``."""
        left_out = {self._number(one) for one in without}
        numbers = range(self._number(after) + 1, self._number(key) + 1)
        return tuple(_text_of(self.text, self.case, number) for number in numbers if number not in left_out)

    def step(self, key: str) -> Step:
        """Return one of the case's own steps."""
        return self.case.steps[self._number(key)]

    @contextmanager
    def scene(self, after: str, folder: Path, *, database_url: str = "") -> Iterator[Scene]:
        """Open the story where it stood after a step; what is played there changes nothing of the story itself.

        ``database_url`` names an empty database to stand in instead of a SQLite file in ``folder``.
        """
        stand = self.stands[after]
        database = folder / f"{re.sub(r'[^a-z_]', '-', after)}-{len(list(folder.iterdir()))}.db"
        _copy(stand.database, database)
        if database_url:
            transplant(database, database_url)
        last = self.case.steps[stand.done] if stand.done < len(self.case.steps) else None
        lines = self.text.splitlines(keepends=True)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.setenv("LIFECYCLE_DATABASE_URL", database_url or f"sqlite:///{database}")
            with open_services(Settings()) as services:
                yield Scene(
                    services=services,
                    file=database.with_suffix(".yaml"),
                    text="".join(lines[: last.line - 1] if last else lines),
                    saved=dict(stand.saved),
                    done=stand.done,
                )

    def _number(self, key: str) -> int:
        return next(number for number, found in enumerate(keys(self.case)) if found == key)


@dataclass
class Scene:
    """Services that stand in the middle of the story, and the means to go on."""

    services: Services
    file: Path
    text: str
    saved: dict[str, Any]
    done: int
    launcher: LocalLauncher = field(default_factory=lambda: LocalLauncher(recorded=False))

    def tells(self, *steps: str) -> CaseReport:
        """Play further steps and return their report."""
        self.text += "".join(steps)
        self.file.write_text(self.text, "utf-8")
        case = load_case(self.file)
        report = CaseReport(case=case.id, title=case.title, region=case.region)
        for one in case.steps[self.done :]:
            report.steps.extend(self._play(case, one).steps)
        self.done = len(case.steps)
        return report

    def holds(self, *steps: str) -> list[Any]:
        """Play further steps, all of which must come out as expected; return their results."""
        report = self.tells(*steps)
        assert_held(report)
        return [one.result for one in report.steps]

    def plays(self, case: Case, step: Step) -> None:
        """Play one step of a case, which must come out as told."""
        assert_held(self._play(case, step))

    def paper(self, kind: str) -> bytes:
        """Return the bytes of the newest document of a kind."""
        with Session(self.services.engine) as session:
            rows = session.exec(select(Document).where(col(Document.kind) == kind)).all()
            newest = max(rows, key=lambda row: row.issued_on)
        return self.services.documents.get(zone=Zone(newest.zone), sha256=newest.sha256)

    def bundle(self, to: Path) -> Path:
        """Export the bundle of the project that was closed last and return the zip."""
        on = self.services.clock.now().date()
        return write_package(self.services, stored_packages(self.services, on=on)[-1], to=to)

    def known(self, one: Step) -> Step:
        """Return a step in which what was saved so far stands instead of the references to it."""
        return replace(one, arguments=_known(one.arguments, self.saved), expect=_known(one.expect, self.saved))

    def _play(self, case: Case, one: Step) -> CaseReport:
        report = play(replace(case, steps=(self.known(one),)), services=self.services, launcher=self.launcher)
        if one.save is not None and report.steps[0].outcome == "ok":
            self.saved[one.save] = report.steps[0].result
        return report


def play_story(text: str, *, home: Path, stands: frozenset[str] = frozenset()) -> Story:
    """Play a case in a fresh rehearsal under ``home``, keeping a copy of the database after the steps named."""
    home.mkdir(parents=True, exist_ok=True)
    file = home / "case.yaml"
    file.write_text(text, "utf-8")
    kept: dict[str, Stand] = {}
    saved: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIFECYCLE_HOME", str(home))
        case = load_case(file)
        names = (*keys(case)[:-1], END)
        with opened(case, recorded=False) as (services, launcher, folder):

            def keep(step: StepReport) -> None:
                told = case.steps[step.number - 1]
                if told.save is not None and step.outcome == "ok":
                    saved[told.save] = step.result
                if names[step.number - 1] in stands:
                    copy = home / f"stand-{step.number}.db"
                    _copy(folder / "rehearsal.db", copy)
                    kept[names[step.number - 1]] = Stand(copy, dict(saved), step.number)

            environment = {name: value for name, value in os.environ.items() if name.startswith("LIFECYCLE_")}
            report = play(case, services=services, launcher=launcher, on_step=keep)
            with Session(services.engine) as session:
                assert faults_of(session) == ()  # the ledger is whole at the end
    assert set(kept) == stands, f"the case has no step {stands - set(kept)}"
    return Story(text=text, case=case, report=report, stands=kept, environment=environment)


def with_fewer_people(text: str) -> str:
    """Return the shipped case for ``PEOPLE`` people; what else it expects is counted from the persons selected."""
    counted = r"expect: \{people: 17000, disabled: .*\}"
    assert re.search(counted, text)
    return re.sub(counted, "expect: {synthetic: true}", text).replace("17000", str(PEOPLE))


def step(
    on: str,
    who: str,
    do: str,
    /,
    *,
    expect: Mapping[str, object] | None = None,
    save: str = "",
    synthetic: tuple[str, ...] = (),
    **arguments: object,
) -> str:
    """Return the text of a step that carries out a command; ``who`` is a role, or ``role:id``."""
    role, _, account = who.partition(":")
    actor = {"role": role, "id": account or f"u-{role}"}
    return _line(on, {"as": actor, "do": do, "with": arguments, "synthetic": synthetic, "expect": expect, "save": save})


def asks(
    on: str, query: str, /, *, expect: Mapping[str, object] | None = None, save: str = "", **arguments: object
) -> str:
    """Return the text of a step in which the evaluation office asks a query."""
    return _line(on, {"query": query, "with": arguments, "expect": expect, "save": save})


def changed(text: str, *pairs: tuple[str, str]) -> str:
    """Return a step's text with each ``old`` replaced by ``new``; an ``old`` that is not there is a mistake."""
    for old, new in pairs:
        assert old in text, f"{old} is not in: {text}"
        text = text.replace(old, new)
    return text


def refused(rule: str) -> dict[str, object]:
    """Return the expectation of a refusal by a rule or code."""
    return {"refused": rule}


def assert_held(report: CaseReport) -> None:
    """Fail with what the steps that did not hold said."""
    assert report.ok, "\n".join(
        f"{one.on} {one.name}: {one.outcome} {one.rule or ''} {one.code or ''} {one.message} {one.mismatches}"
        for one in report.steps
        if not one.held
    )


def words(pdf: bytes) -> str:
    """Return the text of a PDF without white space."""
    return "".join("".join(page.extract_text().split()) for page in PdfReader(BytesIO(pdf)).pages)


def keys(case: Case) -> tuple[str, ...]:
    """Return the key of each step: its name, from the second time on with ``#2``, ``#3`` …"""
    seen: dict[str, int] = {}
    found = []
    for one in case.steps:
        seen[one.name] = seen.get(one.name, 0) + 1
        found.append(one.name if seen[one.name] == 1 else f"{one.name}#{seen[one.name]}")
    return tuple(found)


def _line(on: str, parts: Mapping[str, object]) -> str:
    given = ", ".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in parts.items() if value)
    return f"  - {{on: {on}, {given}}}\n"


def _text_of(text: str, case: Case, number: int) -> str:
    lines = text.splitlines(keepends=True)
    following = case.steps[number + 1].line - 1 if number + 1 < len(case.steps) else len(lines)
    return "".join(lines[case.steps[number].line - 1 : following])


def _known(value: Any, saved: Mapping[str, Any]) -> Any:
    """Replace references to what earlier plays saved; those to later steps stay for ``play``."""
    if isinstance(value, str):
        try:
            return resolve(value, saved)
        except UnresolvedReferenceError:
            return value
    if isinstance(value, Mapping):
        return {name: _known(item, saved) for name, item in value.items()}
    if isinstance(value, list):
        return [_known(item, saved) for item in value]
    return value


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
