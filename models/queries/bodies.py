"""Which organisation acts behind a role, for the issuer line of papers: its own name where the project knows it.

Called by commands that file papers. The region's bodies are named by ``rules.bodies``.
"""

from __future__ import annotations

from sqlmodel import Session

from models.core.actors import Role
from models.policy.schema import Policy
from models.queries.monitoring import contractor_names
from models.queries.procurement import purchaser_of
from models.queries.review import applicant_of
from models.rules.bodies import body_name


def acting_body(session: Session, *, role: Role, policy: Policy, project: str) -> str:
    """Return the name of the body that acts as ``role`` in a project.

    A purchaser is the one of the procurement, before that the applying unit; a contractor the one under contract. Other
    bodies bear the region's name, and a role nobody has a name for stays the role's.
    """
    known: str | None = None
    if role is Role.PURCHASER:
        known = purchaser_of(session, project=project) or applicant_of(session, project)
    elif role is Role.CONTRACTOR:
        known = "、".join(contractor_names(session, project=project))
    return known or body_name(policy=policy, role=role)
