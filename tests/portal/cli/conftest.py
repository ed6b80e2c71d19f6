"""The command line as its entry point runs it, in this process, on an installation of the test's own."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.embedded.seaweed import EmbeddedS3
from portal.cli.main import run


@dataclass(frozen=True)
class Said:
    """What one call of ``lifecycle`` left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document it must be."""
        return json.loads(self.out)


Lifecycle = Callable[..., Said]


@dataclass(frozen=True)
class Installation:
    """The folder an installation lives in."""

    home: Path

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read its database directly, as an auditor with a copy would."""
        with closing(sqlite3.connect(self.home / "lifecycle.db")) as connection:
            return connection.execute(sql).fetchall()

    def counts(self) -> dict[str, int]:
        """Count the rows of every table."""
        tables = [name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {name: self.rows(f'SELECT count(*) FROM "{name}"')[0][0] for name in tables}  # noqa: S608  own names


@pytest.fixture
def installation(tmp_path: Path, s3: EmbeddedS3, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """A fresh installation whose store is a running server."""
    store = s3.settings(bucket_prefix="cli")
    home = tmp_path / "home"
    environment = {
        "LIFECYCLE_HOME": str(home),
        "LIFECYCLE_MODE": "rehearsal",
        "LIFECYCLE_REGION": "420200",
        "LIFECYCLE_S3_ENDPOINT": store.endpoint,
        "LIFECYCLE_S3_ACCESS_KEY": store.access_key,
        "LIFECYCLE_S3_SECRET_KEY": store.secret_key,
        "LIFECYCLE_S3_SECURE": "false",
        "LIFECYCLE_S3_BUCKET_PREFIX": "cli",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Installation(home)


@pytest.fixture
def lifecycle(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lifecycle:
    """Call ``lifecycle`` with arguments through its entry point."""
    for name in ("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "DO_NOT_TRACK", "PREFECT_LOGGING_LEVEL"):
        monkeypatch.setenv(name, {"PREFECT_LOGGING_LEVEL": "WARNING", "DO_NOT_TRACK": "1"}.get(name, "false"))

    def call(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["lifecycle", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            run()
        said = capsys.readouterr()
        return Said(int(leaving.value.code or 0), said.out, said.err)

    return call
