"""``lifecycle rules``: the whole register, what the filters leave of it, and a filter nobody knows."""

from __future__ import annotations

import pytest

from models.rules.register import STAGES, regions, register
from tests.portal.cli.conftest import Lifecycle

pytestmark = pytest.mark.xdist_group("cli")

PROMISED = {"id", "region", "stage", "strength", "kind", "status", "held_by", "case", "reason"}


def test_all_370_rules_are_listed_with_every_promised_key(lifecycle: Lifecycle) -> None:
    listed = lifecycle("rules", "--json").json

    assert [rule["id"] for rule in listed] == [entry.id for entry in register()]
    assert len(listed) == 370
    assert all(rule.keys() >= PROMISED and all(isinstance(value, str) for value in rule.values()) for rule in listed)


def test_filters_leave_what_fits_all_of_them(lifecycle: Lifecycle) -> None:
    listed = lifecycle("rules", "--region", "520300", "--stage", "decision", "--status", "in_force", "--json").json

    assert {(rule["region"], rule["stage"], rule["status"]) for rule in listed} == {("520300", "decision", "in_force")}
    (gate,) = (rule for rule in listed if rule["id"] == "ZY-69")
    assert (gate["strength"], gate["kind"], gate["held_by"]) == ("M", "gate", "decision.decide、decision.modify")
    assert gate["case"].startswith("tests/")
    assert gate["case_refused"].startswith("portal/cases/")


def test_the_table_is_chinese_and_ends_with_the_count(lifecycle: Lifecycle) -> None:
    shown = lifecycle("rules", "--region", "110000", "--status", "not_applicable")

    assert shown.code == 0
    assert "BJ-61" in shown.out
    assert "不适用" in shown.out
    assert "共 1 条:现行 0 条,待实现 0 条,不适用 1 条。" in shown.out


@pytest.mark.parametrize(
    ("option", "known"),
    [("--region", regions()), ("--stage", STAGES), ("--status", ("in_force", "later", "not_applicable"))],
)
def test_an_unknown_filter_exits_2_and_names_what_there_is(
    option: str, known: tuple[str, ...], lifecycle: Lifecycle
) -> None:
    shown, told = lifecycle("rules", option, "nowhere"), lifecycle("rules", option, "nowhere", "--json")

    assert (shown.code, told.code, told.json["ok"]) == (2, 2, False)
    assert "nowhere" in shown.err
    assert all(value in shown.err for value in known)
