"""Policies as rules/policy.schema.json describes them, with expressions of every function and form of the language."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from ..case_files import cases

_FOLDER = Path(__file__).parents[2] / "rules"
SCHEMA: dict[str, Any] = json.loads((_FOLDER / "policy.schema.json").read_text("utf-8"))
_CONDITIONS: dict[str, list[str]] = cases(__file__, "analysis/conditions.yaml")
_WRONG = [
    *("request.image", "model.size_bytes > 'a'", "contains(sets.none, model.type)", "model.type &&", "limits.low"),
    *("config.k", "lower(model.type)", "`true`", "nosuch(model.type)", "'a' || 'b'", "!!model.type"),
]  # fmt: skip
EXPRESSIONS = [text for texts in _CONDITIONS.values() for text in texts] + ["derived.flag", "derived.word == 'v'"]
_MESSAGES = [
    "no",
    "{{ model.name }} is no model",
    "{{ size(model.size_bytes) }}",
    "{{ model.size }}",
    "{{",
    "a\nb \x07",
]
_WORDS = ["a", "b", "ab", "xa", "llama", "it's", "A", "true", "1", "ünï", "# no comment", "- x"]
_NAMES = {"sets": ["one", "two"], "limits": ["low", "high", "share"], "derive": ["flag", "word", "more"]}
_GATES = ["one", "two", "three", "text-memory", "vision"]


def policies(allow_wrong: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Return policies. allow_wrong: some with expressions that do not fit; else every expression is a condition."""
    return _policy(allow_wrong)


@st.composite
def _policy(draw: st.DrawFn, allow_wrong: bool) -> dict[str, Any]:
    make = _Maker(draw, allow_wrong)
    found = make.mapping(SCHEMA, "")
    if draw(st.booleans()):
        found.pop("extends", None)
    if "extends" not in found or draw(st.booleans()):
        # As authors write them: sets, limits and derived facts that expressions ask for, and a last gate.
        found["sets"] = {**(found.get("sets") or {}), "one": ["a", "b"], "two": ["ab", "xa", "A"]}
        found["limits"] = {**(found.get("limits") or {}), "low": 1, "high": 3, "share": 0.123}
        found["derive"] = {
            "flag": {"compute": make.expression()},
            "word": [{"when": make.expression(), "value": "v"}, {"otherwise": None}],
            **{name: value for name, value in (found.get("derive") or {}).items() if name == "more"},
        }
        if "extends" not in found:
            gates = {gate["id"]: gate for gate in found.get("gates") or [] if allow_wrong or _is_whole(gate)}
            last = {"id": "last", "otherwise": True, "decide": "allow", "backend": "mlx_lm"}
            found["gates"] = [*gates.values(), last]
    return found


def _is_whole(gate: Mapping[str, Any]) -> bool:
    """Whether a gate means something in a policy that extends nothing."""
    return "when" in gate and not {"remove", "change", "before", "after"} & set(gate)


class _Maker:
    """Draws values by the schema's parts."""

    def __init__(self, draw: st.DrawFn, allow_wrong: bool) -> None:
        self._draw, self._wrong = draw, allow_wrong

    def expression(self) -> str:
        wrong = self._wrong and self._draw(st.integers(0, 9)) == 0
        return self._draw(st.sampled_from(_WRONG if wrong else EXPRESSIONS))

    def value(self, schema: Mapping[str, Any], key: str) -> Any:
        if "$ref" in schema:
            schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
        if key == "gate" or schema is SCHEMA["$defs"]["gate"]:
            return self.gate(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._draw(st.sampled_from(schema["enum"]))
        if "anyOf" in schema and "properties" not in schema:
            return self.value(self._draw(st.sampled_from(schema["anyOf"])), key)
        kinds = schema.get("type", "string")
        kind = kinds if isinstance(kinds, str) else self._draw(st.sampled_from(kinds))
        if kind == "object":
            return self.mapping(schema, key)
        if kind == "array":
            many = self._draw(st.integers(schema.get("minItems", 0), 3))
            items = [self.value(schema["items"], key) for _ in range(many)]
            return list(dict.fromkeys(items)) if schema.get("uniqueItems") else items
        return self._plain(schema, kind, key)

    def _plain(self, schema: Mapping[str, Any], kind: str, key: str) -> Any:
        if kind == "string":
            if key in ("when", "compute"):
                return self.expression()
            if key == "message":
                return self._draw(st.sampled_from(_MESSAGES))
            if key == "extends":
                return self._draw(st.sampled_from(["today", "2.0.4", "base.yaml", "none.yaml"]))
            if key in ("id", "before", "after"):
                return self._draw(st.sampled_from(_GATES))
            if "pattern" in schema:
                return self._draw(st.from_regex(schema["pattern"], fullmatch=True))
            return self._draw(st.sampled_from(_WORDS))
        if kind == "integer":
            return self._draw(st.integers(schema.get("minimum", -3), schema.get("maximum", 3)))
        if kind == "number":
            return self._draw(st.sampled_from([0, 1, 2.5, -1, 10**12, 0.1]))
        return self._draw(st.booleans()) if kind == "boolean" else None

    def mapping(self, schema: Mapping[str, Any], key: str) -> dict[str, Any]:
        if "oneOf" in schema:  # of a branch: which keys go together
            one = self._draw(st.sampled_from(schema["oneOf"]))
            return {name: self.value(schema["properties"][name], name) for name in one["required"]}
        properties: Mapping[str, Any] = schema.get("properties", {})
        if not properties:
            return self._named(schema, key)
        keys = [name for name in properties if name in schema.get("required", ()) or self._draw(st.integers(0, 2)) == 0]
        return {name: self.value(properties[name], name) for name in keys or list(properties)[:1]}

    def _named(self, schema: Mapping[str, Any], key: str) -> dict[str, Any]:
        pattern = schema.get("propertyNames", {}).get("pattern")
        pool = _NAMES.get(key) or (["unknown-fact", "gate-expired"] if key == "levels" else _WORDS)
        names = st.sampled_from(pool)
        if pattern and key not in _NAMES:
            names = st.from_regex(pattern, fullmatch=True)
        chosen = self._draw(st.lists(names, max_size=2, unique=True))
        return {name: self.value(schema["additionalProperties"], key) for name in chosen}

    def gate(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        properties: Mapping[str, Any] = schema["properties"]
        kind = self._draw(st.sampled_from(["remove", "change", "when", "when", "when"]))
        if kind != "when":
            return {"id": self.value(properties["id"], "id"), kind: self.value(properties[kind], kind)}
        keys = ["id", "when", "decide", *self._some(["http", *_ABOUT, "before", "after"])]
        rule = self._draw(st.sampled_from(schema["else"]["allOf"]))
        keys = [key for key in [*keys, *rule["then"]["required"]] if rule["then"]["properties"].get(key) is not False]
        found = {key: self.value(properties[key], key) for key in dict.fromkeys(keys)}
        return {**found, "decide": rule["if"]["properties"]["decide"]["const"]}

    def _some(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if self._draw(st.integers(0, 5)) == 0]


_ABOUT = ("description", "link", "owner", "remedy", "until", "mode")
