"""Which policy decides: --policy, MLXK_RULES_POLICY, the person's own file, today's; and never one of them silently."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.cli.command_line import main
from mlxk_rules.engine.cli.policies.policy_choice import choose, own_file

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
HELLO = str(ROOT / "tests" / "models" / "hello")
Capture = pytest.CaptureFixture[str]


def overlay(file: Path, name: str, extends: str = "today") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"schema: 1\nname: {name}\nversion: 1.0.0\nextends: {extends}\n")
    return file


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MLXK_RULES_POLICY", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def decided_by(capsys: Capture, *words: str) -> str:
    main(["explain", HELLO, "--quick", "--json", *words])
    return json.loads(capsys.readouterr().out)["decision"]["policy"]["name"]


def test_the_order_of_choice(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    assert decided_by(capsys) == "mlx"
    overlay(home / "config/mlxk-rules/policy.yaml", "own")
    assert decided_by(capsys) == "own"
    monkeypatch.setenv("MLXK_RULES_POLICY", str(overlay(home / "env.yaml", "env")))
    assert decided_by(capsys) == "env"
    assert decided_by(capsys, "--policy", str(overlay(home / "word.yaml", "word"))) == "word"
    assert decided_by(capsys, "--policy", "today") == "mlx"
    monkeypatch.setenv("MLXK_RULES_POLICY", "")  # set and empty is not set
    assert decided_by(capsys) == "own"


@pytest.mark.parametrize("command", ["explain", "list", "decide", "run", "policy"])
def test_every_command_takes_the_same(command: str, home: Path, capsys: Capture) -> None:
    facts = home / "facts.jsonl"
    main(["probe", HELLO, "--quick"])
    facts.write_text(json.dumps(json.loads(capsys.readouterr().out)) + "\n")
    own = overlay(home / "config/mlxk-rules/policy.yaml", "own", extends="no-such.yaml")
    words = {"explain": [HELLO], "list": [], "decide": [str(facts)], "run": [HELLO, "hi"], "policy": []}
    assert main([command, *words[command]]) == 2
    err = capsys.readouterr().err
    assert f"{own}:4:10: error[no-file]" in err


def test_explain_list_and_policy_say_which_file(home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    own = overlay(home / "config/mlxk-rules/policy.yaml", "own")
    main(["explain", HELLO, "--quick"])
    out = capsys.readouterr().out
    assert f"{own}, from your own file" in out and "policy own 1.0.0" in out
    main(["list"])
    assert f"policy {own}, from your own file" in capsys.readouterr().err
    main(["policy"])
    assert capsys.readouterr().out.startswith(f"own 1.0.0  {own}, from your own file\n")
    main(["explain", HELLO, "--quick", "--json"])
    assert json.loads(capsys.readouterr().out)["policy_file"] == {"file": str(own), "chosen_by": "your own file"}
    monkeypatch.setenv("MLXK_RULES_POLICY", "2.0.4")
    main(["explain", HELLO, "--quick"])
    assert "2.0.4.yaml, from MLXK_RULES_POLICY" in capsys.readouterr().out
    main(["explain", HELLO, "--quick", "--policy", "today"])
    assert ", from " not in capsys.readouterr().out


def broken(file: Path) -> None:
    file.write_text("schema: 1\nname: own\nversion: 1.0.0\ngates: nothing\n")


def empty(file: Path) -> None:
    file.write_text("")


def folder(file: Path) -> None:
    file.mkdir()


def dangling(file: Path) -> None:
    file.symlink_to("nothing.yaml")


def itself(file: Path) -> None:
    file.write_text("schema: 1\nname: own\nversion: 1.0.0\nextends: policy.yaml\n")


@pytest.mark.parametrize("make", [broken, empty, folder, dangling, itself])
def test_an_own_file_that_does_not_load_is_never_passed_over(make: Any, home: Path, capsys: Capture) -> None:
    own = home / "config/mlxk-rules/policy.yaml"
    own.parent.mkdir(parents=True)
    make(own)
    assert main(["explain", HELLO, "--quick"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and str(own) in err and "error[" in err


def test_a_variable_that_names_nothing(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    overlay(home / "config/mlxk-rules/policy.yaml", "own")
    monkeypatch.setenv("MLXK_RULES_POLICY", "no-such.yaml")
    assert main(["explain", HELLO, "--quick"]) == 2
    assert "no rule file `no-such.yaml`, which MLXK_RULES_POLICY names" in capsys.readouterr().err


def test_extends_is_relative_to_the_file(home: Path) -> None:
    overlay(home / "config/mlxk-rules/team/base.yaml", "team", "2.0.4")
    own = overlay(home / "config/mlxk-rules/policy.yaml", "own", "team/base.yaml")
    assert choose(None).source == own
    layers = Policy.load(own).document
    assert layers.base is not None and layers.base.name == "team"


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"XDG_CONFIG_HOME": "/c", "HOME": "/h"}, "/c/mlxk-rules/policy.yaml"),
        ({"HOME": "/h"}, "/h/.config/mlxk-rules/policy.yaml"),
        ({"XDG_CONFIG_HOME": "", "HOME": "/h"}, "/h/.config/mlxk-rules/policy.yaml"),
        ({"XDG_CONFIG_HOME": "relative", "HOME": "/h"}, "/h/.config/mlxk-rules/policy.yaml"),
        ({}, None),
    ],
)
def test_where_the_own_file_stands(environment: dict[str, str], place: str | None) -> None:
    assert own_file(environment) == (Path(place) if place else None)


def test_without_one_it_is_todays(home: Path) -> None:
    assert choose(None).source is None
    assert choose(None).by == ""
