"""mlxk-rules explain."""

from __future__ import annotations

import sys

from ..context import longest_context
from ..render import explanation
from ..terminal import safe, style_for
from .common import choice_of, print_json, probed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..decision import Trace
    from ..policy import Policy
    from ..remedies import Remedy


def run(options: dict[str, Any]) -> int:
    """Print which gate fires for a model, why, and what would have to change. Returns 0 unless it blocks, then 1."""
    chosen = choice_of(options)
    policy = chosen.load()
    facts = probed(options, policy)
    if options["--set"]:
        from ..overrides import override  # which reads the vocabulary

        facts = override(facts, options["--set"], policy.derived_types)
    trace = policy.explain(facts)
    changes = remedies_of(policy, facts, trace)
    longest = longest_context(policy, facts, trace.decision.backend)
    if options["--json"]:
        remedies = [remedy.to_dict() for remedy in changes]
        more = {"longest_context": longest, "remedies": remedies, "policy_file": chosen.to_dict()}
        print_json({**trace.to_dict(), **more})
    else:
        style = style_for(sys.stdout)
        print(explanation(trace, style, changes, longest))
        if chosen.by:
            print(f"policy  {safe(chosen.sentence)}")
    if options["--html"] is not None:
        from ..view.outline import outline
        from ..view.page import decision_page
        from ..writing import write_page

        write_page(options["--html"], decision_page(outline(policy.document), trace, changes))
        print(f"wrote {safe(options['--html'])}", file=sys.stderr)
    return 0 if trace.decision.allowed else 1


def remedies_of(policy: Policy, facts: dict[str, Any], trace: Trace) -> tuple[Remedy, ...]:
    """Return what would have to change; nothing where the model is allowed, for which nothing more is imported."""
    if trace.decision.decision == "allow":
        return ()
    from ..remedies import remedies

    return remedies(policy, facts, trace)
