"""The workflow in the docs: YAML of the shape that GitHub wants, and nothing but commands and options that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlxk_rules.engine.cli import usage
from mlxk_rules.engine.cli.options import read_options
from mlxk_rules.engine.cli.usage import COMMANDS

TEXT = (Path(__file__).parents[2] / "rules" / "WORKFLOW.md").read_text("utf-8")
(BLOCK,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
WORKFLOW: dict[Any, Any] = yaml.safe_load(BLOCK)
NOT_YET = getattr(usage, "_LATER", ())
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
RUN = [line.strip() for step in STEPS for line in step.get("run", "").splitlines()]
LINES = [line for line in RUN if line.startswith("mlxk-rules")]


def test_its_shape() -> None:
    triggers = WORKFLOW[True]  # YAML 1.1 reads `on` so
    assert set(triggers) == {"push", "pull_request", "schedule", "workflow_dispatch"}
    assert WORKFLOW["permissions"] == {"contents": "read"}
    for job in WORKFLOW["jobs"].values():
        assert job["runs-on"] and job["steps"][0]["uses"].startswith("actions/checkout@")
    for step in STEPS:
        assert ("uses" in step) != ("run" in step)


def test_it_has_every_check() -> None:
    assert [shlex.split(line)[1] for line in LINES] == ["validate", "test", "diff", "audit"]


@pytest.mark.parametrize("line", LINES)
def test_its_commands_exist(line: str) -> None:
    _, command, *words = shlex.split(line)
    if command in NOT_YET:
        pytest.skip(f"`{command}` is not built yet")
    assert command in COMMANDS
    options = read_options(command, words)
    assert all(options[word] not in (None, False) for word in words if word.startswith("--"))
