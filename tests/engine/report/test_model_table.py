"""The table of `list`: it fits the screen, whatever the names, and a reason does not say the name again."""

from __future__ import annotations

from typing import Any

import pytest
from mlxk_rules.engine.report.model_table import Table, reason_of
from mlxk_rules.engine.report.terminal import Screen, Style

NAMES = ["org/a", "mlx-community/Qwen2.5-Coder-32B-Instruct-a-very-long-name-indeed-and-more-of-it-4bit"]


def row(**more: Any) -> dict[str, Any]:
    return {
        "name": NAMES[0],
        "size_bytes": 1023,
        "backend": "mlx_audio",
        "decision": "allow",
        "request": "text",
        "error_type": None,
        "reason": None,
        "memory_ratio": 0.314,
        "rehearsed": True,
    } | more


@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_fits(width: int) -> None:
    table = Table(Screen(Style(False), width), NAMES, one_line=False, asked=False)
    found = [
        row(),
        row(name=NAMES[1], memory_ratio=1234.5),
        row(decision="block", backend="unsupported", reason="a reason of many words " * 20),
        row(decision=None, size_bytes=None, memory_ratio=None),
    ]
    lines = [table.head(), *(line for one in found for line in table.lines(one))]
    assert max(map(len, lines)) <= width
    assert lines[0].split() == ["MODEL", "SIZE", "BACKEND", "VERDICT", "MEMORY"]
    assert lines[1].split() == ["org/a", "1023", "bytes", "mlx-audio", "allow", "31%"]
    assert lines[2].startswith("mlx-") and "4bit  " in lines[2] and lines[2].endswith(">999%")
    assert len(lines) <= 4 + 3 + 1 and lines[-2].endswith(" ...")


def test_in_a_pipe_a_row_is_one_line() -> None:
    table = Table(Screen(Style(False)), NAMES, one_line=True, asked=False)
    (line,) = table.lines(row(name=NAMES[1], decision="block", reason="a reason " * 50))
    assert NAMES[1] in line and line.endswith("a reason")
    assert table.head().endswith("MEMORY  REASON")


@pytest.mark.parametrize(
    ("more", "asked", "said"),
    [
        ({"decision": "block", "reason": "`org/a` needs mlx-lm"}, False, "needs mlx-lm"),
        ({"decision": "warn", "reason": "`org/a`: it has no template"}, False, "it has no template"),
        (
            {"decision": "block", "reason": "no backend has the type `x` of `org/a`"},
            False,
            "no backend has the type `x`",
        ),
        ({"decision": "block", "reason": "the weights of `org/a` are PyTorch's"}, False, "the weights are PyTorch's"),
        ({"request": "audio"}, False, "for audio only: --audio"),
        ({"request": "audio"}, True, ""),
        (
            {"request": "images", "decision": "warn", "reason": "`org/a` is big"},
            False,
            "for images only: --image; is big",
        ),
        ({"request": "audio", "decision": "block", "reason": "no mlx-audio"}, False, "no mlx-audio"),
        ({}, False, ""),
    ],
)
def test_a_reason(more: dict[str, Any], asked: bool, said: str) -> None:
    assert reason_of(row(**more), asked) == said
