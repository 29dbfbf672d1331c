"""mlxk-rules pull."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ...advice.longest_context import longest_context
from ...facts.wording import BACKENDS, size_text
from ...report.explanation import explanation
from ...report.terminal import safe, screen_for, style_for
from ...report.text import verdict_sentence
from ..exit_codes import NO, answered
from ..hub.forced_log import log_forced
from ..hub.hub_question import asked_of
from .common import choice_of, print_json, probed
from .explain import remedies_of

if TYPE_CHECKING:
    from typing import Any

    from ...decision import Trace
    from ...policy import Policy


def run(options: dict[str, Any]) -> int:
    """Decide on a repo of the hub, download what the decided backend loads, explain it from the disk.

    Returns 0 where the model is here and may be loaded, else 1.
    """
    from ....loaders import download, is_remote, needed, remote

    policy = choice_of(options).load()
    model = options["MODEL"]
    wanted = remote(model if is_remote(model) else f"hf://{model}")
    shape = asked_of(wanted)
    before = policy.explain(probed({**options, "MODEL": shape}, policy))
    if not before.decision.allowed and not (options["--force"] and shape.readable):
        _tell(options, policy, before, None)
        return NO
    _announce(before, shape.listing.commit, bool(options["--json"]))
    backend = before.decision.backend if before.decision.allowed else str(before.derived.get("lane") or "")
    weights = before.facts["weights"]
    names = needed(shape.listing.files, backend, weights) if backend in BACKENDS else list(shape.listing.files)
    here = download(wanted, shape, names, progress=sys.stderr.isatty())
    after = policy.explain(probed({**options, "MODEL": here}, policy))
    _tell(options, policy, after, here.folder)
    return answered(after.decision.allowed)


def _announce(trace: Trace, commit: str, quiet: bool) -> None:
    """Say before the first byte what is downloaded, and what speaks against it."""
    decision, style = trace.decision, style_for(sys.stderr)
    if decision.decision == "warn":
        print(f"{style('warning', 'yellow', 'bold')}: {safe(decision.message or '')}", file=sys.stderr)
    if decision.decision == "block":
        by = f"blocked by gate {decision.gate}: {safe(decision.message or '')}"
        place = log_forced(trace, commit)
        kept = f" (logged in {safe(place)})" if place else ""
        print(f"{style('forced', 'yellow', 'bold')}: {by}{kept}", file=sys.stderr)
    if quiet:
        return
    size = trace.derived.get("download_bytes")
    much = f", {size_text(size)} to download" if isinstance(size, int) else ""
    print(f"{safe(verdict_sentence(trace))}{much}", file=sys.stderr)


def _tell(options: dict[str, Any], policy: Policy, trace: Trace, folder: str | None) -> None:
    """Print the explanation; `folder` is where the model is now, None where it is not."""
    changes = remedies_of(policy, dict(trace.facts), trace)
    if options["--json"]:
        remedies = [remedy.to_dict() for remedy in changes]
        print_json({**trace.to_dict(), "folder": folder, "forced": bool(options["--force"]), "remedies": remedies})
        return
    longest = longest_context(policy, trace.facts, trace.decision.backend)
    notes = [] if folder is None else [("here", safe(folder))]
    print(explanation(trace, screen_for(sys.stdout), changes, longest, notes=notes))
