"""mlxk-rules explain."""

from __future__ import annotations

import sys

from ...advice.longest_context import longest_context
from ...report.terminal import safe, style_for
from ...report.text import explanation
from ..hub_question import asked
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
    model = asked(options["MODEL"])
    facts = probed({**options, "MODEL": model}, policy)
    if options["--set"]:
        from ...facts.assignments import override  # which reads the vocabulary

        facts = override(facts, options["--set"], policy.derived_types)
    trace = policy.explain(facts)
    changes = remedies_of(policy, facts, trace)
    others = (
        _others(options, policy, model) if options["--alternatives"] and trace.decision.decision != "allow" else None
    )
    longest = longest_context(policy, facts, trace.decision.backend)
    if options["--json"]:
        remedies = [remedy.to_dict() for remedy in changes]
        more = {"longest_context": longest, "remedies": remedies, "policy_file": chosen.to_dict()}
        if others is not None:
            more["alternatives"] = others
        print_json({**trace.to_dict(), **more})
    else:
        style = style_for(sys.stdout)
        print(explanation(trace, style, changes, longest))
        if others is not None:
            from ..alternatives import lines

            print("\n".join(map(safe, lines(others))))
        if chosen.by:
            print(f"policy  {safe(chosen.sentence)}")
    if options["--html"] is not None:
        from ...report.pages.outline import outline
        from ...report.pages.page import decision_page
        from ...storage.whole_files import write_page

        write_page(options["--html"], decision_page(outline(policy.document), trace, changes))
        print(f"wrote {safe(options['--html'])}", file=sys.stderr)
    return 0 if trace.decision.allowed else 1


def _others(options: dict[str, Any], policy: Policy, model: Any) -> list[dict[str, Any]]:
    from ..alternatives import alternatives

    return alternatives(options, policy, model)


def remedies_of(policy: Policy, facts: dict[str, Any], trace: Trace) -> tuple[Remedy, ...]:
    """Return what would have to change; nothing where the model is allowed, for which nothing more is imported."""
    if trace.decision.decision == "allow":
        return ()
    from ...advice.remedies import remedies

    return remedies(policy, facts, trace)
