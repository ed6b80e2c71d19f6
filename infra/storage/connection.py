"""The connection to an S3 server: settings, the ``minio`` client, retries, and what an answer means.

Used only by ``infra.storage.store``. Turns "the server is away" into ``Transient`` after a few short pauses, and any
other refusal into a ``DataFault``. Must never hide an answer: only codes the caller names become ``None``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar

from models.core.errors import DataFault, Refusal, Transient
from models.core.messages import sentence

_T = TypeVar("_T")
_BUSY = frozenset({"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout"})


class LockMode(StrEnum):
    """Object lock modes. ``COMPLIANCE`` binds everybody; ``GOVERNANCE`` can be lifted by a privileged account."""

    GOVERNANCE = "GOVERNANCE"
    COMPLIANCE = "COMPLIANCE"


@dataclass(frozen=True, kw_only=True)
class S3Settings:
    """Where the server is and how to talk to it. ``endpoint`` is ``host:port``; times are seconds.

    A request is tried once, then again after each of ``retry_pauses``; then it is ``Transient``.
    """

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    secure: bool = True
    region: str = "us-east-1"
    bucket_prefix: str = "lifecycle"
    lock_mode: LockMode = LockMode.COMPLIANCE
    connect_timeout: float = 3.0
    read_timeout: float = 60.0
    retry_pauses: tuple[float, ...] = (0.2, 0.6, 1.5)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,40}[a-z0-9]", self.bucket_prefix):
            facts = {"name": "bucket_prefix", "reason": sentence("storage.reason.bucket_prefix")}
            raise Refusal("storage.bad_settings", facts=facts)
        if "/" in self.endpoint:
            facts = {"name": "endpoint", "reason": sentence("storage.reason.endpoint")}
            raise Refusal("storage.bad_settings", facts=facts)


class S3Connection:
    """One account on one server. Safe to share between threads, not across a fork."""

    def __init__(self, settings: S3Settings) -> None:
        self.settings = settings

    @cached_property
    def client(self) -> Any:
        """The SDK client, built on first use; one try and one timeout per request, ``ask`` does the rest."""
        import urllib3
        from minio import Minio

        timeout = urllib3.Timeout(connect=self.settings.connect_timeout, read=self.settings.read_timeout)
        return Minio(
            self.settings.endpoint,
            self.settings.access_key,
            self.settings.secret_key,
            secure=self.settings.secure,
            region=self.settings.region,  # without it a least-privilege account fails on its first read
            http_client=urllib3.PoolManager(timeout=timeout, retries=False, maxsize=8, cert_reqs="CERT_REQUIRED"),
        )

    def ask(self, bucket: str, request: Callable[[], _T], *, tolerate: frozenset[str] = frozenset()) -> _T | None:
        """Run one request, again while the server is away; ``None`` when it answers one of the ``tolerate`` codes."""
        from minio.error import MinioException
        from urllib3.exceptions import HTTPError

        for pause in (*self.settings.retry_pauses, None):
            try:
                return request()
            except (MinioException, HTTPError, OSError) as err:
                reason = getattr(err, "code", type(err).__name__)
                if reason in tolerate:
                    return None
                if not _is_away(err):
                    raise self.refused(bucket, reason) from err
                if pause is None:
                    raise Transient("storage.away", facts={"endpoint": self.settings.endpoint}) from err
            time.sleep(pause)
        raise AssertionError("unreachable: the last try returns or raises")

    def refused(self, bucket: str, reason: str) -> DataFault:
        """Return the fault of a server that answers but will not do it (account, rights, certificate, clock)."""
        facts = {"endpoint": self.settings.endpoint, "bucket": bucket, "reason": reason}
        return DataFault("storage.refused", facts=facts)


def _is_away(err: Exception) -> bool:
    from minio.error import InvalidResponseError, S3Error, ServerError
    from urllib3.exceptions import SSLError

    match err:
        case S3Error():
            return err.code in _BUSY or err.response.status >= 500
        case ServerError():
            return int(err.status_code) >= 500
        case InvalidResponseError():
            return int(err._code) >= 500
        case SSLError():
            return False
        case _:
            return True
