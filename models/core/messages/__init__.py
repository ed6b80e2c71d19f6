"""The one message catalogue (zh-CN): every sentence a user reads, by code.

One YAML file a stage: ``code: {text: "…{fact}…", way_out: "…"}`` for faults, ``code: "…"`` for plain labels.
Used by faults (``models.core.errors``), by doors and by reports; holds no logic. A missing code or a missing fact is
a bug and raises ``KeyError``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, cast

import yaml


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return the whole catalogue: code → {text, way_out}. Raises ``ValueError`` on a code defined twice."""
    merged: dict[str, dict[str, str]] = {}
    files = sorted(
        (entry for entry in resources.files(__package__).iterdir() if entry.name.endswith(".yaml")),
        key=lambda entry: entry.name,
    )
    for entry in files:
        entries = cast(dict[str, Any], yaml.safe_load(entry.read_text("utf-8")) or {})
        for code, value in entries.items():
            if code in merged:
                raise ValueError(f"message code {code} is defined twice (second time in {entry.name})")
            merged[code] = {"text": value} if isinstance(value, str) else value
    return merged


def sentence(code: str, facts: Mapping[str, object] | None = None) -> str:
    """Return the text of ``code`` with its facts filled in. Raises ``KeyError`` for an unknown code or fact."""
    return catalogue()[code]["text"].format_map(dict(facts or {}))


def way_out(code: str, facts: Mapping[str, object] | None = None) -> str:
    """Return the way out of ``code``, empty when the catalogue has none."""
    return catalogue()[code].get("way_out", "").format_map(dict(facts or {}))
