"""Does what a decision says, and nothing else: one folder, one backend, text out.

The decision is engine's Decision or its dict form; only its fields are read, so that loaders/ needs nothing of engine/.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, Protocol, TypeVar, cast
from weakref import finalize

from ...engine.storage.how_installed import EXTRAS, install_command
from .. import bounded_files
from ..facts.folder import is_shape, listing
from ..host.installed import NAMES
from ..problems import LoaderError
from .failure import Phase, backend_error
from .pinned_folder import Pinned, changed, fingerprint_in, pinned
from .remote_code import MAX_CONFIG_BYTES, no_remote_code, refusal, refuse_model_file
from .request import Generated, Request, checked_request
from .stopping import Stopping
from .surroundings import quiet_and_offline

_T = TypeVar("_T")


class _Backend(Protocol):
    """What a backend's module here offers; both are called inside the guards of this module."""

    def open_model(self, folder: Path) -> Any: ...

    def generate(self, model: Any, request: Request) -> Iterator[Generated]: ...


@dataclass(frozen=True, slots=True)
class _Known:
    package: str
    images: bool
    audio: bool

    @property
    def name(self) -> str:
        return NAMES[self.package]


_BACKENDS = {
    "mlx_lm": _Known("mlx_lm", images=False, audio=False),
    "mlx_vlm": _Known("mlx_vlm", images=True, audio=True),
    "mlx_audio": _Known("mlx_audio", images=False, audio=True),
}


def stream(
    facts: Mapping[str, Any],
    decision: Mapping[str, Any] | object,
    prompt: str,
    *,
    images: Sequence[Path | str] = (),
    audio: Sequence[Path | str] = (),
    max_tokens: int | None = None,
    temperature: float = 0.0,
    **more: Any,
) -> Iterator[str]:
    """The model's answer, piece by piece.

    `facts` are those that were decided on, `decision` what came out. `max_tokens` None means 256 for text, and the
    model's own limit for speech (a transcript is as long as its recording); `more` are further fields of a Request,
    such as top_p, seed, stop and before. All that can be checked is checked by the call; the load happens at the first
    piece. Ctrl-C passes through; closing the iterator ends the generation.

    What is loaded is what `facts.model.fingerprint` tells of, or nothing, whatever is put into the folder meanwhile.

    Raises LoaderError. By the call: blocked, unknown_backend, request_mismatch, media_not_found, media_unreadable,
    bad_argument, path_mismatch, backend_not_installed, not_downloaded, remote_code, unreadable_config. By the iterator:
    path_mismatch, unwritable_folder, not_downloaded, and, each caused by the backend's own exception, backend_failed,
    out_of_memory, took_too_long, remote_code.
    """
    known = _BACKENDS[_allowed_backend(decision)]
    _same_request(facts, known, bool(images), bool(audio))
    request = checked_request(prompt, images, audio, max_tokens, temperature, **more)
    return Session(facts, decision).answer(request)


class Report(NamedTuple):
    """How an answer went. ending: end (the model's own), length (max_tokens), context, stop (a text to stop at); None
    where there is none, or the backend does not say, as with each other value."""

    ending: str | None = None
    load_seconds: float | None = None
    prompt_tokens: int | None = None
    prompt_tokens_per_second: float | None = None
    answer_tokens: int | None = None
    answer_tokens_per_second: float | None = None
    peak_bytes: int | None = None


class Session:
    """A model that stays loaded from its first answer on. Raises LoaderError as `stream` does.

    `opens` loads the folder that it is given in the backend's place, as a rank does, which loads a share.
    """

    def __init__(
        self,
        facts: Mapping[str, Any],
        decision: Mapping[str, Any] | object,
        opens: Callable[[Path], Any] | None = None,
    ) -> None:
        backend = _allowed_backend(decision)
        self._known = _BACKENDS[backend]
        self._folder = _probed_folder(facts)
        if find_spec(self._known.package) is None:
            help = f"install it: {install_command(EXTRAS[self._known.package])}"
            raise LoaderError("backend_not_installed", f"{self._known.name} is not installed", help)
        _refuse_shape(self._folder)
        refuse_model_file(self._folder)
        self._fingerprint = fingerprint_in(facts)
        self._held = ExitStack()
        finalize(self, self._held.close)  # who drops the session lets the files go
        self._pinned: Pinned | None = None
        self._module = cast("_Backend", import_module(f".{backend}", __package__))
        self._opens = opens or self._module.open_model
        self._model: Any = None
        self._load_seconds: float | None = None
        self.report = Report()  # of the last answer

    @property
    def is_loaded(self) -> bool:
        """Whether the model was loaded."""
        return self._load_seconds is not None

    def load(self) -> Pinned:
        """Load the model, where it is not yet; the folder that it was loaded from."""
        if self._pinned is None:
            self._pinned = self._pin()
        folder = self._pinned
        if not self.is_loaded:
            started = perf_counter()
            self._model = _step(self._known, "load", folder, lambda: self._opens(folder.path))
            folder.check()
            self._load_seconds = perf_counter() - started
        return folder

    def answer(self, request: Request) -> Generator[str, None, None]:
        """The answer in pieces; the model is loaded at the first, where it is not yet.

        The guards are open only while the backend works, never while the caller does.
        """
        self.report = Report()
        folder = self.load()
        self.report = Report(load_seconds=self._load_seconds)
        pieces = _step(self._known, "generate", folder, lambda: self._module.generate(self._model, request))
        stopping = Stopping(request.stop)
        ending: str | None = None
        try:
            while (piece := _step(self._known, "generate", folder, lambda: next(pieces, None))) is not None:
                shown = stopping.shown(piece.text)
                ending = "stop" if stopping.stopped else _ending(piece, request)
                self.report = Report(ending, self._load_seconds, *piece[2:])
                if shown:
                    yield shown
                if ending in ("stop", "context"):
                    break
            if rest := stopping.rest():
                yield rest
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()

    def _pin(self) -> Pinned:
        found = self._held.enter_context(pinned(self._folder, self._fingerprint))
        try:  # again, of what is loaded: the folder may have changed since the call
            _refuse_shape(found.path)
            refuse_model_file(found.path)
        except LoaderError:
            self._held.close()
            raise
        return found


def _ending(piece: Generated, request: Request) -> str | None:
    if piece.reason is not None:
        return "end" if piece.reason == "stop" else "length"
    used = (piece.prompt_tokens or 0) + (piece.answer_tokens or 0)
    return "context" if request.context_tokens is not None and used >= request.context_tokens else None


def _field(decision: Mapping[str, Any] | object, name: str) -> Any:
    if isinstance(decision, Mapping):
        return cast("Mapping[str, Any]", decision).get(name)
    return getattr(decision, name, None)


def _allowed_backend(decision: Mapping[str, Any] | object) -> str:
    verdict = _field(decision, "decision")
    if verdict not in ("allow", "warn"):
        message = _field(decision, "message") or _field(decision, "error_type") or "the policy does not allow it"
        gate = _field(decision, "gate")
        raise LoaderError("blocked", str(message), f"gate `{gate}` decided so" if gate else None)
    backend = _field(decision, "backend")
    if backend not in _BACKENDS:
        raise LoaderError("unknown_backend", f"no backend `{backend}`", f"there are {', '.join(_BACKENDS)}")
    return backend


def _same_request(facts: Mapping[str, Any], known: _Known, images: bool, audio: bool) -> None:
    decided: Mapping[str, Any] = facts.get("request") or {}
    for kind, given, taken in (("images", images, known.images), ("audio", audio, known.audio)):
        if given != bool(decided.get(kind, False)):
            has, decided_for = ("has", "without") if given else ("has no", "with")
            raise LoaderError(
                "request_mismatch", f"the request {has} {kind}, the decision was made for one {decided_for}"
            )
        if given and not taken:
            raise LoaderError("request_mismatch", f"{known.name} takes no {kind}")
    if known.package == "mlx_audio" and not audio:
        raise LoaderError("request_mismatch", "mlx-audio turns speech into text, and the request has no audio")


def _probed_folder(facts: Mapping[str, Any]) -> Path:
    """The folder that was probed; its config.json must still name the type that was decided on."""
    model: Mapping[str, Any] = facts.get("model") or {}
    path = model.get("path")
    if not isinstance(path, str) or not path:
        raise LoaderError("path_mismatch", "the facts name no model.path")
    folder = Path(path).absolute()
    if not folder.is_dir():
        raise LoaderError("path_mismatch", f"the folder that was probed is gone: `{folder}`")
    probed, found = model.get("type"), _type_now(folder)
    if isinstance(probed, str) and isinstance(found, str) and probed != found:
        raise LoaderError(
            "path_mismatch",
            f"the decision was made for a model of type `{probed}`, the folder holds one of type `{found:.80}`",
        )
    fingerprint = fingerprint_in(facts)
    if fingerprint is not None and fingerprint != listing(str(folder)).fingerprint:
        raise changed(folder)
    return folder


def _refuse_shape(folder: Path) -> None:
    """A folder that holds headers and no weights would load, and answer rubbish."""
    if is_shape(folder):
        raise LoaderError(
            "not_downloaded", f"the weights of `{folder.name}` are not here: only its shape is", "mlxk-rules pull MODEL"
        )


def _type_now(folder: Path) -> object:
    try:
        config: object = json.loads(bounded_files.read(folder / "config.json", MAX_CONFIG_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return cast("dict[str, object]", config).get("model_type") if isinstance(config, dict) else None


def _step(known: _Known, phase: Phase, folder: Pinned, work: Callable[[], _T]) -> _T:
    with quiet_and_offline(), no_remote_code() as refused:
        try:
            result = work()
        except LoaderError:
            raise
        # A model module may call sys.exit() when a package of its own is missing (mlx_lm.models.olmo does).
        except (Exception, SystemExit) as error:
            if refused:
                raise refusal(refused) from error
            raise backend_error(known.name, phase, error, folder.path, str(folder.origin)) from error
        # mlx-audio swallows that there is no tokenizer and would spell the tokens as numbers.
        if refused and phase == "load" and known.package == "mlx_audio":
            raise refusal(refused)
        return result
