"""A request's body, read and bounded: what it carries, how long it may get, and what of it a backend is given."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from ..settings import DEFAULT_TOKENS
from .message_parts import Parts, message_of, utf8
from .refusals import Refusal, wrong

_MAX_MESSAGES, _MAX_TOKENS = 10_000, 10_000_000
_BYTES_A_TOKEN = 3  # of text, or more, with nearly all tokenizers, which are not opened before it is decided
_TOKENS_A_MESSAGE = 8
_GIVEN_ON = (
    "temperature", "top_p", "top_k", "min_p", "seed", "stop", "repetition_penalty", "repetition_context_size",
    "presence_penalty", "frequency_penalty", "logit_bias", "xtc_probability", "xtc_threshold", "tools", "tool_choice",
    "response_format", "chat_template_kwargs", "enable_thinking", "thinking_budget", "language",
)  # fmt: skip
_READ = ("model", "messages", "prompt", "stream", "stream_options", "max_tokens", "max_completion_tokens", "n")
# Fields that name a path, or load something beside the model that no policy is asked about.
_REFUSED = ("adapter_path", "model_path", "image", "video")
_BESIDE = ("adapters", "adapter", "draft_model", "num_draft_tokens")
_MAX_DRAFT_TOKENS = 32
# mlx-lm 0.32.2 counts drafted tokens as said: with these its answers are others than without a draft model.
_OF_WHAT_WAS_SAID = {"repetition_penalty": (0, 1), "presence_penalty": (0,), "frequency_penalty": (0,)}
_MAX_ID = 200
# Whole numbers from 0 on, and the most that backends take: others break an answer off, or end the thread that answers.
_WHOLE = {"seed": (1 << 63) - 1, "top_k": _MAX_TOKENS, "repetition_context_size": _MAX_TOKENS}
_MAX_BIAS = 100_000  # OpenAI takes 100; a bias of so much forbids a token, or leaves no other


class Asked(NamedTuple):
    """What one request asks for; by default a text that is short enough for any policy, of which nothing is given on.

    model: the id, as asked. endpoint: the backend's path. body: what a backend is given, but for its `model`.
    images, audio: whether it carries them. image_size: of the largest image, in pixels. tokens: at most of prompt and
    answer together. stream, wants_usage: how the client wants it. ignored: fields that nobody heeds. adapter,
    draft_model: ids of what is to be loaded with the model, None for none.
    """

    model: str
    endpoint: str = ""
    body: Mapping[str, Any] = MappingProxyType({})
    images: bool = False
    audio: bool = False
    image_size: tuple[int, int] | None = None
    tokens: int = DEFAULT_TOKENS
    stream: bool = False
    wants_usage: bool = False
    ignored: tuple[str, ...] = ()
    adapter: str | None = None
    draft_model: str | None = None


def json_of(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body. Raises Refusal."""
    try:
        value = json.loads(body, parse_constant=_no_number)
    except RecursionError:
        raise Refusal(400, "invalid_json", "the body nests too deep") from None
    except ValueError as error:
        raise Refusal(400, "invalid_json", f"the body is no JSON: {error!s:.100}") from None
    if not isinstance(value, dict):
        raise Refusal(400, "invalid_json", "the body is no JSON object")
    return value


def chat(body: dict[str, Any]) -> Asked:
    """Return what a body for /v1/chat/completions asks for. Raises Refusal, which names the field that is wrong."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not 0 < len(messages) <= _MAX_MESSAGES:
        wrong("messages", f"a list of 1 to {_MAX_MESSAGES} messages is wanted")
    parts = Parts()
    given = [message_of(message, f"messages.{place}", parts) for place, message in enumerate(messages)]
    tokens = parts.bytes // _BYTES_A_TOKEN + _TOKENS_A_MESSAGE * len(messages)
    for name in ("tools", "response_format"):
        tokens += len(json.dumps(body[name])) // _BYTES_A_TOKEN if body.get(name) else 0
    return _asked(body, "/v1/chat/completions", {"messages": given}, tokens, parts)


def completion(body: dict[str, Any]) -> Asked:
    """Return what a body for /v1/completions asks for: one text to be gone on with. Raises Refusal."""
    prompt = body.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str) or not prompt:
        wrong("prompt", "one text is wanted")
    for name in ("suffix", "echo", "best_of"):
        if body.get(name) not in (None, False, "", 1):
            wrong(name, "no backend has it")
    tokens = len(utf8(prompt, "prompt")) // _BYTES_A_TOKEN + 1
    return _asked(body, "/v1/completions", {"prompt": prompt}, tokens, Parts())


def transcription(model: Any, recording: bytes, fields: dict[str, Any]) -> Asked:
    """Return what a form of /v1/audio/transcriptions asks for, as a chat with a recording. Raises Refusal."""
    if not recording:
        wrong("file", "a recording is wanted")
    prompt = fields.get("prompt") or ""
    data = {"data": base64.b64encode(recording).decode("ascii"), "format": "wav"}
    content = [{"type": "text", "text": prompt}, {"type": "input_audio", "input_audio": data}]
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": content}]}
    for name in ("temperature", "language"):
        if fields.get(name):
            body[name] = _number(fields[name], name) if name == "temperature" else fields[name]
    return chat(body)


def _asked(body: dict[str, Any], endpoint: str, given: dict[str, Any], tokens: int, parts: Parts) -> Asked:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        wrong("model", "the id of a model is wanted: /v1/models lists them")
    for name in _REFUSED:
        if body.get(name) is not None:
            wrong(
                name, "what a request may load is the model that was decided on, and nothing beside it", "not_allowed"
            )
    if body.get("n") not in (None, 1):
        wrong("n", "one answer a request is made")
    limit = body.get("max_completion_tokens")
    limit = body.get("max_tokens") if limit is None else limit
    limit = DEFAULT_TOKENS if limit is None else limit
    _check_whole("max_tokens", limit, 1, _MAX_TOKENS)
    stream, options = body.get("stream") or False, body.get("stream_options") or {}
    if not isinstance(stream, bool):
        wrong("stream", "true or false is wanted")
    if not isinstance(options, dict):
        wrong("stream_options", "an object is wanted")
    _check_sampling(body)
    adapter, draft = beside_of(body)
    for name, harmless in _OF_WHAT_WAS_SAID.items() if draft is not None else ():
        if body.get(name) is not None and body[name] not in harmless:
            wrong(name, "mlx-lm reckons it wrongly where a draft model is used: leave one of the two out")
    more = {name: body[name] for name in (*_GIVEN_ON, "num_draft_tokens") if body.get(name) is not None}
    known = (*_READ, *_GIVEN_ON, *_BESIDE)
    ignored = [name for name, value in body.items() if value is not None and name not in known]
    return Asked(
        model=model,
        endpoint=endpoint,
        body={**more, **given, "max_tokens": limit},
        images=parts.images > 0,
        audio=parts.audio > 0,
        image_size=parts.size,
        tokens=tokens + limit,
        stream=stream,
        wants_usage=bool(options.get("include_usage")),
        ignored=tuple(sorted(ignored)),
        adapter=adapter,
        draft_model=draft,
    )


def _check_sampling(body: dict[str, Any]) -> None:
    """Refuse what would end a backend in its midst; of the rest each backend says itself what is wrong with it."""
    for name, most in _WHOLE.items():
        if body.get(name) is not None:
            _check_whole(name, body[name], 0, most)
    stop = [] if body.get("stop") is None else body["stop"]
    if not all(isinstance(text, str) for text in (stop if isinstance(stop, list) else [stop])):
        wrong("stop", "a text, or a list of texts, is wanted")
    biases = {} if body.get("logit_bias") is None else body["logit_bias"]
    if not isinstance(biases, dict) or not all(re.fullmatch(r"[0-9]{1,9}", token) for token in biases):
        wrong("logit_bias", 'an object of numbers by the ids of tokens, such as {"42": -100}, is wanted')
    for bias in biases.values():
        if isinstance(bias, bool) or not isinstance(bias, int | float) or not abs(bias) <= _MAX_BIAS:
            wrong("logit_bias", f"a bias is a number of -{_MAX_BIAS} to {_MAX_BIAS}")


def beside_of(body: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the ids of the adapter and the draft model that a body asks for, None for none. Raises Refusal."""
    found: dict[str, str] = {}
    for name in ("adapters", "adapter", "draft_model"):
        value = body.get(name)
        if value is not None:
            if not isinstance(value, str) or not 0 < len(value) <= _MAX_ID or not value.isprintable():
                wrong(name, f"one id, a text of at most {_MAX_ID} printable characters, is wanted")
            found[name] = value
    adapter = found.get("adapters", found.get("adapter"))
    if adapter != found.get("adapter", adapter):
        wrong("adapter", "`adapters` names another one: one adapter a request is taken")
    drafted = body.get("num_draft_tokens")
    if drafted is not None:
        if "draft_model" not in found:
            wrong("num_draft_tokens", "it goes with `draft_model`")
        _check_whole("num_draft_tokens", drafted, 1, _MAX_DRAFT_TOKENS)
    return adapter, found.get("draft_model")


def _check_whole(param: str, value: Any, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        wrong(param, f"a whole number of {least} to {most} is wanted")


def _number(text: Any, name: str) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        wrong(name, "a number is wanted")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"`{name}` is not JSON")
