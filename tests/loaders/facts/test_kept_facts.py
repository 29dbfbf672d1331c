"""Facts that were kept are those that would be found out, or they are not believed."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine.storage import cache_folder
from mlxk_rules.loaders import probe
from mlxk_rules.loaders.facts import folder, kept_facts
from mlxk_rules.loaders.host import this_machine

from ...changes import FOLDER, Change

pytestmark = pytest.mark.slow

HELLO = Path(__file__).parents[2] / "models/hello"


@pytest.fixture(autouse=True)
def place(known: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(known, tmp_path / "cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/mlxk-rules"


@pytest.fixture(scope="module")
def at_rest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that nobody wrote to for two seconds."""
    path = tmp_path_factory.mktemp("rest") / "hello"
    shutil.copytree(HELLO, path)
    time.sleep(2.1)
    return path


def facts_of(path: Path) -> dict[str, Any]:
    facts = probe(path, dry_run=False)
    facts["memory"]["available_bytes"] = 0
    return facts


def marked(place: Path) -> Path:
    """The one file kept, with a lie in it, by which it is told whether it is read."""
    (file,) = (place / "facts").iterdir()
    record = cache_folder.read(f"facts/{file.name}", dict)
    assert record is not None
    record["facts"]["readme"]["library_name"] = "kept"
    cache_folder.write(f"facts/{file.name}", record)
    return file


def is_kept(path: Path) -> bool:
    return facts_of(path)["readme"]["library_name"] == "kept"


def test_the_same_facts_in_the_same_order(place: Path, at_rest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = facts_of(at_rest), facts_of(at_rest)
    assert len(list((place / "facts").iterdir())) == 1
    monkeypatch.setenv("MLXK_RULES_NO_CACHE", "1")
    assert json.dumps(first) == json.dumps(second) == json.dumps(facts_of(at_rest))


def test_the_request_is_never_kept(at_rest: Path, place: Path) -> None:
    probe(at_rest, dry_run=False)
    marked(place)
    facts = probe(at_rest, "other", images=True, context="server", context_tokens=7, dry_run=False)
    assert facts["readme"]["library_name"] == "kept"
    assert (facts["model"]["name"], facts["request"]["images"], facts["request"]["context_tokens"]) == (
        "other",
        True,
        7,
    )


@pytest.mark.parametrize("change", FOLDER)
def test_a_folder_that_changed(change: Change, at_rest: Path, place: Path, tmp_path: Path) -> None:
    # Hard links keep their times; what is written to is made anew first, in a folder of this test's own.
    path = tmp_path / "hello"
    shutil.copytree(at_rest, path)
    listing = folder.listing(str(path))
    kept_facts.put(str(path), listing._replace(changed_ns=0), "", {"kept": True})
    assert kept_facts.get(str(path), folder.listing(str(path)), "") == {"kept": True}
    change(path)
    assert kept_facts.get(str(path), folder.listing(str(path)), "") is None


def test_a_folder_still_written_to_is_not_kept(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # However long it takes here, it was written a moment ago.
    monkeypatch.setattr(cache_folder, "_AT_REST_NS", 3600 * 10**9)
    shutil.copytree(HELLO, tmp_path / "hello")
    probe(tmp_path / "hello", dry_run=False)
    assert not (place / "facts").exists()


def test_a_folder_with_a_linked_folder_in_it_is_not_kept(place: Path, at_rest: Path, tmp_path: Path) -> None:
    # An index may name a shard in it, and what changes there no walk sees.
    path = at_rest.parent / "linking"
    shutil.copytree(at_rest, path, dirs_exist_ok=True)
    (path / "sub").symlink_to(tmp_path)
    time.sleep(2.1)
    probe(path, dry_run=False)
    assert not (place / "facts").exists()


def test_a_folder_with_trouble_is_not_kept(place: Path, at_rest: Path) -> None:
    broken = at_rest.parent / "broken"
    shutil.copytree(at_rest, broken, dirs_exist_ok=True)
    (broken / "config.json").write_text("{")
    time.sleep(2.1)
    assert facts_of(broken)["problems"]
    assert not (place / "facts").exists()


def test_another_machine_is_another(place: Path, at_rest: Path) -> None:
    machine = this_machine.look()
    probe(at_rest, machine=machine, dry_run=False)
    marked(place)
    assert is_kept(at_rest)
    for other in (
        machine._replace(packages={**machine.packages, "mlx_lm": None}),
        machine._replace(memory={**machine.memory, "accelerator": "metal"}),
    ):
        assert probe(at_rest, machine=other, dry_run=False)["readme"]["library_name"] != "kept"


@pytest.mark.parametrize("change", [{"of": "another machine"}, {"path": "/elsewhere"}, {"marks": ""}, {"facts": []}])
def test_what_it_is_not(change: dict[str, Any], place: Path, at_rest: Path) -> None:
    probe(at_rest, dry_run=False)
    name = f"facts/{marked(place).name}"
    assert is_kept(at_rest)
    cache_folder.write(name, (cache_folder.read(name, dict) or {}) | change)
    assert not is_kept(at_rest)


def test_what_others_may_write_and_links_are_not_believed(place: Path, at_rest: Path, tmp_path: Path) -> None:
    probe(at_rest, dry_run=False)
    file = marked(place)
    assert is_kept(at_rest)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    file.rename(tmp_path / "real")
    file.symlink_to(tmp_path / "real")
    assert not is_kept(at_rest)
    file.unlink()
    probe(at_rest, dry_run=False)
    marked(place).chmod(0o622)
    assert not is_kept(at_rest)


def test_no_more_than_so_many(place: Path) -> None:
    names = [f"{number:016x}.facts" for number in range(20)]
    for number, name in enumerate(names):
        cache_folder.write(f"facts/{name}", {"number": number})
        os.utime(place / "facts" / name, (number, number))
    (place / "facts" / "notes.txt").write_text("somebody's own")
    cache_folder.write(f"facts/{names[19]}", {"number": 19}, keep=7)
    assert sorted(file.name for file in (place / "facts").iterdir()) == [*names[13:], "notes.txt"]
    assert cache_folder.read(f"facts/{names[19]}", dict) == {"number": 19}
    assert cache_folder.read(f"facts/{names[0]}", dict) is None


def test_what_is_kept_of_a_backend_is_what_its_module_tells() -> None:
    from mlxk_rules.loaders.backends import mlx_audio, mlx_lm, mlx_vlm

    modules = {"mlx_lm": mlx_lm, "mlx_vlm": mlx_vlm, "mlx_audio": mlx_audio}
    assert {name: module.Support._fields for name, module in modules.items()} == this_machine.LISTS
