"""``lifecycle up``: S3, Prefect server, deployments and a worker in one process group, until Ctrl+C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import typer

from infra.bootstrap import open_services
from infra.embedded.prefect_server import EmbeddedPrefect
from infra.embedded.seaweed import EmbeddedS3
from infra.orchestrator import PROJECT_FILE
from infra.settings import Settings
from models.core.messages import sentence
from portal.cli.output import NOT_AS_EXPECTED, console, say_probe

POOL = "lifecycle"


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("up", help="启动本机服务(对象存储、Prefect、全部流程),按 Ctrl+C 停止")(up)
    app.command("down", help="停止仍在运行的本机服务")(down)


def up() -> None:
    """Start everything an installation needs on one machine and deploy all flows of prefect.yaml."""
    settings = Settings()
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, lambda _number, _frame: stop.set())
    with ExitStack() as stack:
        s3 = stack.enter_context(EmbeddedS3(settings.home / "s3"))
        prefect = stack.enter_context(EmbeddedPrefect(settings.home / "prefect"))
        with open_services(settings) as services:  # migrates the database and proves that every server answers
            say_probe(services.documents.probe())
        environment = {
            **os.environ,
            **prefect.environment(),
            "LIFECYCLE_HOME": str(settings.home.resolve()),
            "LIFECYCLE_CODE": str(PROJECT_FILE.parent),
            "PREFECT_WORKER_QUERY_SECONDS": "1",
        }
        deploy(environment)
        log = settings.home / "worker.log"
        worker = stack.enter_context(_worker(environment, log))
        facts = {"url": prefect.environment()["PREFECT_API_URL"].removesuffix("/api"), "s3": s3.settings().endpoint}
        console.print(sentence("up.ready", facts), markup=False)
        while not stop.wait(1.0):
            if worker.poll() is not None:
                console.print(sentence("up.child_died", {"name": "worker", "log": log}), markup=False)
                raise typer.Exit(NOT_AS_EXPECTED)
        console.print(sentence("up.stopping"), markup=False)


def down() -> None:
    """Stop embedded servers that still run for this installation, for example after a kill -9."""
    settings = Settings()
    EmbeddedPrefect(settings.home / "prefect").stop()
    EmbeddedS3(settings.home / "s3").stop()


def deploy(environment: dict[str, str]) -> None:
    """Create the work pool if need be and deploy everything in prefect.yaml. Raises ``CalledProcessError``."""
    for arguments in (
        ["work-pool", "create", POOL, "--type", "process", "--overwrite"],
        ["deploy", "--all", "--prefect-file", str(PROJECT_FILE)],
    ):
        subprocess.run(  # noqa: S603  our own interpreter, fixed arguments
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            cwd=PROJECT_FILE.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=300,
        )


@contextmanager
def _worker(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603  our own interpreter, fixed arguments
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"],
            cwd=PROJECT_FILE.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
