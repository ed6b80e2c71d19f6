"""Personal data at rest: ``models.ports.Vault`` with AES-256-GCM, and the key file of a development installation.

Built once by ``infra/bootstrap.py``. A sealed value names its key, so keys rotate one record at a time. Must never log,
print or default a key, and never write a new key file over an old one: that would lose every sealed record.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.private_files import create_private, read_private, replace_private
from models.core.errors import DataFault, Refusal
from models.core.messages import sentence

_KEY_BYTES = 32
_NONCE_BYTES = 12
_NUMBERED = re.compile(r"([0-9]{1,9})$")


class AesGcmVault:
    """See ``models.ports.Vault``. A sealed text is ``<key id>:<base64 of nonce + ciphertext + tag>``.

    ``keys`` are 32 bytes each, by id; new values are sealed with ``active``. ``lookup_key`` never rotates by itself:
    every stored lookup hash hangs on it.
    """

    def __init__(self, *, keys: Mapping[str, bytes], active: str, lookup_key: bytes) -> None:
        for key_id, key in {**keys, "lookup": lookup_key}.items():
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", key_id):
                raise _bad_key(key_id[:32], sentence("vault.reason.key_id"))
            if len(key) != _KEY_BYTES:
                facts = {"wanted": _KEY_BYTES, "found": len(key)}
                raise _bad_key(key_id, sentence("vault.reason.length", facts))
        if active not in keys:
            raise _bad_key(active, sentence("vault.reason.active"))
        if lookup_key in keys.values():
            raise _bad_key("lookup", sentence("vault.reason.lookup"))
        self._active = active
        self._lookup_key = lookup_key
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}

    @classmethod
    def from_text(cls, *, keys: Mapping[str, str], active: str, lookup_key: str) -> AesGcmVault:
        """Build it from keys written as 64 hex digits or base64. Raises ``Refusal`` code ``vault.bad_key``."""
        decoded = {key_id: _decoded(key_id, text) for key_id, text in keys.items()}
        return cls(keys=decoded, active=active, lookup_key=_decoded("lookup", lookup_key))

    def seal(self, text: str) -> str:
        """Encrypt under the active key; sealing the same text twice gives two different values."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        body = self._ciphers[self._active].encrypt(nonce, text.encode(), self._active.encode())
        return f"{self._active}:{base64.b64encode(nonce + body).decode()}"

    def seal_many(self, texts: Sequence[str]) -> list[str]:
        """Encrypt a column of texts as ``seal`` does each of them; one call for the random bytes of all nonces."""
        key, encrypt, name = self._active, self._ciphers[self._active].encrypt, self._active.encode()
        nonces = secrets.token_bytes(_NONCE_BYTES * len(texts))
        sealed = []
        for place, text in enumerate(texts):
            nonce = nonces[_NONCE_BYTES * place : _NONCE_BYTES * (place + 1)]
            sealed.append(
                f"{key}:{binascii.b2a_base64(nonce + encrypt(nonce, text.encode(), name), newline=False).decode()}"
            )
        return sealed

    @property
    def active(self) -> str:
        """The id of the key new values are sealed with."""
        return self._active

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of every key of the ring, old ones included."""
        return tuple(sorted(self._ciphers))

    def open(self, sealed: str) -> str:
        """Return the clear text. Raises ``DataFault`` code ``vault.unreadable`` for an unknown key or altered text."""
        key_id, _, encoded = sealed.partition(":")
        unreadable = DataFault("vault.unreadable", facts={"key": key_id if key_id in self._ciphers else "?"})
        if key_id not in self._ciphers:
            raise unreadable
        try:
            body = base64.b64decode(encoded, validate=True)
            clear = self._ciphers[key_id].decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], key_id.encode())
        except (binascii.Error, InvalidTag, ValueError) as err:
            raise unreadable from err
        return clear.decode()

    def lookup(self, text: str) -> str:
        """Return HMAC-SHA256 (64 hex digits) of the text as it is; callers normalise before asking."""
        return hmac.digest(self._lookup_key, text.encode(), "sha256").hex()

    def reseal(self, sealed: str) -> str:
        """Return the value under the active key, unchanged when it already is. Raises ``vault.unreadable``.

        For key rotation: walk the records, store what this returns, then retire the old key.
        """
        if sealed.startswith(f"{self._active}:"):
            return sealed
        return self.seal(self.open(sealed))


def load_or_create_keys(path: Path) -> AesGcmVault:
    """Return the vault over the key file of a development installation, made on first use (mode 0600).

    Raises ``Refusal`` (``vault.exposed_file``, ``vault.bad_key``).
    """
    fresh = {"keys": {"dev1": secrets.token_hex(_KEY_BYTES)}, "active": "dev1"}
    fresh["lookup_key"] = secrets.token_hex(_KEY_BYTES)
    create_private(path, json.dumps(fresh, indent=1).encode())
    try:
        stored = json.loads(read_private(path))
        return AesGcmVault.from_text(keys=stored["keys"], active=stored["active"], lookup_key=stored["lookup_key"])
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise _bad_key(path.name, sentence("vault.reason.file")) from err


def add_key(path: Path) -> str:
    """Put a fresh key into the ring of the key file, make it the active one and return its id; old keys stay.

    The file is replaced in one step: a crash leaves the old ring or the new one, never half of either. Raises
    ``Refusal`` (``vault.exposed_file``, ``vault.bad_key``).
    """
    load_or_create_keys(path)
    stored = json.loads(read_private(path))
    number = 1 + max((int(match[1]) for key in stored["keys"] if (match := _NUMBERED.search(key))), default=0)
    key_id = f"key{number}"
    ring = stored | {"keys": stored["keys"] | {key_id: secrets.token_hex(_KEY_BYTES)}, "active": key_id}
    replace_private(path, json.dumps(ring, indent=1).encode())
    return key_id


def _decoded(key_id: str, text: str) -> bytes:
    try:
        if re.fullmatch(r"[0-9A-Fa-f]{64}", text):
            return bytes.fromhex(text)
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as err:
        raise _bad_key(key_id, sentence("vault.reason.encoding")) from err


def _bad_key(key_id: str, reason: str) -> Refusal:
    return Refusal("vault.bad_key", facts={"key": key_id, "reason": reason})
