"""Where seeds of draws come from: the operating system in production, the draw's own id in rehearsal and replay.

Built by ``infra.bootstrap``. A secret seed is sealed by the caller until it is revealed; never log one.
"""

from __future__ import annotations

import secrets
from typing import Final

from models.core.hashing import sha256_hex

_BYTES: Final = 32


class SecretSeeds:
    """Seeds nobody can foresee."""

    def seed(self, *, draw_id: str) -> str:
        """Return 64 random hex digits; the id of the draw plays no part."""
        return secrets.token_hex(_BYTES)


class DerivedSeeds:
    """Seeds that a replay makes again: anybody can foresee them, so they serve rehearsals only."""

    def seed(self, *, draw_id: str) -> str:
        """Return 64 hex digits derived from the id of the draw."""
        return sha256_hex(f"rehearsal draw {draw_id}".encode())
