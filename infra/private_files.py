"""Files that hold keys: created once, for the owner only (mode 0600).

Called by the vault, the signer and the embedded servers. Never overwrites an existing key: losing one loses data.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from models.core.errors import Refusal

_OTHERS = 0o077


def create_private(path: Path, data: bytes) -> bool:
    """Write ``data`` to a new file of mode 0600; leave an existing file alone and return ``False``.

    The file appears complete or not at all, so two processes that start together agree on one key.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _draft(path, data)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def replace_private(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` with mode 0600, replacing what was there in one step."""
    _draft(path, data).replace(path)


def read_private(path: Path) -> bytes:
    """Return the file's bytes. Raises ``Refusal`` code ``vault.exposed_file`` when others may read or write it."""
    if path.stat().st_mode & _OTHERS:
        raise Refusal("vault.exposed_file", facts={"file": path.name})
    return path.read_bytes()


def _draft(path: Path, data: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(descriptor)
    return draft
