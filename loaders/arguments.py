"""What a library's own argument class demands of a config, read from its source and never run.

Only what is certain is told: a class whose `from_dict` is not the plain filter by its own fields tells nothing, or, in
the three forms that are known here, what it would.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, cast

from . import source
from .source import Class

# How the libraries write "only the keys that are fields of this class".
_FILTER = re.compile(r"signature\(cls\)\.parameters|__dataclass_fields__|fields\(cls\)|inspect\.signature\(cls")
# qwen2_vl, qwen3_vl and others of mlx-lm: without a text_config the whole config is one.
_WHOLE_AS_TEXT = re.compile(
    r"""if "text_config" not in params:\s*return cls\([^)]*text_config=params\)\s*return super"""
)
# qwen2_vl and others of mlx-vlm: text_config is made of the top level, without the parts named.
_TOP_AS_TEXT = re.compile(r"""params\["text_config"\] = dict\(""")


class Arguments(NamedTuple):
    """A dataclass's fields: those without a default, and all of them.

    `form` is how from_dict fills it: plain (by name), whole (the whole config is the text_config where there is none),
    top (text_config is the top level), copy (in its own way, on a copy: nothing is known to be required).
    """

    required: tuple[str, ...]
    fields: frozenset[str]
    form: str


def arguments(found: Class, root: Path, config: Mapping[str, Any]) -> Arguments | None:
    """Reads the class; None where its from_dict is of its own kind. `config` answers what from_dict asks of it."""
    form = _form(found, root, config)
    if form is None:
        return None
    fields = _fields(tuple(part.text for part in source.bases(found, root)))
    if fields is None:
        return None
    required = tuple(name for name, has_default in fields.items() if not has_default)
    return Arguments(
        () if form in ("none", "copy") else required, frozenset(fields), "plain" if form == "none" else form
    )


@lru_cache(maxsize=128)  # many models are of few types
def _fields(classes: tuple[str, ...]) -> dict[str, bool] | None:
    """A class's fields, and whether each has a default, told from its text and its bases'; None for an own __init__."""
    fields: dict[str, bool] = {}
    for text in reversed(classes):
        tree = source.parse(text).body
        body = tree[0].body if tree and isinstance(tree[0], ast.ClassDef) else None
        if body is None:
            return None
        for node in body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                if "ClassVar" in ast.unparse(node.annotation):
                    continue
                fields[node.target.id] = node.value is not None and not _is_bare_field(node.value)
            elif isinstance(node, ast.FunctionDef) and node.name == "__init__":
                return None
    return fields


def missing(found: Class | None, root: Path, config: Any) -> list[str] | None:
    """The fields without default that a config lacks; None where it cannot be told."""
    if found is None or not isinstance(config, dict):
        return None
    values = cast("dict[str, Any]", config)
    read = arguments(found, root, values)
    if read is None or read.form != "plain":
        return None
    return [name for name in read.required if name not in values]


def _form(found: Class, root: Path, config: Mapping[str, Any]) -> str | None:
    text = source.method(found, "from_dict", root)
    if not text:
        return None
    if _WHOLE_AS_TEXT.search(text):
        return "whole"
    if _TOP_AS_TEXT.search(text) and _FILTER.search(text) and text.count("params[") == 1:
        return "top"
    function = source.function(text)
    if function is None:
        return None
    body = [node for node in function.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    form = _filter_form(body, text, config)
    if form is None and body and re.fullmatch(r"params = (dict\(params\)|params\.copy\(\))", ast.unparse(body[0])):
        return "copy"
    return form


def _filter_form(body: list[ast.stmt], text: str, config: Mapping[str, Any]) -> str | None:
    """plain, none (it takes another way for this config, with defaults for all), or None: it cannot be told."""
    for node in body:
        if isinstance(node, ast.If):
            told = _asks_for_keys(node, config)
            if told is None:
                return None
            if told:
                return "none"
        elif isinstance(node, ast.Return):
            return "plain" if _FILTER.search(text) and "cls(**" in ast.unparse(node) else None
        elif not isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign) or _changes(node):
            return None
    return None


def _asks_for_keys(node: ast.If, config: Mapping[str, Any]) -> bool | None:
    """Whether the config has one of the keys that `if "a" in config or "b" in config: return ...` asks for.

    `if not params: return cls()` is False: nothing is then given, and everything without default is missing too.
    """
    if node.orelse or not isinstance(node.body[-1], ast.Return):
        return None
    if isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not):
        return False if isinstance(node.test.operand, ast.Name) else None
    any_of = isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.Or)
    tests = cast(ast.BoolOp, node.test).values if any_of else [node.test]
    keys: list[str] = []
    for test in tests:
        if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.In)):
            return None
        if not (isinstance(test.left, ast.Constant) and isinstance(test.left.value, str)):
            return None
        keys.append(test.left.value)
    return any(key in config for key in keys)


def _changes(node: ast.stmt) -> bool:
    """Whether a statement could put something into the config before it is filtered."""
    if isinstance(node, ast.Expr):
        text = ast.unparse(node)
        return not (isinstance(node.value, ast.Constant) or re.fullmatch(r"\w+\.pop\(.*\)", text))
    targets = node.targets if isinstance(node, ast.Assign) else [cast(ast.AnnAssign, node).target]
    if not all(isinstance(target, ast.Name) for target in targets):
        return True
    text = ast.unparse(cast(Any, node).value)
    return not re.match(r"\w+\.copy\(\)$|dict\(\w+\)$|\{|set\(|inspect\.signature|cls\.__dataclass_fields__", text)


def _is_bare_field(value: ast.expr) -> bool:
    """`field(repr=False)` gives no default; `field(default=...)` and `field(default_factory=...)` do."""
    if not (isinstance(value, ast.Call) and ast.unparse(value.func) in ("field", "dataclasses.field")):
        return False
    return not any(keyword.arg in ("default", "default_factory") for keyword in value.keywords)
