"""Which event starts which deployment: the outbox routes. The relay sends; prefect.yaml declares the deployments.

Every routed deployment is also scheduled as a sweep, so that a lost message costs hours, never a project
(architecture, decision 7). A test compares this table, prefect.yaml and the flows.
"""

from __future__ import annotations

from typing import Final

ROUTES: Final[dict[str, tuple[str, ...]]] = {
    "needs.ledger_imported": ("needs-build-household-files",),
    "project.published": ("publicity-build-site",),
    "publicity.closed": ("publicity-build-site",),
    "project.objection_upheld": ("publicity-build-site",),
    "monitoring.inspection_published": ("publicity-build-site",),
    "project.completed": ("acceptance-open-clocks",),
    "project.evaluated": ("audit-prepare-filings",),
    "project.audited": ("archive-close-audited",),
}
