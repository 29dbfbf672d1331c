"""The answer as people read it: one screen of 80 x 24, no word of our own, a sum that adds up."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mlxk_rules.engine import Policy
from mlxk_rules.engine.report.explanation import explanation, folder_and_revision
from mlxk_rules.engine.report.memory_sum import MemorySum, bar, sum_text
from mlxk_rules.engine.report.terminal import Screen, Style, reflowed
from mlxk_rules.engine.storage import data_files

from ...case_files import cases
from ..command_line import HELLO, Capture, ran
from ..helpers import with_facts

pytestmark = pytest.mark.usefixtures("at_the_root")
CASES: list[dict[str, Any]] = cases(__file__, "explanation.yaml")
OWN_WORDS = re.compile(r"\b(lanes?|tower|term|derived|fires|stray|reckoned|HTTP)\b")
ANSWERS = Draft202012Validator(json.loads((data_files.FOLDER / "answer.schema.json").read_text("utf-8")))


def words_of(case: dict[str, Any], request: pytest.FixtureRequest) -> list[str]:
    models = {"HELLO": lambda: HELLO, "SPEECH": lambda: "speech_model", "VISION": lambda: "vision_model"}
    found: list[str] = []
    for word in case["words"].split():
        name = models[word]() if word in models else word
        found.append(str(request.getfixturevalue(name)) if name.endswith("_model") else name)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=[case["words"] for case in CASES])
def test_on_one_screen(
    case: dict[str, Any], request: pytest.FixtureRequest, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = words_of(case, request)
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = ran(capsys, "explain", *words)
    flat = " ".join(out.split())
    assert [text for text in case["says"] if text not in flat] == []
    assert [text for text in case.get("not", ()) if text in flat] == []
    lines = out.splitlines()
    # A command or a path stays whole, to be copied; everything else is broken between words.
    assert [line for line in lines if len(line) > 80 and not re.match(r"  (install|run it|folder)", line)] == []
    if not case.get("tall"):
        assert len(lines) + 1 <= 24, "the answer has scrolled away"
    if not {"--why", "--gates", "--server"} & set(words):
        assert OWN_WORDS.findall(out) == []


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES[::3], ids=[case["words"] for case in CASES[::3]])
def test_json_is_as_its_schema_says(case: dict[str, Any], request: pytest.FixtureRequest, capsys: Capture) -> None:
    _, out, _ = ran(capsys, "explain", *words_of(case, request), "--json")
    found = json.loads(out)
    assert [error.message for error in ANSWERS.iter_errors(found)] == []
    wanted = (2 if "--server" in case["words"] else 1) if found["decision"]["decision"] == "warn" else 0
    assert len(found["warnings"]) == wanted


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ([2254857830, 322122547, 429496730], "2.1 GB weights + 0.3 GB cache + 0.4 GB prompt = 2.8 GB"),
        ([1 << 30, 1, 0], "1.0 GB weights + under 0.1 GB cache + under 0.1 GB prompt = 1.0 GB"),
        ([100], "100 bytes weights"),
        ([100, 200], "100 bytes weights + 200 bytes cache = 300 bytes"),
        ([1 << 30, None], "1.0 GB weights + an unknown cache = 1.0 GB at least"),
        ([3 << 40, 1 << 40], "3.0 TB weights + 1.0 TB cache = 4.0 TB"),
    ],
)
def test_a_sum(sizes: list[int | None], text: str) -> None:
    parts = tuple((size, what) for size, what in zip(sizes, ("weights", "cache", "prompt"), strict=False))
    assert sum_text(MemorySum(parts, sum(size or 0 for size in sizes), None, None)) == text


def test_every_sum_adds_up() -> None:
    for number in range(1, 400):
        sizes = [number * 37 * 1024**2 % (9 << 30), number**3 * 1024 % (5 << 30), number * 77_777_777 % (3 << 30)]
        parts = tuple((size, "x") for size in sizes)
        text = sum_text(MemorySum(parts, sum(sizes), None, None)).replace("under 0.1", "0.0")
        *shown, whole = [float(one.replace(",", "")) for one in re.findall(r"[\d,]+\.\d|\d+(?= bytes)", text)]
        assert round(sum(shown), 1) == whole, text
        assert abs(whole - sum(sizes) / 1024**3) <= 0.051 or sum(sizes) < 1024**3


@pytest.mark.parametrize(
    ("share", "limit", "drawn"),
    [
        (0.5, 0.7, "#####..|.."),
        (0, None, ".........."),
        (0.001, None, "#........."),
        (7, 0.7, "##########"),
        (0.9, 0.7, "#########."),
    ],
)
def test_a_bar(share: float, limit: float | None, drawn: str) -> None:
    assert bar(share, limit, 10, blocks=False) == drawn
    assert len(bar(share, limit, 30, blocks=True)) == 30


def test_two_warnings_and_an_overlay_that_hides_none() -> None:
    text = """
schema: 1
name: two
version: 1.0.0
gates:
  - {id: a, when: "model.type == 'llama'", decide: warn, backend: mlx_lm, error: a, message: first}
  - {id: b, when: "model.type == 'other'", decide: warn, backend: mlx_lm, error: b, message: not this}
  - {id: c, when: "model.type == 'llama'", decide: warn, backend: mlx_vlm, error: c, message: nor that}
  - {id: d, when: "model.type == 'llama'", decide: warn, backend: mlx_lm, error: d, message: second}
  - {id: e, when: "model.type == 'llama'", decide: allow, backend: mlx_lm}
  - {id: f, when: "model.type == 'llama'", decide: warn, backend: mlx_lm, error: f, message: behind an allow}
  - {id: rest, otherwise: true, decide: allow, backend: mlx_lm}
"""
    trace = Policy.from_text(text).explain(with_facts({}))
    assert trace.decision.gate == "a"
    assert [one.message for one in trace.warnings] == ["first", "second"]
    said = explanation(trace, Screen(Style(False)))
    assert "  - first\n  - second\n" in said


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (
            "/c/hub/models--org--m/snapshots/0123456789abcdef",
            ("/c/hub/models--org--m/snapshots/0123456789abcdef", "0123456789ab"),
        ),
        ("/models/m", ("/models/m", None)),
    ],
)
def test_folder_and_revision(path: str, shown: tuple[str, str | None]) -> None:
    assert folder_and_revision(path) == shown


def test_a_usage_text_fits_any_width() -> None:
    from mlxk_rules.engine.cli.usage import COMMANDS, MAIN

    for text in (MAIN, *COMMANDS.values()):
        assert reflowed(text, Screen(Style(False), None)) == text
        for width in (60, 80, 100):
            lines = reflowed(text, Screen(Style(False), width)).splitlines()
            commands = ("  mlxk-rules", "  bash", "  zsh", "  fish")  # stay whole
            assert [line for line in lines if len(line) > width and not line.startswith(commands)] == [], width
            assert " ".join(" ".join(lines).split()) == " ".join(text.split())
