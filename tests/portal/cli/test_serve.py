"""``lifecycle up`` and ``down``: everything starts, answers and is gone afterwards, whatever became of the starter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infra.embedded.prefect_server import EmbeddedPrefect
from infra.embedded.prefect_worker import EmbeddedWorker
from infra.embedded.seaweed import EmbeddedS3
from infra.orchestrator import Deployments
from portal.cli.serve import down

pytestmark = pytest.mark.xdist_group("prefect")

_UP = [sys.executable, "-c", "from portal.cli.main import run; run()", "up"]
_ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home; whatever still runs there afterwards is stopped."""
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    yield tmp_path
    down()


def _working_on(home: Path) -> list[str]:
    """Return the command lines of the processes that have the home in their environment or work in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            about = (process / "environ").read_bytes() + os.readlink(process / "cwd").encode()
            if int(process.name) != os.getpid() and str(home).encode() in about:
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # gone meanwhile, or not ours to look at
    return found


def test_up_starts_everything_and_a_signal_stops_all_of_it(home: Path) -> None:
    prefect = EmbeddedPrefect(home / "prefect")
    with subprocess.Popen(_UP, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as starter:
        try:
            assert starter.stdout is not None
            ready = any("已启动" in line for line in starter.stdout)
            servers = (EmbeddedS3(home / "s3"), prefect, EmbeddedWorker(home / "worker"))
            running = [server.is_running() for server in servers]
            url = prefect.environment()["PREFECT_API_URL"]
            deployed = httpx.post(f"{url}/deployments/filter", json={"limit": 200}, timeout=30).json()
        finally:
            starter.send_signal(signal.SIGTERM)
            starter.communicate(timeout=120)  # a pipe closed under its last words would be the starter's failure

    assert ready
    assert running == [True, True, True]
    assert {item["name"] for item in deployed} == set(Deployments().by_name)
    assert starter.returncode == 0
    assert _working_on(home) == []


def test_down_stops_what_outlived_a_starter_that_was_killed(home: Path) -> None:
    script = """
        import os, pathlib
        from infra.embedded.seaweed import EmbeddedS3
        EmbeddedS3(pathlib.Path(os.environ["LIFECYCLE_HOME"]) / "s3").start()
        os._exit(9)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=_ROOT, check=False, timeout=120)
    outlived = EmbeddedS3(home / "s3").is_running()

    down()

    assert (killed.returncode, outlived) == (9, True)
    assert _working_on(home) == []


def test_down_with_nothing_running_does_nothing(home: Path) -> None:
    down()

    assert _working_on(home) == []
