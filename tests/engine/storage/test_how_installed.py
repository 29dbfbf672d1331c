"""What a message advises to install is what works for this installation: pip, uv or pipx, a clone or a tool."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine.storage import how_installed
from mlxk_rules.engine.storage.how_installed import install_command
from packaging.requirements import Requirement

RECEIPT = """[tool]
requirements = [{{ name = "mlxk-rules", extras = ["text"], directory = "{folder}" }}]
"""


@pytest.mark.parametrize(
    ("extra", "library"),
    [("text", "mlx-lm"), ("vision", "mlx-vlm"), ("audio", "mlx-audio"), ("analysis", "z3-solver")],
)
def test_in_an_environment_of_pip(extra: str, library: str, tmp_path: Path) -> None:
    python, *words = shlex.split(install_command(extra, str(tmp_path)))
    assert words[:3] == ["-m", "pip", "install"] and "python" in python
    wanted = {Requirement(word).name: Requirement(word) for word in words[3:]}  # each is one that pip reads
    assert library in wanted and wanted[library].specifier
    assert "mlxk-rules" not in wanted


def test_all_of_them(tmp_path: Path) -> None:
    words = shlex.split(install_command("all", str(tmp_path)))
    assert {"mlx-lm", "mlx-vlm", "mlx-audio"} <= {Requirement(word).name for word in words[4:]}


def test_where_there_is_no_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_pip(name: str) -> Any:
        return None if name == "pip" else object()

    monkeypatch.setattr(how_installed, "find_spec", without_pip)
    assert install_command("text", str(tmp_path)).startswith("uv pip install --python ")


def test_a_tool_of_pipx(tmp_path: Path) -> None:
    (tmp_path / "pipx_metadata.json").write_text("{}")
    assert install_command("text", str(tmp_path)).startswith("pipx inject mlxk-rules ")


def test_a_tool_of_uv(tmp_path: Path) -> None:
    clone = tmp_path / "my clone"
    clone.mkdir()
    (tmp_path / "uv-receipt.toml").write_text(RECEIPT.format(folder=clone))
    wanted = f"uv tool install --force '{clone}[audio,text]'"
    assert install_command("audio", str(tmp_path)) == wanted
    clone.rmdir()  # the clone is gone: the libraries alone
    assert "mlx-audio" in install_command("audio", str(tmp_path))
    (tmp_path / "uv-receipt.toml").write_text("not toml [")
    assert "mlx-audio" in install_command("audio", str(tmp_path))


def test_where_nothing_tells_how_it_was_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(how_installed, "PACKAGE", "no-such-package-of-ours")
    assert install_command("text", str(tmp_path)).endswith(" -m pip install mlx-lm")
