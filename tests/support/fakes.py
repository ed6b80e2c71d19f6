"""Fakes of ports we do not own, proven by the same contract tests as the real adapters."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from infra.storage import object_key, page_key
from models.core.errors import DataFault, Refusal, Transient
from models.core.hashing import sha256_hex
from models.ports import StoredObject, StoreProbe, Zone

# Before every date a case drives, so that no retention of a rehearsal lies in the past.
LONG_AGO = datetime(2000, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))


@dataclass
class MemoryDocumentStore:
    """``DocumentStore`` in memory. Set ``away`` and every call is ``Transient``; set ``lying`` and probes find it out.

    ``now`` is the server's clock; ``writes`` counts objects really written.
    """

    now: datetime = LONG_AGO
    away: bool = False
    lying: bool = False
    writes: int = 0
    _objects: dict[tuple[Zone, str], tuple[bytes, str, str]] = field(default_factory=dict)
    _retained: dict[str, date] = field(default_factory=dict)
    pages: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    _last_probe: StoreProbe | None = None

    def put(self, *, zone: Zone, data: bytes, media_type: str) -> StoredObject:
        self._answer()
        sha256 = sha256_hex(data)
        held = self._objects.get((zone, sha256))
        if held is None or len(held[0]) != len(data):
            self.writes += 1
            held = self._objects[zone, sha256] = (data, media_type, f"v{self.writes}")
        return StoredObject(zone, sha256, object_key(sha256), len(data), held[1], held[2])

    def get(self, *, zone: Zone, sha256: str) -> bytes:
        self._answer()
        object_key(sha256)
        facts = {"zone": zone.value, "sha256": sha256}
        if (zone, sha256) not in self._objects:
            raise DataFault("storage.missing", facts=facts)
        data = self._objects[zone, sha256][0]
        if sha256_hex(data) != sha256:
            raise DataFault("storage.altered", facts=facts)
        return data

    def exists(self, *, zone: Zone, sha256: str) -> bool:
        self._answer()
        object_key(sha256)
        return (zone, sha256) in self._objects

    def archive(self, *, data: bytes, media_type: str, retain_until: date) -> StoredObject:
        self._answer()
        if not (self._last_probe or self.probe()).honest:
            raise DataFault("storage.lying", rule="SYS-STORE-LIES", facts={"server": "memory"})
        if retain_until < self.now.date():
            facts = {"retain_until": retain_until.isoformat(), "today": self.now.date().isoformat()}
            raise Refusal("storage.retention_past", facts=facts)
        stored = self.put(zone=Zone.ARCHIVE, data=data, media_type=media_type)
        self.get(zone=Zone.ARCHIVE, sha256=stored.sha256)
        self._retained[stored.sha256] = max(retain_until, self._retained.get(stored.sha256, retain_until))
        return stored

    def publish(self, *, path: str, data: bytes, media_type: str) -> bool:
        self._answer()
        key = page_key(path)
        changed = self.pages.get(key) != (data, media_type)
        self.pages[key] = (data, media_type)
        return changed

    def address(self, *, path: str) -> str:
        return f"memory://public/{page_key(path)}"

    def link(self, *, zone: Zone, sha256: str, hours: int) -> str:
        if not self.exists(zone=zone, sha256=sha256):
            raise DataFault("storage.missing", facts={"zone": zone.value, "sha256": sha256})
        return f"memory://{zone.value}/{object_key(sha256)}?X-Amz-Expires={hours * 3600}"

    def retained_until(self, *, sha256: str) -> date | None:
        self._answer()
        if not self.exists(zone=Zone.ARCHIVE, sha256=sha256):
            raise DataFault("storage.missing", facts={"zone": Zone.ARCHIVE.value, "sha256": sha256})
        return self._retained.get(sha256)

    def probe(self) -> StoreProbe:
        self._answer()
        findings = ("storage.probe.deleted",) if self.lying else ()
        self._last_probe = StoreProbe(not findings, self.now, "memory", findings)
        return self._last_probe

    def overwrite(self, *, zone: Zone, sha256: str, data: bytes) -> None:
        """Put other bytes under an address, as somebody with the server's password could."""
        _, media_type, version = self._objects[zone, sha256]
        self._objects[zone, sha256] = (data, media_type, version)

    def _answer(self) -> None:
        if self.away:
            raise Transient("storage.away", facts={"endpoint": "memory"})
