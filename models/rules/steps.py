"""The steps of a purchase in the order a region prescribes (BJ-24): none is taken before the one that precedes it.

The steps are policy (``procurement.steps``: the event that marks a step → its name, in order). Pure; called by the
commands of purchasing, contract and acceptance. The first two steps are kept in order by the transition table alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from models.core.errors import Refusal
from models.policy.schema import Policy
from models.rules.force import binding


def taken(*, happened: Iterable[str], steps: Iterable[str]) -> int:
    """Return how many steps were taken in their order; ``happened`` is the types of a project's events, oldest first.

    A step counts only after the one before it: supervision of the purchase is on record, but it is not yet the
    supervision of the contract.
    """
    wanted = iter(steps)
    due, count = next(wanted, None), 0
    for event in happened:
        if event == due:
            due, count = next(wanted, None), count + 1
    return count


def check_step(*, step: str, happened: Iterable[str], policy: Policy) -> None:
    """Refuse the step marked by the event ``step`` while an earlier one is missing, naming the first that is.

    Raises ``Refusal`` ``procurement.step_missing`` (BJ-24).
    """
    rule, steps = binding(policy=policy, rules=("BJ-24",)), policy.procurement.steps
    if rule is None or steps is None:
        return
    order = tuple(steps)
    done = taken(happened=happened, steps=order)
    if done < order.index(step):
        facts = {"step": steps[step], "missing": steps[order[done]], "order": "、".join(steps.values())}
        raise Refusal("procurement.step_missing", rule=rule, facts=facts)
