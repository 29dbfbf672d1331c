"""The house: its folders and packages, who may import whom, and nothing of one machine in it."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOP = {
    "rules",
    "engine",
    "loaders",
    "tests",
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "LICENSE",
}
SOURCES = sorted(file for folder in ("engine", "loaders") for file in (ROOT / folder).rglob("*.py"))
# The stages of each half of the house, first what all others stand on: a stage imports nothing of a later one. Modules
# beside the folders are stages of their own. engine/README.md draws the same.
STAGES = {
    "engine": [
        "problems", "decision", "storage", "facts", "language", "rulefile", "compiler",
        "evaluator", "policy", "__init__", "advice", "analysis", "testing", "report", "editor", "cli",
    ],
    "loaders": [
        "problems", "bounded_files", "host", "facts", "resolving", "hub", "backends", "dry_run", "serving", "machines",
        "ring", "probe", "__init__",
    ],
}  # fmt: skip
# What loaders may have of the engine: what keeps files on disk, and the shipped data.
SHARED = ("engine/storage",)


def tracked() -> list[str]:
    """The files that git tracks; in a copy without git, all but what an install leaves behind."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else []


def imports(file: Path) -> set[str]:
    """The first names of absolute imports, and relative ones as paths below the project."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            folder = file.parent
            for _ in range(node.level - 1):
                folder = folder.parent
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {(folder / name.replace(".", "/")).relative_to(ROOT).as_posix() for name in names if name}
    return found


def test_the_folders_at_the_top() -> None:
    top = {name.partition("/")[0] for name in tracked()}
    assert {name for name in top if not name.startswith(".")} <= TOP


def test_every_package_is_installed() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]
    folders = {file.parent.relative_to(ROOT).as_posix() for file in SOURCES}
    assert sorted(packages) == sorted(f"mlxk_rules.{folder.replace('/', '.')}" for folder in [*folders, "rules"])


@pytest.mark.parametrize("file", SOURCES, ids=[file.relative_to(ROOT).as_posix() for file in SOURCES])
def test_a_module_knows_its_room(file: Path) -> None:
    name, found = file.relative_to(ROOT).as_posix(), imports(file)
    assert "argparse" not in found
    assert "mlxk_rules" not in found, "relative imports inside"
    half, stage = stage_of(name)
    for other in found:
        if "/" not in other:
            continue
        other_half, other_stage = stage_of(other)
        if other_half == half:
            assert STAGES[half].index(other_stage) <= STAGES[half].index(stage), f"{name} imports {other}"
        elif half == "loaders":
            assert other.startswith(SHARED), f"{name} imports {other}"
        else:
            assert stage == "cli", f"{name} imports {other}: only the command line joins the two halves"
    lines = file.read_text("utf-8").splitlines()
    assert len(lines) <= 420 or ": made by `" in lines[0], "more than one idea?"


@pytest.mark.parametrize("half", STAGES)
def test_a_folder_is_a_stage(half: str) -> None:
    there = {stage_of(file.relative_to(ROOT).as_posix())[1] for file in SOURCES if file.is_relative_to(ROOT / half)}
    assert there == set(STAGES[half])
    for folder in {file.parent for file in SOURCES if file.is_relative_to(ROOT / half)}:
        most = 99 if folder.name == "commands" else 14  # of commands there is a module each
        assert len([file for file in SOURCES if file.parent == folder]) <= most, folder
        assert (folder / "__init__.py").read_text("utf-8").startswith('"""'), folder


def stage_of(name: str) -> tuple[str, str]:
    """The half of the house and the stage in it that a module, or a name imported from one, belongs to."""
    half, _, rest = name.partition("/")
    return half, rest.partition("/")[0].removesuffix(".py")


def test_only_the_command_line_prints() -> None:
    printing = [
        file.relative_to(ROOT).as_posix()
        for file in SOURCES
        if any(
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            for node in ast.walk(ast.parse(file.read_text("utf-8")))
        )
    ]
    assert [name for name in printing if not name.startswith("engine/cli/")] == []


def test_nothing_of_a_machine_or_a_registry() -> None:
    pattern = re.compile(r"index-url *=|://[^ \"]*/simple([/\" ]|$)|(^|[ \"=(])/(root|home)/[a-z]", re.MULTILINE)
    names = [name for name in tracked() if not name.endswith((".safetensors", ".png", ".jsonl", ".csv"))]
    wrong = []
    for name in names:
        try:
            text = (ROOT / name).read_text("utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        if pattern.search(text):
            wrong.append(name)
    assert wrong == []
    assert not any(name.endswith("uv.lock") for name in names)
