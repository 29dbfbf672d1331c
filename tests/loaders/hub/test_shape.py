"""A repo's shape: what it costs to ask for, what is in it, that it is kept, and that no loader takes it."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.loaders import LoaderError, look, probe, remote, stream
from mlxk_rules.loaders.hub.excerpts import FIRST_BYTES

from ...zoo.build import lay_weights
from ...zoo.catalogue import Weights
from ..conformity import complaints
from .server import TOKEN, Hub

NAME = remote("hf://org/name")
# As in repos of mlx-community and of whoever makes models.
DOCUMENTS = ("tokenizer_config.json", "special_tokens_map.json", "generation_config.json", "chat_template.jinja")


def shards(folder: Path, count: int, tensors: int) -> Path:
    """A model of so many shards of 5 GB, with so many tensors each."""
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    for name in DOCUMENTS:
        (folder / name).write_text("{}" + " " * 4000)
    (folder / "README.md").write_text("---\ntags: [mlx]\n---\n" + "x" * 9000)
    (folder / "tokenizer.json").write_text(json.dumps(vocabulary(50_000)))
    (folder / "vocab.json").write_text(json.dumps({f"word{number:06}": number for number in range(50_000)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "some merge\n" * 100_000)
    rows = 5_000_000_000 // tensors // 2 // 4096
    name = f"model.layers.{{0-{count * tensors - 1}}}.self_attn.q_proj.weight"
    lay_weights(folder / "model.safetensors", Weights({name: ["BF16", [rows, 4096]]}, shard_bytes=5_000_000_000))
    return folder


def vocabulary(size: int) -> dict[str, object]:
    """A tokenizer.json of as many words, in the order in which libraries write it."""
    words = {f"word{number:06}": number for number in range(size)}
    model = {"type": "BPE", "unk_token": None, "vocab": words, "merges": []}
    added = [{"id": size, "content": "<|end|>", "special": True}]
    return {"version": "1.0", "added_tokens": added, "decoder": None, "model": model}


@pytest.mark.parametrize(
    ("count", "tensors", "requests", "size", "seconds"),
    [(8, 230, 30, 1_000_000, 1.0), (160, 560, 700, 25_000_000, 6.0)],
)
@pytest.mark.slow
def test_what_it_costs(
    hub: Hub, tmp_path: Path, count: int, tensors: int, requests: int, size: int, seconds: float
) -> None:
    folder = shards(tmp_path / "model", count, tensors)
    hub.add("org/name", folder)
    hub.delay = 0.05
    for turn in range(3):  # others use this machine too: once is enough
        hub.asked.clear()
        begun = time.perf_counter()
        shape = look(NAME)
        took = time.perf_counter() - begun
        assert len(hub.asked) <= requests
        assert hub.sent <= size
        if took < seconds:
            break
        assert turn < 2, took
        shutil.rmtree(shape.resolved.folder)
    assert len(list(Path(shape.resolved.folder).glob("*.safetensors"))) == count
    assert_no_weights_were_read(hub, folder)
    taken = sum(path.stat().st_blocks for path in Path(shape.resolved.folder).rglob("*")) * 512
    assert taken < size + 4_000_000  # the tokenizer's files are as long as they are


def assert_no_weights_were_read(hub: Hub, folder: Path) -> None:
    """Of a file of tensors nothing beyond its header was asked for, but for what the first look takes."""
    for asked in hub.asked:
        name = asked.path.partition("?")[0].rpartition("/")[2]
        if name.endswith(".safetensors") and asked.elsewhere:
            with (folder / name).open("rb") as file:
                header = 8 + int.from_bytes(file.read(8), "little")
            assert asked.range is not None
            assert int(asked.range.rpartition("-")[2]) < max(FIRST_BYTES, header)


@pytest.mark.slow
def test_the_answer_is_that_of_the_folder(hub: Hub, text_model: Path) -> None:
    hub.add("org/name", text_model)
    here, there = probe(text_model, name="org/name"), probe("hf://org/name")
    assert_same(here, there)
    assert there["dry_run"]["mlx_lm"]["status"] == "ok"
    assert there["model"]["name"] == "org/name"
    shape = Path(there["model"]["path"])
    assert str(shape).startswith(os.environ["XDG_CACHE_HOME"]) and not Path(os.environ["HF_HUB_CACHE"]).exists()
    size = next(path.stat().st_size for path in text_model.glob("*.safetensors"))
    assert there["hub"]["mlx_lm"]["download_bytes"] > size
    assert complaints(there) == []
    assert there["hub"]["free_bytes"] > 0 and there["hub"]["commit"] == hub.repos["org/name"].commit


def assert_same(here: dict[str, object], there: dict[str, object]) -> None:
    """All facts are, but for what only a disk or only the hub can have."""
    own = {"path", "folder", "fingerprint", "snapshots_hold_weights"}
    for name in here:
        one, other = here[name], there[name]
        if name == "model":
            assert isinstance(one, dict) and isinstance(other, dict)
            one, other = ({key: value for key, value in each.items() if key not in own} for each in (one, other))
        if name not in ("hub", "memory"):
            assert one == other, name


@pytest.mark.slow
def test_no_loader_takes_it(hub: Hub, text_model: Path, tmp_path: Path) -> None:
    hub.add("org/name", text_model)
    facts = probe("hf://org/name", dry_run=False)
    decision = Policy.load().decide(facts)
    assert decision.allowed
    shape = Path(facts["model"]["path"])
    copied = shutil.copytree(shape, tmp_path / "copied")
    for folder in (shape, copied):
        again = probe(folder, dry_run=False)
        with pytest.raises(LoaderError) as caught:
            list(stream(again, decision, "Hello"))
        assert caught.value.code == "not_downloaded"
        assert not [name for name in again["model"]["files"] if "mlxk" in name]


def test_it_is_kept_by_commit(hub: Hub, text_model: Path) -> None:
    repo = hub.add("org/name", text_model)
    first = look(NAME)
    hub.asked.clear()
    assert look(NAME) == first
    assert len(hub.asked) == 1  # which commit is main now
    hub.asked.clear()
    assert look(remote(f"hf://org/name@{repo.commit}")) == first
    assert hub.asked == []
    shutil.rmtree(first.resolved.folder)
    assert look(NAME) == first and Path(first.resolved.folder, "config.json").stat().st_size


def test_nothing_is_kept_where_none_is_wanted(hub: Hub, text_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLXK_RULES_NO_CACHE", "1")
    shutil.rmtree(os.environ["XDG_CACHE_HOME"])
    hub.add("org/name", text_model)
    assert Path(look(NAME).resolved.folder, "config.json").exists()
    assert not Path(os.environ["XDG_CACHE_HOME"]).exists()


def test_another_hub_is_another_repo(hub: Hub, text_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add("org/name", text_model)
    first = look(NAME)
    monkeypatch.setenv("HF_ENDPOINT", hub.url.replace("127.0.0.1", "localhost"))
    assert look(NAME).resolved.folder != first.resolved.folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "way",
    [
        lambda hub: setattr(hub, "cached_resolve", True),
        lambda hub: hub.__dict__.update(tells_sizes=False, page_size=2),
        lambda hub: setattr(hub, "keeps_ranges", False),
        lambda hub: hub.breaks.update({"model.safetensors": 1, "config.json": 2, "tokenizer_config.json": 1}),
    ],
    ids=["307 for small files", "pages of a tree", "no ranges", "parts that break off"],
)
def test_other_ways_of_a_hub(hub: Hub, text_model: Path, way: Callable[[Hub], object]) -> None:
    hub.add("org/name", text_model)
    way(hub)
    assert_same(probe(text_model, name="org/name", dry_run=False), probe("hf://org/name", dry_run=False))


def test_a_token_goes_to_no_other_host(hub: Hub, text_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.add("org/name", text_model, gated=True)
    facts = probe("hf://org/name", dry_run=False)
    assert (facts["hub"]["gated"], facts["hub"]["readable"]) == (True, True)
    assert any(one.elsewhere for one in hub.asked)
    assert {one.token for one in hub.asked if one.elsewhere} == {None}
    assert {one.token for one in hub.asked if not one.elsewhere} == {f"Bearer {TOKEN}"}


def test_a_gated_repo_without_access(hub: Hub, text_model: Path) -> None:
    hub.add("org/name", text_model, gated=True, about={"config": {"model_type": "llama"}})
    facts = probe("hf://org/name")
    assert facts["hub"]["model_type"] == "llama" and complaints(facts) == []
    assert (facts["hub"]["gated"], facts["hub"]["readable"]) == (True, False)
    assert (facts["config"], facts["config_status"]) == (None, "unreadable")
    assert facts["model"]["size_bytes"] == sum(path.stat().st_size for path in text_model.iterdir())
    assert facts["hub"]["mlx_lm"]["download_bytes"] > 0
    decision = Policy.load().decide(facts)
    assert (decision.gate, decision.http_status) == ("gated", 403)


BAD = ("../up", "/etc/x", "a/../b", "a//b", "./a", "nul\0", "x" * 300, "/".join("d" * 20), "lone\ud800")


def test_names_that_lead_elsewhere_are_left_out(hub: Hub, tmp_path: Path) -> None:
    names = [*BAD, "config.json", "a", "a/b", "tab\t\x1b[2J.txt"]
    siblings = [{"rfilename": name, "size": 0} for name in names]
    body = json.dumps({"id": "../../x", "sha": "a" * 40, "siblings": siblings}).encode()
    hub.fails("/api/", 200, body)
    folder = Path(look(NAME).resolved.folder)
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert found == [".mlxk-rules-shape", "a/b", "config.json", "tab\t\x1b[2J.txt"]
    assert not list(tmp_path.rglob("up")) and folder.parent.parent.name == "models--org--name"


@pytest.mark.parametrize("size", [-1, 1 << 60, "5", None, 1.5, True])
def test_sizes_that_are_none(hub: Hub, size: object) -> None:
    body = json.dumps({"sha": "a" * 40, "siblings": [{"rfilename": "config.json", "size": size}]}).encode()
    hub.fails("/revision/", 200, body)
    hub.fails("/api/models/org/name?", 200, body)
    hub.fails("/tree/", 200, json.dumps([{"type": "file", "path": "config.json", "size": size}]).encode())
    with pytest.raises(LoaderError) as caught:
        look(NAME)
    assert caught.value.code == "no_hub_answer"


def test_the_oldest_repos_go(hub: Hub, text_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlxk_rules.loaders.hub import shape

    monkeypatch.setattr(shape, "_MAX_KEPT", 2)
    found = []
    for name in "abc":
        hub.add(f"org/{name}", text_model)
        found.append(Path(look(remote(f"hf://org/{name}")).resolved.folder))
        time.sleep(0.01)
    assert [path.exists() for path in found] == [False, True, True]
