"""Go-live: a production installation starts only when every value no enacted source settles has been confirmed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from infra.bootstrap import open_services
from infra.settings import Mode, Settings
from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.queries.policy import unconfirmed
from tests.support.world import open_world

ON = date(2025, 3, 3)
NEW = ("110000", "350503", "340000")


@pytest.mark.parametrize("region", [*NEW, "420200", "520300"])
def test_production_names_every_value_that_waits(region: str, tmp_path: Path) -> None:
    with pytest.raises(Refusal) as caught, open_services(Settings(home=tmp_path, mode=Mode.PRODUCTION, region=region)):
        pass

    named = {detail.field for detail in caught.value.details}
    assert caught.value.code == "bootstrap.unconfirmed_policy"
    assert named >= {"review.panel_size", "publicity.working_days", "evaluation.grades"}
    assert ("lists.purchase_domains" in named) == (region == "340000")
    assert ("decision.authorities" in named) == (region != "520300")


@pytest.mark.parametrize("region", NEW)
def test_each_confirmation_takes_one_value_off_the_list(region: str, tmp_path: Path) -> None:
    world, book = open_world(tmp_path, region=region), load_policy_book()
    before = {leaf.key: leaf for leaf in unconfirmed(world.services.engine, book, region=region, on=ON)}

    world.do(
        "policy.confirm_value", as_="city_bureau:u-bureau", on=ON, key="review.panel_size", basis="合成〔2025〕1号"
    )
    after = {leaf.key for leaf in unconfirmed(world.services.engine, book, region=region, on=ON)}
    world.services.engine.dispose()

    assert set(before) - after == {"review.panel_size"}


def test_a_value_that_does_not_hold_yet_is_not_asked_for(tmp_path: Path) -> None:
    world, book = open_world(tmp_path), load_policy_book()

    def asked(on: date) -> set[str]:
        return {leaf.key for leaf in unconfirmed(world.services.engine, book, region="cn", on=on)}

    assert "procurement.low_price_average_ratio" not in asked(date(2026, 1, 31))
    assert "procurement.low_price_average_ratio" in asked(date(2026, 2, 1))
    world.services.engine.dispose()
