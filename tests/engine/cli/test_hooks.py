"""The pre-commit hooks: the one that others use, and that none of ours touches the bad rule files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ...case_files import read_yaml

ROOT = Path(__file__).parents[3]
(HOOK,) = read_yaml(ROOT / ".pre-commit-hooks.yaml")
OURS = read_yaml(ROOT / ".pre-commit-config.yaml")


def test_the_hook() -> None:
    assert (HOOK["id"], HOOK["entry"], HOOK["language"]) == (
        "mlxk-rules-validate",
        "mlxk-rules validate",
        "python",
    )


@pytest.mark.parametrize(
    ("file", "taken"),
    [
        ("mlxk-rules.yaml", True),
        ("config/mlxk_rules.yml", True),
        ("mlxk-policy-team.yaml", True),
        (".mlxk-rules/policy.yaml", True),
        ("deploy/mlxk-rules/policy.yaml", True),
        ("mlxk-rules/tests/cases.yaml", False),
        ("policy.yaml", False),
        ("mlxk-rules.md", False),
        (".github/workflows/mlx.yaml", False),
    ],
)
def test_the_files_it_takes(file: str, taken: bool) -> None:
    assert bool(re.search(HOOK["files"], file)) is taken


def test_none_of_ours_touches_the_bad_files() -> None:
    assert re.search(OURS["exclude"], "tests/engine/rulefile/bad/tab.yaml")
    assert not re.search(OURS["exclude"], "rules/policy.yaml")
    files = [hook["files"] for repo in OURS["repos"] for hook in repo["hooks"] if hook["id"] == HOOK["id"]]
    assert [bool(re.search(pattern, "rules/policy.yaml")) for pattern in files] == [True]
