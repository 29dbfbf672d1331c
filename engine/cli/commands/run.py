"""mlxk-rules run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...decision import Decision, Trace
from ...facts.wording import BACKENDS, size_text
from ...problems import UsageError
from ...report.explanation import observed
from ...report.memory_sum import memory_sum
from ...report.terminal import Style, safe, style_for
from ..answers.answering import MAX_TOKENS, Answering, Options
from ..exit_codes import NO, answered
from .common import has_hosts, number_of, policy_of, print_json, probed

if TYPE_CHECKING:
    from ....loaders import LoaderError
    from ...policy import Policy

MAX_PROMPT = 4 * 1024 * 1024  # characters
_BACKEND_CODES = {
    "backend_failed",
    "blocked",
    "backend_not_installed",
    "context_full",
    "out_of_memory",
    "remote_code",
    "took_too_long",
}
_BYTES_A_TOKEN = 3
_OVER_MEMORY = "insufficient_memory"


def run(options: dict[str, Any]) -> int:
    """Decide, then load and answer. Returns 0 if it ran, 1 if it was blocked, not wanted or the backend failed."""
    from ....loaders import LoaderError, is_remote, remote

    if is_remote(options["MODEL"]):
        name = remote(options["MODEL"])
        raise LoaderError(
            "not_downloaded", f"`{name}` is not here, and run downloads nothing", f"mlxk-rules pull {name}"
        )
    asked = _options(options)
    if has_hosts(options):
        from ..machines.run_on_hosts import run_on_hosts
        from ..on_machines import refuse_policy_of_one_machine

        policy = policy_of(options)
        refuse_policy_of_one_machine(policy)
        prompt = _prompt(options["PROMPT"])
        return run_on_hosts(_with_context(options, prompt, policy), asked, prompt)
    talks = options["PROMPT"] is None and not asked.audio and _is_talk(options)
    prompt = "" if options["PROMPT"] is None and (talks or asked.audio) else _prompt(options["PROMPT"])
    policy = policy_of(options)
    facts = probed(_with_context(options, prompt, policy), policy, to_load=True)
    trace = policy.explain(facts, terms=False)
    decision = trace.decision
    style = style_for(sys.stderr)
    if not options["--json"]:
        _announce(trace, style)
    if decision.allowed and not _wanted(trace, options):
        return NO
    answering = Answering(facts, decision, asked, show=not options["--json"]) if decision.allowed else None
    error: LoaderError | None = None
    text: str | None = None
    try:
        if answering is not None and talks:
            from ..answers.conversation import talk

            talk(answering)
        elif answering is not None:
            text = answering.answer(prompt)
    except LoaderError as failure:
        if failure.code not in _BACKEND_CODES:
            raise
        if options["--debug"]:
            raise failure.__cause__ or failure from None
        error = failure
    if options["--json"]:
        failed = None if error is None else {"code": error.code, "message": error.message, "help": error.help or ""}
        ending, stats = answering.plain() if answering is not None and error is None else (None, None)
        found = {"decision": decision.to_dict(), "text": text, "error": failed, "ending": ending, "stats": stats}
        print_json(found)
    elif error is not None:
        _report(error, decision, style)
    return answered(decision.allowed and error is None)


def _options(options: dict[str, Any]) -> Options:
    count = {name: number_of(options, name, int, least=1) for name in ("--max-tokens", "--context") if options[name]}
    top_p = number_of(options, "--top-p", float)
    if not 0 < top_p <= 1:
        raise UsageError("bad-value", f"`--top-p` is `{top_p:g}`, above 0 and at most 1 is wanted", "write --top-p 0.9")
    return Options(
        images=tuple(Path(file) for file in options["--image"]),
        audio=tuple(Path(file) for file in options["--audio"]),
        system=options["--system"],
        max_tokens=count.get("--max-tokens"),
        context_tokens=count.get("--context"),
        temperature=number_of(options, "--temperature", float),
        top_p=top_p,
        seed=None if options["--seed"] is None else number_of(options, "--seed", int),
        stop=tuple(options["--stop"]),
        language=options["--language"],
        stats=options["--stats"],
    )


def _with_context(options: dict[str, Any], prompt: str, policy: Policy) -> dict[str, Any]:
    """Return the options with the context that a prompt asks for, where that is more than the policy reckons for.

    A token of text is three bytes and more with nearly all tokenizers, which are not opened before it is decided.
    """
    if options["--context"] is not None:
        return options
    answer = int(options["--max-tokens"] or MAX_TOKENS)
    tokens = len(prompt.encode("utf-8", "surrogatepass")) // _BYTES_A_TOKEN + answer
    return {**options, "--context": str(tokens)} if tokens > policy.limits.get("context_tokens", 0) else options


def _is_talk(options: dict[str, Any]) -> bool:
    return not options["--json"] and sys.stdin.isatty() and sys.stdout.isatty()


def _announce(trace: Trace, style: Style) -> None:
    decision = trace.decision
    if decision.decision == "warn":
        for one in trace.warnings:
            print(f"{style('warning', 'yellow', 'bold')}: {safe(one.message or '')}", file=sys.stderr)
    elif decision.decision == "block":
        code = style(f"blocked[{decision.error_type}]", "red", "bold")
        by = f"gate {decision.gate}; `mlxk-rules explain` tells more"
        print(f"{code}: {safe(decision.message or '')} ({by})", file=sys.stderr)

    for text in observed(trace):
        print(f"{style('observed', 'dim')}: {text}", file=sys.stderr)


def _wanted(trace: Trace, options: dict[str, Any]) -> bool:
    """Whether to go on: a person at a terminal is asked where the model needs more memory than may be used."""
    if options["--yes"] or options["--json"] or not any(one.error_type == _OVER_MEMORY for one in trace.warnings):
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    memory = memory_sum(trace)
    over = f"It is {size_text(memory.over)} over what may be used. " if memory is not None and memory.over else ""
    print(f"{over}Load it all the same (--yes does not ask)? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    print("not loaded", file=sys.stderr)
    return False


def _report(error: LoaderError, decision: Decision, style: Style) -> None:
    advice = f"; {safe(error.help)}" if error.help else ""
    led = f"decided: {decision.decision}, {BACKENDS[decision.backend]}, by gate {decision.gate}; --debug shows more"
    print(f"{style(f'error[{error.code}]', 'red', 'bold')}: {safe(error.message)}{advice} ({led})", file=sys.stderr)


def _prompt(word: str | None) -> str:
    if word is not None and word != "-":
        return word
    try:
        text = sys.stdin.read(MAX_PROMPT + 1) if word == "-" or not sys.stdin.isatty() else ""
    except UnicodeDecodeError:
        raise UsageError("bad-prompt", "the prompt on standard input is not UTF-8", "send text") from None
    except OSError:  # there is none to read from
        text = ""
    if len(text) > MAX_PROMPT:
        raise UsageError("bad-prompt", f"the prompt is longer than {MAX_PROMPT} characters", "send less")
    if word is None and not text.strip():
        raise UsageError(
            "usage", "PROMPT is missing", "mlxk-rules run MODEL PROMPT; without one, on a terminal, you talk"
        )
    return text
