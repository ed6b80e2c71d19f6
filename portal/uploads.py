"""Files named in arguments: a door stores their bytes untouched and hands the command an address instead of a path.

A rehearsal may also name a made-up file (``{synthetic: needs_ledger, …}``, see ``portal.synthetic``). A dry run holds
its files in memory (``dry``), so that the command can read them and the store keeps nothing.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, get_args, get_origin

from models.commands.door import ask
from models.context import Services
from models.core.actors import Actor, Role
from models.core.errors import Refusal
from models.core.hashing import sha256_hex
from models.core.registry import operations
from models.core.uploads import Upload
from models.ports import DocumentStore, StoredObject, StoreProbe, Zone
from portal.synthetic import MadeFile, make_file

_KNOWN_TYPES = {".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".csv": "text/csv"}


@dataclass(frozen=True)
class DryStore:
    """A document store that keeps in memory what would be stored, and reads through to the real one."""

    behind: DocumentStore
    held: dict[tuple[Zone, str], bytes] = field(default_factory=dict)

    def put(self, *, zone: Zone, data: bytes, media_type: str) -> StoredObject:
        """Hold the bytes for the length of the call."""
        sha256 = sha256_hex(data)
        self.held[zone, sha256] = data
        return StoredObject(zone, sha256, "", len(data), media_type)

    def get(self, *, zone: Zone, sha256: str) -> bytes:
        """Return held bytes, else those of the real store."""
        held = self.held.get((zone, sha256))
        return held if held is not None else self.behind.get(zone=zone, sha256=sha256)

    def exists(self, *, zone: Zone, sha256: str) -> bool:
        """Say whether the bytes are held or stored."""
        return (zone, sha256) in self.held or self.behind.exists(zone=zone, sha256=sha256)

    def archive(self, *, data: bytes, media_type: str, retain_until: date) -> StoredObject:
        """Hold the bytes; nothing is put under retention."""
        return self.put(zone=Zone.ARCHIVE, data=data, media_type=media_type)

    def publish(self, *, path: str, data: bytes, media_type: str) -> bool:
        """Publish nothing; a page would have been put."""
        return True

    def address(self, *, path: str) -> str:
        """Return the address the page would have."""
        return self.behind.address(path=path)

    def retained_until(self, *, sha256: str) -> date | None:
        """Return what the real store says; what is only held has no retention."""
        return None if (Zone.ARCHIVE, sha256) in self.held else self.behind.retained_until(sha256=sha256)

    def link(self, *, zone: Zone, sha256: str, hours: int) -> str:
        """Return what the real store gives for an object it holds."""
        return self.behind.link(zone=zone, sha256=sha256, hours=hours)

    def probe(self) -> StoreProbe:
        """Probe the real store: whether it lies is asked of it alone."""
        return self.behind.probe()


def dry(services: Services) -> Services:
    """Return services for a dry run: the same, but the store keeps nothing."""
    return replace(services, documents=DryStore(services.documents))


def store_uploads(
    services: Services, *, name: str, arguments: Mapping[str, Any], base: Path, as_of: date
) -> dict[str, Any]:
    """Return the arguments with every file given for an ``Upload`` argument replaced by the stored upload.

    Raises ``Refusal`` ``case.file_missing`` when there is no such file, ``Transient`` when the store is away.
    """
    fields = operations()[name].arguments.model_fields
    result = dict(arguments)
    for argument, value in arguments.items():
        annotation = fields[argument].annotation if argument in fields else None
        if _takes_upload(annotation):
            result[argument] = _stored(services, value, base=base, as_of=as_of)
        elif _takes_several(annotation) and isinstance(value, Mapping):
            result[argument] = {name: _stored(services, one, base=base, as_of=as_of) for name, one in value.items()}
    return result


def _stored(services: Services, value: object, *, base: Path, as_of: date) -> object:
    if isinstance(value, str):
        return _store(services, _read(base / value))
    if isinstance(value, Mapping) and "synthetic" in value:
        return _store(services, _make(services, value, as_of=as_of))
    return value


def _takes_upload(annotation: object) -> bool:
    return annotation is Upload or Upload in get_args(annotation)


def _takes_several(annotation: object) -> bool:
    """Say whether an argument is a file for each of several names."""
    return any(get_origin(one) is dict and get_args(one)[1] is Upload for one in (annotation, *get_args(annotation)))


def _read(path: Path) -> MadeFile:
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as err:  # ValueError: no path at all, for example one that holds NUL
        raise Refusal("case.file_missing", rule="SYS-ARGUMENTS", facts={"name": path.name}) from err
    guessed = mimetypes.guess_type(path.name)[0]
    return MadeFile(path.name, _KNOWN_TYPES.get(path.suffix.lower()) or guessed or "application/octet-stream", data)


def _make(services: Services, spec: Mapping[str, Any], *, as_of: date) -> MadeFile:
    if not services.rehearsal:
        raise Refusal("case.synthetic_in_production", rule="SYS-REHEARSAL")
    actor = Actor(Role.SYSTEM, "synthetic")
    return make_file(
        spec,
        ask=lambda query, given: ask(services, name=query, arguments=given, actor=actor, as_of=as_of),
    )


def _store(services: Services, file: MadeFile) -> dict[str, Any]:
    services.documents.put(zone=Zone.INTAKE, data=file.data, media_type=file.media_type)
    size = len(file.data)
    return Upload(name=file.name, media_type=file.media_type, sha256=sha256_hex(file.data), size=size).model_dump()
