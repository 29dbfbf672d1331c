"""Every command line of the README, run as a person would, in a copy of this project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
SETUPS = [line for line in COMMANDS if "python3 -m venv" in line]
# Those of several machines are rules/MACHINES.md's too, whose test runs them.
PLAIN = [line for line in COMMANDS if line not in SETUPS and "--hosts" not in line]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", "*.egg-info", "__pycache__", ".pytest_cache", ".hypothesis", "build", "dist"
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project whose .venv runs this environment's Python over the copy's own code and rules."""
    root = tmp_path_factory.mktemp("readme")
    folder = shutil.copytree(ROOT, root / "project", ignore=LEFT_OUT)
    (root / "site").mkdir()
    (root / "site" / "mlxk_rules").symlink_to(folder)
    scripts = folder / ".venv" / "bin"
    scripts.mkdir(parents=True)
    python = f'#!/bin/sh\nPYTHONPATH="{root / "site"}" exec "{sys.executable}" "$@"\n'
    program = "import sys; from mlxk_rules.engine.cli import main; sys.exit(main())"
    command = f'#!/bin/sh\nPYTHONPATH="{root / "site"}" exec "{sys.executable}" -c "{program}" "$@"\n'
    for name, text in (("python", python), ("mlxk-rules", command)):
        (scripts / name).write_text(text)
        (scripts / name).chmod(0o755)
    return folder


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}  # a pipe has no width
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=600, env=environment
    )


def flat(text: str) -> str:
    return " ".join(text.split())


def test_there_are_two_setups_and_more() -> None:
    assert [("-m pytest" in line, "explain" in line) for line in SETUPS] == [(False, True), (True, False)]
    assert len(PLAIN) > 8


@pytest.mark.parametrize("command", dict.fromkeys(PLAIN))
def test_command(command: str, copy: Path) -> None:
    done = run(f"set -o pipefail; {command}", copy)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_the_example_answers(copy: Path) -> None:
    answer = run('.venv/bin/mlxk-rules run tests/models/hello "Who are you?"', copy)
    assert answer.stdout == "Hello from a model that was checked before it was loaded.\n"


# A line added to the policy need not change the README; nor need another machine, or a release of a library.
OF_THIS_MACHINE = re.compile(
    r"policy\.yaml:\d+, policy mlx [\d.]+|mlx-lm [\d.]+(?= may load)|^.* of [\d.]+ GB, .*$", re.MULTILINE
)


def test_what_it_says(copy: Path) -> None:
    allowed = re.search(r"\n((?:    allow  .*\n)(?:\n|    .*\n)+)", README)
    blocked = re.search(r"```console\n\$ mlxk-rules (.*?)\n(.*?)\n  \.\.\.\n```", README, re.DOTALL)
    assert allowed and blocked
    for words, shown, code in (
        ("explain tests/models/hello", dedent(allowed[1]).strip(), 0),
        (blocked[1], blocked[2], 1),
    ):
        said = run(f".venv/bin/mlxk-rules {words}", copy)
        assert said.returncode == code
        shown, found = (OF_THIS_MACHINE.sub("", text) for text in (shown, said.stdout))
        assert found[: len(shown)] == shown


def test_adding_a_model_type(copy: Path) -> None:
    before, after = re.findall(r"\n\n    block  (brandnew .*?)\n\n", README, re.DOTALL)
    edit = re.search(r"```diff\n (.*)\n\+(.*)\n```", README)
    assert edit
    policy = copy / "rules" / "policy.yaml"
    explain = ".venv/bin/mlxk-rules explain tests/models/brandnew"
    said = run(explain, copy)
    assert said.returncode == 1
    assert all(flat(line) in flat(said.stdout) for line in before.splitlines())
    text = policy.read_text("utf-8")
    assert text.count(f"{edit[1]}\n") >= 1
    policy.write_text(text.replace(f"{edit[1]}\n", f"{edit[1]}\n{edit[2]}\n", 1), "utf-8")
    try:
        valid = run(".venv/bin/mlxk-rules validate", copy)
        assert valid.returncode == 0, valid.stdout
        said = run(explain, copy)
        assert said.returncode == 1
        assert all(flat(line) in flat(said.stdout) for line in after.splitlines())
    finally:
        policy.write_text(text, "utf-8")


def test_the_library_example(copy: Path) -> None:
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert example
    done = subprocess.run(
        [str(copy / ".venv" / "bin" / "python"), "-c", example[1]],
        cwd=copy,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "Hello from a model that was checked before it was loaded.\n", done.stderr


@pytest.mark.long
def test_the_first_command_on_a_fresh_machine(tmp_path: Path) -> None:
    folder = shutil.copytree(ROOT, tmp_path / "fresh", ignore=LEFT_OUT)
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(
        ["bash", "-c", SETUPS[0]], cwd=folder, capture_output=True, text=True, timeout=900, env=environment
    )
    assert done.returncode == 0, done.stderr
    # What pip does is shown above it; the answer is in sight on a terminal of 24 lines.
    assert any(line.startswith("allow  mlx-lm 0.") for line in done.stdout.splitlines()[-23:])


@pytest.mark.long
def test_a_wheel_without_any_backend(tmp_path: Path) -> None:
    # Built and installed as others would; every command but run works, and says that a backend is not installed.
    shutil.copytree(ROOT, tmp_path / "source", ignore=LEFT_OUT)
    script = f"""
    set -e
    {sys.executable} -m pip wheel -q --no-deps --wheel-dir wheels ./source
    {sys.executable} -m venv clean
    clean/bin/pip install -q wheels/*.whl
    mv source/tests/models/hello hello
    rm -rf source
    clean/bin/mlxk-rules validate
    clean/bin/mlxk-rules validate 2.0.4
    clean/bin/mlxk-rules list
    clean/bin/mlxk-rules probe hello > facts.json
    clean/bin/python -c 'import json; print(json.dumps(json.load(open("facts.json"))))' > facts.jsonl
    ! clean/bin/mlxk-rules decide facts.jsonl
    ! clean/bin/mlxk-rules explain hello
    ! clean/bin/mlxk-rules run hello Hi
    """
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "gate      dependency" in done.stdout
    assert "blocked[missing_dependency]" in done.stderr
