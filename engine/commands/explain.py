"""mlxk-rules explain."""

from __future__ import annotations

import sys
from typing import Any

from ..overrides import override
from ..render import explanation
from ..terminal import safe, style_for
from .common import choice_of, print_json, probed


def run(options: dict[str, Any]) -> int:
    """Print which gate fires for a model, and why. Returns 0 for allow and warn, 1 for block."""
    chosen = choice_of(options)
    policy = chosen.load()
    trace = policy.explain(override(probed(options), options["--set"], policy.derived_types))
    if options["--json"]:
        print_json({**trace.to_dict(), "policy_file": chosen.to_dict()})
    else:
        style = style_for(sys.stdout)
        print(explanation(trace, style))
        if chosen.by:
            print(f"policy  {safe(chosen.sentence)}")
    if options["--html"] is not None:
        from ..view.outline import outline
        from ..view.page import decision_page
        from ..writing import write_page

        write_page(options["--html"], decision_page(outline(policy.document), trace))
        print(f"wrote {safe(options['--html'])}", file=sys.stderr)
    return 0 if trace.decision.allowed else 1
