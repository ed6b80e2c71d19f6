"""Derived ids are stable, distinct and refuse ambiguous parts."""

from __future__ import annotations

import hashlib

import pytest
from pydantic import TypeAdapter

from models.core.ids import ProjectId, derive_id


def test_derived_ids_are_the_first_twenty_hex_digits_of_the_joined_parts() -> None:
    expected = hashlib.sha256(b"huangshi-2016\x1f1").hexdigest()[:20]
    assert derive_id("project", "huangshi-2016", "1") == f"project-{expected}"


def test_parts_are_kept_apart() -> None:
    ids = {derive_id("x", "ab", "c"), derive_id("x", "a", "bc"), derive_id("x", "abc"), derive_id("y", "abc")}
    assert len(ids) == 4


@pytest.mark.parametrize(
    ("prefix", "parts"), [("project", ()), ("project", ("a\x1fb",)), ("", ("a",)), ("Project", ("a",)), ("a-b", ("a",))]
)
def test_ambiguous_ids_are_refused(prefix: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"prefix|part"):
        derive_id(prefix, *parts)


def test_typed_ids_are_plain_text_to_pydantic() -> None:
    assert TypeAdapter(ProjectId).validate_json('"project-1"') == ProjectId("project-1")
    assert TypeAdapter(ProjectId).json_schema()["type"] == "string"
