"""Makes the modules of engine/compiler/shipped/: the expressions of the shipped rule files, written as Python.

Usage:
  tests.engine.compiler.shipped

Run it as `python -m tests.engine.compiler.shipped` when an expression of rules/*.yaml, or how expressions are written,
has changed. What it lacks is written at each start instead, which takes longer.
"""

from __future__ import annotations

import sys
from pathlib import Path

from docopt import docopt
from mlxk_rules.engine import Policy
from mlxk_rules.engine.advice import lever_reader
from mlxk_rules.engine.compiler import program_builder, shipped

FOLDER = Path(shipped.__file__).parent
_EXPRESSIONS = "expressions"
_HEAD = '''\
"""The {what} of rules/{name} as Python: made by `python -m tests.engine.compiler.shipped`.

By the digest of its code, each is a function of a scope; compiler.program_functions gives it the names in its code.
"""

from typing import Any

FUNCTIONS: dict[int, Any] = {{
'''


def texts() -> dict[str, str]:
    """Return what each module is to hold, by its name."""
    levers = lever_reader.written(lever_reader.read_levers()[2])
    found = {"levers": _text("levers.yaml", _EXPRESSIONS, levers)}
    for module, name, source in (("policy", "policy.yaml", None), ("policy_2_0_4", "2.0.4.yaml", "2.0.4")):
        program = Policy.load(source).evaluation.program
        code = program_builder.written(program)
        whole = {program.functions[expression.function] for expression in program.expressions}
        found[module] = _text(name, _EXPRESSIONS, {digest: code[digest] for digest in whole})
        parts = {digest: text for digest, text in code.items() if digest not in whole}
        found[f"{module}_parts"] = _text(name, "parts of conditions", parts)
    return found


def _text(name: str, what: str, code: dict[int, str]) -> str:
    lines = (f"    {digest}: lambda s: {text},\n" for digest, text in sorted(code.items(), key=lambda one: one[1]))
    return f"{_HEAD.format(name=name, what=what)}{''.join(lines)}}}\n"


def main(words: list[str]) -> int:
    docopt(__doc__ or "", words)
    for name, text in texts().items():
        (FOLDER / f"{name}.py").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
