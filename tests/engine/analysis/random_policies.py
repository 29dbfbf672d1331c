"""Random small policies, and every case of the few facts that they ask about: the answers without any reasoning."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from contextlib import suppress
from itertools import combinations, product
from typing import Any

import yaml
from mlxk_rules.engine import Policy, PolicyError
from mlxk_rules.engine.analysis.cases.ordinary_model import ordinary, put

TYPES = [None, "", " ", "a", "b", "c", "A", "B", "C", "ab", "AB", "xa", "ax", "Ax", "xb", "XB", "Xb", "z", "other"]
NUMBERS = [None, 0, 1, 2, 3, 4, 5, 9]
KEYS: list[Any] = [
    "absent",
    None,
    False,
    True,
    0,
    1,
    "",
    "a",
    "A",
    "z",
    [],
    ["a"],
    ["b"],
    ["a", "b"],
    ["a", "z"],
    ["ab"],
    ["ab", "z"],
    ["b", "z"],
    ["z"],
    ["c"],
    ["xa"],
    ["xb"],
    ["xc"],
    ["xz"],
    ["xab"],
    ["xab", "z"],
    ["xb", "c"],
    ["xc", "b"],
    {},
    {"k": 1},
    "b",
    "ab",
    "c",
]
LISTS = [list(some) for n in range(3) for some in combinations(["a", "b", "z", "A", "B"], n)]
_TYPE = [
    "model.type == 'a'",
    "model.type != `null`",
    "lower(model.type) == 'a'",
    "contains(sets.one, model.type)",
    "contains(sets.two, lower(model.type))",
    "has_any(lower(model.type), sets.two)",
    "has_text(model.type)",
    "contains((model.type || ''), 'a')",
    "starts_with((model.type || ''), 'a')",
    "ends_with((lower(model.type) || 'z'), 'b')",
]
_NUMBER = [
    "memory.total_bytes == `null`",
    "memory.total_bytes != `null` && memory.total_bytes > limits.low",
    "memory.total_bytes == `null` || memory.total_bytes >= limits.high",
    "(memory.total_bytes || `1`) < `2`",
    "(memory.total_bytes || `3`) >= limits.high",
]
_KEY = [
    "truthy(config.k)",
    "has_key(config, 'k')",
    "config.k == `null`",
    "text(config.k) == 'a'",
    "type(config.k) == 'object'",
    "contains(sets.one, text(config.k))",
    "any_ends_with(config.k, sets.one)",
    "shares(config.k, sets.two)",
    "has_text(config.k)",
    "config.k == `1`",
]
_LIST = [
    "contains(runtime.mlx_vlm.model_types, model.type)",
    "contains(runtime.mlx_vlm.model_types, lower(model.type))",
    "contains(runtime.mlx_vlm.model_types, 'a')",
    "runtime.mlx_vlm.model_types == `[]`",
    "length(runtime.mlx_vlm.model_types[?lower(@) == 'a']) > `0`",
    "glob(runtime.mlx_vlm.model_types, '[ab]*') != `[]`",
]
_FLAGS = ["request.images", "request.audio", "request.context == 'cli'", "request.context != 'server'"]
_FAMILIES = {"type": _TYPE, "number": _NUMBER, "key": _KEY, "list": [*_LIST, *_TYPE[:3]]}
_ENDS: list[dict[str, Any]] = [
    {"decide": "allow", "backend": "mlx_lm"},
    {"decide": "allow", "backend": "mlx_vlm"},
    {"decide": "warn", "backend": "mlx_lm", "message": "careful"},
    {"decide": "block", "error": "no", "http": 400, "message": "no"},
    {"decide": "block", "error": "nor", "http": 501, "message": "nor"},
]


class Pair:
    """Two policies, the second a change of the first, over the same few facts."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.family = self.random.choice(sorted(_FAMILIES))
        self.terms = [*_FLAGS, *_FAMILIES[self.family], *_FAMILIES[self.family]]
        self.one = self.loading(self.policy)
        small = self.random.random() < 0.8
        self.other = self.loading((lambda: self.changed(self.one)) if small else self.policy)

    def loading(self, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the first policy made that loads: the type check knows that some conditions cannot be meant."""
        while True:
            policy = make()
            with suppress(PolicyError):
                Policy.from_text(text_of(policy))
                return policy

    def condition(self, derived: list[str], depth: int = 2) -> str:
        dice = self.random.random()
        if depth == 0 or dice < 0.3:
            terms = [*self.terms, *derived, *derived]
            return f"({self.random.choice(terms)})"
        if dice < 0.5:
            return f"!({self.condition(derived, depth - 1)})"
        operator = "&&" if dice < 0.78 else "||"
        return f"({self.condition(derived, depth - 1)} {operator} {self.condition(derived, depth - 1)})"

    def policy(self) -> dict[str, Any]:
        self.random.shuffle(words := ["a", "b", "c", "ab", "z"])
        policy: dict[str, Any] = {
            "schema": 1,
            "name": "tiny",
            "version": "1.0.0",
            "sets": {"one": words[:2], "two": words[1:4]},
            "limits": {"low": self.random.choice([1, 2.5]), "high": self.random.choice([3, 4])},
            "derive": {},
        }
        derived: list[str] = []
        for name in ("first", "second")[: self.random.randrange(3)]:
            branches = [
                {"when": self.condition(derived, 1), "value": ["v", None][n] if n < 2 else "same"}
                for n in range(self.random.randrange(2, 4))
            ]
            policy["derive"][name] = [*branches, {"otherwise": None}]
            derived += [f"derived.{name} == 'v'", f"derived.{name} == `null`", f"derived.{name} != 'v'"]
        if self.random.random() < 0.5:
            policy["derive"]["flag"] = {"compute": self.condition(derived, 1)}
            derived.append("derived.flag")
        gates = [
            {"id": f"g{n}", "when": self.condition(derived), **self.random.choice(_ENDS)}
            for n in range(self.random.randrange(1, 5))
        ]
        policy["gates"] = [*gates, {"id": "last", "otherwise": True, **_ENDS[0]}]
        return policy

    def changed(self, policy: dict[str, Any]) -> dict[str, Any]:
        other = copy.deepcopy(policy)
        gates = other["gates"]
        kind = self.random.choice(["when", "swap", "drop", "entry", "limit", "end", "double"])
        if kind == "when":
            gate = self.random.choice(gates[:-1])
            gate["when"] = f"{gate['when']} && {self.random.choice(self.terms)}"
        elif kind == "swap" and len(gates) > 2:
            gates[0], gates[1] = gates[1], gates[0]
        elif kind == "drop" and len(gates) > 1:
            del gates[self.random.randrange(len(gates) - 1)]
        elif kind == "entry":
            other["sets"]["one"] = other["sets"]["one"][1:]
        elif kind == "limit":
            other["limits"]["low"] += 1
        elif kind == "end":
            gate = self.random.choice(gates)
            for key in ("decide", "backend", "error", "http", "message"):
                gate.pop(key, None)
            gate.update(self.random.choice(_ENDS))
        else:
            gates.insert(0, {**copy.deepcopy(gates[0]), "id": "twin", "when": "request.images && request.audio"})
        return other

    def cases(self) -> list[dict[str, Any]]:
        """Every case of the facts that the two can tell apart, and more."""
        spaces = {
            "type": [{"model.type": value} for value in TYPES],
            "number": [{"memory.total_bytes": value} for value in NUMBERS],
            "key": [{"config.k": value} for value in KEYS],
            "list": [
                {"model.type": t, "runtime.mlx_vlm.model_types": v}
                for t in [None, "a", "b", "A", "B", "z", "llama"]
                for v in LISTS
            ],
        }[self.family]
        cases: list[dict[str, Any]] = []
        whole = ordinary()
        for images, audio, context, own in product((False, True), (False, True), ("cli", "server"), spaces):
            facts = put(whole, "request", {**whole["request"], "images": images, "audio": audio, "context": context})
            for path, value in own.items():
                facts = put(facts, path, value) if value != "absent" else facts
            cases.append(facts)
        return cases


def text_of(policy: dict[str, Any]) -> str:
    return yaml.safe_dump(policy, sort_keys=False)
