"""What-if: FACT=VALUE assignments, read by the type that the vocabulary or the policy gives the fact."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from ..problems import UsageError, did_you_mean
from .types import Type
from .vocabulary import Fact, vocabulary

_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([KMGT])i?B?", re.IGNORECASE)
_MAX_DEPTH = 20
_UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def override(facts: Mapping[str, Any], assignments: Iterable[str], derived: Mapping[str, Type]) -> dict[str, Any]:
    """Return `facts` with each `FACT=VALUE` applied; `derived.NAME=VALUE` goes to the object `derived`.

    derived: the types of the policy's derived facts. A value is JSON, or text where the fact is text; bytes may have a
    unit (8GB is 8 x 1024**3). What a probe makes of a fact that is set is made again: `config.model_type=llama` sets
    model.type too, `config=null` config_status.

    Raises UsageError for a fact that is not known or a value of another type.
    """
    result, names = dict(facts), list[str]()
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip()
        if not equals:
            raise UsageError("bad-assignment", f"`{assignment}` sets nothing", "write FACT=VALUE")
        path = name.split(".")
        if len(path) > _MAX_DEPTH:
            raise UsageError(
                "unknown-fact", f"`{name[:60]}...` names more than {_MAX_DEPTH} levels", "set what is above"
            )
        result = _put(result, path, _value(name, text, derived))
        names.append(name)
    return _made_again(result, names)


def _made_again(facts: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Return the facts with those that a probe makes of other facts made again, where these were set and not they."""

    def put(name: str, value: Any) -> None:
        nonlocal facts
        if name not in names:
            facts = _put(facts, name.split("."), value)

    for document in vocabulary().facts:
        if f"{document}_status" in vocabulary().facts and any(f"{name}.".startswith(f"{document}.") for name in names):
            value = facts.get(document)
            put(f"{document}_status", "ok" if value else "missing" if value is None else "empty")
            if document == "config":
                kind = value.get("model_type") if isinstance(value, dict) else None
                put("model.type", kind if isinstance(kind, str) else None)
                put("config_has_content", bool(value))
    if "model.path" in names:
        put("model.folder", str(facts["model"]["path"]).rstrip("/").rpartition("/")[2])
    return facts


def size_in_bytes(text: str) -> int | None:
    """Return a size with a unit (8GB, 1.5 TiB; of 1024 each) in bytes, or None where the text is none."""
    size = _SIZE.fullmatch(text.strip())
    return round(float(size[1]) * _UNITS[size[2].upper()]) if size else None


def _value(name: str, text: str, derived: Mapping[str, Type]) -> Any:
    if name.startswith("derived."):
        short = name.removeprefix("derived.")
        if short not in derived:
            help = did_you_mean(short, derived) or f"there is {', '.join(derived)}"
            raise UsageError("unknown-derived", f"the policy derives no `{short}`", help)
        fact = Fact(name, derived[short], "", None, "", "")
        return _typed(fact, text)
    facts = vocabulary().facts
    if name in facts:
        return _typed(facts[name], text)
    parents = [fact for key, fact in facts.items() if name.startswith(f"{key}.") and "object" in fact.type.kinds]
    if parents:  # a key of a document: config.vision_config={}
        return _json_or_text(text)
    help = did_you_mean(name, facts) or "`mlxk-rules probe MODEL` shows the facts"
    raise UsageError("unknown-fact", f"unknown fact `{name}`", help)


def _typed(fact: Fact, text: str) -> Any:
    kinds = fact.type.kinds
    value: Any = _json_or_text(text)
    if fact.unit == "bytes" and (size := size_in_bytes(text)) is not None:
        value = size
    elif "array" in kinds and isinstance(value, str):
        value = [part.strip() for part in text.split(",") if part.strip()]
    elif "string" in kinds and not (value is None and fact.type.nullable):
        value = text
    elif "array" in kinds and isinstance(value, int | float) and "number" not in kinds:
        value = [value]
    if fact.name == "runtime.python" and isinstance(value, list | str):
        value = [int(part) for part in re.findall(r"\d{1,4}", text)][:3] or value
    if fault := fact.fault(value):
        raise UsageError("bad-value", f"`{fact.name}` {fault}", _example(fact))
    return value


def _example(fact: Fact) -> str:
    """What a value of the fact looks like."""
    kinds = fact.type.kinds
    if "boolean" in kinds:
        value = "true or false"
    elif fact.unit == "bytes":
        value = f"a size such as {fact.name}=8GB"
    elif "number" in kinds:
        value = f"a number such as {fact.name}=3"
    elif "array" in kinds:
        value = f"words between commas such as {fact.name}=a,b"
    else:
        value = f"JSON such as {fact.name}='{{}}'"
    return f"write {value}{', or null where it is not known' if fact.type.nullable else ''}"


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return text


def _finite(text: str) -> float:
    number = float(text)
    return number if number - number == 0 else _refuse(text)


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _put(facts: Mapping[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    inner = facts.get(path[0])
    if len(path) > 1:
        value = _put(inner if isinstance(inner, dict) else {}, path[1:], value)
    return {**facts, path[0]: value}
