"""Reading a case file: YAML with line and column, checked against the registered commands, queries, flows and roles.

The format is public contract (README, "case format"). A case that names something unknown is refused before anything
runs, with its place in the file. Called by ``portal.replay.runner`` and the CLI; runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from models.core.actors import Actor, Role, is_account
from models.core.messages import sentence
from models.core.registry import OperationKind, operations

Verb = Literal["do", "run", "query"]
OUTCOMES: Final = ("refused", "conflict", "fault")
_CASE_KEYS: Final = {"case", "region", "start", "steps", "title", "source", "dates"}
_STEP_KEYS: Final = {"on", "as", "do", "run", "query", "with", "synthetic", "expect", "save", "note", "event"}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCE: Final = re.compile(r"^\$([A-Za-z_][A-Za-z0-9_]*)((?:\.[A-Za-z0-9_]+)*)$")


class CaseError(Exception):
    """A case file that cannot be run: the place (1-based line and column) and what is wrong, in Chinese."""

    def __init__(self, *, path: Path, line: int, column: int, problem: str) -> None:
        self.path, self.line, self.column, self.problem = path, line, column, problem
        super().__init__(f"{path}:{line}:{column}: {problem}")


class _CaseLoader(yaml.SafeLoader):
    """YAML as people read it today: only true and false are booleans, so that the key ``on`` stays a word."""


_CaseLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_CaseLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


class UnresolvedReferenceError(Exception):
    """A ``$name`` whose step was not carried out, or a ``$name.field`` its result does not have."""


@dataclass(frozen=True)
class Step:
    """One step: when, who, which verb and name, arguments, the arguments marked synthetic, expectation, save name."""

    number: int
    line: int
    on: date
    verb: Verb
    name: str
    actor: Actor
    arguments: Mapping[str, Any]
    synthetic: frozenset[str]
    expect: str | Mapping[str, Any]
    save: str | None = None
    note: str = ""
    event: int | None = None


@dataclass(frozen=True)
class Case:
    """A dated story: id, region, first day, steps in order of date."""

    id: str
    title: str
    region: str
    start: date
    steps: tuple[Step, ...]
    path: Path
    source: str = ""


@dataclass
class _Reader:
    path: Path
    regions: frozenset[str]
    deployments: Mapping[str, Mapping[str, object]]
    saved: set[str] = field(default_factory=set)
    dates_made_up: bool = False

    def fail(self, node: yaml.Node, code: str, **facts: object) -> CaseError:
        mark = node.start_mark
        return CaseError(
            path=self.path, line=mark.line + 1, column=mark.column + 1, problem=sentence(f"case.{code}", facts)
        )

    def mapping(self, node: yaml.Node, *, allowed: set[str], what: str) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            raise self.fail(node, "not_a_mapping", what=what)
        found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.fail(key, "bad_key")
            if key.value not in allowed:
                raise self.fail(key, "unknown_key", key=key.value, allowed="、".join(sorted(allowed)))
            if key.value in found:
                raise self.fail(key, "repeated_key", key=key.value)
            found[key.value] = (key, value)
        return found

    def value(self, node: yaml.Node, *, otherwise: str = "bad_value") -> Any:
        try:
            return yaml.constructor.SafeConstructor().construct_document(node)
        except (yaml.MarkedYAMLError, ValueError) as err:
            raise self.fail(node, otherwise) from err

    def number(self, node: yaml.Node) -> int:
        value = self.value(node, otherwise="not_a_number")
        if type(value) is not int:
            raise self.fail(node, "not_a_number")
        return value

    def name(self, node: yaml.Node) -> str:
        value = self.value(node)
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise self.fail(node, "bad_name")
        return value

    def day(self, node: yaml.Node) -> date:
        value = self.value(node, otherwise="not_a_date")
        if type(value) is not date:
            raise self.fail(node, "not_a_date")
        return value

    def case(self, root: yaml.Node) -> Case:
        parts = self.mapping(root, allowed=_CASE_KEYS, what=sentence("case.file"))
        for key in ("case", "region", "start", "steps"):
            if key not in parts:
                raise self.fail(root, "missing_key", key=key)
        region = str(self.value(parts["region"][1]))
        if region not in self.regions:
            raise self.fail(parts["region"][1], "unknown_region", region=region, known="、".join(sorted(self.regions)))
        start = self.day(parts["start"][1])
        if "dates" in parts:
            if self.value(parts["dates"][1]) != "synthetic":
                raise self.fail(parts["dates"][1], "dates_not_synthetic")
            self.dates_made_up = True
        steps_node = parts["steps"][1]
        if not isinstance(steps_node, yaml.SequenceNode) or not steps_node.value:
            raise self.fail(steps_node, "no_steps")
        steps = tuple(self.steps(steps_node, start))
        text = {name: str(self.value(parts[name][1])) for name in ("case", "title", "source") if name in parts}
        return Case(
            id=text["case"],
            title=text.get("title", text["case"]),
            region=region,
            start=start,
            steps=steps,
            path=self.path,
            source=text.get("source", ""),
        )

    def steps(self, nodes: yaml.SequenceNode, start: date) -> Iterator[Step]:
        last = start
        for number, node in enumerate(nodes.value, start=1):
            step = self.step(node, number)
            if step.on < last:
                raise self.fail(node, "dates_go_back", on=step.on, last=last)
            last = step.on
            yield step

    def step(self, node: yaml.Node, number: int) -> Step:
        parts = self.mapping(node, allowed=_STEP_KEYS, what=sentence("case.step"))
        verbs: list[Verb] = [verb for verb in ("do", "run", "query") if verb in parts]
        if len(verbs) != 1:
            raise self.fail(node, "one_verb")
        if "on" not in parts:
            raise self.fail(node, "missing_key", key="on")
        verb = verbs[0]
        name_node = parts[verb][1]
        name = str(self.value(name_node))
        arguments_node = parts["with"][1] if "with" in parts else None
        self.check_name(verb, name, name_node)
        arguments = self.arguments(verb, name, arguments_node)
        save = self.name(parts["save"][1]) if "save" in parts else None
        step = Step(
            number=number,
            line=node.start_mark.line + 1,
            on=self.day(parts["on"][1]),
            verb=verb,
            name=name,
            actor=self.actor(verb, parts, node),
            arguments=arguments,
            synthetic=self.synthetic(parts, arguments),
            expect=self.expectation(parts),
            save=save,
            note=str(self.value(parts["note"][1])) if "note" in parts else "",
            event=self.number(parts["event"][1]) if "event" in parts else None,
        )
        if save is not None:
            self.saved.add(save)
        return step

    def check_name(self, verb: Verb, name: str, node: yaml.Node) -> None:
        if verb == "run":
            if name not in self.deployments:
                raise self.fail(node, "unknown_deployment", name=name)
            return
        operation = operations().get(name)
        kind = OperationKind.COMMAND if verb == "do" else OperationKind.QUERY
        if operation is None or operation.kind is not kind:
            raise self.fail(node, f"unknown_{kind}", name=name)

    def arguments(self, verb: Verb, name: str, node: yaml.Node | None) -> Mapping[str, Any]:
        if node is None:
            return {}
        flow = verb == "run"  # whose day is the step's, never an argument
        known = set(self.deployments[name]) - {"as_of"} if flow else set(operations()[name].arguments.model_fields)
        self.mapping(node, allowed=known, what=sentence("case.arguments"))
        self.check_value(node)
        value: Mapping[str, Any] = self.value(node)
        return value

    def check_value(self, node: yaml.Node, above: tuple[yaml.Node, ...] = ()) -> None:
        """Refuse, at its place, what cannot be read, names a result nobody saved, or repeats a name."""
        if any(node is one for one in above):
            raise self.fail(node, "contains_itself")
        if isinstance(node, yaml.MappingNode):
            names = [key.value if isinstance(key, yaml.ScalarNode) else None for key, _ in node.value]
            for position, (key, item) in enumerate(node.value):
                if names[position] is None:
                    raise self.fail(key, "bad_key")
                if names[position] in names[:position]:
                    raise self.fail(key, "repeated_key", key=key.value)
                self.check_value(item, (*above, node))
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                self.check_value(item, (*above, node))
        else:
            self.value(node)
            match = _REFERENCE.match(node.value)
            if match and match.group(1) not in self.saved:
                raise self.fail(node, "unknown_reference", name=match.group(1))

    def actor(self, verb: Verb, parts: Mapping[str, tuple[yaml.Node, yaml.Node]], node: yaml.Node) -> Actor:
        if "as" not in parts:
            if verb == "do":
                raise self.fail(node, "missing_key", key="as")
            return Actor(Role.EVALUATION_OFFICE if verb == "query" else Role.SYSTEM, "replay")
        inner = self.mapping(parts["as"][1], allowed={"role", "id"}, what="as")
        if "role" not in inner:
            raise self.fail(parts["as"][1], "missing_key", key="role")
        role_node = inner["role"][1]
        role = str(self.value(role_node))
        if role not in set(Role):
            raise self.fail(role_node, "unknown_role", role=role, known="、".join(Role))
        account = str(self.value(inner["id"][1])) if "id" in inner else f"u-{role}"
        if not is_account(account):
            raise self.fail(inner["id"][1], "bad_account")
        return Actor(Role(role), account)

    def synthetic(
        self, parts: Mapping[str, tuple[yaml.Node, yaml.Node]], arguments: Mapping[str, Any]
    ) -> frozenset[str]:
        date_mark = frozenset({"on"} if self.dates_made_up else ())
        if "synthetic" not in parts:
            return date_mark
        node = parts["synthetic"][1]
        if not isinstance(node, yaml.SequenceNode):
            raise self.fail(node, "synthetic_not_a_list")
        for item in node.value:
            if not isinstance(item, yaml.ScalarNode):
                raise self.fail(item, "synthetic_not_a_list")
            if str(item.value).split(".", 1)[0] not in {*arguments, "on"}:
                raise self.fail(item, "synthetic_unknown", path=item.value)
        return date_mark | {str(item.value) for item in node.value}

    def expectation(self, parts: Mapping[str, tuple[yaml.Node, yaml.Node]]) -> str | Mapping[str, Any]:
        if "expect" not in parts:
            return "ok"
        node = parts["expect"][1]
        if isinstance(node, yaml.ScalarNode):
            if node.value != "ok":
                raise self.fail(node, "bad_expectation")
            return "ok"
        if not isinstance(node, yaml.MappingNode):
            raise self.fail(node, "bad_expectation")
        self.check_value(node)
        value: Mapping[str, Any] = self.value(node)
        if set(value) & set(OUTCOMES) and len(value) != 1:
            raise self.fail(node, "bad_expectation")
        return value


def _not_yaml(path: Path, text: str, err: yaml.YAMLError) -> CaseError:
    """Word the parser's complaint; a character YAML does not allow comes as an offset without a mark."""
    if isinstance(err, yaml.MarkedYAMLError) and err.problem_mark:
        line, column = err.problem_mark.line, err.problem_mark.column
    else:
        before = text[: getattr(err, "position", 0)]
        line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    return CaseError(path=path, line=line + 1, column=column + 1, problem=sentence("case.not_yaml"))


def read_case(path: Path, *, regions: Sequence[str], deployments: Mapping[str, Mapping[str, object]]) -> Case:
    """Read and check a case file.

    ``deployments`` maps each deployment to its parameter names. Raises ``CaseError`` with line and column for text
    that is not YAML, an unknown key, command, query, deployment, role, region, argument or reference.
    """
    try:
        text = path.read_text("utf-8")
        root = yaml.compose(text, Loader=_CaseLoader)
    except (OSError, UnicodeDecodeError) as err:
        raise CaseError(path=path, line=1, column=1, problem=sentence("case.unreadable")) from err
    except RecursionError as err:
        raise CaseError(path=path, line=1, column=1, problem=sentence("case.too_deep")) from err
    except yaml.YAMLError as err:
        raise _not_yaml(path, text, err) from err
    reader = _Reader(path=path, regions=frozenset(regions), deployments=deployments)
    if root is None:
        raise CaseError(path=path, line=1, column=1, problem=sentence("case.empty"))
    return reader.case(root)


def resolve(value: Any, saved: Mapping[str, Any]) -> Any:
    """Replace ``$name`` and ``$name.field`` in arguments by saved results.

    ``$name`` alone stands for the result's ``id`` where it has one, else for the whole result.
    Raises ``UnresolvedReferenceError``.
    """
    if isinstance(value, str):
        match = _REFERENCE.match(value)
        if match is None:
            return value
        if match.group(1) not in saved:
            raise UnresolvedReferenceError(value)
        found = saved[match.group(1)]
        if not match.group(2):
            return found["id"] if isinstance(found, Mapping) and "id" in found else found
        try:
            for part in match.group(2)[1:].split("."):
                found = found[int(part)] if isinstance(found, list) else found[part]
        except (LookupError, TypeError, ValueError) as err:
            raise UnresolvedReferenceError(value) from err
        return found
    if isinstance(value, Mapping):
        return {key: resolve(item, saved) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, saved) for item in value]
    return value
