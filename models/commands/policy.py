"""Confirming policy values: an event of the policy stream, one per dated value (decisions 12 and 18)."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict

from models.commands import events
from models.context import Context
from models.core.actors import Role
from models.core.errors import Refusal
from models.core.registry import command
from models.queries.policy import confirmation_id


class ValueConfirmed(BaseModel):
    """Which dated value was confirmed."""

    model_config = ConfigDict(frozen=True)

    key: str
    region: str
    effective_from: date


@command("policy.confirm_value", roles=(Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.FINANCE_BUREAU), clause="SYS-POLICY")
def confirm_value(ctx: Context, *, key: str, basis: str, region: str | None = None) -> ValueConfirmed:
    """Confirm one value that no enacted source settles, with the basis the official relies on.

    Raises ``Refusal`` ``policy.unset`` when nothing sets the value, ``policy.basis_missing`` without a basis.
    """
    if not basis.strip():
        raise Refusal("policy.basis_missing", rule="SYS-POLICY-UNCONFIRMED", facts={"leaf": key})
    leaf = ctx.policy(region=region or ctx.services.region).leaf(key)
    with ctx.writing() as session:
        events.append(
            session,
            ctx,
            stream_kind="policy",
            stream_id=confirmation_id(region=leaf.region, key=key, effective_from=leaf.effective.from_),
            type="policy.value_confirmed",
            payload={"key": key, "region": leaf.region, "value": str(leaf.value), "basis": basis},
        )
    return ValueConfirmed(key=key, region=leaf.region, effective_from=leaf.effective.from_)
