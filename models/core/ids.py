"""Typed ids, and how an id derives from what it names.

Ids are strings; the types keep a person's id from being passed where a project's is wanted. Derived ids make a replay
of the same case give the same bytes. An id never contains a name or a number of a person.
"""

from __future__ import annotations

import hashlib
import re
from typing import NewType

ProjectId = NewType("ProjectId", str)
PersonId = NewType("PersonId", str)
HouseholdId = NewType("HouseholdId", str)
OrganisationId = NewType("OrganisationId", str)
ExpertId = NewType("ExpertId", str)
RoundId = NewType("RoundId", str)
PlanLineId = NewType("PlanLineId", str)
ProcurementId = NewType("ProcurementId", str)
ContractId = NewType("ContractId", str)
DeliveryId = NewType("DeliveryId", str)
DocumentId = NewType("DocumentId", str)
WorkItemId = NewType("WorkItemId", str)
EventId = NewType("EventId", str)

_SEPARATOR = "\x1f"
_PREFIX = re.compile(r"[a-z][a-z0-9_]*")


def derive_id(prefix: str, *parts: str) -> str:
    """Return ``prefix-`` and the first 20 hex digits of the SHA-256 of the parts joined by U+001F.

    Equal parts give equal ids. Parts that name a person must already be keyed (``Vault.lookup``): a plain hash of an
    ID number can be guessed. Raises ``ValueError`` for no part, a part holding the separator, or an odd prefix.
    """
    if not parts or any(_SEPARATOR in part for part in parts):
        raise ValueError("an id derives from at least one part, and parts may not hold U+001F")
    if _PREFIX.fullmatch(prefix) is None:
        raise ValueError("a prefix is lower-case letters, digits and underscores")
    return f"{prefix}-{hashlib.sha256(_SEPARATOR.join(parts).encode()).hexdigest()[:20]}"
