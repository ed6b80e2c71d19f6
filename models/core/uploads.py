"""A file handed in by a user, already stored in the intake bucket: what a command receives instead of bytes.

Doors (CLI, replay, web) accept a path or a form file for an argument of this type, store the bytes untouched, and pass
the address on. A command reads the bytes through the document store.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Upload(BaseModel):
    """Address of an uploaded file: display name, media type, SHA-256 of the bytes, size in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"format": "upload"})

    name: str = Field(max_length=200)
    media_type: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)
