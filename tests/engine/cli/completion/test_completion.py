"""The completion scripts in real shells: what each offers for the lines of cases.yaml."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine.cli.command_line import main
from mlxk_rules.engine.cli.completion.words import commands
from mlxk_rules.engine.cli.options import read_options
from mlxk_rules.engine.cli.usage import COMMANDS

from ....case_files import cases

pytestmark = pytest.mark.slow

CASES: list[dict[str, Any]] = cases(__file__, "cases.yaml")

# The words of a line as bash splits them, then what its completion function puts into COMPREPLY.
BASH = r"""
source "$1"; line=$2
read -ra COMP_WORDS <<<"$line"
[[ $line == *' ' ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$line COMP_POINT=${#line}
_mlxk_rules
printf '%s\n' "${COMPREPLY[@]}"
"""
# A shell within a shell: compadd is replaced by one that says what it was asked to add.
ZSH = r"""
zmodload zsh/zpty
zpty -b inner zsh -f -i
zpty -w inner 'PROMPT= ; PS2= ; stty -echo; unsetopt zle_bracketed_paste 2>/dev/null'
zpty -w inner "autoload -Uz compinit && compinit -u -C -d ${(q)3}"  # what zsh found is kept for the next case
zpty -w inner 'zstyle ":completion:*" verbose no'
zpty -w inner "source $1"
zpty -w inner 'bindkey "^I" complete-word; zle -C ask complete-word _ask; bindkey "^X" ask'
zpty -w inner 'null-line() { zle kill-buffer }; zle -N null-line'
zpty -w inner '_ask() {
  compadd() {
    local -a found
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
    local -a args=("$@"); local suffix= at=${@[(i)-S]}
    (( at < $# )) && suffix=${@[at+1]}
    builtin compadd -A found "${args[@]}" 2>/dev/null
    local word; for word in $found; do print -r -- "<<$IPREFIX$word$suffix>>"; done
    builtin compadd "${args[@]}"
  }
  _main_complete
  compstate[insert]= compstate[list]=
  print -r -- "<<DONE>>"
}'
zpty -w inner 'print READY-$((1+1))'
zpty -r inner out '*READY-2*'
zpty -w -n inner "$2"$'\C-x'
zpty -r inner out '*<<DONE>>*'
print -r -- "$out"
zpty -d inner
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to complete in, with the command itself beside it, and a cache of two models."""
    root = tmp_path_factory.mktemp("completion")
    folder, cache, scripts = root / "here", root / "hub", root / "bin"
    for name in ("models--org--alpha", "models--org--beta", "models--org--$(touch owned)", "datasets--org--x"):
        (cache / name / "snapshots").mkdir(parents=True)
    (folder / "models").mkdir(parents=True)
    for name in ("a.yaml", "my rules.yaml", "pic.png"):
        (folder / name).write_text("")
    scripts.mkdir()
    program = "import sys; from mlxk_rules.engine.cli import main; sys.exit(main())"
    (scripts / "mlxk-rules").write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{program}" "$@"\n')
    (scripts / "mlxk-rules").chmod(0o755)
    return root


@pytest.fixture(scope="module")
def script(place: Path) -> Callable[[str], Path]:
    @cache
    def written(shell: str) -> Path:
        file = place / f"completion.{shell}"
        done = subprocess.run([place / "bin" / "mlxk-rules", "completion", shell], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        file.write_text(done.stdout)
        return file

    return written


def shell(place: Path, *words: str | Path) -> str:
    environment = {
        **os.environ,
        "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
        "HF_HUB_CACHE": str(place / "hub"),
        "HOME": str(place),
        "TERM": "dumb",
    }
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, cwd=place / "here", env=environment)
    assert done.stderr == "" and done.returncode in (0, 1), done.stderr
    return done.stdout


def agrees(offered: set[str], case: dict[str, Any]) -> None:
    if "is" in case:
        assert offered == set(map(str, case["is"]))
    assert set(case.get("has", [])) <= offered
    assert not set(case.get("has_not", [])) & offered


@pytest.mark.parametrize("case", CASES, ids=[case["line"] for case in CASES])
def test_bash(case: dict[str, Any], place: Path, script: Callable[[str], Path]) -> None:
    out = shell(place, "bash", "--norc", "-c", BASH, "bash", script("bash"), case["line"])
    agrees(set(out.split()), case)
    assert not (place / "here" / "owned").exists()


def test_bash_with_a_name_that_holds_a_space(place: Path, script: Callable[[str], Path]) -> None:
    out = shell(place, "bash", "--norc", "-c", BASH, "bash", script("bash"), "mlxk-rules validate my")
    assert out == "my rules.yaml\n"


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
@pytest.mark.parametrize("case", CASES, ids=[case["line"] for case in CASES])
def test_fish(case: dict[str, Any], place: Path, script: Callable[[str], Path]) -> None:
    command = f"source {script('fish')}; complete -C {case['line']!r}"
    out = shell(place, "fish", "--no-config", "-c", command)
    agrees({line.split("\t")[0] for line in out.splitlines()}, case)


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
@pytest.mark.parametrize("case", CASES, ids=[case["line"] for case in CASES])
def test_zsh(case: dict[str, Any], place: Path, script: Callable[[str], Path]) -> None:
    out = shell(place, "zsh", "-f", "-c", ZSH, "zsh", script("zsh"), case["line"], place.parent / "zcompdump")
    agrees(set(re.findall(r"<<(.*?)>>", out)) - {"DONE"}, case)


# --- what the scripts are made of


def test_every_option_of_every_command_is_offered() -> None:
    found = {command.name: command for command in commands()}
    assert list(found) == list(COMMANDS)
    for name, command in found.items():
        assert command.means, f"{name} is not in the main usage text"
        spelled = {spelling for option in command.options for spelling in option.names}
        read = read_options(name, ["x"] * sum(1 for _ in command.words) if name != "run" else ["x", "y"])
        assert {word for word in read if word.startswith("-")} <= spelled | {"--"}
        for option in command.options:
            assert option.means, option


@pytest.mark.parametrize("word", ["bsh", "powershell", ""])
def test_no_such_shell(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", word]) == 2
    out, err = capsys.readouterr()
    assert out == "" and "error[" in err
