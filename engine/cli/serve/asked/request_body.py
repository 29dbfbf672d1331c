"""A request's body, read and bounded: what it carries, how long it may get, and what of it a backend is given."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from ..settings import DEFAULT_TOKENS
from .refusals import Refusal

MAX_MESSAGES, MAX_PARTS, MAX_TOKENS = 10_000, 1_000, 10_000_000
_MAX_IMAGES = 10  # mlx-vlm's own limit
_BYTES_A_TOKEN = 3  # of text, or more, with nearly all tokenizers, which are not opened before it is decided
_TOKENS_A_MESSAGE = 8
_ROLES = ("system", "developer", "user", "assistant", "tool")
_OF_A_MESSAGE = ("role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content")
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
_WHOLE = {"seed": (1 << 63) - 1, "top_k": MAX_TOKENS, "repetition_context_size": MAX_TOKENS}
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
    if not isinstance(messages, list) or not 0 < len(messages) <= MAX_MESSAGES:
        _wrong("messages", f"a list of 1 to {MAX_MESSAGES} messages is wanted")
    parts = _Parts()
    given = [_message(message, f"messages.{place}", parts) for place, message in enumerate(messages)]
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
        _wrong("prompt", "one text is wanted")
    for name in ("suffix", "echo", "best_of"):
        if body.get(name) not in (None, False, "", 1):
            _wrong(name, "no backend has it")
    tokens = len(_utf8(prompt, "prompt")) // _BYTES_A_TOKEN + 1
    return _asked(body, "/v1/completions", {"prompt": prompt}, tokens, _Parts())


def transcription(model: Any, recording: bytes, fields: dict[str, Any]) -> Asked:
    """Return what a form of /v1/audio/transcriptions asks for, as a chat with a recording. Raises Refusal."""
    if not recording:
        _wrong("file", "a recording is wanted")
    prompt = fields.get("prompt") or ""
    data = {"data": base64.b64encode(recording).decode("ascii"), "format": "wav"}
    content = [{"type": "text", "text": prompt}, {"type": "input_audio", "input_audio": data}]
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": content}]}
    for name in ("temperature", "language"):
        if fields.get(name):
            body[name] = _number(fields[name], name) if name == "temperature" else fields[name]
    return chat(body)


class _Parts:
    """What the messages carry, as they are read."""

    def __init__(self) -> None:
        self.bytes, self.images, self.audio = 0, 0, 0
        self.size: tuple[int, int] | None = None

    def image(self, data: bytes) -> None:
        self.images += 1
        size = _size_of(data)
        if size is not None and (self.size is None or size[0] * size[1] > self.size[0] * self.size[1]):
            self.size = size


def _asked(body: dict[str, Any], endpoint: str, given: dict[str, Any], tokens: int, parts: _Parts) -> Asked:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        _wrong("model", "the id of a model is wanted: /v1/models lists them")
    for name in _REFUSED:
        if body.get(name) is not None:
            _wrong(
                name, "what a request may load is the model that was decided on, and nothing beside it", "not_allowed"
            )
    if body.get("n") not in (None, 1):
        _wrong("n", "one answer a request is made")
    limit = body.get("max_completion_tokens")
    limit = body.get("max_tokens") if limit is None else limit
    limit = DEFAULT_TOKENS if limit is None else limit
    if isinstance(limit, bool) or not isinstance(limit, int) or not 0 < limit <= MAX_TOKENS:
        _wrong("max_tokens", f"a whole number of 1 to {MAX_TOKENS} is wanted")
    stream, options = body.get("stream") or False, body.get("stream_options") or {}
    if not isinstance(stream, bool):
        _wrong("stream", "true or false is wanted")
    if not isinstance(options, dict):
        _wrong("stream_options", "an object is wanted")
    _check_sampling(body)
    adapter, draft = beside_of(body)
    for name, harmless in _OF_WHAT_WAS_SAID.items() if draft is not None else ():
        if body.get(name) is not None and body[name] not in harmless:
            _wrong(name, "mlx-lm reckons it wrongly where a draft model is used: leave one of the two out")
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
        value = body.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most):
            _wrong(name, f"a whole number of 0 to {most} is wanted")
    stop = body.get("stop")
    for text in stop if isinstance(stop, list) else [stop]:
        if text is not None and not isinstance(text, str):
            _wrong("stop", "a text, or a list of texts, is wanted")
    biases = {} if body.get("logit_bias") is None else body["logit_bias"]
    if not isinstance(biases, dict) or not all(re.fullmatch(r"[0-9]{1,9}", token) for token in biases):
        _wrong("logit_bias", 'an object of numbers by the ids of tokens, such as {"42": -100}, is wanted')
    for bias in biases.values():
        if isinstance(bias, bool) or not isinstance(bias, int | float) or not abs(bias) <= _MAX_BIAS:
            _wrong("logit_bias", f"a bias is a number of -{_MAX_BIAS} to {_MAX_BIAS}")


def beside_of(body: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the ids of the adapter and the draft model that a body asks for, None for none. Raises Refusal."""
    found: dict[str, str] = {}
    for name in ("adapters", "adapter", "draft_model"):
        value = body.get(name)
        if value is not None:
            if not isinstance(value, str) or not 0 < len(value) <= _MAX_ID or not value.isprintable():
                _wrong(name, f"one id, a text of at most {_MAX_ID} printable characters, is wanted")
            found[name] = value
    adapter = found.get("adapters", found.get("adapter"))
    if adapter != found.get("adapter", adapter):
        _wrong("adapter", "`adapters` names another one: one adapter a request is taken")
    drafted = body.get("num_draft_tokens")
    if drafted is not None:
        if "draft_model" not in found:
            _wrong("num_draft_tokens", "it goes with `draft_model`")
        if isinstance(drafted, bool) or not isinstance(drafted, int) or not 0 < drafted <= _MAX_DRAFT_TOKENS:
            _wrong("num_draft_tokens", f"a whole number of 1 to {_MAX_DRAFT_TOKENS} is wanted")
    return adapter, found.get("draft_model")


def _message(message: Any, place: str, parts: _Parts) -> dict[str, Any]:
    if not isinstance(message, dict):
        _wrong(place, "an object is wanted")
    if message.get("role") not in _ROLES:
        _wrong(f"{place}.role", f"one of {', '.join(_ROLES)} is wanted")
    kept = {name: message[name] for name in _OF_A_MESSAGE if message.get(name) is not None}
    if kept["role"] == "developer":  # the templates of open models know it as system
        kept["role"] = "system"
    for name in ("tool_calls", "name", "reasoning_content"):
        parts.bytes += len(json.dumps(kept[name])) if name in kept else 0
    content = message.get("content")
    if content is None and "tool_calls" in kept:
        return {**kept, "content": ""}
    if isinstance(content, str):
        parts.bytes += len(_utf8(content, f"{place}.content"))
        return kept
    if not isinstance(content, list) or not 0 < len(content) <= MAX_PARTS:
        _wrong(f"{place}.content", f"a text, or a list of 1 to {MAX_PARTS} parts, is wanted")
    kept["content"] = [_part(part, f"{place}.content.{at}", parts) for at, part in enumerate(content)]
    return kept


def _part(part: Any, place: str, parts: _Parts) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text" and isinstance(part.get("text"), str):
        parts.bytes += len(_utf8(part["text"], place))
        return {"type": "text", "text": part["text"]}
    if kind == "image_url":
        url = part.get("image_url")
        url = url.get("url") if isinstance(url, dict) else url
        parts.image(_data(url, place))
        if parts.images > _MAX_IMAGES:
            _wrong(place, f"at most {_MAX_IMAGES} images are taken")
        return {"type": "image_url", "image_url": {"url": url}}
    if kind == "input_audio":
        audio = part.get("input_audio")
        audio = audio if isinstance(audio, dict) else {}
        data = audio.get("data")
        if not isinstance(data, str) or not _decoded(data):
            _wrong(f"{place}.input_audio", "a recording in base64 is wanted")
        parts.audio += 1
        return {"type": "input_audio", "input_audio": {"data": data, "format": str(audio.get("format") or "wav")[:10]}}
    return _wrong(place, "a part of the type text, image_url or input_audio, with what it needs, is wanted")


def _data(url: Any, place: str) -> bytes:
    """Return the bytes of a data: URL. Any other address is refused: a backend would fetch it."""
    if not isinstance(url, str) or not url.startswith("data:image/"):
        _wrong(
            place,
            "an image stands in the request itself, as data:image/png;base64,...; no address is opened",
            "image_address",
        )
    head, comma, data = url.partition(",")
    found = _decoded(data) if comma and head.endswith(";base64") and len(head) < 100 else None
    if not found:
        _wrong(place, "the image is not base64")
    return found


def _decoded(data: str) -> bytes | None:
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:
        return None


def _size_of(data: bytes) -> tuple[int, int] | None:
    """Return width and height of an image in pixels, from its header alone; None where Pillow is not here or lost."""
    try:
        from PIL import Image

        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except Exception:  # the policy then reckons with its own size, and the backend says what is wrong with the file
        return None


def _utf8(text: str, place: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        _wrong(place, "the text is not UTF-8: it has half of a surrogate pair")


def _number(text: Any, name: str) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        _wrong(name, "a number is wanted")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"`{name}` is not JSON")


def _wrong(param: str, wanted: str, code: str = "invalid_value") -> NoReturn:
    raise Refusal(400, code, f"`{param[:80]}`: {wanted}", param[:80])
