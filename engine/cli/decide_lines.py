"""Lines of facts in, lines of decisions out: what `decide` says of one line, whoever reads and writes them."""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii
from typing import Any

from ..decision import Decision
from ..facts.json_lines import MAX_LINE, facts_in, refuse_constant
from ..policy import Policy
from ..problems import UsageError
from .exit_codes import UNUSABLE, YES, answered

# One for all lines: json.loads makes a new one for each that is read with an option.
_READER = json.JSONDecoder(parse_constant=refuse_constant)
_Ends = tuple[str, str]


class LineDecider:
    """Answers whole lines of facts by one policy."""

    def __init__(self, policy: Policy, traced: bool = False) -> None:
        """traced: with each answer, beside its line's number and the model's name, every gate tried."""
        self._decide = policy.decide
        self._policy, self._traced = policy, traced
        # Decisions differ in their message and little else: the JSON around it is written once each.
        self._around: dict[tuple[str, str, str | None, str | None, int | None], _Ends] = {}

    def lines(self, block: bytes, number: int) -> tuple[bytes, int]:
        """Return the answers to a block of whole lines, the first of which has this number, and the exit code so far.

        The code is 2 if a line held no facts, else 1 if one was blocked, else 0. A blank line has no answer.
        """
        if self._traced:
            return self._each(block, number)
        try:
            texts = block.decode("utf-8").split("\n") if len(block) <= MAX_LINE else []
        except UnicodeDecodeError:
            texts = []
        if not texts:  # one of the lines is not UTF-8, or too long
            return self._each(block, number)
        answers: list[str] = []
        code = YES
        last = len(texts) - 1
        for count, text in enumerate(texts):
            # The common line in the common way; any other goes the way that knows every error.
            try:
                facts, end = _READER.raw_decode(text) if text[:2] == '{"' else (None, 0)
            except (ValueError, RecursionError):
                facts, end = None, 0
            if facts is not None and (end == len(text) or text[end:] == "\r"):
                decision = self._decide(facts)
                if decision.decision == "block" and not code:
                    code = 1
                answers.append(self._json(decision, facts, number + count))
            elif text:
                line = text.encode("utf-8") if count == last else f"{text}\n".encode()
                code = max(code, self._line(line, number + count, answers))
        return _joined(answers), code

    def _each(self, block: bytes, number: int) -> tuple[bytes, int]:
        answers: list[str] = []
        code = YES
        lines = block.split(b"\n")
        for count, line in enumerate(lines, 1):
            ended = line if count == len(lines) else line + b"\n"
            code = max(code, self._line(ended, number + count - 1, answers))
        return _joined(answers), code

    def _line(self, line: bytes, number: int, answers: list[str]) -> int:
        if len(line) <= MAX_LINE and not line.strip():
            return YES
        try:
            facts = facts_in(line)
            decision = self._decide(facts)
        except UsageError as error:
            where = {"code": error.code, "message": error.message, "help": error.help, "line": number}
            answers.append(json.dumps({"error": where}, allow_nan=False))
            return UNUSABLE
        answers.append(self._trace(facts, number) if self._traced else self._json(decision, facts, number))
        return answered(decision.allowed)

    def _trace(self, facts: dict[str, Any], number: int) -> str:
        trace = self._policy.explain(facts)
        plain = trace.to_dict()
        kept = {key: plain[key] for key in ("gates", "observed") if key in plain}
        return json.dumps({**plain["decision"], "line": number, "model": _name(facts), **kept})

    def _json(self, decision: Decision, facts: dict[str, Any], number: int) -> str:
        key = (decision.decision, decision.backend, decision.gate, decision.error_type, decision.http_status)
        ends = self._around.get(key)
        if ends is None:
            ends = self._around[key] = _ends(decision.to_dict())
        message = decision.message
        name = _name(facts)
        about = f'"line": {number}, "model": {"null" if name is None else encode_basestring_ascii(name)}'
        return f"{ends[0]}{'null' if message is None else encode_basestring_ascii(message)}{ends[1]}{about}}}"


def _name(facts: dict[str, Any]) -> str | None:
    """The model's name, as the facts tell it."""
    model = facts.get("model")
    name = model.get("name") if isinstance(model, dict) else None
    return name if isinstance(name, str) else None


def _ends(decision: dict[str, Any]) -> _Ends:
    """Return a decision's JSON before and behind its message."""
    keys = list(decision)
    place = keys.index("message")
    before = json.dumps({key: decision[key] for key in keys[:place]}, allow_nan=False)
    behind = json.dumps({key: decision[key] for key in keys[place + 1 :]}, allow_nan=False)
    return f'{before[:-1]}, "message": ', f", {behind[1:-1]}, "


def _joined(answers: list[str]) -> bytes:
    answers.append("")
    return "\n".join(answers).encode("ascii")
