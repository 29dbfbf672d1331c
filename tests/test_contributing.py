"""CONTRIBUTING.md and engine/README.md: each path in them is there, each module, each command and option."""

from __future__ import annotations

import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
from mlxk_rules.engine.cli.options import read_options
from mlxk_rules.engine.cli.usage import COMMANDS

ROOT = Path(__file__).parent.parent
PAGES = ("CONTRIBUTING.md", "engine/README.md")
_FILE = re.compile(r"^[\w./-]+/[\w.-]*$|^[\w.-]+\.(?:py|yaml|md|toml)$")


def code(page: str) -> list[str]:
    text = (ROOT / page).read_text("utf-8")
    outside = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`([^`\n]+)`", outside)


def commands(page: str) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [*(line for block in blocks for line in block.splitlines()), *code(page)]


@pytest.mark.parametrize("page", PAGES)
def test_every_path_is_there(page: str) -> None:
    named = [word for word in code(page) if _FILE.match(word) and "…" not in word]
    # A page may say a module without its folder, which then stands in the words before it.
    halves = [ROOT / "engine", ROOT / "loaders"]
    places = [ROOT, *halves, *(place for half in halves for place in half.rglob("*/"))]
    missing = [word for word in named if not any((place / word).exists() for place in places)]
    assert len(named) > 10 and missing == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text("utf-8"))
    assert links and [link for link in links if not ((ROOT / page).parent / link).exists()] == []


def test_every_command_is_one() -> None:
    said = [line.removeprefix(".venv/bin/") for line in commands("CONTRIBUTING.md")]
    ours = [part.split(" > ")[0] for line in said for part in line.split(" && ") if part.startswith("mlxk-rules ")]
    assert len(ours) > 5
    for line in ours:
        _, command, *words = shlex.split(line)
        assert command in COMMANDS, line
        read_options(command, words)
    modules = [found for line in said for found in re.findall(r"python -m ([\w.]+)", line)]
    assert len(modules) > 5
    assert [module for module in modules if find_spec(module) is None] == []


def test_the_set_up_is_that_of_the_tests() -> None:
    (line,) = [line for line in commands("CONTRIBUTING.md") if "pip install" in line]
    assert line in (ROOT / "README.md").read_text("utf-8")
