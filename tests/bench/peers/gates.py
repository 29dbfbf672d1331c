"""The gates of 2.0.4 as plain data, from which each peer's rules are written in its own language.

Every gate is a conjunction: `audio_only` and `vlm_lane`, the two `or`s of the policy, are derived in Python beforehand
like every other derived fact, so that a peer evaluates conditions and nothing else. This module and its neighbours run
in the peers' own environment: nothing of the project is imported here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Row = dict[str, Any]
RATIO = 0.70


class Term(NamedTuple):
    """`is` and `not` read a boolean, `==` and `!=` a text, `>` a number."""

    fact: str
    operator: str
    value: Any = None


def _is(fact: str) -> Term:
    return Term(fact, "is")


def _not(fact: str) -> Term:
    return Term(fact, "not")


GATES: tuple[tuple[str, tuple[Term, ...]], ...] = (
    ("audio-capability", (_is("audio_only"), _not("is_audio"))),
    ("audio-dependency", (_is("audio_only"), Term("backend", "==", "mlx_audio"), _not("mlx_audio"))),
    ("audio-speech", (_is("audio_only"), Term("backend", "==", "mlx_audio"))),
    ("audio-backend", (_is("audio_only"), Term("backend", "!=", "mlx_vlm"))),
    ("vision-capability", (_is("images"), _not("vision"))),
    ("vision-python", (_is("vlm_lane"), _not("python_ok"))),
    ("vision-dependency", (_is("vlm_lane"), _not("mlx_vlm"))),
    ("vision-memory", (_is("vlm_lane"), Term("ratio", ">", RATIO))),
    ("vision", (_is("vlm_lane"),)),
    ("text-dependency", (_not("mlx_lm"),)),
    ("text-runtime", (_not("compatible"),)),
    ("text-memory", (Term("ratio", ">", RATIO),)),
)
LAST = "text"


def row_of(facts: dict[str, Any]) -> Row:
    """The flat inputs of a peer for a row of the truth table: fewer and shallower than what the engine is given."""
    request, runtime, derived = facts["request"], facts["runtime"], facts["derived"]
    images, audio = request["images"], request["audio"]
    backend = derived["audio_backend"]
    return {
        "audio_only": audio and not images,
        "is_audio": derived["audio"],
        "backend": backend or "",  # Cedar has no null
        "images": images,
        "vision": derived["vision"],
        "vlm_lane": derived["vision"] or images or (audio and backend == "mlx_vlm"),
        "python_ok": runtime["python"] >= [3, 10],
        "mlx_lm": runtime["mlx_lm"]["installed"],
        "mlx_vlm": runtime["mlx_vlm"]["installed"],
        "mlx_audio": runtime["mlx_audio"]["installed"],
        "compatible": derived["runtime_compatible"],
        "ratio": derived["memory_ratio"],
    }


def condition(terms: tuple[Term, ...], names: str, conjunction: str, negation: str) -> str:
    """The terms in a language that writes comparisons as most do; `names` has {} where a fact's name goes."""

    def one(term: Term) -> str:
        name = names.format(term.fact)
        if term.operator == "is":
            return name
        if term.operator == "not":
            return f"{negation}{name}"
        value = f'"{term.value}"' if isinstance(term.value, str) else str(term.value)
        return f"{name} {term.operator} {value}"

    return conjunction.join(map(one, terms))
