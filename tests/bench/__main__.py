"""``make bench``: first figures, as ratios against a plain baseline in the same run; prints a table, writes JSON.

``--quick`` takes small sizes (a smoke test, its ratios mean little), ``--only NAME`` one measurement. Absolute times
are reported, never asserted (decision 28).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.measurements import FULL, MEASUREMENTS, QUICK, Figures, apart

OUT = Path("var/bench.json")


def table_of(found: dict[str, Figures]) -> Table:
    """Return the table people read."""
    table = Table(title="基准测量(同一次运行中的比值)")
    for heading in ("项目", "规模", "本系统(秒)", "基线(秒)", "比值", "内存峰值 PSS(MiB)", "说明"):
        table.add_column(heading, justify="left" if heading in ("项目", "说明") else "right")
    for name, figures in found.items():
        seconds = [f"{figures[key]:.3f}" if key in figures else "—" for key in ("ours_seconds", "baseline_seconds")]
        ratio = f"{figures['ratio']:.2f}" if "ratio" in figures else "—"
        table.add_row(
            MEASUREMENTS[name].title, _size(figures), *seconds, ratio, str(figures["pss_mib"]), _remark(figures)
        )
    return table


def _size(figures: Figures) -> str:
    if "bytes" in figures:
        return f"{figures['bytes'] / 1e6:.0f} MB / {figures['files']} 件"
    return (
        f"{figures['rows']:,.0f} 行" if "rows" in figures else f"{figures['steps']} 步" if "steps" in figures else "—"
    )


def _remark(figures: Figures) -> str:
    if "skipped" in figures:
        return f"【跳过】{figures['skipped']}"
    remarks = []
    if "due" in figures:
        remarks.append(f"到期 {figures['due']} 行;行数十倍时每行用时为 {figures['growth_per_row']:.2f} 倍(1 为线性)")
    if "growth_close" in figures:
        remarks.append(
            f"{figures['applications']} 项申请;四倍时每项用时:组织 {figures['growth_open']:.2f}、"
            f"评分 {figures['growth_score']:.2f}、完成 {figures['growth_close']:.2f} 倍(1 为线性)"
        )
    elif "applications" in figures:
        remarks.append(
            f"{figures['applications']} 项申请;十倍时每行用时为 {figures['growth_per_row']:.2f} 倍(1 为线性)"
        )
    if "ratio_load" in figures:
        remarks.append(
            f"质量门 {figures['ratio_gate']:.2f}(上限 6);导入 {figures['ratio_load']:.2f}(上限 3);"
            f"本系统内存 {figures['own_pss_mib']:.0f} MiB;"
            f"最长写锁 {figures['longest_write']:.1f} 秒;每人用时随规模为 {figures['growth_per_row']:.2f} 倍(1 为线性)"
        )
    if "matched_people" in figures:
        people, growth = figures["matched_people"], figures["growth_per_row"]
        memory = f"本系统内存 {figures['own_pss_mib']:.0f} MiB;" if "own_pss_mib" in figures else ""
        remarks.append(f"上限 3;{memory}{people:,.0f} 人,每行用时随规模为 {growth:.2f} 倍(1 为线性)")
    if "check_findings" in figures:
        remarks.append(f"上限 3;核查结果 {figures['check_findings']} 项;本系统内存 {figures['own_pss_mib']:.0f} MiB")
    if "import_engine" in figures:
        remarks.append(
            f"只比判断 {figures['ratio_checks']:.2f};含首次载入引擎 {figures['ratio_gate_first']:.2f}"
            f"(载入 GX {figures['import_engine']:.1f} 秒,pandas {figures['import_pandas']:.1f} 秒)"
        )
    if "ratio_worst" in figures:
        remarks.append(_plan_remark(figures))
    if figures.get("sm3_too"):
        remarks.append("本系统同时计算 SM3")
    if "steps_per_second" in figures:
        remarks.append(f"每秒 {figures['steps_per_second']:.2f} 步")
    return ";".join(remarks)


def _plan_remark(figures: Figures) -> str:
    return (
        f"单个方案最大比值 {figures['ratio_worst']:.2f}(上限 1.5),最大间隙 {figures['gap_worst']:.2%}(上限 0.1%);"
        f"解释一个项目 {figures['explain_seconds']:.1f} 秒;"
        f"{figures['large_rows']:,.0f} 个候选项目四个方案共 {figures['large_ours_seconds']:.1f} 秒;"
        f"从数据库读取 {figures['read_seconds']:.1f} 秒({figures['read_statements']} 条语句,每项目用时随规模为 "
        f"{figures['read_growth']:.2f} 倍),提出建议 {figures['propose_seconds']:.1f} 秒"
        f"({figures['propose_growth']:.2f} 倍,1 为线性)"
    )


def main(arguments: list[str]) -> int:
    """Measure, print, write; return the exit code. What cannot be measured here is skipped with a loud line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="性能测量:各项与朴素基线的比值")
    parser.add_argument("--quick", action="store_true", help="小规模冒烟,比值意义不大")
    parser.add_argument("--only", choices=list(MEASUREMENTS), help="只测一项")
    parser.add_argument("--out", type=Path, default=OUT, help="JSON 结果文件")
    given = parser.parse_args(arguments)
    sizes = QUICK if given.quick else FULL
    console = Console(width=None if sys.stdout.isatty() else 200)
    found: dict[str, Figures] = {}
    for name in [given.only] if given.only else MEASUREMENTS:
        figures = found[name] = apart(name, sizes, parent=OUT.parent)
        console.print(
            f"{MEASUREMENTS[name].title} …… 完成" + (" 【跳过】" if "skipped" in figures else ""), markup=False
        )
    console.print(table_of(found))
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    report = {"quick": given.quick, "machine": machine, "measurements": found}
    given.out.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", "utf-8")
    console.print(f"结果已写入 {given.out}", markup=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
