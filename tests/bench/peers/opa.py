"""opa-eval: Rego in the Rust engine regorus, for which there is no Python package of its own."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from opa_eval import OpaEval

from .gates import GATES, LAST, Row, condition

DISTRIBUTION = "opa-eval"
Answers = Callable[[], list[str]]


def rules(rows: list[Row]) -> Answers:
    """One rule with an else chain, loaded once, over JSON text (the one input it takes) that was made beforehand"""
    chain = " else := ".join(
        f'"{gate}" if {{ {condition(terms, "input.{}", "; ", "not ")} }}' for gate, terms in (*GATES, (LAST, ()))[:-1]
    )
    text = f'package gates\nimport rego.v1\ngate := {chain} else := "{LAST}" if {{ true }}\n'
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "gates.rego"
        file.write_text(text, "utf-8")
        evaluate = OpaEval(str(file), query="data.gates.gate").evaluate_parsed
    texts = [json.dumps(row) for row in rows]
    return lambda: [evaluate(one) for one in texts]


WAYS = {"rules": rules}
