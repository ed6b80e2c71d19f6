"""How the bodies that issue papers are called."""

from __future__ import annotations

from datetime import date

import pytest

from models.core.actors import Role
from models.policy.resolver import load_policy_book
from models.rules.bodies import body_name

HUANGSHI = load_policy_book().resolve(region="420200", on=date(2016, 6, 1))


@pytest.mark.parametrize(
    ("role", "name"),
    [
        (Role.CITY_BUREAU, "湖北省黄石市民政局"),
        (Role.FINANCE_BUREAU, "湖北省黄石市财政局"),
        (Role.EXPERT, "湖北省黄石市评审专家"),
        (Role.RECIPIENT, "救助对象"),
    ],
)
def test_a_body_of_the_region_carries_its_name(role: Role, name: str) -> None:
    assert body_name(policy=HUANGSHI, role=role, purchaser="合成社会救助局") == name


def test_a_purchaser_signs_with_its_own_name_once_that_is_known() -> None:
    assert body_name(policy=HUANGSHI, role=Role.PURCHASER, purchaser="合成社会救助局") == "合成社会救助局"
    assert body_name(policy=HUANGSHI, role=Role.PURCHASER) == "购买主体"
