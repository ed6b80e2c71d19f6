"""The failed-tender table (§4-F): bidders × documents lawful or not × another method approved or not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.failed_tender import Way, suppliers_needed, way_on


def policy(region: str = "420200") -> Policy:
    return load_policy_book().resolve(region=region, on=date(2016, 4, 1))


@pytest.mark.parametrize("region", ["420200", "520300", "350503"])
@pytest.mark.parametrize(
    ("counted", "documents_lawful", "approved", "way"),
    [
        (0, True, True, Way.OTHER_METHOD_OR_RETENDER),
        (0, True, False, Way.RETENDER),
        (0, False, True, Way.RETENDER),
        (0, False, False, Way.RETENDER),
        (1, True, True, Way.OTHER_METHOD_OR_RETENDER),
        (1, True, False, Way.RETENDER),
        (1, False, True, Way.RETENDER),
        (1, False, False, Way.RETENDER),
        (2, True, True, Way.NEGOTIATE_WITH_THOSE),
        (2, True, False, Way.RETENDER),
        (2, False, True, Way.RETENDER),
        (2, False, False, Way.RETENDER),
        (3, True, False, Way.EVALUATE),
        (4, False, False, Way.EVALUATE),
    ],
)
def test_each_row_of_the_table_has_one_way(
    region: str, counted: int, documents_lawful: bool, approved: bool, way: Way
) -> None:
    assert (
        way_on(counted=counted, needed=3, documents_lawful=documents_lawful, approved=approved, policy=policy(region))
        is way
    )


@pytest.mark.parametrize(("failed_with", "needed"), [(None, 3), (0, 3), (1, 3), (2, 2)])
def test_two_may_negotiate_only_where_two_came(failed_with: int | None, needed: int) -> None:
    assert suppliers_needed(failed_with=failed_with, policy=policy()) == needed


def test_where_policy_asks_for_no_approval_lawful_documents_are_enough() -> None:
    base = policy()
    free = replace(base, procurement=replace(base.procurement, method_change_needs_approval=False))

    way = way_on(counted=2, needed=3, documents_lawful=True, approved=False, policy=free)

    assert way is Way.NEGOTIATE_WITH_THOSE
