"""What results lead to, on a database: effects on record, the agreed allocation, the next batch that follows it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from models.tables.acceptance import AcceptanceConclusion, SelfCheck
from models.tables.incentive import EvaluationEffect
from models.tables.kernel import Document
from models.tables.library import Placement
from models.tables.procurement import Organisation
from models.tables.purchasing import CreditRating
from tests.models.commands.test_plan_proposal import budgeted, propose
from tests.support.world import World, copy_world, open_world
from tests.support.zunyi import COUNTIES, OFFICE, minutes, registered

DAY = date(2025, 4, 1)
BATCH: dict[str, Any] = {"quarter": "2025Q2", "batch": 1}
BOTH = ("reserve_target", "good_management")
PARTIES = [
    {"role": "city_bureau", "name": "合成市民政局"},
    {"role": "drc", "name": "合成市发展改革委"},
    {"role": "donor", "name": "合成爱心企业"},
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two counties with a project each; the first one's earlier project was not accepted."""
    world = open_world(tmp_path_factory.mktemp("incentive"), region="520300")
    registered(world, on=DAY)
    for name, county in (("prj-a", COUNTIES[0]), ("prj-b", COUNTIES[1])):
        budgeted(world, name, "300")
        _placed(world, name, county)
    _graded(world, "prj-a", "unqualified")
    return world


@pytest.fixture
def world(base: World, tmp_path: Path) -> Iterator[World]:
    made = copy_world(base, tmp_path)
    yield made
    made.services.engine.dispose()


def _insert(world: World, *rows: Any) -> None:
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        for row in rows:
            session.add(row)
            session.flush()
        session.commit()


def _placed(world: World, project: str, county: str) -> None:
    row = Placement(id=f"plc-{project}", project_id=project, ordinal=1, unit_code=county, from_on=date(2024, 9, 2))
    _insert(world, row)


def _graded(world: World, project: str, grade: str) -> None:
    """An earlier conclusion (合成), so that a next batch has something to cite."""
    check = SelfCheck(
        id=f"slf-{project}",
        project_id=project,
        round=1,
        indicators=[],
        instruments={},
        attached={},
        document_id="doc-made-up",
        spent_fen=0,
        submitted_on=date(2025, 1, 6),
        days_late=0,
    )
    end = AcceptanceConclusion(
        id=f"acc-{project}",
        project_id=project,
        round=1,
        self_check_id=check.id,
        outcome="not_accepted",
        purchaser_scores={},
        recipient_scores={},
        party_scores={},
        total="50.00",
        grade=grade,
        pay_ratio="0",
        asked=10,
        satisfied=2,
        served=10,
        concluded_on=date(2025, 1, 20),
        policy_digest="",
        document_id="doc-made-up",
    )
    _insert(world, check, end)


def allocate(world: World, units: list[dict[str, Any]], **changes: Any) -> Any:
    given: dict[str, Any] = {
        "participants": PARTIES,
        "fiscal": "1000.00",
        "donated": "200.00",
        "units": units,
        "minutes": minutes(world),
    }
    return world.do("incentive.allocate", as_=OFFICE, on=DAY, **BATCH, **(given | changes))


POOR = {"unit": COUNTIES[0], "base": "500.00", "effect": "none", "reason": "上一批项目验收不合格(合成)"}
GOOD = {"unit": COUNTIES[1], "base": "500.00", "met": BOTH, "donor_view": "同意(合成)"}


def test_a_table_is_agreed_printed_and_cites_the_conclusion_of_each_unit(world: World) -> None:
    """ZY-98, ZY-109, ZY-110, ZY-111: base × weight with the reason; the effect is traced to the conclusion."""
    made = allocate(world, [POOR, GOOD])

    table = world.ask("incentive.table", **BATCH)
    assert [(one.effect, one.weight, one.amount.fen, one.cites) for one in table.rows] == [
        ("none", "0", 0, "acc-prj-a"),
        ("tilt", "1.20", 60_000, None),
    ]
    assert made.effects == {COUNTIES[0]: "none", COUNTIES[1]: "tilt"}
    (effect,) = world.ask("evaluation.effects", target=COUNTIES[0])
    assert (effect.kind, effect.before, effect.after, effect.conclusion) == ("incentive", "1", "0", "acc-prj-a")
    with Session(world.services.engine) as session:
        assert session.get_one(Document, made.document).kind == "incentive_table_xlsx"


def test_the_next_batch_follows_the_table_without_being_told(world: World) -> None:
    """ZY-110, ZY-111: the poor unit's project is left out with its reason, the good one's goes in."""
    allocate(world, [POOR, GOOD])

    propose(world)

    view = world.ask("funding.proposal", **BATCH, on=DAY)
    for scenario in view.scenarios:
        assert [line.project for line in scenario.lines] == ["prj-b"]


def test_nothing_is_allocated_without_those_who_agree_or_against_the_conclusion(world: World) -> None:
    """ZY-109: the donor of given money; ZY-110: a failing conclusion is no good management."""
    fault = world.refused(
        "ZY-109",
        "incentive.allocate",
        as_=OFFICE,
        on=DAY,
        **BATCH,
        participants=PARTIES[:2],
        fiscal="1.00",
        donated="1.00",
        units=[GOOD],
        minutes=minutes(world),
    )
    assert fault.code == "incentive.participant_missing"
    for units, rule in (
        ([POOR | {"effect": "", "met": BOTH}], "ZY-110"),
        ([POOR | {"reason": ""}], "ZY-111"),
        ([GOOD, GOOD], "SYS-ARGUMENTS"),
        ([GOOD | {"base": "1000.01"}], "SYS-BALANCE"),
    ):
        call = {"participants": PARTIES, "fiscal": "1000.00", "donated": "200.00", "minutes": minutes(world)}
        world.refused(rule, "incentive.allocate", as_=OFFICE, on=DAY, **BATCH, units=units, **call)


def test_a_star_holds_until_the_next_rating_traced_or_not(world: World) -> None:
    """AH-32: what a conclusion gave ends when the organisation is rated anew."""
    firm = Organisation(id="org-star", name="合成社工机构", kind="social_org", synthetic=True)
    first, second = date(2025, 2, 3), date(2026, 2, 2)
    stars = [
        CreditRating(
            id=f"crd-{number}",
            organisation_id=firm.id,
            ordinal=number,
            level=level,
            basis="合成依据",
            measure="",
            rated_on=on,
        )
        for number, (level, on) in enumerate((("five", first), ("three", second)), start=1)
    ]
    effect = EvaluationEffect(
        id="eff-star",
        conclusion_id="acc-prj-a",
        project_id="prj-a",
        kind="star",
        target_kind="organisation",
        target_id=firm.id,
        before="—",
        after="five",
        rule="AH-32",
        source_id="crd-1",
        recorded_on=first,
    )
    _insert(world, firm, *stars, effect)

    (found,) = world.ask("evaluation.effects", target="org-star")

    assert (found.starts_on, found.ends_on, found.stands) == (first, second, True)
