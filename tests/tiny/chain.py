"""A language model whose greedy answer is a text you choose.

One layer whose attention and feed-forward add nothing, so that the next token depends on the last one alone. Every
token of the answer has a direction of its own, all other tokens share one; the output row of a token is the direction
of the one that goes before it. So any prompt leads to the first token, each token to the next, and the last to the end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np


def pieces(answer: str) -> list[str]:
    """The answer in words, all different: a word that was there before is taken together with the one after it."""
    found: list[str] = []
    rest = ""
    for word in re.findall(r"\s*\S+", answer):
        rest += word
        if rest not in found:
            found.append(rest)
            rest = ""
    if rest:  # only repetitions at the end: they go with the last piece
        found[-1] += rest
    return found


def directions(chain: Sequence[int]) -> int:
    """How wide the model must be for this chain: a multiple of 32, as 4-bit groups want it."""
    return -(-(len(chain) + 1) // 32) * 32


def embeddings(chain: Sequence[int], end: int, vocabulary: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The input rows and the output rows, both (vocabulary, width), float32."""
    rows = np.zeros((vocabulary, width), dtype=np.float32)
    rows[:, 0] = 1
    for place, token in enumerate(chain):
        rows[token] = 0
        rows[token, place + 1] = 1
    output = np.zeros((vocabulary, width), dtype=np.float32)
    for place, token in enumerate([*chain, end]):
        output[token, place] = 1
    return rows, output
