"""Why a condition held or not: the fewest of its terms that made it so, with the values they had."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .compiler import Scope
from .decision import Term
from .document import Located
from .expression import Expression, Node
from .interpreter import interpret

if TYPE_CHECKING:
    from .policy import Policy

MAX_DEPTH = 4  # of derived facts explained by derived facts
MAX_ITEMS = 12  # of a list or object that a term quotes


class Justifier:
    """Explains conditions of one policy over one scope."""

    def __init__(self, policy: Policy, scope: Scope, given: Iterable[str] = ()) -> None:
        """given: the derived facts that the caller set, so that no branch explains them."""
        self._policy, self._scope = policy, scope
        self._derived: dict[str, tuple[str, tuple[Term, ...]]] = dict.fromkeys(given, ("as given", ()))

    def terms(self, located: Located | None, holds: bool, depth: int = 0) -> tuple[Term, ...]:
        """Return the terms that make the condition hold, or not hold."""
        if located is None:
            return ()
        return tuple(self._justify(located.expression, located.expression.node, holds, depth))

    def _justify(self, expression: Expression, node: Node, holds: bool, depth: int) -> list[Term]:
        kind = node["type"]
        if kind == "not_expression":
            return self._justify(expression, node["children"][0], not holds, depth)
        if kind in ("and_expression", "or_expression"):
            if (kind == "and_expression") == holds:
                return [term for child in node["children"] for term in self._justify(expression, child, holds, depth)]
            for child in node["children"]:
                if _truth(interpret(child, self._scope)) == holds:
                    return self._justify(expression, child, holds, depth)
        return [self._leaf(expression, node, depth)]

    def _leaf(self, expression: Expression, node: Node, depth: int) -> Term:
        from .paths import paths_in

        paths = sorted(path for path in paths_in(node) if not path.startswith("sets."))
        facts = {path: shortened(_value_at(self._scope, path)) for path in paths}
        why, because = "", ()
        names = list(dict.fromkeys(path.split(".")[1] for path in paths if path.startswith("derived.")))
        if names and depth < MAX_DEPTH:
            explained = [self._explained(name, depth) for name in names]
            why = "; ".join(why for why, _ in explained if why)
            because = tuple(term for _, terms in explained for term in terms)
        return Term(expression.source(node), shortened(interpret(node, self._scope)), facts, why, because)

    def _explained(self, name: str, depth: int) -> tuple[str, tuple[Term, ...]]:
        if name in self._derived:
            return self._derived[name]
        derivation, number = self._policy.derivation(name), self._policy.branch_of(name, self._scope)
        if derivation is None or number is None:
            return "", ()
        branch = derivation.branches[number]
        own: list[Term] = []
        if branch.compute is not None:
            expression, value = branch.compute.expression, _value_at(self._scope, f"derived.{name}")
            if isinstance(value, bool):
                own = self._justify(expression, expression.node, value, depth + 1)
            else:
                own = [self._leaf(expression, expression.node, depth + 1)]
        if branch.when is not None:
            terms = [*self.terms(branch.when, True, depth + 1), *own]
        else:
            before = [
                term for other in derivation.branches[:number] for term in self.terms(other.when, False, depth + 1)
            ]
            terms = [*before, *own]
        found = (branch.why, tuple({(term.text, repr(term.facts)): term for term in terms}.values()))
        self._derived[name] = found
        return found


def _truth(value: Any) -> bool:
    return not (value is None or value is False or value == "" or value == [] or value == {})


def _value_at(scope: Scope, path: str) -> Any:
    value: Any = scope
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def shortened(value: Any) -> Any:
    """Return `value` short enough to be quoted: long lists, objects and strings are cut, and say so."""
    if isinstance(value, str) and len(value) > 200:
        return f"{value[:200]}... ({len(value)} characters)"
    if isinstance(value, list) and len(value) > MAX_ITEMS:
        return [*map(shortened, value[:MAX_ITEMS]), f"... ({len(value)} in all)"]
    if isinstance(value, dict):
        kept = {key: shortened(inner) for key, inner in list(value.items())[:MAX_ITEMS]}
        return kept if len(value) <= MAX_ITEMS else {**kept, "...": f"{len(value)} keys in all"}
    return [shortened(inner) for inner in value] if isinstance(value, list) else value
