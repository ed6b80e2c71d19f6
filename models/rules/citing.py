"""How a rule id is written on paper for people: ``HS-05`` becomes 黄石案例二(一)（HS-05）, a law its article.

Pure; called by read models of papers. The article of a seed rule is the register's.
"""

from __future__ import annotations

import re
from typing import Final

from models.core.messages import sentence
from models.rules.register import register

_LAW: Final = re.compile(r"LAW-([A-Z]+)-(\d+)")
_OURS: Final = "SYS-"
_RULE: Final = re.compile(r"[A-Z]{2,}(-[A-Z0-9]+)+")


def written_clause(rule: str) -> str:
    """Return the source and article behind a rule id, with the id where it is a seed rule's; a citation in words as it
    is. Raises ``KeyError`` for a law or a seed the catalogue does not name.
    """
    if not _RULE.fullmatch(rule):
        return rule
    law = _LAW.fullmatch(rule)
    if law:
        return sentence("clause.law", {"law": sentence(f"clause.law.{law[1]}"), "article": law[2]})
    if rule.startswith(_OURS):
        return sentence("clause.ours")
    article = next((entry.article for entry in register() if entry.id == rule), "")
    source = sentence(f"clause.seed.{rule.split('-', 1)[0]}")
    return sentence("clause.seed", {"source": source, "article": article, "rule": rule})
