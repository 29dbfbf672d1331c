"""What mlx_lm.server lacks to be the same on all ranks (mlx-lm 0.32.2): each must do what the others do, or all hang.

- A client that leaves an answer with a seed ends it on rank 0 alone. Here rank 0's word goes to all, every few tokens.
- Prompts are kept up to so many bytes, which are other bytes on other ranks. Here they are counted in tokens.
- Ranks without a request ask one another ten times a second, and all but rank 0 compute while they wait. Here they
  sleep until rank 0 is asked something, and whoever started them wakes them.
- Requests are pickles: here they hold nothing but a request.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from .outside import Outside

_LOOK_TOKENS = 8  # after which all hear whether the client of an answer that is made alone has left
_PARTS = (
    "CompletionRequest",
    "GenerationArguments",
    "LogitsProcessorArguments",
    "ModelDescription",
    "SamplingArguments",
)


def same_on_all(server: Any, kept: int, kept_tokens: int) -> None:
    """Let the module mlx_lm.server do the same on every rank; it keeps so many prompts, of so many tokens together."""
    server.pickle = SimpleNamespace(dumps=pickle.dumps, loads=_request_of)
    own: Any = server.LRUPromptCache

    def made(_: int) -> Any:
        return prompt_cache(own, kept, kept_tokens)

    server.LRUPromptCache = made
    _leave_together(server)


def prompt_cache(kind: Any, kept: int, kept_tokens: int) -> Any:
    """A prompt cache of mlx-lm's that holds so many prompts, of so many tokens together."""

    class InTokens(kind):
        def insert_cache(self, model: Any, tokens: Any, caches: Any, **options: Any) -> None:
            super().insert_cache(model, tokens, caches, **options)
            while sum(len(tokens) for lru in self._lru._lrus.values() for _, tokens in lru) > kept_tokens:
                self.trim_to(n_sequences=len(self) - 1)

    return InTokens(kept)


def wake_together(server: Any, outside: Outside) -> None:
    """Let ranks without work sleep until rank 0 has a request."""
    ask = server.ResponseGenerator._next_request

    def next_request(self: Any, timeout: float | None = None) -> Any:
        if timeout is None:  # answers are being made
            return ask(self)
        if self._rank:
            outside.lines.get()
            return self._share_request(None)
        request = self.requests.get()
        outside.say("wake")
        return self._share_request(request)

    server.ResponseGenerator._next_request = next_request


def _leave_together(server: Any) -> None:
    mx: Any = import_module("mlx.core")
    context: Any = server.GenerationContext
    stream_generate = server.stream_generate
    made: list[Any] = []

    class Context(context):
        alone = left = False

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            made[:] = [self]

        def stop(self) -> None:
            self.left = True

        @property
        def _should_stop(self) -> bool:
            return self.left and not self.alone

        @_should_stop.setter
        def _should_stop(self, value: bool) -> None:
            pass

    def generate_alone(*args: Any, stream: Any, **options: Any) -> Iterator[Any]:
        own = made[0]
        own.alone = True
        for count, one in enumerate(stream_generate(*args, stream=stream, **options)):
            if count % _LOOK_TOKENS == 0:
                with mx.stream(stream):
                    left = mx.distributed.all_sum(int(own.left)).item()
                if left:
                    raise ConnectionAbortedError("the client left")
            yield one

    server.GenerationContext = Context
    server.stream_generate = generate_alone


def _request_of(data: Any) -> Any:
    """What rank 0 shared. Raises UnpicklingError where it is of another class than a request's."""
    return _Requests(io.BytesIO(bytes(data))).load()


class _Requests(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module == "mlx_lm.server" and name in _PARTS:
            return super().find_class(module, name)
        raise pickle.UnpicklingError("what came through the ring is no request")
