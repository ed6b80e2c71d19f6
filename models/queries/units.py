"""Reads of the administrative units: the region served and everything registered below it."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, or_, select

from models.core.actors import Role
from models.core.registry import query
from models.policy.resolver import PolicyBook
from models.queries.reader import Reader, found
from models.rules.units import Unit, walk
from models.tables.duty import AdministrativeUnit


def root_unit(*, policies: PolicyBook, region: str) -> Unit:
    """Return the region served as the top of the tree; it needs no registration."""
    pack = policies.packs[region]
    return Unit(code=region, name=pack.name, level=pack.level, parent=None)


def units_on(session: Session, *, root: Unit, on: date) -> dict[str, Unit]:
    """Return every unit that stands on a date by its code, the region first."""
    rows = session.exec(
        select(AdministrativeUnit)
        .where(
            col(AdministrativeUnit.registered_on) <= on,
            or_(col(AdministrativeUnit.until_on).is_(None), col(AdministrativeUnit.until_on) > on),
        )
        .order_by(col(AdministrativeUnit.code))
    ).all()
    return {root.code: root} | {row.code: Unit(row.code, row.name, row.level, row.parent_code) for row in rows}


def unit_on(session: Session, *, root: Unit, code: str, on: date) -> Unit:
    """Return one unit. Raises ``Refusal`` ``kernel.not_found``."""
    return found(units_on(session, root=root, on=on).get(code), kind="unit", id=code)


class UnitRow(BaseModel):
    """One unit of the tree, with its depth below the region."""

    model_config = ConfigDict(frozen=True)

    code: str
    name: str
    level: str
    parent: str | None
    depth: int


@query("unit.list", roles=tuple(Role), clause="ZY-43")
def units(reader: Reader) -> tuple[UnitRow, ...]:
    """Return the units that stand today, from the top down."""
    root = root_unit(policies=reader.policies, region=reader.region)
    tree = units_on(reader.session, root=root, on=reader.as_of)
    return tuple(
        UnitRow(code=unit.code, name=unit.name, level=unit.level, parent=unit.parent, depth=depth)
        for depth, unit in walk(tuple(tree.values()))
    )
