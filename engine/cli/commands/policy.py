"""mlxk-rules policy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ...decision import Trace
from ...facts.assignments import override
from ...policy import Policy
from ...problems import UsageError
from ...report.pages.outline import outline, plain
from ...report.terminal import safe, style_for
from ...storage import data_files
from ..exit_codes import YES
from ..policies.policy_choice import Choice, choose
from .common import print_json, probed

if TYPE_CHECKING:
    from ...advice.remedies import Remedy

_FORMS = ("--json", "--yaml", "--mermaid", "--dot", "--html", "--schema")
_PICTURES = ("--mermaid", "--dot", "--html")


def run(options: dict[str, Any]) -> int:
    """Show a policy whole, in the form that is asked for. Returns 0."""
    form = _form(options)
    if form == "--schema":
        print(safe(str(data_files.FOLDER / "policy.schema.json")))
        return YES
    chosen = choose(options["FILE"])
    policy = chosen.load()
    trace = _trace(options, policy)
    if form == "--html":
        from ...report.pages.page import policy_page
        from ...storage.whole_files import write_page

        changes: tuple[Remedy, ...] = ()
        if trace is not None and trace.decision.decision != "allow":
            from ...advice.remedies import remedies

            changes = remedies(policy, trace.facts, trace)
        write_page(options["--html"], policy_page(outline(policy.document), trace, changes))
        print(f"wrote {safe(options['--html'])}", file=sys.stderr)
    elif form == "--json":
        print_json({**plain(outline(policy.document)), "chosen_by": chosen.by or None})
    else:
        print(_text(form, policy, trace, chosen), end="")
    return YES


def _form(options: dict[str, Any]) -> str:
    asked = [form for form in _FORMS if options[form]]
    if len(asked) > 1:
        raise UsageError("usage", f"`{asked[0]}` and `{asked[1]}` do not go together", "ask for one of them")
    form = asked[0] if asked else ""
    if options["--model"] is not None and form not in _PICTURES:
        raise UsageError("usage", "`--model` marks a way in a picture", f"add one of {', '.join(_PICTURES)}")
    if options["--model"] is None:
        for word in ("--image", "--audio", "--server", "--set"):
            if options[word]:
                raise UsageError("usage", f"`{word}` stands without `--model`", "add --model MODEL")
    return form


def _trace(options: dict[str, Any], policy: Policy) -> Trace | None:
    if options["--model"] is None:
        return None
    facts = probed({**options, "MODEL": options["--model"]}, policy)
    return policy.explain(override(facts, options["--set"], policy.derived_types))


def _text(form: str, policy: Policy, trace: Trace | None, chosen: Choice) -> str:
    from ...report.pages.diagram import dot, mermaid
    from ...report.pages.listing import listing
    from ...report.pages.rule_file import rule_file
    from ...report.pages.steps import steps

    document = policy.document
    if form == "--yaml":
        return rule_file(outline(document))
    if form == "--mermaid":
        return mermaid(document, steps(document, trace))
    if form == "--dot":
        return dot(document, steps(document, trace))
    return f"{listing(outline(document), style_for(sys.stdout), chosen.by)}\n"
