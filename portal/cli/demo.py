"""``lifecycle demo``: the shipped Huangshi case through real Prefect flow runs, down to a verified archive bundle."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import zipfile
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.rule import Rule

from infra.bundle_check import check_bundle
from infra.measure import PeakMemory
from infra.settings import Settings
from models.context import Services
from models.core.messages import sentence
from portal.cli.archive import show, stored_packages, write_package
from portal.cli.output import NOT_AS_EXPECTED, USAGE, console, say_error, say_probe
from portal.cli.replay import load_case, opened, print_step, print_summary
from portal.replay.case import Case
from portal.replay.runner import StepReport, play

CASE: Final = "huangshi-2016.yaml"


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("demo", help="演练:黄石案例从需求摸底到可独立核验的档案包")(demo)


def demo(
    to: Annotated[Path | None, typer.Option("--to", help="成果存放的文件夹,默认为数据目录下的 demo")] = None,
) -> None:
    """Play the shipped case through real flow runs, export its bundle and report, and verify the bundle."""
    started = time.monotonic()
    case = load_case(Path(str(resources.files("portal") / "cases" / CASE)))
    if to is not None and to.exists() and not (to.is_dir() and not any(to.iterdir())):
        say_error(sentence("demo.not_empty", {"path": to}), json_wanted=False)
        raise typer.Exit(USAGE)
    target = to or Settings().home / "demo"
    console.print(sentence("demo.title", {"title": case.title}), style="bold", markup=False)
    console.print(sentence("demo.synthetic"), markup=False)
    console.print(sentence("demo.starting"), markup=False)
    with PeakMemory(os.getpid()) as memory, opened(case, recorded=True, watch=memory.watch) as (services, launcher, _):
        console.print(sentence("demo.started", {"seconds": round(time.monotonic() - started, 1)}), markup=False)
        say_probe(services.documents.probe())
        report = play(case, services=services, launcher=launcher, on_step=_Progress().show)
        console.print(Rule())
        print_summary(report)
        if not report.ok:
            raise typer.Exit(NOT_AS_EXPECTED)
        if to is None:
            shutil.rmtree(target, ignore_errors=True)
        bundle, bundle_id = _export(services, case, target)
    intact = _verify(bundle, bundle_id)
    seconds = round(time.monotonic() - started, 1)
    console.print(sentence("demo.measured", {"seconds": seconds, "mib": round(memory.mib)}), markup=False)
    if not intact:
        raise typer.Exit(NOT_AS_EXPECTED)


class _Progress:
    """Prints a heading when the story enters another stage, then the step."""

    def __init__(self) -> None:
        self._stage = ""

    def show(self, step: StepReport) -> None:
        stage = step.name.split(".", 1)[0] if step.verb == "do" else self._stage
        if stage != self._stage:
            self._stage = stage
            console.print(Rule(sentence(f"stage.{stage}"), align="left"))
        print_step(step)


def _export(services: Services, case: Case, target: Path) -> tuple[Path, str]:
    on = case.steps[-1].on
    package = stored_packages(services, on=on)[-1]
    bundle = write_package(services, package, to=target)
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(target)
        report = next(name for name in archive.namelist() if "项目全过程报告" in name and name.endswith(".pdf"))
    console.print(sentence("demo.bundle", {"path": bundle}), markup=False)
    console.print(sentence("demo.report", {"path": target / report}), markup=False)
    return bundle, package.bundle_id


def _verify(bundle: Path, bundle_id: str) -> bool:
    check = check_bundle(bundle, expected_id=bundle_id)
    console.print(sentence("demo.verifying", {"path": bundle}), markup=False)
    show(check, as_json=False)
    folder = bundle.with_suffix("")
    script = folder / "metadata" / "验真.sh"
    command = ["/bin/sh", str(script.resolve()), bundle_id]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  our own script
    console.print(sentence("demo.script", {"path": script}), markup=False)
    console.print(done.stdout + done.stderr, markup=False)
    return check.ok and done.returncode == 0
