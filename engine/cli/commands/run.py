"""mlxk-rules run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ...decision import Decision
from ...facts.wording import BACKENDS
from ...problems import UsageError
from ...report.terminal import Style, safe, style_for
from .common import number_of, policy_of, print_json, probed

MAX_PROMPT = 4 * 1024 * 1024  # characters


def run(options: dict[str, Any]) -> int:
    """Decide, then load and stream the text. Returns 0 if it ran, 1 if it was blocked or the backend failed."""
    from ....loaders import LoaderError, is_remote, remote, stream

    if is_remote(options["MODEL"]):
        name = remote(options["MODEL"])
        raise LoaderError(
            "not_downloaded", f"`{name}` is not here, and run downloads nothing", f"mlxk-rules pull {name}"
        )
    max_tokens, temperature = None, number_of(options, "--temperature", float)
    if options["--max-tokens"] is not None:
        max_tokens = number_of(options, "--max-tokens", int, least=1)
    policy = policy_of(options)
    facts = probed(options, policy, to_load=True)
    decision = policy.decide(facts)
    prompt = _prompt(options["PROMPT"])
    style = style_for(sys.stderr)
    if not options["--json"]:
        _announce(decision, style)
    pieces: list[str] = []
    error: LoaderError | None = None
    if decision.allowed:
        try:
            for piece in stream(
                facts,
                decision,
                prompt,
                images=[Path(file) for file in options["--image"]],
                audio=[Path(file) for file in options["--audio"]],
                max_tokens=max_tokens,
                temperature=temperature,
            ):
                pieces.append(piece)
                if not options["--json"]:
                    print(safe(piece, keep="\n\t"), end="", flush=True)
        except LoaderError as failure:
            if failure.code not in _BACKEND_CODES:
                raise
            if options["--debug"]:
                raise failure.__cause__ or failure from None
            error = failure
    if options["--json"]:
        failed = None if error is None else {"code": error.code, "message": error.message, "help": error.help or ""}
        text = "".join(pieces) if decision.allowed and error is None else None
        print_json({"decision": decision.to_dict(), "text": text, "error": failed})
    else:
        if pieces:
            print()
        if error is not None:
            _report(error, decision, style)
    return 0 if decision.allowed and error is None else 1


_BACKEND_CODES = {"backend_failed", "out_of_memory", "remote_code", "backend_not_installed", "blocked"}


def _announce(decision: Decision, style: Style) -> None:
    if decision.decision == "warn":
        print(f"{style('warning', 'yellow', 'bold')}: {safe(decision.message or '')}", file=sys.stderr)
    elif decision.decision == "block":
        code = style(f"blocked[{decision.error_type}]", "red", "bold")
        by = f"gate {decision.gate}; `mlxk-rules explain` tells more"
        print(f"{code}: {safe(decision.message or '')} ({by})", file=sys.stderr)


def _report(error: Any, decision: Decision, style: Style) -> None:
    advice = f"; {safe(error.help)}" if error.help else ""
    led = f"decided: {decision.decision}, {BACKENDS[decision.backend]}, by gate {decision.gate}; --debug shows more"
    print(f"{style(f'error[{error.code}]', 'red', 'bold')}: {safe(error.message)}{advice} ({led})", file=sys.stderr)


def _prompt(word: str) -> str:
    if word != "-":
        return word
    try:
        text = sys.stdin.read(MAX_PROMPT + 1)
    except UnicodeDecodeError:
        raise UsageError("bad-prompt", "the prompt on standard input is not UTF-8", "send text") from None
    if len(text) > MAX_PROMPT:
        raise UsageError("bad-prompt", f"the prompt is longer than {MAX_PROMPT} characters", "send less")
    return text
