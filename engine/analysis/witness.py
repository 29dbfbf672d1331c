"""A case of a space as facts that a person can read, decided again by the policies themselves before anyone is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, cast

from ..facts.vocabulary import ABSENT, vocabulary
from ..facts.wording import GIB
from ..language.interpreter import interpret
from .cases.fact_values import values_of
from .cases.ordinary_model import FILLER, ordinary, put, type_path, value_at
from .cases.space import Space
from .cases.variables import Variable

MAX_WRONG = 6  # questions about several facts at once, for which numbers are tried
MAX_TOGETHER = 3  # facts of one question, for which numbers are tried
MAX_TRIED = 60  # values of one fact
_NUMBERS = (None, 0, 8, 9, 4 * GIB, 150 * GIB)
Check = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Witness:
    """Facts, whole, and those that differ from an ordinary text model's, by path; ABSENT where one is taken away."""

    facts: dict[str, Any]
    differing: dict[str, Any]


def least(space: Space, case: Mapping[int, int], *conditions: int) -> dict[int, int]:
    """Return a case like `case` in which no variable is unusual without need; what a request holds is given up last."""
    kinds = {"cell": 1.0, "member": 2.0, "element": 2.0, "opaque": 3.0}

    def cost(number: int) -> float:
        variable = space.variables[number]
        return 0.0 if variable.paths[0].startswith("request.") else kinds[variable.kind]

    return space.cases.least(case, [variable.usual for variable in space.variables], cost, *conditions)


def witness(space: Space, fixed: Mapping[int, int], holds: Check) -> Witness | None:
    """Return facts of the case in which some variables are fixed, the fewest that `holds` is true of, or None."""
    facts = _settled(_facts(space, fixed), space)
    if not holds(facts) and (facts := _sought(space, fixed, facts, holds)) is None:
        return None
    return fewest(facts, holds)


def fewest(facts: dict[str, Any], holds: Check) -> Witness:
    """Return facts, of which `holds` is true, with everything ordinary again that does not matter for that."""
    facts = _reduced(facts, holds)
    return Witness(facts, {path: value_at(facts, path) for path in sorted(differing(facts, ordinary()))})


def _sought(space: Space, fixed: Mapping[int, int], facts: dict[str, Any], holds: Check) -> dict[str, Any] | None:
    """Return facts of which `holds` is true, where questions about several facts at once must be answered otherwise."""
    wrong = [
        variable
        for number, variable in enumerate(space.variables)
        if variable.atom is not None
        and variable.kind == "opaque"
        and space.answer(variable.atom, facts) != fixed[number]
    ][:MAX_WRONG]
    for _ in range(2):  # what answers one may disturb another
        for variable in wrong:
            for tried in _with_others(facts, variable.paths, space):
                if holds(_settled(tried, space)):
                    return _settled(tried, space)
        for variable in wrong:
            wanted = fixed[space.variables.index(variable)]
            fits = (
                t
                for t in _with_others(facts, variable.paths, space)
                if space.answer(cast("Any", variable.atom), t) == wanted
            )
            facts = next(fits, facts)
        if holds(_settled(facts, space)):
            return _settled(facts, space)
    return None


def _with_others(facts: dict[str, Any], paths: Sequence[str], space: Space) -> Iterator[dict[str, Any]]:
    """Yield the facts with other values at some paths: such as the conditions ask for, and numbers, together too."""
    alone = [((path,), (number,)) for path in paths for number in _NUMBERS]
    alone += [
        ((path,), (value,))
        for path in paths
        if path in vocabulary().facts or type_path(path)[1]
        for value in values_of(path, space.hints)[0][:MAX_TRIED]
    ]
    few = paths[-MAX_TOGETHER:]
    for some, values in [*alone, *((few, numbers) for numbers in product(_NUMBERS, repeat=len(few)))]:
        tried = facts
        for path, value in zip(some, values, strict=True):
            name, below = type_path(path)
            fact = vocabulary().facts.get(name)
            if fact is not None and (below or value is not None or fact.type.nullable):
                tried = put(tried, path, value)
        yield tried


def _facts(space: Space, fixed: Mapping[int, int]) -> dict[str, Any]:
    facts = ordinary()
    chosen = sorted(fixed, key=lambda n: [path.count(".") for path in space.variables[n].paths])
    for number in chosen:
        variable, value = space.variables[number], fixed[number]
        if variable.kind == "cell" and value < len(variable.values) and value != variable.usual:
            for path, part in zip(variable.paths, variable.values[value], strict=True):
                if part is not ABSENT or value_at(facts, path) is not ABSENT:
                    facts = put(facts, path, part)
    for path in {v.paths[0] for v in space.variables if v.kind == "element"}:
        facts = put(facts, path, _elements(space, path, fixed))
    for number, variable in enumerate(space.variables):
        if variable.kind == "member" and variable.key is not None and number in fixed:
            facts = _looked_up(space, facts, variable, fixed[number] == 1, fixed)
    return facts


def _looked_up(
    space: Space, facts: dict[str, Any], variable: Variable, there: bool, fixed: Mapping[int, int]
) -> dict[str, Any]:
    path = variable.paths[0]
    held = cast("list[str]", value_at(facts, path))
    word = interpret(cast("Any", variable.key), facts)
    if not isinstance(word, str) or (word in held) == there:
        return facts
    if there:
        return put(facts, path, sorted([*held, word]))
    others = [
        v.text for n, v in enumerate(space.variables) if v.paths[0] == path and v.kind == "element" and fixed.get(n)
    ]
    return put(facts, path, [other for other in held if other != word] or others)


def _elements(space: Space, path: str, fixed: Mapping[int, int]) -> list[str]:
    variables = [(n, v) for n, v in enumerate(space.variables) if v.kind == "element" and v.paths[0] == path]
    there = [v for n, v in variables if fixed.get(n, v.usual)]
    usual = cast("list[str]", value_at(ordinary(), path))
    allowed = _union(space, path, [v.text for v in there])
    kept = [text for text in usual if _below(space.element_answers(path, text), allowed)]
    for variable in there:
        if not _below(space.element_answers(path, variable.text), _union(space, path, kept)):
            kept.append(variable.text)
    return sorted(kept)


def _union(space: Space, path: str, texts: Sequence[str]) -> tuple[bool, ...]:
    answers = [space.element_answers(path, text) for text in texts]
    return tuple(map(any, zip(*answers, strict=True))) if answers else (False,) * len(space.element_answers(path, ""))


def _below(some: tuple[bool, ...], whole: tuple[bool, ...]) -> bool:
    return all(b or not a for a, b in zip(some, whole, strict=True))


def _settled(facts: dict[str, Any], space: Space) -> dict[str, Any]:
    """Return the facts with what follows from them as a probe has it: the status of documents, the model type's key."""
    variables: dict[str, Variable] = {path: v for v in space.variables for path in v.paths}
    if "model.type" in variables and "config.model_type" not in variables and isinstance(facts["config"], dict):
        kind = facts["model"]["type"]
        facts = put(facts, "config.model_type", ABSENT if kind is None else kind)
    for name in vocabulary().facts:
        document = facts.get(name)
        if f"{name}_status" not in vocabulary().facts:
            continue
        if f"{name}_status" in variables and facts[f"{name}_status"] not in ("ok", "empty") and name not in variables:
            document = facts[name] = None
        if isinstance(document, dict) and len(document) > 1:
            facts[name] = document = {key: value for key, value in document.items() if key != FILLER}
        if f"{name}_status" not in variables:
            facts[f"{name}_status"] = "ok" if document else "empty" if document == {} else "missing"
    return facts


def _reduced(facts: dict[str, Any], holds: Check) -> dict[str, Any]:
    """Return the facts with everything ordinary again that does not matter."""
    usual = ordinary()
    for path in sorted(differing(facts, usual), key=lambda p: (-p.count("."), p)):
        value, before = value_at(facts, path), value_at(usual, path)
        name = path.split(".")[0].removesuffix("_status")
        tried = put(facts, path, before)
        if f"{name}_status" in usual:
            tried[f"{name}_status"] = "ok" if tried[name] else "missing"
        if holds(tried):
            facts = tried
        elif isinstance(value, list) and isinstance(before, list):
            facts = _fewer_elements(facts, path, cast("list[Any]", value), cast("list[Any]", before), holds)
    return facts


def _fewer_elements(
    facts: dict[str, Any], path: str, value: list[Any], before: list[Any], holds: Check
) -> dict[str, Any]:
    for element in [*value, *before]:
        if (element in value) == (element in before):
            continue
        fewer = [e for e in value if e != element] if element in value else [*value, element]
        if holds(tried := put(facts, path, fewer)):
            facts, value = tried, fewer
    return facts


def differing(facts: Mapping[str, Any], usual: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the paths at which facts are not as the usual ones; keys of documents one by one."""
    for name in {**usual, **facts}:
        one, other = facts.get(name, ABSENT), usual.get(name, ABSENT)
        if one is other or (one == other and type(one) is type(other)):
            continue
        if isinstance(one, dict) and one and isinstance(other, dict | None) and (other or other is None):
            yield from differing(cast("dict[str, Any]", one), cast("dict[str, Any]", other or {}), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"
