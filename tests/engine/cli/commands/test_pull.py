"""explain, pull and run of a model that is on a hub, by the real command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ....loaders.hub.server import TOKEN, Hub, running
from ....tiny.text import ANSWER

pytestmark = pytest.mark.slow

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running() as found:
        yield found


@pytest.fixture
def home(tmp_path: Path, hub: Hub) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN"):
        kept.pop(name, None)
    places = {"HF_HOME": "hf", "XDG_CACHE_HOME": "cache", "XDG_STATE_HOME": "state"}
    return kept | {name: str(tmp_path / place) for name, place in places.items()} | {"HF_ENDPOINT": hub.url}


def command(home: dict[str, str], *words: str) -> Done:
    program = "import sys; from mlxk_rules.engine.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, *words], env=home, capture_output=True, text=True, timeout=120
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def served(tmp_path: Path, hub: Hub, model: Path) -> Path:
    """The model as a repo, with files beside it that no backend loads."""
    folder = shutil.copytree(model, tmp_path / "repo")
    (folder / "pytorch_model.bin").write_bytes(b"x" * 5000)
    (folder / "modeling.py").write_text("raise SystemExit('code of the repo was run')")
    (folder / "picture.png").write_bytes(b"x" * 5000)
    (folder / "consolidated.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0{}")
    hub.add("org/name", folder)
    return folder


def snapshot(home: dict[str, str], hub: Hub) -> Path:
    return Path(home["HF_HOME"], "hub", "models--org--name", "snapshots", hub.repos["org/name"].commit)


def test_from_the_question_to_the_answer(tmp_path: Path, hub: Hub, home: dict[str, str], text_model: Path) -> None:
    served(tmp_path, hub, text_model)
    told = command(home, "explain", "hf://org/name")
    assert told.returncode == 0 and told.stdout.startswith("allow  mlx-lm ") and "may load org/name\n" in told.stdout, (
        told.stderr
    )
    assert not Path(home["HF_HOME"]).exists()
    refused = command(home, "run", "hf://org/name", "Hello")
    assert refused.returncode == 2 and "error[not_downloaded]" in refused.stderr and "pull" in refused.stderr
    pulled = command(home, "pull", "org/name", "--json")
    answer = json.loads(pulled.stdout)
    assert pulled.returncode == 0, pulled.stderr
    assert (answer["decision"]["backend"], answer["folder"]) == ("mlx_lm", str(snapshot(home, hub)))
    here = {path.name for path in snapshot(home, hub).iterdir()}
    assert here.isdisjoint({"pytorch_model.bin", "modeling.py", "picture.png", "consolidated.safetensors"})
    assert {"config.json", "tokenizer.json", "model.safetensors"} <= here
    hub.asked.clear()
    ran = command(home | {"HF_HUB_OFFLINE": "1"}, "run", "org/name", "Hello")
    assert (ran.returncode, ran.stdout.strip()) == (0, ANSWER), ran.stderr
    assert hub.asked == []


def test_what_is_blocked_is_not_downloaded(tmp_path: Path, hub: Hub, home: dict[str, str], text_model: Path) -> None:
    folder = served(tmp_path, hub, text_model)
    (folder / "config.json").write_text('{"model_type": "brandnew"}')
    hub.add("org/name", folder)
    blocked = command(home, "pull", "hf://org/name")
    assert blocked.returncode == 1 and blocked.stdout.startswith("block  org/name is not to be loaded\n")
    assert not Path(home["HF_HOME"]).exists()
    forced = command(home, "pull", "hf://org/name", "--force")
    assert forced.returncode == 1 and "forced: blocked by gate text-type" in forced.stderr
    assert (snapshot(home, hub) / "config.json").exists()
    (line,) = Path(home["XDG_STATE_HOME"], "mlxk-rules", "forced.jsonl").read_text().splitlines()
    assert json.loads(line)["decision"]["gate"] == "text-type"


def test_it_goes_on_after_a_break(tmp_path: Path, hub: Hub, home: dict[str, str], text_model: Path) -> None:
    served(tmp_path, hub, text_model)
    hub.fails("/blob/org/name/" + hub.repos["org/name"].commit + "/model.safetensors", 500)
    told = command(home, "explain", "hf://org/name", "--quick")
    assert "error[hub_fault]" in told.stderr
    hub.answers.clear()
    assert command(home, "explain", "hf://org/name", "--quick").returncode == 0
    hub.fails("/blob/org/name/" + hub.repos["org/name"].commit + "/model.safetensors", 500)
    broken = command(home, "pull", "org/name", "--quick")
    assert broken.returncode == 2 and "error[hub_fault]" in broken.stderr, broken.stderr
    hub.answers.clear()
    lacking = command(home | {"HF_HUB_OFFLINE": "1"}, "explain", "org/name", "--quick")
    assert "it lacks" in lacking.stdout and "model.safetensors" in lacking.stdout, lacking.stdout
    listed = command(home | {"HF_HUB_OFFLINE": "1"}, "list")
    assert "it lacks" in listed.stdout and "B)" in listed.stdout
    hub.asked.clear()
    again = command(home, "pull", "org/name", "--quick")
    assert again.returncode == 0, again.stderr
    assert not [one for one in hub.asked if one.method == "GET" and one.path.endswith("/config.json")]


def test_each_failure_is_one_line(hub: Hub, home: dict[str, str], text_model: Path) -> None:
    missing = command(home, "explain", "hf://org/nowhere")
    assert missing.returncode == 2 and missing.stdout == ""
    assert missing.stderr.count("\n") == 1 and missing.stderr.startswith("error[repo_not_found]: the hub has no repo")
    nowhere = command(home, "explain", "org/nowhere")
    assert nowhere.returncode == 2 and "`hf://org/nowhere` asks the hub for it" in nowhere.stderr
    hub.add("org/name", text_model, gated=True)
    gated = command(home, "pull", "org/name", "--force")
    assert gated.returncode == 1 and "is gated: ask its owner" in gated.stdout
    assert command(home | {"HF_TOKEN": TOKEN}, "pull", "org/name", "--quick").returncode == 0
    assert {one.token for one in hub.asked if one.elsewhere} == {None}
    offline = command(home | {"HF_HUB_OFFLINE": "1"}, "pull", "org/name")
    assert offline.returncode == 2 and offline.stderr.startswith("error[hub_offline]")


def test_other_forms_of_it(tmp_path: Path, hub: Hub, home: dict[str, str], text_model: Path) -> None:
    folder = served(tmp_path, hub, text_model)
    (folder / "model.safetensors").unlink()
    (folder / "consolidated.safetensors").unlink()
    hub.add("org/name", folder)
    hub.add("mlx/name-4bit", text_model, about={"tags": ["base_model:quantized:org/name"]})
    hub.add("mlx/gone", text_model, about={"tags": ["base_model:quantized:org/name"]}, private=True)
    told = command(home, "explain", "hf://org/name", "--alternatives")
    assert told.returncode == 1
    assert "weights-format" in told.stdout and "other forms of it that the hub knows of" in told.stdout
    assert "allow by mlx-lm" in told.stdout and "hf://mlx/name-4bit" in told.stdout
    assert "mlx/gone: the hub has no repo" in told.stdout
    without = command(home, "explain", "hf://org/name", "--json")
    assert "alternatives" not in json.loads(without.stdout)
    here = command(home, "explain", str(folder), "--alternatives")
    assert here.returncode == 2 and "name it as hf://org/name" in here.stderr
