"""mlxk-rules explain."""

from __future__ import annotations

import sys

from ...advice.longest_context import longest_context
from ...report.terminal import safe, style_for
from ...report.text import asides, explanation
from .common import choice_of, print_json, probed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...advice.remedies import Remedy
    from ...decision import Trace
    from ...policy import Policy


def run(options: dict[str, Any]) -> int:
    """Print which gate fires for a model, why, and what would have to change. Returns 0 unless it blocks, then 1."""
    chosen = choice_of(options)
    policy = chosen.load()
    facts = probed(options, policy)
    if options["--set"]:
        from ...facts.assignments import override  # which reads the vocabulary

        facts = override(facts, options["--set"], policy.derived_types)
    trace = policy.explain(facts, every=bool(options["--all"]))
    changes = remedies_of(policy, facts, trace)
    longest = longest_context(policy, facts, trace.decision.backend)
    if options["--json"]:
        remedies = [remedy.to_dict() for remedy in changes]
        more = {"longest_context": longest, "remedies": remedies, "policy_file": chosen.to_dict()}
        print_json({**trace.to_dict(), **more})
    else:
        style = style_for(sys.stdout)
        print(explanation(trace, style, changes, longest))
        for line in asides(trace):
            print(line)
        if chosen.by:
            print(f"policy  {safe(chosen.sentence)}")
    if options["--html"] is not None:
        from ...report.pages.outline import outline
        from ...report.pages.page import decision_page
        from ...storage.whole_files import write_page

        write_page(options["--html"], decision_page(outline(policy.document), trace, changes))
        print(f"wrote {safe(options['--html'])}", file=sys.stderr)
    return 0 if trace.decision.allowed else 1


def remedies_of(policy: Policy, facts: dict[str, Any], trace: Trace) -> tuple[Remedy, ...]:
    """Return what would have to change; nothing where the model is allowed, for which nothing more is imported."""
    if trace.decision.decision == "allow":
        return ()
    from ...advice.remedies import remedies

    return remedies(policy, facts, trace)
