"""Who answers for a recipient (ZY-28): a living team, the street office while it is asked to, or another unit."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.rules.succession import (
    GONE,
    INTERIM,
    REFERRED,
    TEAM,
    check_all_taken,
    check_declined,
    check_named,
    check_takeover,
    check_team,
    has_owner,
)

ZUNYI = load_policy_book().resolve(region="520300", on=date(2027, 4, 1))
BEIJING = load_policy_book().resolve(region="110000", on=date(2027, 4, 1))


@pytest.mark.parametrize(
    ("kind", "teams", "cared_for", "owned"),
    [
        (None, {"con-1"}, False, True),
        (None, {"con-0", "con-1"}, False, True),
        (None, {"con-0"}, False, False),
        (None, set(), True, False),
        (TEAM, {"con-1"}, False, True),
        (TEAM, {"con-0"}, True, False),
        (INTERIM, {"con-0"}, True, True),
        (INTERIM, {"con-0"}, False, False),
        (REFERRED, {"con-0"}, False, True),
        (GONE, {"con-0"}, False, True),
    ],
)
def test_an_owner_is_a_living_team_an_office_that_is_asked_to_or_another_unit(
    kind: str | None, teams: set[str], cared_for: bool, owned: bool
) -> None:
    assert has_owner(kind=kind, teams=teams, alive={"con-1"}, cared_for=cared_for) is owned


def test_people_who_wait_are_taken_by_name_and_hold_up_completion() -> None:
    check_team(running=("con-1",), named="", policy=ZUNYI)
    check_team(running=("con-1", "con-2"), named="con-2", policy=ZUNYI)
    check_takeover(unknown=0, persons=2, policy=ZUNYI)
    check_all_taken(waiting=0, policy=ZUNYI)
    check_named(whole=True, named=2, policy=ZUNYI)
    check_named(whole=False, named=0, policy=ZUNYI)

    for policy, rule in ((ZUNYI, "ZY-28"), (BEIJING, "SYS-NO-RECIPIENT-LEFT")):
        cases: tuple[tuple[str, Any, dict[str, Any]], ...] = (
            ("delivery.no_team", check_team, {"running": (), "named": ""}),
            ("delivery.no_team", check_team, {"running": ("con-1", "con-2"), "named": ""}),
            ("delivery.no_team", check_team, {"running": ("con-1",), "named": "con-0"}),
            ("delivery.not_waiting", check_takeover, {"unknown": 1, "persons": 2}),
            ("delivery.nobody_waiting", check_takeover, {"unknown": 0, "persons": 0}),
            ("delivery.people_waiting", check_all_taken, {"waiting": 1}),
            ("delivery.handover_unnamed", check_named, {"whole": True, "named": 0}),
        )
        for code, check, given in cases:
            with pytest.raises(Refusal) as refused:
                check(**given, policy=policy)
            assert (refused.value.code, refused.value.rule) == (code, rule)


def test_who_declines_signs_so() -> None:
    check_declined(cause="declined", signed=True)
    check_declined(cause="deceased", signed=False)
    with pytest.raises(Refusal) as refused:
        check_declined(cause="declined", signed=False)
    assert refused.value.rule == "SYS-END-SERVICE"
