"""mlxk-rules explain."""

from __future__ import annotations

import sys
from typing import Any

from ..overrides import override
from ..render import explanation
from ..terminal import style_for
from .common import policy_of, print_json, probed


def run(options: dict[str, Any]) -> int:
    """Print which gate fires for a model, and why. Returns 0 for allow and warn, 1 for block."""
    policy = policy_of(options)
    trace = policy.explain(override(probed(options), options["--set"], policy.derived_types))
    if options["--json"]:
        print_json(trace.to_dict())
    else:
        print(explanation(trace, style_for(sys.stdout)))
    return 0 if trace.decision.allowed else 1
