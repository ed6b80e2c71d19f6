"""Files named in arguments: a door stores their bytes untouched and hands the command an address instead of a path."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from models.context import Services
from models.core.errors import Refusal
from models.core.hashing import sha256_hex
from models.core.registry import operations
from models.core.uploads import Upload
from models.ports import Zone

_KNOWN_TYPES = {".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".csv": "text/csv"}


def store_uploads(
    services: Services, *, name: str, arguments: Mapping[str, Any], base: Path, dry_run: bool = False
) -> dict[str, Any]:
    """Return the arguments with every path given for an ``Upload`` argument replaced by the stored upload.

    Raises ``Refusal`` ``case.file_missing`` when there is no such file, ``Transient`` when the store is away.
    """
    fields = operations()[name].arguments.model_fields
    result = dict(arguments)
    for argument, value in arguments.items():
        if isinstance(value, str) and argument in fields and _takes_upload(fields[argument].annotation):
            result[argument] = _store(services, base / value, dry_run=dry_run).model_dump()
    return result


def _takes_upload(annotation: object) -> bool:
    return annotation is Upload or Upload in get_args(annotation)


def _store(services: Services, path: Path, *, dry_run: bool) -> Upload:
    try:
        data = path.read_bytes()
    except OSError as err:
        raise Refusal("case.file_missing", rule="SYS-ARGUMENTS", facts={"name": path.name}) from err
    guessed = mimetypes.guess_type(path.name)[0]
    media_type = _KNOWN_TYPES.get(path.suffix.lower()) or guessed or "application/octet-stream"
    if not dry_run:
        services.documents.put(zone=Zone.INTAKE, data=data, media_type=media_type)
    return Upload(name=path.name, media_type=media_type, sha256=sha256_hex(data), size=len(data))
