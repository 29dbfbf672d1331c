"""engine/README.md, made of a template and of what really stands between two stages.

Usage:
  tests.engine.answer.page
  tests.engine.answer.page (-h | --help)

Run it as `python -m tests.engine.answer.page`, from the project's folder.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

from docopt import docopt
from mlxk_rules.engine import Policy
from mlxk_rules.engine.advice.remedies import remedies
from mlxk_rules.engine.cli.options import read_options
from mlxk_rules.engine.compiler.function.policy_writer import PolicyWriter
from mlxk_rules.engine.problems import Problem
from mlxk_rules.engine.report.explanation import explanation
from mlxk_rules.engine.report.terminal import Screen, Style
from mlxk_rules.loaders import probe, resolve

from ...test_house import STAGES

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
FILE = ROOT / "engine" / "README.md"
TEMPLATE = HERE / "page.md.in"
MODEL, RULES = "tests/models/hello", "tests/engine/answer/small.yaml"
MEMORY = 8_000_000_000  # bytes, wherever the page is made
_SHOWN = ("config_status", "config", "model", "request", "weights", "memory")
_SAID = ("status", "phase", "reason", "model_type", "load_bytes", "cache", "context_tokens")


def text() -> str:
    """The page as the code makes it now. The working folder must be the project's."""
    words = [MODEL, "--image", "--why", "--policy", RULES]
    options = {name: value for name, value in read_options("explain", words).items() if value}
    policy = Policy.load(RULES)
    facts = probe(MODEL, dry_run=False)
    facts["model"]["fingerprint"] = "…"  # another one on each machine
    facts["model"]["path"] = MODEL
    facts["memory"] = {
        "total_bytes": MEMORY,
        "available_bytes": MEMORY,
        "recommended_bytes": None,
        "accelerator": "cpu",
    }
    facts["request"] |= {"images": True}
    trace = policy.explain(facts)
    changes = remedies(policy, facts, trace)
    gate = policy.document.gates[0]
    assert gate.when is not None
    said = probe(MODEL)["dry_run"]["mlx_lm"]
    values = {
        "stages": "\n".join(f"{half + '/':10} {' → '.join(_drawn(stages))}" for half, stages in STAGES.items()),
        "options": _json(options),
        "resolved": repr(resolve(MODEL)._replace(folder=MODEL)),
        "facts": _json({name: _cut(facts[name]) for name in _SHOWN}),
        "dry_run": _json({name: said[name] for name in _SAID}),
        "rules": (ROOT / RULES).read_text("utf-8").rstrip(),
        "gate": f"gate `{gate.id}` at {gate.place}, its condition at {_place(gate.when)}\n{gate.when.expression.text}",
        "types": "\n".join(_typed(gate.when.expression.node, gate.when.expression.text, 0)),
        "function": _first_lines(PolicyWriter(policy.evaluation.program).source(), 21),
        "decision": _json(policy.decide(facts).to_dict()),
        "terms": _json(trace.to_dict()["gates"][0]),
        "remedies": "\n".join(change.text for change in changes) or "nothing that is here helps",
        "answer": explanation(trace, Screen(Style(False), 100), changes, why=True),
    }
    page = TEMPLATE.read_text("utf-8")
    for name, value in values.items():
        page = page.replace(f"{{{name}}}", value)
    return page


def _drawn(stages: list[str]) -> list[str]:
    return [stage for stage in stages if stage != "__init__"]


def _place(located: Any) -> str:
    problem = located.at(Problem("example", ""), 0, 1)
    return f"line {problem.line}, column {problem.column}"


def _typed(node: dict[str, Any], whole: str, depth: int) -> list[str]:
    kinds = ", ".join(sorted(node.get("kinds", ())))
    own = f"{'  ' * depth}{whole[node['start'] : node['end']]}".ljust(60) + kinds
    below = [
        line for child in cast("list[dict[str, Any]]", node["children"]) for line in _typed(child, whole, depth + 1)
    ]
    return [own.rstrip(), *(below if node["type"] != "subexpression" else [])]


def _cut(value: Any) -> Any:
    """The value with long lists and objects cut."""
    if isinstance(value, dict):
        return {name: _cut(one) for name, one in cast("dict[str, Any]", value).items()}
    if isinstance(value, list) and len(cast("list[Any]", value)) > 4:
        return [*cast("list[Any]", value)[:3], "…"]
    return value


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)


def _first_lines(whole: str, count: int) -> str:
    lines = whole.splitlines()
    return "\n".join([*(line if len(line) <= 118 else f"{line[:117]}…" for line in lines[:count]), "        …"])


def main(words: list[str]) -> int:
    docopt(__doc__ or "", words)
    FILE.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
