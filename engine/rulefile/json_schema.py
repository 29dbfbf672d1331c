"""A second opinion on a rule file's shape: rules/policy.schema.json, the same that editors complete by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..problems import Problem
from ..storage import data_files
from .source import Source, read
from .yaml_tree import Node, compose


def schema_problems(path: Path, name: str) -> list[Problem]:
    """Return what the JSON schema finds wrong with a rule file, each at its place. Raises PolicyError if it is no YAML.

    The reader has its own, better worded checks and comes first; this one holds the two to the same shape.
    """
    from jsonschema import Draft202012Validator  # 150 ms: only validate needs it

    source = read(path, name)
    root = compose(source)
    validator = Draft202012Validator(json.loads((data_files.FOLDER / "policy.schema.json").read_text("utf-8")))
    return [_located(error, source, root) for error in validator.iter_errors(root.plain())]


def _located(error: Any, source: Source, root: Node) -> Problem:
    node = root
    for step in error.absolute_path:
        if isinstance(step, int):
            node = node.elements[step]
        else:
            node = next(value for key, value in node.items if key.value == step)
    message = " ".join(error.message.split())[:200]
    return source.problem("schema", message, "see rules/policy.schema.json", node.start)
