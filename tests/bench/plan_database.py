"""The quarterly plan from the database: candidates and money read, solved and kept by ``funding.propose_plan``.

Part of ``make bench`` (``plan``): what the programme costs beyond its solving, and how it grows with the candidates.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event, insert
from sqlmodel import Session, SQLModel

from models.core.periods import Quarter
from models.queries.plan_candidates import Basis
from models.queries.plan_proposal import build
from models.tables.application import Application, ApplicationBudgetLine
from models.tables.funding import Fund, Posting
from models.tables.kernel import Event, Project, StreamHead
from models.tables.library import Placement
from models.tables.review import ReviewRound
from tests.support.purchases import OFFICE
from tests.support.world import World, copy_world, open_world

_DAY: Final = date(2025, 4, 1)
_QUARTER: Final = "2025Q2"
_REGION: Final = "340000"
_NO_HASH: Final = "0" * 64
_CHUNK: Final = 5_000
_WARM: Final = 2  # candidates of a first round that loads what is loaded once
_CHANNELS: Final = 10
_HELD: Final = 55  # percent of what is asked of the channels


def measure(*, candidates: tuple[int, int], folder: Path) -> dict[str, float]:
    """Return for the smaller size the seconds of reading and of the whole proposal and how many statements reading
    takes, and how the time of one candidate grows to the larger size (1: not at all).

    Raises ``AssertionError`` when candidates are missing, or reading a larger size takes more statements.
    """
    empty = open_world(folder, region=_REGION)
    _measured(copy_world(empty, folder, name="warm"), _WARM)
    small, large = (_measured(copy_world(empty, folder, name=f"plan-{count}"), count) for count in candidates)
    empty.services.engine.dispose()
    if small["read_statements"] != large["read_statements"]:
        raise AssertionError("statements grow with the candidates")
    times = candidates[1] / candidates[0]
    return small | {
        "read_growth": large["read_seconds"] / small["read_seconds"] / times,
        "propose_growth": large["propose_seconds"] / small["propose_seconds"] / times,
    }


def _measured(world: World, candidates: int) -> dict[str, float]:
    fill(world, candidates=candidates)
    reading, statements = _timed(world, lambda: _read(world))
    whole, _ = _timed(world, lambda: propose(world))
    found = world.ask("funding.proposal", quarter=_QUARTER, batch=1, on=_DAY).candidates
    world.services.engine.dispose()
    if found != candidates:
        raise AssertionError(f"{found} of {candidates} candidates were read")
    return {"read_seconds": reading, "read_statements": statements, "propose_seconds": whole}


def propose(world: World) -> Any:
    """Propose the batch as the office would."""
    return world.do("funding.propose_plan", as_=OFFICE, on=_DAY, quarter=_QUARTER, batch=1)


def _read(world: World) -> None:
    policy = world.services.policies.resolve(region=_REGION, on=_DAY)
    with Session(world.services.engine) as session:
        build(
            session,
            policies=world.services.policies,
            policy=policy,
            basis=Basis(_REGION, Quarter.parse(_QUARTER), _DAY),
        )


def _timed(world: World, act: Callable[[], object]) -> tuple[float, int]:
    sent = [0]

    def count(*_: Any) -> None:
        sent[0] += 1

    event.listen(world.services.engine, "before_cursor_execute", count)
    started = time.perf_counter()
    act()
    taken = time.perf_counter() - started
    event.remove(world.services.engine, "before_cursor_execute", count)
    return taken, sent[0]


def fill(world: World, *, candidates: int, seed: int = 20250401) -> None:
    """Put approved projects (合成) into the database that each ask money of every channel, and two funds a channel."""
    codes = list(world.services.policies.resolve(region=_REGION, on=_DAY).funding.sources)[:_CHANNELS]
    draw = random.Random(seed)  # noqa: S311  # recorded seed
    amounts = [{code: draw.randrange(1, 200) * 100_000 for code in codes} for _ in range(candidates)]
    tables: list[tuple[type[SQLModel], Iterator[dict[str, Any]]]] = [
        (Project, (_project(world, number) for number in range(candidates))),
        (Event, (_approved(number) for number in range(candidates))),
        (StreamHead, (_head(number) for number in range(candidates))),
        (Placement, (_placed(number) for number in range(candidates))),
        (ReviewRound, (_reviewed(number, draw) for number in range(candidates))),
        (Application, (_application(number, sum(amounts[number].values())) for number in range(candidates))),
        (ApplicationBudgetLine, _lines(amounts)),
        (Fund, _funds(codes, amounts)),
        (Posting, _postings(codes, amounts)),
    ]
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        for table, rows in tables:
            while chunk := list(islice(rows, _CHUNK)):
                session.execute(insert(table), chunk)
        session.commit()


def _id(number: int) -> str:
    return f"prj-{number:05}"


def _project(world: World, number: int) -> dict[str, Any]:
    return {
        "id": _id(number),
        "region": world.services.region,
        "name": f"合成项目{number}",
        "payer": "government",
        "state": "approved",
        "version": 1,
        "policy_digest": _NO_HASH,
        "entered_on": _DAY,
        "synthetic": True,
        "details": {"services": ["counselling"], "unit": f"unit-{number % 14:02}"},
    }


def _approved(number: int) -> dict[str, Any]:
    return {
        "stream_kind": "project",
        "stream_id": _id(number),
        "seq": 1,
        "event_id": f"evt-{number:05}",
        "type": "project.approved",
        "actor": "city_bureau:u",
        "occurred_at": _DAY,
        "recorded_at": _DAY.isoformat(),
        "payload": {"to": "approved"},
        "prev_hash": _NO_HASH,
        "hash": _NO_HASH,
    }


def _head(number: int) -> dict[str, Any]:
    return {"stream_kind": "project", "stream_id": _id(number), "seq": 1, "hash": _NO_HASH}


def _placed(number: int) -> dict[str, Any]:
    return {
        "id": f"plc-{number:05}",
        "project_id": _id(number),
        "ordinal": 1,
        "unit_code": f"unit-{number % 14:02}",
        "from_on": _DAY,
    }


def _reviewed(number: int, draw: random.Random) -> dict[str, Any]:
    return {
        "id": f"rnd-{number:05}",
        "project_id": _id(number),
        "ordinal": 1,
        "opened_on": _DAY,
        "closes_on": _DAY,
        "provisional": False,
        "seed": "合成",
        "roster_digest": _NO_HASH,
        "roster": [],
        "alternates": [],
        "conflicts": [],
        "policy_digest": _NO_HASH,
        "protocol_document_id": "doc-made-up",
        "closed_on": _DAY,
        "mean": f"{draw.randrange(6000, 10000) / 100:.2f}",
        "passed": True,
    }


def _application(number: int, total: int) -> dict[str, Any]:
    return {
        "id": f"app-{number:05}",
        "project_id": _id(number),
        "revision": 1,
        "policy_digest": _NO_HASH,
        "applicant": "合成社会服务中心",
        "credit_code": "52340000MJ00000010" if number % 4 == 0 else None,
        "parts": {},
        "starts_on": _DAY,
        "ends_on": date(2025, 12, 31),
        "total_fen": total,
        "submitted_on": _DAY,
        "gate_report_sha256": _NO_HASH,
        "document_id": "doc-made-up",
    }


def _lines(amounts: list[dict[str, int]]) -> Iterator[dict[str, Any]]:
    for number, asked in enumerate(amounts):
        for ordinal, (code, fen) in enumerate(asked.items(), start=1):
            yield {
                "id": f"abl-{number:05}-{ordinal:02}",
                "application_id": f"app-{number:05}",
                "ordinal": ordinal,
                "category": "合成",
                "channel": code,
                "amount_fen": fen,
            }


def _held(codes: list[str], amounts: list[dict[str, int]]) -> Iterator[tuple[str, str, int]]:
    for code in codes:
        asked = sum(one[code] for one in amounts)
        yield f"fnd-{code}-any", code, asked * _HELD // 100
        yield f"fnd-{code}-some", code, asked // 20


def _funds(codes: list[str], amounts: list[dict[str, int]]) -> Iterator[dict[str, Any]]:
    for name, code, fen in _held(codes, amounts):
        yield {
            "id": name,
            "kind": "allotment",
            "region": _REGION,
            "channel": code,
            "year": _DAY.year,
            "amount_fen": fen,
            "purpose": "合成用途",
            "earmark": {"units": ["unit-00", "unit-01", "unit-02"]} if name.endswith("some") else {},
            "registered_on": _DAY,
            "synthetic": True,
        }


def _postings(codes: list[str], amounts: list[dict[str, int]]) -> Iterator[dict[str, Any]]:
    for name, code, fen in _held(codes, amounts):
        for leg, (account, sign) in enumerate((("appropriation", -1), ("allotted", 1)), start=1):
            yield {
                "id": f"pst-{name}-{leg}",
                "entry_id": f"evt-{name}",
                "leg": leg,
                "account": account,
                "channel": code,
                "year": _DAY.year,
                "fund_id": name,
                "amount_fen": sign * fen,
                "occurred_on": _DAY,
            }
