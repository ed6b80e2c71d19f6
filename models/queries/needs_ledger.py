"""The needs ledger as it is printed for internal use (L01): masked by policy, made-up people marked as such.

Called by the commands that issue the ledger of a survey and the selection list of a project.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from models.core.messages import sentence
from models.core.periods import add_months
from models.policy.schema import Policy
from models.ports import Vault
from models.rules import needs as rules
from models.rules.masking import masked
from models.tables.needs import Person, Survey


def ledger_view(
    *, title: str, survey: Survey, rows: Sequence[dict[str, object]], issuer: str, on: date
) -> dict[str, Any]:
    """Return the view of the paper ``needs_ledger_xlsx``."""
    return {
        "title": title,
        "issuer": issuer,
        "date": on.isoformat(),
        "rehearsal": survey.synthetic,
        "synthetic_fields": [sentence("needs.synthetic_people")] if survey.synthetic and rows else [],
        "rows": list(rows),
    }


def ledger_row(person: Person, *, survey: Survey, vault: Vault, policy: Policy) -> dict[str, object]:
    """Return one person as the printed ledger lists them, masked for internal use by policy."""
    styles = policy.publicity.mask_internal
    kinds, levels = policy.needs.hardship_types, policy.needs.hardship_levels
    lightest = next(iter(levels))
    services = policy.delivery.service_item_names
    name = masked(field="name", text=vault.open(person.name_sealed), styles=styles)
    return {
        "person_name": {"text": name, "synthetic": survey.synthetic},
        "id_number": masked(field="id_number", text=vault.open(person.id_number_sealed), styles=styles),
        "region_code": person.region_code,
        "street": masked(field="address", text=person.street, styles=styles),
        "identity": rules.class_names(policy=policy).get(person.identity, person.identity),
        "hardships": "、".join(
            f"{kinds.get(code, code)}({levels.get(level, level)})"
            for code, level in person.levels.items()
            if level != lightest
        ),
        "demands": "、".join(services.get(code, code) for code in person.demands),
        "last_review": person.assessed_on.isoformat(),
        "next_review": add_months(person.assessed_on, months=policy.needs.reassess_months).isoformat(),
    }
