"""`run --hosts` answers as one process does: two and four ranks, both kinds of split, plain and in four bits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from mlxk_rules.engine.storage import data_files
from mlxk_rules.loaders import Session, checked_request
from mlxk_rules.loaders.ring.agreement import refusal

from ....loaders.ring.models import model
from ....tiny.files import write_json
from .running import PROMPT, agreed, hostfile, ran, ranks_of, running

pytestmark = pytest.mark.slow
ANSWERS = Draft202012Validator(json.loads((data_files.FOLDER / "answer.schema.json").read_text("utf-8")))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


def alone(folder: Path) -> str:
    """Return what one process answers."""
    facts = {"model": {"path": str(folder)}, "request": {}}
    decision = {"decision": "allow", "backend": "mlx_lm"}
    return "".join(Session(facts, decision).answer(checked_request(PROMPT, (), (), 14, 0.0)))


@pytest.mark.parametrize(
    ("model_type", "bits", "count", "split"),
    [
        ("llama", None, 2, None),
        pytest.param("llama", 4, 4, "tensor", marks=pytest.mark.long),
        pytest.param("qwen2", None, 4, "pipeline", marks=pytest.mark.long),
        # Below by two folders with a part of its files each; plainly, in test_serving.
        pytest.param("qwen2", 4, 2, "pipeline", marks=pytest.mark.long),
    ],
)
def test_the_same_as_one_process(
    model_type: str, bits: int | None, count: int, split: str | None, models: Path, tmp_path: Path
) -> None:
    folder = models / f"{model_type}{bits or ''}"
    if not folder.exists():
        model(folder, model_type, bits=bits)
    with ranks_of(tmp_path, [folder] * count, split) as ranks:
        assert refusal(agreed(ranks)["told"]) is None
        ranks.tell({"go": "load"})
        said = [event for event in iter(ranks.next, None) if event.what in ("text", "end")]
        assert ranks.leave() == [0] * count
    assert {event.rank for event in said if event.what == "text"} == {0}
    assert [event.value["answer_tokens"] for event in said if event.what == "end"] == [14] * count
    text = "".join(event.value for event in said if event.what == "text")
    assert text == alone(folder) and len(set(text)) > 4


@pytest.mark.long
def test_as_a_person_sees_it(models: Path, tmp_path: Path) -> None:
    folder = model(models / "person", "qwen2")
    # Each rank draws from the chances by itself: by the same seed, given or not, they draw the same.
    words = [folder, PROMPT, "--max-tokens", "8", "--temperature", "0.8", "--system", "Be brief", "--stats"]
    one = ran(1, *words, "--seed", "3")
    with running(2, *words, "--seed", "3", "--hosts", hostfile(tmp_path)) as front:
        front.ranks()
        done = front.ended()
        assert front.none_left()
    assert (done.code, done.out) == (0, one.out)
    assert "cut off at 8 tokens" in done.err and "tokens read" in done.err
    found = ran(2, *words, "--hosts", hostfile(tmp_path), "--split", "pipeline", "--json")
    assert (found.code, found.err) == (0, "")
    answer = json.loads(found.out)
    assert [error.message for error in ANSWERS.iter_errors(answer)] == []
    assert (answer["decision"]["decision"], answer["ending"], answer["error"]) == ("allow", "length", None)


@pytest.mark.long
def test_all_ranks_end_where_the_model_ends(models: Path, tmp_path: Path) -> None:
    folder = model(models / "ending", "qwen2")
    config = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", config | {"eos_token_id": list(range(0, config["vocab_size"], 2))})
    words = [folder, PROMPT, "--max-tokens", "100", "--json"]
    one, several = ran(1, *words), ran(2, *words, "--hosts", hostfile(tmp_path))
    assert (one.code, several.code, several.err) == (0, 0, "")
    alone, found = json.loads(one.out), json.loads(several.out)
    assert (found["ending"], found["text"]) == ("end", alone["text"])
    assert found["stats"]["answer_tokens"] == alone["stats"]["answer_tokens"] < 100


def test_a_folder_with_only_its_rank_s_files_will_do(models: Path, tmp_path: Path) -> None:
    whole = models / "qwen24"
    if not whole.exists():
        model(whole, "qwen2", bits=4)
    parts = []
    for rank, others in enumerate(((0, 1), (2, 3))):  # rank 0 has the last layers
        parts.append(shutil.copytree(whole, tmp_path / f"{rank}" / "qwen2"))
        for layer in others:
            (parts[-1] / f"model-{layer}.safetensors").unlink()
    with ranks_of(tmp_path, parts, "pipeline") as ranks:
        assert refusal(agreed(ranks)["told"]) is None
        ranks.tell({"go": "load"})
        text = "".join(event.value for event in iter(ranks.next, None) if event.what == "text")
        assert ranks.leave() == [0, 0]
    assert text == alone(whole)
    with ranks_of(tmp_path, parts[::-1], "pipeline") as ranks:  # each has what the other needs
        found = refusal(agreed(ranks)["told"])
    assert found is not None and (found.rank, found.code) == (0, "missing_weights")
    assert "lacks model-2.safetensors, model-3.safetensors" in found.message
