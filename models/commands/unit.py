"""Commands of the administrative units below the region served: registered as data, never guessed (ZY-43)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import col, select

from models.commands import events
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS
from models.core.errors import Conflict, Refusal
from models.core.registry import command
from models.queries.reader import found
from models.queries.units import root_unit, units_on
from models.rules.units import Unit, check_place
from models.tables.duty import AdministrativeUnit
from models.tables.library import Placement

_STREAM = "units"

Code = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{2,24}$")]


class NewUnit(BaseModel):
    """A unit to register: its code, its name, the code of the unit above it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Annotated[Code, Field(description="区划代码")]
    name: Annotated[str, Field(min_length=2, max_length=60, description="名称")]
    level: Annotated[str, Field(description="层级:city、county、township、village")]
    parent: Annotated[Code, Field(description="上级区划代码")]


class UnitsRegistered(BaseModel):
    """How many units were registered."""

    model_config = ConfigDict(frozen=True)

    registered: int


@command("unit.register", roles=CIVIL_AFFAIRS, clause="ZY-43")
def register(
    ctx: Context, *, units: Annotated[tuple[NewUnit, ...], Field(min_length=1, max_length=5000)]
) -> UnitsRegistered:
    """Register units below the region served, those above named before those below.

    Raises ``Refusal`` ``unit.parent_unknown``, ``unit.level_wrong`` (ZY-43), ``unit.registered`` (SYS-ALREADY-DONE).
    """
    with ctx.writing() as session:
        root = root_unit(policies=ctx.services.policies, region=ctx.services.region)
        known = units_on(session, root=root, on=ctx.as_of)
        taken = {root.code, *session.exec(select(AdministrativeUnit.code)).all()}
        for given in units:
            if given.code in taken:
                raise Refusal("unit.registered", rule="SYS-ALREADY-DONE", facts={"unit": given.code})
            unit = Unit(given.code, given.name, given.level, given.parent)
            check_place(unit=unit, units=known)
            known[unit.code] = unit
            taken.add(unit.code)
            session.add(
                AdministrativeUnit(
                    code=given.code,
                    name=given.name,
                    level=given.level,
                    parent_code=given.parent,
                    registered_on=ctx.as_of,
                    synthetic=ctx.services.rehearsal,
                )
            )
        payload = {"units": [given.code for given in units]}
        events.append(session, ctx, stream_kind=_STREAM, stream_id=root.code, type="unit.registered", payload=payload)
        return UnitsRegistered(registered=len(units))


class UnitRetired(BaseModel):
    """The unit that is no more."""

    model_config = ConfigDict(frozen=True)

    id: str


@command("unit.retire", roles=CIVIL_AFFAIRS, clause="ZY-43")
def retire(ctx: Context, *, unit: Annotated[Code, Field(description="区划代码")]) -> UnitRetired:
    """Take a unit out from today on; what it owed before stays owed.

    Raises ``Refusal`` ``unit.in_use`` (ZY-43) while units or projects stand below it, ``kernel.not_found``;
    ``Conflict`` ``unit.retired_before`` (SYS-ALREADY-DONE) when it is out already.
    """
    with ctx.writing() as session:
        root = root_unit(policies=ctx.services.policies, region=ctx.services.region)
        row = found(session.get(AdministrativeUnit, unit), kind="unit", id=unit)
        if row.until_on is not None:
            said = {"unit": row.name, "on": row.until_on.isoformat()}
            raise Conflict("unit.retired_before", rule="SYS-ALREADY-DONE", facts=said)
        below = [one.code for one in units_on(session, root=root, on=ctx.as_of).values() if one.parent == unit]
        here = session.exec(
            select(Placement.project_id).where(col(Placement.unit_code) == unit, col(Placement.until_on).is_(None))
        ).all()
        if below or here:
            facts = {"unit": row.name, "units": len(below), "projects": len(here)}
            raise Refusal("unit.in_use", rule="ZY-43", facts=facts)
        row.until_on = ctx.as_of
        session.add(row)
        events.append(
            session, ctx, stream_kind=_STREAM, stream_id=root.code, type="unit.retired", payload={"unit": unit}
        )
        return UnitRetired(id=unit)
