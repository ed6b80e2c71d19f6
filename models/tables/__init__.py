"""SQLModel tables, one module a stage. ``metadata()`` imports them all and returns the schema."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from sqlalchemy import MetaData
from sqlmodel import SQLModel

APPEND_ONLY: Final = frozenset(
    {
        "event",
        "posting",
        "service_record",
        "delivery_plan_item",
        "recipient_owner",
        "satisfaction_answer",
        "key_post_attendance",
        "expert_version",
        "review_signature",
        "list_version",
        "service_list_row",
        "resource_list_row",
        "project_list_row",
        "list_row_withdrawal",
        "match_run",
        "match_outcome",
        "match_answer",
        "alert_receipt",
        "plan_proposal",
        "plan_adoption",
        "contract_change",
        "evaluation_effect",
        "incentive_table",
        "incentive_row",
    }
)
"""Tables no row of which may change or go: triggers of the migration see to it (its own list is held equal by test)."""


def metadata() -> MetaData:
    """Return the metadata of every table of this package."""
    for module in iter_modules(__path__, prefix=f"{__name__}."):
        import_module(module.name)
    return SQLModel.metadata
