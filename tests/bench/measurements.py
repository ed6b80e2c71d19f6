"""The measurements of ``make bench`` by name, their sizes, and running one of them apart from the others.

Each runs in a fresh process, so that its memory can be told apart: the peak of the sum of proportional set sizes of
that process, its children and its servers.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.measure import PeakMemory
from tests.bench import (
    bundle,
    gate,
    matching,
    matching_run,
    monthly_checks,
    needs,
    plan,
    plan_database,
    replay,
    review,
    review_rounds,
    sweep,
)
from tests.support.postgres import PostgresMissingError, fresh_database, throwaway_postgres

CASE = Path("portal/cases/huangshi-2016.yaml")
Figures = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    """How much each measurement takes."""

    bundle_bytes: int
    bundle_files: int
    ledger_rows: int
    sweep_rows: int
    review_applications: int = 1_000
    review_rounds: int = 100
    people: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    plan_candidates: tuple[int, int] = (2_000, 10_000)
    service_records: int = 5_000_000


FULL = Sizes(bundle_bytes=500_000_000, bundle_files=200, ledger_rows=100_000, sweep_rows=100_000)
QUICK = Sizes(
    bundle_bytes=20_000_000,
    bundle_files=40,
    ledger_rows=2_000,
    sweep_rows=5_000,
    review_applications=100,
    review_rounds=16,
    people=(1_000, 5_000),
    plan_candidates=(300, 600),
    service_records=50_000,
)


def bundle_writer(sizes: Sizes, folder: Path, _peak: PeakMemory) -> Figures:
    """Measure the bundle writer."""
    return bundle.measure(size=sizes.bundle_bytes, files=sizes.bundle_files, folder=folder)


def ledger_gate(sizes: Sizes, _folder: Path, _peak: PeakMemory) -> Figures:
    """Measure the quality gate of the needs ledger."""
    figures = gate.measure(sizes.ledger_rows)
    shared = figures["read"] + figures["type"]
    return figures | {
        "ours_seconds": shared + figures["judge_engine"],
        "baseline_seconds": shared + figures["judge_pandas"],
        "ratio": figures["ratio_gate"],
    }


def sweep_sqlite(sizes: Sizes, folder: Path, _peak: PeakMemory) -> Figures:
    """Measure the sweep on SQLite, and how it grows over ten times the rows."""
    small = sweep.measure(rows=sizes.sweep_rows // 10, folder=_fresh(folder, "small"))
    large = sweep.measure(rows=sizes.sweep_rows, folder=_fresh(folder, "large"))
    return large | _growth(small, large)


def sweep_postgresql(sizes: Sizes, folder: Path, _peak: PeakMemory) -> Figures:
    """The same on a throwaway PostgreSQL."""
    try:
        with throwaway_postgres() as server:
            found = []
            for name, rows in (("small", sizes.sweep_rows // 10), ("large", sizes.sweep_rows)):
                with fresh_database(server, name=name) as url:
                    found.append(sweep.measure(rows=rows, folder=_fresh(folder, name), database_url=url))
    except PostgresMissingError as missing:
        return {"skipped": str(missing)}
    return found[1] | _growth(*found)


def review_batch(sizes: Sizes, folder: Path, _peak: PeakMemory) -> Figures:
    """Measure a batch of reviewed applications with seven experts each, and how it grows over ten times as many."""
    small = review.measure(applications=sizes.review_applications // 10, folder=_fresh(folder, "small"))
    large = review.measure(applications=sizes.review_applications, folder=_fresh(folder, "large"))
    return large | _growth(small, large)


def review_commands(sizes: Sizes, folder: Path, _peak: PeakMemory) -> Figures:
    """Measure a batch through the commands, and how it grows over four times as many rounds."""
    small = review_rounds.measure(applications=sizes.review_rounds // 4, folder=_fresh(folder, "small"))
    large = review_rounds.measure(applications=sizes.review_rounds, folder=_fresh(folder, "large"))
    times = large["applications"] / small["applications"]
    growth = {
        f"growth_{part}": large[f"{part}_seconds"] / small[f"{part}_seconds"] / times
        for part in ("open", "score", "close")
    }
    return large | growth | _growth(small, large)


def needs_import(sizes: Sizes, folder: Path, _peak: PeakMemory) -> Figures:
    """Measure gate and import of a needs ledger at each size; ``growth_per_row`` is largest against smallest."""
    found = [needs.measure(people=people, folder=_fresh(folder, str(people))) for people in sizes.people]
    seconds = [figures["gate"] + figures["load"] for figures in found]
    last = found[-1]
    return last | {
        "ours_seconds": seconds[-1],
        "baseline_seconds": last["gate_pandas"] + last["load_bare"],
        "growth_per_row": seconds[-1] / seconds[0] / (last["rows"] / found[0]["rows"]),
        "sizes": found,
    }


def needs_matching(sizes: Sizes, _folder: Path, _peak: PeakMemory) -> Figures:
    """Measure matching against DuckDB at the two largest sizes; ``growth_per_row`` compares the two."""
    small, large = (matching.measure(people=people) for people in sizes.people[-2:])
    return large | _growth(small, large)


def matching_command(sizes: Sizes, folder: Path, _peak: PeakMemory) -> Figures:
    """Measure ``matching.run`` through the database at the two largest sizes, against DuckDB over the same rows."""
    small, large = (
        matching_run.measure(people=people, folder=_fresh(folder, str(people))) for people in sizes.people[-2:]
    )
    return large | _growth(small, large)


def plan_optimiser(sizes: Sizes, folder: Path, _peak: PeakMemory) -> Figures:
    """Measure the scenarios of a quarterly plan against HiGHS alone, how long a large one takes, and both sizes through
    the command from the database."""
    small, large = sizes.plan_candidates
    usual, many = plan.measure(candidates=small), plan.measure(candidates=large, rounds=1)
    large_figures = {f"large_{name}": many[name] for name in ("rows", "ours_seconds", "ratio_worst", "explain_seconds")}
    return usual | large_figures | plan_database.measure(candidates=sizes.plan_candidates, folder=folder)


def month_end(sizes: Sizes, folder: Path, _peak: PeakMemory) -> Figures:
    """Measure the four checks of a month through their command, against DuckDB reading the same tables."""
    return monthly_checks.measure(records=sizes.service_records, folder=folder)


def case_replay(_sizes: Sizes, folder: Path, peak: PeakMemory) -> Figures:
    """Measure the replay of the shipped case."""
    if not CASE.exists():
        return {"skipped": f"找不到案例文件 {CASE}"}
    return replay.measure(case_file=CASE, folder=folder, watch=peak.watch)


@dataclass(frozen=True)
class Measurement:
    """What is measured, as people read it, and how."""

    title: str
    measure: Callable[[Sizes, Path, PeakMemory], Figures]


MEASUREMENTS = {
    "bundle": Measurement("档案包写入,比 sha256sum + cp", bundle_writer),
    "gate": Measurement("需求台账质量门,比纯 pandas 同样检查", ledger_gate),
    "sweep-sqlite": Measurement("到期巡查(SQLite),比同样查询 + 同样写入", sweep_sqlite),
    "sweep-postgresql": Measurement("到期巡查(PostgreSQL),比同样查询 + 同样写入", sweep_postgresql),
    "review": Measurement("批次评审汇总与评分比对(每项7名专家),比 pandas 平均", review_batch),
    "review-rounds": Measurement("批次评审逐轮办理:组织、评分、完成,规模四倍", review_commands),
    "needs": Measurement("需求台账:质量门与导入,比纯 pandas 与裸批量写入", needs_import),
    "matching": Measurement("需求与服务匹配,比 DuckDB 同样连接 + 排序 + 截取", needs_matching),
    "matching-run": Measurement("匹配命令(读对象、写结果),比 DuckDB 读写同样的表", matching_command),
    "plan": Measurement("季度计划优化（四个方案），比单用 HiGHS 求解同一模型", plan_optimiser),
    "monthly-checks": Measurement("月度核查四项(服务记录),比 DuckDB 读同样的表", month_end),
    "replay": Measurement("案例重放", case_replay),
}


def _growth(small: Figures, large: Figures) -> Figures:
    """Return how much longer ten times the rows took, per row: 1.0 is linear."""
    times = large["rows"] / small["rows"]
    return {
        "small_seconds": small["ours_seconds"],
        "growth_per_row": large["ours_seconds"] / small["ours_seconds"] / times,
    }


def _fresh(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def apart(name: str, sizes: Sizes, *, parent: Path) -> Figures:
    """Run one measurement in a process of its own; return its figures with its peak memory in MiB."""
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_measured, name, sizes, parent).result()


def _measured(name: str, sizes: Sizes, parent: Path) -> Figures:
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix="bench-") as folder, PeakMemory(os.getpid()) as peak:
        figures = MEASUREMENTS[name].measure(sizes, Path(folder), peak)
    return figures | {"pss_mib": round(peak.mib, 1)}
