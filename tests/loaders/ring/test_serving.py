"""What mlx_lm.server is made to do the same on all ranks: prompts kept, and requests that are shared."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from typing import Any

import pytest
from mlxk_rules.loaders.ring.serving import same_on_all


class Layer:
    """A layer's cache of so many bytes."""

    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes

    def is_trimmable(self) -> bool:
        return False


@pytest.mark.parametrize(
    ("lengths", "kept"),
    [
        ([4, 4], [4, 4]),
        ([4, 4, 4], [4, 4]),
        ([4, 10], [10]),
        ([4, 11], []),
        ([1, 1, 1, 1, 1], [1, 1, 1]),
    ],
)
def test_prompts_are_kept_by_their_tokens_whatever_a_rank_s_bytes(lengths: list[int], kept: list[int]) -> None:
    from mlx_lm.models.cache import LRUPromptCache

    for nbytes in (1, 1 << 40):
        cache = same_on_all.prompt_cache(LRUPromptCache, 3, 10)
        for number, length in enumerate(lengths):
            cache.insert_cache("model", [number] * length, [Layer(nbytes)] * 2)
        left = [len(tokens) for lru in cache._lru._lrus.values() for _, tokens in lru]
        assert left == kept


def test_what_is_shared_is_a_request() -> None:
    from mlx_lm import server

    request = server.CompletionRequest("chat", "", [{"role": "user", "content": "Hi"}], None, None)
    shared: Any = same_on_all._request_of(pickle.dumps((request, [1, 2])))
    assert shared == (request, [1, 2])
    for other in (OrderedDict(), print, server.ResponseGenerator):
        with pytest.raises(pickle.UnpicklingError, match="no request"):
            same_on_all._request_of(pickle.dumps(other))
