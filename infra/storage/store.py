"""The document store: ``models.ports.DocumentStore`` on any S3 server, through the ``minio`` SDK.

Owns buckets, keys and the proof that the server keeps its promises; knows nothing about welfare. Built once
by ``infra/bootstrap.py``. Must never trust an answer it can check: bytes are hashed on read, sizes compared after a
write, retention read back. Time is the server's own (``Date`` header): retention is counted by its clock, not ours.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

from infra.storage.connection import LockMode, S3Connection, S3Settings
from models.core.errors import DataFault, Detail, Refusal
from models.core.hashing import sha256_hex
from models.core.messages import sentence
from models.ports import StoredObject, StoreProbe, Zone

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_LAST_SECOND = time(23, 59, 59)
_PART_SIZE = 16 * 1024 * 1024  # bytes; larger objects go up in parts
_PROBE_KEY = "probe/lock"
_PROBE_TERM = timedelta(minutes=5)

_MISSING = frozenset({"NoSuchKey", "NoSuchBucket", "NoSuchVersion"})
_TAKEN = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})
# SeaweedFS answers the third for an object without retention, others the first two.
_UNLOCKED = frozenset({"NoSuchObjectLockConfiguration", "InvalidRequest", "ObjectLockConfigurationNotFoundError"})


@dataclass(frozen=True)
class _Held:
    size: int
    media_type: str
    version_id: str | None


@dataclass(frozen=True)
class _Lock:
    mode: str
    until: datetime

    def covers(self, *, mode: LockMode, until: datetime) -> bool:
        return self.until >= until and self.mode in (mode, LockMode.COMPLIANCE)


def object_key(sha256: str) -> str:
    """Return the key ``sha256/ab/cd/<hex>`` of a content address.

    Raises ``Refusal`` code ``storage.bad_digest`` for anything but 64 lower-case hex digits, so no key can ever hold
    ``..``, a backslash or a trailing slash (SeaweedFS silently loses the bytes of a key that ends in a slash).
    """
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise Refusal("storage.bad_digest")
    return f"sha256/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def page_key(path: str) -> str:
    """Return the key ``site/<path>`` of a page of the public site.

    Raises ``Refusal`` code ``storage.bad_path`` for anything but lower-case names with single slashes between them.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*\.[a-z]{2,5}", path):
        raise Refusal("storage.bad_path")
    return f"site/{path}"


class S3DocumentStore:
    """See ``models.ports.DocumentStore`` for the contract. Safe to share between threads, not across a fork."""

    def __init__(self, settings: S3Settings) -> None:
        self._connection = S3Connection(settings)
        self._ask = self._connection.ask
        self._mode = settings.lock_mode
        self._prefix = settings.bucket_prefix
        self._base = f"{'https' if settings.secure else 'http'}://{settings.endpoint}"
        self._ensured: set[Zone] = set()
        self._last_probe: StoreProbe | None = None

    def put(self, *, zone: Zone, data: bytes, media_type: str) -> StoredObject:
        """Store bytes under their content address; when they are there already, nothing is written.

        Raises ``Transient`` (``storage.away``), ``DataFault`` (``storage.refused``, ``storage.incomplete``).
        """
        self._ensure(zone)
        sha256 = sha256_hex(data)
        held = self._stat(zone, object_key(sha256))
        if held is None or held.size != len(data):
            held = self._write(zone, sha256, data, media_type, retention=None)
        return _stored(zone, sha256, held)

    def get(self, *, zone: Zone, sha256: str) -> bytes:
        """Return the bytes, checked. Raises ``DataFault`` (``storage.missing``, ``storage.altered``), ``Transient``."""
        return self._checked(zone, sha256, version_id=None)

    def exists(self, *, zone: Zone, sha256: str) -> bool:
        """Say whether the object is there. Raises ``Transient``, ``DataFault`` (``storage.refused``)."""
        return self._stat(zone, object_key(sha256)) is not None

    def archive(self, *, data: bytes, media_type: str, retain_until: date) -> StoredObject:
        """Store bytes under retention through the end of ``retain_until`` (Asia/Shanghai), then read both back.

        Archived before with a later or equal date: nothing is written; with an earlier one: the retention is extended.
        Raises ``DataFault`` (``storage.lying``, rule ``SYS-STORE-LIES``; ``storage.altered``), ``Refusal``
        (``storage.retention_past``), ``Transient``.
        """
        probe = self._last_probe or self.probe()
        if not probe.honest:
            raise _lying(probe.server, probe.findings)
        until = datetime.combine(retain_until, _LAST_SECOND, _SHANGHAI)
        now = self._server()[1]
        if until <= now:
            facts = {"retain_until": retain_until.isoformat(), "today": now.date().isoformat()}
            raise Refusal("storage.retention_past", facts=facts)
        sha256 = sha256_hex(data)
        held = self._stat(Zone.ARCHIVE, object_key(sha256))
        if held is None or held.size != len(data):
            held = self._write(Zone.ARCHIVE, sha256, data, media_type, retention=until)
        else:
            self._extend(object_key(sha256), held.version_id, until)
        self._checked(Zone.ARCHIVE, sha256, version_id=held.version_id)
        lock = self._lock(object_key(sha256), held.version_id)
        if lock is None or not lock.covers(mode=self._mode, until=until):
            raise _lying(probe.server, ("storage.archive.retention_lost",))
        return _stored(Zone.ARCHIVE, sha256, held)

    def publish(self, *, path: str, data: bytes, media_type: str) -> bool:
        """Put a page under its name in the public bucket; equal bytes are not written again.

        Raises ``Refusal`` (``storage.bad_path``), ``Transient``, ``DataFault`` (``storage.refused``).
        """
        key = page_key(path)
        self._ensure(Zone.PUBLIC)
        if self._read(Zone.PUBLIC, key, None) == data:
            return False
        self._upload(Zone.PUBLIC, key, data, media_type, retention=None)
        return True

    def address(self, *, path: str) -> str:
        """Return the address of a page. Raises ``Refusal`` (``storage.bad_path``)."""
        return f"{self._base}/{self._bucket(Zone.PUBLIC)}/{page_key(path)}"

    def retained_until(self, *, sha256: str) -> date | None:
        """Return the last day that retention covers wholly, ``None`` without retention.

        Raises ``DataFault`` (``storage.missing``), ``Transient``.
        """
        held = self._stat(Zone.ARCHIVE, object_key(sha256))
        if held is None:
            raise DataFault("storage.missing", facts={"zone": Zone.ARCHIVE.value, "sha256": sha256})
        lock = self._lock(object_key(sha256), held.version_id)
        if lock is None:
            return None
        return (lock.until + timedelta(seconds=1)).astimezone(_SHANGHAI).date() - timedelta(days=1)

    def link(self, *, zone: Zone, sha256: str, hours: int) -> str:
        """Return a presigned address that expires. Raises ``DataFault`` (``storage.missing``), ``Transient``."""
        bucket, key = self._bucket(zone), object_key(sha256)
        if self._stat(zone, key) is None:
            raise DataFault("storage.missing", facts={"zone": zone.value, "sha256": sha256})
        lasts = timedelta(hours=hours)
        return str(self._ask(bucket, lambda: self._client.presigned_get_object(bucket, key, expires=lasts)))

    def probe(self) -> StoreProbe:
        """Lock a probe object for minutes, try to delete that version, and report; ``archive`` asks the last report.

        ``findings`` are message codes ``storage.probe.*``. Raises ``Transient``, ``DataFault`` (``storage.refused``).
        """
        self._ensure(Zone.ARCHIVE)
        server, now = self._server()
        findings = self._promises() or self._broken_lock(now + _PROBE_TERM)
        self._last_probe = StoreProbe(not findings, now, server, findings)
        return self._last_probe

    # -- the proof ----------------------------------------------------------------------------------------------

    def _promises(self) -> tuple[str, ...]:
        bucket = self._bucket(Zone.ARCHIVE)
        if self._ask(bucket, lambda: self._client.get_object_lock_config(bucket), tolerate=_UNLOCKED) is None:
            return ("storage.probe.no_object_lock",)
        versioning = self._ask(bucket, lambda: self._client.get_bucket_versioning(bucket))
        return () if versioning and versioning.status == "Enabled" else ("storage.probe.no_versioning",)

    def _broken_lock(self, until: datetime) -> tuple[str, ...]:
        data = f"retention probe until {until.isoformat()}\n".encode()
        try:
            version_id = self._upload(Zone.ARCHIVE, _PROBE_KEY, data, "text/plain", retention=until)
        except DataFault:
            return ("storage.probe.write_refused",)
        findings = []
        lock = self._lock(_PROBE_KEY, version_id) if version_id else None
        if lock is None or not lock.covers(mode=self._mode, until=until - timedelta(seconds=1)):
            findings.append("storage.probe.retention_lost")
        if self._delete_succeeds(_PROBE_KEY, version_id):
            findings.append("storage.probe.deleted")
        if self._read(Zone.ARCHIVE, _PROBE_KEY, version_id) != data:
            findings.append("storage.probe.unreadable")
        return tuple(findings)

    def _delete_succeeds(self, key: str, version_id: str | None) -> bool:
        """Try both ways to delete a version; under COMPLIANCE the bypass must not help either."""
        from minio.deleteobjects import DeleteObject

        bucket = self._bucket(Zone.ARCHIVE)
        bypass = self._mode is LockMode.COMPLIANCE

        def bulk() -> bool:
            targets = [DeleteObject(key, version_id)]
            # The iterator is lazy and yields one error per object that stayed.
            return not list(self._client.remove_objects(bucket, targets, bypass_governance_mode=bypass))

        def single() -> bool:
            self._client.remove_object(bucket, key, version_id=version_id)
            return True

        return any([self._allowed(bucket, single), self._allowed(bucket, bulk)])

    def _allowed(self, bucket: str, request: Callable[[], bool]) -> bool:
        try:
            return bool(self._ask(bucket, request))
        except DataFault:
            return False

    # -- objects ------------------------------------------------------------------------------------------------

    def _write(self, zone: Zone, sha256: str, data: bytes, media_type: str, *, retention: datetime | None) -> _Held:
        """Upload and look again: results of uploads may lack the version id, and a 200 is not a stored object."""
        key = object_key(sha256)
        version_id = self._upload(zone, key, data, media_type, retention=retention)
        held = self._stat(zone, key, version_id)
        if held is None:
            raise DataFault("storage.missing", facts={"zone": zone.value, "sha256": sha256})
        if held.size != len(data):
            facts = {"zone": zone.value, "sha256": sha256, "expected": len(data), "found": held.size}
            raise DataFault("storage.incomplete", facts=facts)
        return held

    def _upload(self, zone: Zone, key: str, data: bytes, media_type: str, *, retention: datetime | None) -> str | None:
        from minio.retention import Retention

        bucket = self._bucket(zone)
        lock = Retention(self._mode.value, retention) if retention else None

        def send() -> Any:
            body = io.BytesIO(data)  # new for every try: a failed one has read from it
            return self._client.put_object(
                bucket,
                key,
                body,
                len(data),
                content_type=media_type,
                retention=lock,
                part_size=_PART_SIZE,
                num_parallel_uploads=1,
            )

        result = self._ask(bucket, send)
        return result.version_id if result else None

    def _stat(self, zone: Zone, key: str, version_id: str | None = None) -> _Held | None:
        bucket = self._bucket(zone)
        found = self._ask(
            bucket, lambda: self._client.stat_object(bucket, key, version_id=version_id), tolerate=_MISSING
        )
        return _Held(found.size, found.content_type, found.version_id) if found else None

    def _read(self, zone: Zone, key: str, version_id: str | None) -> bytes | None:
        bucket = self._bucket(zone)

        def fetch() -> bytes:
            response = self._client.get_object(bucket, key, version_id=version_id)
            try:
                return bytes(response.read())
            finally:
                response.close()
                response.release_conn()

        return self._ask(bucket, fetch, tolerate=_MISSING)

    def _checked(self, zone: Zone, sha256: str, *, version_id: str | None) -> bytes:
        data = self._read(zone, object_key(sha256), version_id)
        facts = {"zone": zone.value, "sha256": sha256}
        if data is None:
            raise DataFault("storage.missing", facts=facts)
        if sha256_hex(data) != sha256:
            raise DataFault("storage.altered", facts=facts)
        return data

    def _lock(self, key: str, version_id: str | None) -> _Lock | None:
        """Read retention with our own parser: the SDK's refuses more than six fraction digits of a second."""
        bucket = self._bucket(Zone.ARCHIVE)
        query = {"retention": ""} | ({"versionId": version_id} if version_id else {})
        response = self._ask(
            bucket,
            lambda: self._client._execute("GET", bucket, key, query_params=query),
            tolerate=_UNLOCKED | _MISSING,
        )
        text = response.data.decode() if response else ""
        mode = re.search(r"<Mode>([A-Z]+)</Mode>", text)
        until = re.search(r"<RetainUntilDate>([^<]+)</RetainUntilDate>", text)
        return _Lock(mode[1], datetime.fromisoformat(until[1])) if mode and until else None

    def _extend(self, key: str, version_id: str | None, until: datetime) -> None:
        from minio.retention import Retention

        mode = self._mode
        lock = self._lock(key, version_id)
        if lock and lock.covers(mode=mode, until=until):
            return
        longest = max(until, lock.until) if lock else until
        strictest = LockMode.COMPLIANCE if lock and lock.mode == LockMode.COMPLIANCE else mode
        bucket = self._bucket(Zone.ARCHIVE)
        config = Retention(strictest.value, longest)
        self._ask(bucket, lambda: self._client.set_object_retention(bucket, key, config, version_id=version_id))

    # -- buckets and requests -----------------------------------------------------------------------------------

    def _bucket(self, zone: Zone) -> str:
        return f"{self._prefix}-{zone.value}"

    def _ensure(self, zone: Zone) -> None:
        """Create the bucket when missing and switch versioning on; two processes may do so at once."""
        if zone in self._ensured:
            return
        from minio.versioningconfig import ENABLED, VersioningConfig

        bucket, locked = self._bucket(zone), zone is Zone.ARCHIVE
        if not self._ask(bucket, lambda: self._client.bucket_exists(bucket)):
            self._ask(bucket, lambda: self._client.make_bucket(bucket, object_lock=locked), tolerate=_TAKEN)
        versioning = self._ask(bucket, lambda: self._client.get_bucket_versioning(bucket))
        if versioning is None or versioning.status != ENABLED:
            self._ask(bucket, lambda: self._client.set_bucket_versioning(bucket, VersioningConfig(ENABLED)))
        self._ensured.add(zone)

    @property
    def _client(self) -> Any:
        return self._connection.client

    def _server(self) -> tuple[str, datetime]:
        """Return the server's name and its own time."""
        bucket = self._bucket(Zone.ARCHIVE)
        response = self._ask(bucket, lambda: self._client._execute("HEAD", bucket))
        headers = response.headers if response else {}
        if "Date" not in headers:
            raise self._connection.refused(bucket, "no Date header")
        return headers.get("Server", "S3"), parsedate_to_datetime(headers["Date"]).astimezone(_SHANGHAI)


def _stored(zone: Zone, sha256: str, held: _Held) -> StoredObject:
    return StoredObject(zone, sha256, object_key(sha256), held.size, held.media_type, held.version_id)


def _lying(server: str, findings: tuple[str, ...]) -> DataFault:
    details = tuple(Detail(problem=sentence(code), rule="SYS-STORE-LIES") for code in findings)
    return DataFault("storage.lying", rule="SYS-STORE-LIES", facts={"server": server}, details=details)
