"""One answer of a loaded model, as a terminal shows it: a sign of life, the text as it comes, and how it ended."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...decision import Decision
from ...facts.wording import BACKENDS, size_text
from ...report.terminal import safe, style_for
from ..waiting import waiting

if TYPE_CHECKING:
    from ....loaders import Message, Remembered, Report, Request

MAX_TOKENS = 256  # what loaders take for text where nobody says


class Options(NamedTuple):
    """What is asked of the model, besides the prompt."""

    images: tuple[Path, ...] = ()
    audio: tuple[Path, ...] = ()
    system: str | None = None
    max_tokens: int | None = None
    context_tokens: int | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    language: str | None = None
    stats: bool = False


class Answering:
    """Answers prompts with one model, which is loaded at the first. Raises LoaderError as loaders do."""

    def __init__(self, facts: dict[str, Any], decision: Decision, options: Options, show: bool) -> None:
        """show: whether the text goes to the standard output as it comes."""
        from ....loaders import Session

        self.facts, self.decision, self.options = facts, decision, options
        self._show, self._text = show, ""
        self._session = Session(facts, decision)

    @property
    def backend(self) -> str:
        """The backend's name."""
        return BACKENDS[self.decision.backend]

    def answer(self, prompt: str, before: tuple[Message, ...] = (), remembered: Remembered | None = None) -> str:
        """Return the answer, which was shown; where Ctrl-C ended it, KeyboardInterrupt passes, and `so_far` has it."""
        request = request_of(self.options, prompt, before, remembered)
        self._text = ""
        with ExitStack() as sign:
            sign.enter_context(waiting(self._doing()))
            pieces = self._session.answer(request)
            try:
                for piece in pieces:
                    sign.close()
                    self._text += piece
                    if self._show:
                        print(safe(piece, keep="\n\t"), end="", flush=True)
            finally:
                pieces.close()
                sign.close()
                if self._show and self._text:
                    print(flush=True)
        if self._show:
            tell_ending(self._session.report, self.options, self._text, self.decision.backend)
        return self._text

    @property
    def so_far(self) -> str:
        """What was shown of the last answer."""
        return self._text

    def plain(self) -> tuple[str | None, dict[str, Any]]:
        """Return how the last answer ended, and its figures, as plain JSON data."""
        figures = self._session.report._asdict()
        return figures.pop("ending"), figures

    def _doing(self) -> str:
        name = self.facts["model"]["name"]
        if self._session.is_loaded:
            return f"{name} reads"
        size = self.facts.get("weights", {}).get(self.decision.backend, {}).get("size_bytes")
        return f"loading {name} with {self.backend}" + (f", {size_text(size)}" if size else "")


def request_of(
    wanted: Options, prompt: str, before: tuple[Message, ...] = (), remembered: Remembered | None = None
) -> Request:
    """Return the request that a prompt makes with these options. Raises LoaderError as `checked_request` does."""
    from ....loaders import Message, checked_request

    if wanted.system is not None:
        before = (Message("system", wanted.system), *before)
    return checked_request(
        prompt,
        wanted.images,
        wanted.audio,
        wanted.max_tokens,
        wanted.temperature,
        top_p=wanted.top_p,
        seed=wanted.seed,
        stop=tuple(wanted.stop),
        context_tokens=wanted.context_tokens,
        before=before,
        language=wanted.language,
        remembered=remembered,
    )


def tell_ending(report: Report, wanted: Options, text: str, backend: str) -> None:
    """Say on the standard error what an answer ended by, where that is not its own end, and its figures if wanted."""
    if not text.strip():
        said = "the text to stop at came first" if report.ending == "stop" else "it ended at once"
        heard = "nothing was heard in the recording" if backend == "mlx_audio" else said
        _note(f"the answer is empty: {heard}")
    if report.ending == "length":
        _note(f"cut off at {wanted.max_tokens or MAX_TOKENS} tokens: --max-tokens N allows more")
    elif report.ending == "context":
        _note(f"cut off at {wanted.context_tokens} tokens of prompt and answer: --context N allows more")
    if wanted.stats:
        _note(_stats(report))


def _note(text: str) -> None:
    print(style_for(sys.stderr)(text, "dim"), file=sys.stderr, flush=True)


def _stats(report: Any) -> str:
    parts = [f"loaded in {report.load_seconds:.1f} s"] if report.load_seconds is not None else []
    for what, tokens, speed in (
        ("read", report.prompt_tokens, report.prompt_tokens_per_second),
        ("written", report.answer_tokens, report.answer_tokens_per_second),
    ):
        if tokens is not None:
            parts.append(f"{tokens:,} tokens {what}" + (f" at {speed:,.1f} a second" if speed else ""))
    if report.peak_bytes:
        parts.append(f"{size_text(report.peak_bytes)} of memory at most")
    return ", ".join(parts) or "the backend tells no figures"
