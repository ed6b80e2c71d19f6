"""Settings of one installation, from the environment (prefix ``LIFECYCLE_``); built at doors, never global."""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Final, Self

from pydantic import ModelWrapValidatorHandler, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from models.core.errors import Detail, Refusal
from models.core.messages import sentence

_PREFIX: Final = "LIFECYCLE_"
_DATABASES: Final = frozenset({"sqlite", "sqlite+pysqlite", "postgresql+psycopg"})


class SettingsFault(Refusal):
    """The installation is set up wrongly: nothing was tried, its administrator mends it. A usage error at the door."""

    exit_code: ClassVar[int] = 2


def settings_fault(*fields: str) -> SettingsFault:
    """Return the fault that names the variables of these fields and what each must be; values are never shown."""
    details = tuple(Detail(problem=sentence(f"settings.expected.{name}"), field=_variable(name)) for name in fields)
    facts = {
        "variables": "、".join(_variable(name) for name in fields),
        "expected": ";".join(f"{detail.field} {detail.problem}" for detail in details),
    }
    return SettingsFault("settings.invalid", rule="SYS-SETTINGS", facts=facts, details=details)


def _variable(field: str) -> str:
    return f"{_PREFIX}{field.upper()}"


class Mode(StrEnum):
    """A rehearsal is fed with synthetic people and may be driven through time; production is neither."""

    REHEARSAL = "rehearsal"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Where data lives and which servers are used; what is unset falls back to the embedded servers under ``home``."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore")

    home: Path = Path("var")
    mode: Mode = Mode.REHEARSAL
    region: str = "420200"
    database_url: str = ""
    s3_endpoint: str = ""
    s3_access_key: str = ""
    s3_secret_key: SecretStr = SecretStr("")
    s3_region: str = "us-east-1"
    s3_secure: bool = True
    s3_bucket_prefix: str = "lifecycle"
    vault_keys: dict[str, SecretStr] = {}  # key id → 64 hex digits or base64; empty: the key file under ``home``
    vault_active: str = ""
    vault_lookup_key: SecretStr = SecretStr("")
    font_dir: Path | None = None
    signing_key: Path | None = None  # PEM with key and chain; a rehearsal makes a marked test key of its own
    notify_url: SecretStr = SecretStr("")  # Apprise URL with {address}; empty: alerts are kept, nobody is told

    @model_validator(mode="wrap")
    @classmethod
    def _usable(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Refuse what cannot work, before anything is started. Raises ``SettingsFault`` ``settings.invalid``."""
        try:
            settings = handler(values)
        except ValidationError as err:
            raise settings_fault(*dict.fromkeys(str(item["loc"][0]) for item in err.errors())) from None
        if wrong := tuple(settings._wrong()):
            raise settings_fault(*wrong)
        return settings

    def _wrong(self) -> Iterator[str]:
        if not _may_hold_files(self.home):
            yield "home"
        if self.database_url and not _is_database(self.database_url):
            yield "database_url"
        if "/" in self.s3_endpoint:
            yield "s3_endpoint"
        if self.font_dir is not None and not self.font_dir.is_dir():
            yield "font_dir"
        if self.signing_key is not None and not self.signing_key.is_file():
            yield "signing_key"
        if self.mode is Mode.PRODUCTION and self.s3_endpoint:
            keys = {"s3_access_key": self.s3_access_key, "s3_secret_key": self.s3_secret_key.get_secret_value()}
            yield from (name for name, value in keys.items() if not value)

    @property
    def database(self) -> str:
        """The SQLAlchemy URL, by default SQLite under ``home``."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'lifecycle.db'}"


def _may_hold_files(folder: Path) -> bool:
    """Say whether a folder can be made and written to, by its nearest part that exists."""
    try:
        place = folder.resolve()
        while not place.exists():
            place = place.parent
        return place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    except (OSError, RuntimeError):  # a part that may not be looked into, a loop of links
        return False


def _is_database(url: str) -> bool:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        return False
    if parsed.drivername not in _DATABASES:
        return False
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:")
    return not is_file or _may_hold_files(Path(str(parsed.database)).parent)
