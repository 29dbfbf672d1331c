"""`mlxk-rules validate` of case files and of one's own policy, and the paths that GitHub's annotations have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from mlxk_rules.engine.cli.command_line import main

from ....case_files import read_yaml

ROOT = Path(__file__).parents[4]
OWN = "schema: 1\nname: mine\nversion: 1.0.0\nextends: today\n"
CASES = "cases:\n  - name: it\n    facts: {request.images: true}\n    expect: {decision: block}\n"


def test_a_case_file_is_said_to_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mlxk-rules.tests.yaml"
    file.write_text(CASES)
    assert main(["validate", str(file)]) == 0
    assert "a valid case file, 1 cases; `mlxk-rules test` runs them" in capsys.readouterr().out
    file.write_text(CASES.replace("expect", "expcet"))
    assert main(["validate", str(file)]) == 1
    assert "unknown key `expcet` in a case" in capsys.readouterr().out


def test_the_hook_takes_rule_files_alone() -> None:
    (hook,) = read_yaml(ROOT / ".pre-commit-hooks.yaml")

    def taken(name: str) -> bool:
        return bool(re.search(hook["files"], name)) and not re.search(hook["exclude"], name)

    assert taken("mlxk-rules.yaml") and taken("a/.mlxk-rules/x.yml") and taken("mlxk_policy.yaml")
    assert not taken("mlxk-rules.tests.yaml") and not taken("mlxk-rules/x.tests.yml") and not taken("other.yaml")


def test_ones_own_policy_is_meant_where_no_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "mlxk-rules" / "policy.yaml"
    own.parent.mkdir()
    own.write_text(OWN)
    (own.parent / "policy.tests.yaml").write_text(CASES)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("MLXK_RULES_POLICY", raising=False)
    for command, said in (("validate", "mine 1.0.0"), ("test", "mine 1.0.0"), ("audit", "mlx")):
        main([command])
        assert said in capsys.readouterr().out, command
    monkeypatch.setenv("MLXK_RULES_POLICY", "2.0.4")
    main(["validate"])
    assert "valid, mlx 2.0.4" in capsys.readouterr().out


def test_annotations_have_paths_from_the_top_of_the_repository(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "x.yaml").write_text("schema: 1\nname: [\n")
    for place, word in (
        (tmp_path, "./policies/x.yaml"),
        (folder, "x.yaml"),
        (folder, str(folder / "x.yaml")),
        (folder, "../policies/./x.yaml"),
    ):
        monkeypatch.chdir(place)
        assert main(["validate", "--format", "github", word]) == 1
        assert ",file=policies/x.yaml,line=3," in capsys.readouterr().out, word


def test_a_size_is_a_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(
        "schema: 1\nname: mine\nversion: 1.0.0\nlimits: {most: 8GB, least: 512 MiB}\ngates:\n"
        "  - {id: a, when: model.size_bytes > limits.most, decide: warn, backend: mlx_lm,"
        " message: '{{ limits.least }}'}\n"
        "  - {id: rest, otherwise: true, decide: allow, backend: mlx_lm}\n"
    )
    assert main(["validate", str(file)]) == 0, capsys.readouterr().out
    assert main(["policy", str(file), "--yaml"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["limits"] == {"most": 8 * 1024**3, "least": 512 * 1024**2}
