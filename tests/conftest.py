"""Fixtures shared by all tests: real servers once per session (one per xdist worker), fakes once per test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.embedded.seaweed import EmbeddedS3
from tests.support.fakes import MemoryDocumentStore
from tests.support.postgres import PostgresMissingError, throwaway_postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of a throwaway PostgreSQL server; see ``tests.support.postgres.fresh_database`` for a clean database."""
    try:
        with throwaway_postgres() as url:
            yield url
    except PostgresMissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedS3]:
    """A real S3 server on loopback; give each test its own ``bucket_prefix``."""
    with EmbeddedS3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def fake_store() -> MemoryDocumentStore:
    """A document store in memory with switchable failures."""
    return MemoryDocumentStore()
