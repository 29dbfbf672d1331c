"""The front matter of README.md, case by case from cases/readme.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.loaders.facts import readme

from ...case_files import cases

CASES: list[dict[str, Any]] = cases(__file__, "cases/readme.yaml")


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_front_matter(tmp_path: Path, case: dict[str, Any]) -> None:
    (tmp_path / "README.md").write_text(case["text"], "utf-8", newline="")
    found = readme.read(tmp_path / "README.md")
    assert found == readme.FrontMatter(tuple(case.get("tags", [])), case.get("library_name"))


def test_no_more_than_the_head_is_read(tmp_path: Path) -> None:
    late = b"---\ntags: [a]\n" + b"#" * readme.HEAD_BYTES + b"\ntags: [b]\n---\n"
    (tmp_path / "README.md").write_bytes(late)
    assert readme.read(tmp_path / "README.md").tags == ("a",)


def test_bytes_that_are_no_utf8_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(b"--\xff-\ntags: [m\xfflx]\n---\n")
    assert readme.read(tmp_path / "README.md").tags == ("mlx",)


def test_a_readme_that_is_a_folder_has_a_reason(tmp_path: Path) -> None:
    (tmp_path / "README.md").mkdir()
    assert readme.read(tmp_path / "README.md").reason == "a folder, not a file"
    assert readme.read(tmp_path / "none") == readme.FrontMatter()
