"""Settings of one installation, from the environment (prefix ``LIFECYCLE_``); built at doors, never global."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Mode(StrEnum):
    """A rehearsal is fed with synthetic people and may be driven through time; production is neither."""

    REHEARSAL = "rehearsal"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Where data lives and which servers are used; what is unset falls back to the embedded servers under ``home``."""

    model_config = SettingsConfigDict(env_prefix="LIFECYCLE_", frozen=True, extra="ignore")

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
    font_dir: Path | None = None
    signing_key: Path | None = None  # PEM with key and chain; a rehearsal makes a marked test key of its own

    @property
    def database(self) -> str:
        """The SQLAlchemy URL, by default SQLite under ``home``."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'lifecycle.db'}"
