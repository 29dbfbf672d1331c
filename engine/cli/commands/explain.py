"""mlxk-rules explain."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

from ...advice.longest_context import longest_context
from ...report.explanation import explanation
from ...report.terminal import safe, screen_for
from ..default_request import EACH, first_allowed
from ..exit_codes import answered
from .common import choice_of, has_hosts, model_of, print_json, probed_of, with_backends

if TYPE_CHECKING:
    from typing import Any

    from ...advice.remedies import Remedy
    from ...decision import Decision, Trace
    from ...policy import Policy
    from ..default_request import Request
    from ..on_machines import OnMachines


def run(options: dict[str, Any]) -> int:
    """Print what is decided of a model, why, and what would have to change. Returns 0 unless it blocks, then 1."""
    chosen = choice_of(options)
    policy = chosen.load()
    with _machines(options, policy) if has_hosts(options) else nullcontext() as hosts:
        model = model_of(options["MODEL"])
        facts, trace = _traced({**options, "MODEL": model}, policy, hosts)
    changes = remedies_of(policy, facts, trace)
    others = None
    if options["--alternatives"] and trace.decision.decision != "allow":
        from ..hub.alternatives import alternatives

        others = alternatives(options, policy, model)
    longest = longest_context(policy, facts, trace.decision.backend)
    if options["--json"]:
        remedies = [remedy.to_dict() for remedy in changes]
        more = {"longest_context": longest, "remedies": remedies, "policy_file": chosen.to_dict()}
        if others is not None:
            more["alternatives"] = others
        print_json({**trace.to_dict(), **more})
    else:
        print(
            explanation(
                trace,
                screen_for(sys.stdout),
                changes,
                longest,
                why=options["--why"],
                gates=options["--gates"],
                notes=_notes(options, trace, changes, chosen.sentence if chosen.by else "", isinstance(model, str)),
            )
        )
        if others is not None:
            from ..hub.alternatives import lines

            print("\n".join(map(safe, lines(others))))
    if options["--html"] is not None:
        from ...report.pages.outline import outline
        from ...report.pages.page import decision_page
        from ...storage.whole_files import write_page

        write_page(options["--html"], decision_page(outline(policy.document), trace, changes))
        print(f"wrote {safe(options['--html'])}", file=sys.stderr)
    return answered(trace.decision.allowed)


def _machines(options: dict[str, Any], policy: Policy) -> OnMachines:
    from ..on_machines import OnMachines, refuse_policy_of_one_machine  # one machine does without

    refuse_policy_of_one_machine(policy)
    return OnMachines.of(options)


def _traced(options: dict[str, Any], policy: Policy, hosts: OnMachines | None) -> tuple[dict[str, Any], Trace]:
    """Return facts and trace for the request that was asked for, else for the first that the model is allowed for."""
    found, asked = probed_of(options, policy)
    sets = options["--set"]
    terms = any(options[name] for name in ("--why", "--gates", "--json", "--html"))

    def answer_of(request: Request) -> tuple[Decision, tuple[dict[str, Any], Trace]]:
        asking = found.asking({**asked, "images": request[0], "audio": request[1]})
        facts = with_backends(
            asking, asking.facts(), options["--quick"], None if hosts else policy, hosts and hosts.workers, not hosts
        )
        answer = traced(facts if hosts is None else hosts.facts(asking, facts))
        if hosts is not None and answer[1].decision.decision != "allow":
            # What would have to change may be their number.
            answer = traced(hosts.facts(asking, facts, others=True))
        return answer[1].decision, answer

    def traced(facts: dict[str, Any]) -> tuple[dict[str, Any], Trace]:
        if sets:
            from ...facts.assignments import override  # which reads the vocabulary

            facts = override(facts, sets, policy.derived_types)
        return facts, policy.explain(facts, bool(options["--all"]), terms)

    own = asked["images"], asked["audio"]
    is_open = not any(own) and not any(one.strip().startswith(("request.", "derived.")) for one in sets)
    return first_allowed(EACH if is_open else [own], answer_of)[2]


def _notes(
    options: dict[str, Any], trace: Trace, changes: tuple[Remedy, ...], policy: str, is_here: bool
) -> list[tuple[str, str]]:
    notes = [("policy", safe(policy))] if policy else []
    if trace.decision.allowed and not options["--set"]:
        asked = {"images": " --image FILE", "audio": " --audio FILE"}
        files = "".join(words for name, words in asked.items() if trace.facts["request"].get(name))
        from shlex import quote

        model = quote(options["MODEL"])
        hosts = f" --hosts {quote(options['--hosts'])}" if options["--hosts"] else ""
        what, command = ("run it", f"run{hosts} {model}{files}") if is_here else ("get it", f"pull {model}")
        notes.append((what, safe(f"mlxk-rules {command}")))
    missing = [change.fact for remedy in changes for change in remedy.changes if change.fact.endswith(".installed")]
    if missing:
        from ...storage.how_installed import EXTRAS, install_command

        extras = [EXTRAS[fact.split(".")[1]] for fact in dict.fromkeys(missing) if fact.split(".")[1] in EXTRAS]
        notes += [("install", safe(install_command(extra))) for extra in extras]
    return notes


def remedies_of(policy: Policy, facts: dict[str, Any], trace: Trace) -> tuple[Remedy, ...]:
    """Return what would have to change; nothing where the model is allowed, for which nothing more is imported."""
    if trace.decision.decision == "allow":
        return ()
    from ...advice.remedies import remedies

    return remedies(policy, facts, trace)
