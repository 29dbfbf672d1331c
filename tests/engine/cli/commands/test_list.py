"""Every model of a cache: in order, each as it is known, and whatever one of them is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from mlxk_rules.engine.storage import data_files

pytestmark = pytest.mark.slow

HELLO = Path(__file__).parents[3] / "models/hello"
ANSWERS = Draft202012Validator(json.loads((data_files.FOLDER / "answer.schema.json").read_text("utf-8")))
LIST = [sys.executable, "-c", "import sys; from mlxk_rules.engine.cli import main; sys.exit(main())", "list"]
COUNT = 60


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models, one in five broken: without a snapshot, without files, of a type that nobody knows, of a hostile name."""
    home = tmp_path_factory.mktemp("home")
    for number in range(COUNT):
        odd = f"\x1b[31m{number:02}" if number == 20 else f"{number:02}"
        snapshot = home / f"hub/models--org--m{odd}/snapshots/{'a' * 40}"
        if number % 5:
            snapshot.parent.mkdir(parents=True)
            snapshot.symlink_to(HELLO)
        elif number % 2:
            snapshot.mkdir(parents=True)
        elif number % 3:
            snapshot.mkdir(parents=True)
            (snapshot / "config.json").write_text(json.dumps({"model_type": "nobody's"}))
        else:
            snapshot.parent.parent.mkdir(parents=True)
    return home


def listed(home: Path, *words: str) -> tuple[str, str, int]:
    environment = {**os.environ, "HF_HOME": str(home)}
    done = subprocess.run([*LIST, *words], capture_output=True, text=True, env=environment, timeout=120)
    return done.stdout, done.stderr, done.returncode


@pytest.mark.parametrize("words", [[], ["--image"], ["--audio", "--policy", "2.0.4"]])
def test_one_json_value_in_order(words: list[str], home: Path) -> None:
    out, err, code = listed(home, "--json", *words)
    rows = json.loads(out)
    assert (err, code) == ("", 0)
    assert out == json.dumps(rows, indent=2) + "\n"
    names = [row["name"] for row in rows]
    assert names == sorted(names) and len(names) == COUNT
    assert [row["error_type"] for row in rows].count("incomplete_snapshot") == 2
    assert {row["request"] for row in rows} <= {"text", "images", "audio", None}
    assert [error.message for error in ANSWERS.iter_errors(rows)] == []
    # What is refused here is so by its files alone: nothing that a backend could say would change it.
    assert {(row["decision"], row["rehearsed"]) for row in rows} <= {
        ("allow", False), ("block", True), (None, None), ("allow", True)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "decisions", "count"),
    [
        (["--blocked"], {"block", None}, 12),
        (["--fits"], {"allow"}, 48),
        (["M1"], {"allow", "block"}, 10),
        (["--sort", "size"], {"allow", "block", None}, COUNT),
    ],
)
def test_filtered_and_sorted(words: list[str], decisions: set[str | None], count: int, home: Path) -> None:
    rows = json.loads(listed(home, "--json", *words)[0])
    assert ({row["decision"] for row in rows}, len(rows)) == (decisions, count)
    if words[0] == "--sort":
        sizes = [row["size_bytes"] or 0 for row in rows]
        assert sizes == sorted(sizes, reverse=True)


def test_a_folder_and_what_is_not_there(home: Path, tmp_path: Path) -> None:
    (tmp_path / "org").mkdir()
    (tmp_path / "org/m").symlink_to(HELLO)
    rows = json.loads(listed(home, "--json", str(tmp_path))[0])
    assert [(row["name"], row["decision"]) for row in rows] == [("org/m", "allow")]
    assert listed(home, "no such model")[1:] == (
        "error[usage]: there is no folder, and no model's name has `no such model`; mlxk-rules list\n",
        2,
    )
    assert "did you mean `size`?" in listed(home, "--sort", "sizes")[1]


def test_a_speech_model_is_for_audio(tmp_path: Path, speech_model: Path) -> None:
    snapshot = tmp_path / f"hub/models--org--speech/snapshots/{'a' * 40}"
    snapshot.parent.mkdir(parents=True)
    snapshot.symlink_to(speech_model)
    out = listed(tmp_path)[0].splitlines()[1]
    assert "mlx-audio" in out and "allow" in out and out.endswith("for audio only: --audio")


def test_a_table_whose_columns_stand(home: Path) -> None:
    out, err, code = listed(home)
    head, *lines = out.splitlines()
    assert (err, code, len(lines)) == ("", 0, COUNT)
    assert head.split() == ["MODEL", "SIZE", "BACKEND", "VERDICT", "MEMORY", "REASON"]
    answers = {tuple(line[head.index("VERDICT") :].split()[:2]) for line in lines}
    assert answers == {("allow", "<1%"), ("block", "<1%"), ("block", "-"), ("error", "-")}
    assert "\x1b" not in out and "org/m\\x1b[31m20" in out


def test_no_models(tmp_path: Path) -> None:
    assert listed(tmp_path, "--json")[0] == "[]\n"
    out, err, code = listed(tmp_path)
    assert (out, code) == ("", 0) and err.startswith("no models in ")
