"""Rows of `list` that were kept are those that would be found out, or they are not believed."""

from __future__ import annotations

import json
import marshal
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.cli.command_line import main
from mlxk_rules.engine.cli.listing import row_grounds, rows
from mlxk_rules.engine.storage import cache_folder
from mlxk_rules.loaders.host import memory, this_machine
from mlxk_rules.loaders.resolving import stamp

from ....bench.models import make_cache, make_model
from ....changes import FOLDER, REPO, Change, snapshot

pytestmark = pytest.mark.slow

LIST = [sys.executable, "-c", "import sys; from mlxk_rules.engine.cli import main; sys.exit(main())", "list"]
MAGIC = b"mlxk-rules rows 1\n"
OWN = "schema: 1\nextends: today\nname: own\nversion: {}\n"
READS_WHAT_IS_FREE = """
derive:
  free:
    - when: not_null(memory.available_bytes, `0`) > `1`
      value: true
      why: there is some
    - otherwise: false
"""


@pytest.fixture(scope="module")
def at_rest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of one model of each kind, that nobody wrote to for two seconds."""
    hub = tmp_path_factory.mktemp("hub")
    make_cache(hub, 8)
    time.sleep(2.1)
    return hub


class Place:
    """A cache of models, and what is kept of them."""

    def __init__(self, hub: Path, kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.hub, self.kept, self._capsys = hub, kept, capsys

    def rows(self, *words: str) -> list[dict[str, Any]]:
        assert main(["list", "--json", *words]) == 0
        return json.loads(self._capsys.readouterr().out)

    @property
    def file(self) -> Path:
        (file,) = self.kept.iterdir()
        return file

    def pieces(self) -> Iterator[Any]:
        content = self.file.read_bytes()
        at = len(MAGIC)
        while at < len(content):
            length, checksum = struct.unpack_from("<II", content, at)
            piece = content[at + 8 : at + 8 + length]
            assert crc32(piece) == checksum
            yield marshal.loads(piece)
            at += 8 + length

    def write(self, pieces: list[Any]) -> None:
        framed = [(marshal.dumps(piece), crc32(marshal.dumps(piece))) for piece in pieces]
        self.file.write_bytes(MAGIC + b"".join(struct.pack("<II", len(p), sum) + p for p, sum in framed))

    def lie(self) -> None:
        """Put a lie into every row kept, by which it is told whether it is read."""
        grounds, *models = self.pieces()
        reason = rows.FIELDS.index("reason")
        lied = [(*one[:3], (*one[3][:reason], "kept", *one[3][reason + 1 :])) for one in models]
        self.write([grounds, *lied])

    def found_out(self, *words: str) -> list[str]:
        """The names of the models whose rows were not taken from the file."""
        return [row["name"] for row in self.rows(*words) if row["reason"] != "kept"]

    def repo(self, name: str) -> Path:
        return self.hub / f"models--{name.replace('/', '--')}"

    def snapshot(self, name: str) -> Path:
        return snapshot(self.repo(name))


@pytest.fixture(scope="module")
def kept(at_rest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is kept besides rows: of the backends' source and of the policy, found out once for all tests."""
    cache = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.setenv("HF_HUB_CACHE", str(at_rest))
        assert main(["list"]) == 0
    shutil.rmtree(cache / "mlxk-rules/rows")
    return cache


@pytest.fixture
def place(
    at_rest: Path, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Place:
    shutil.copytree(kept, tmp_path / "cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(at_rest))
    return Place(at_rest, tmp_path / "cache/mlxk-rules/rows", capsys)


def test_the_same_bytes(place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["--json"], ["--image"], ["--audio", "--json"], ["--policy", "2.0.4"]):
        told: list[str] = []
        for _ in range(3):
            main(["list", *words])
            told.append(capsys.readouterr().out)
        monkeypatch.setenv("MLXK_RULES_NO_CACHE", "1")
        main(["list", *words])
        told.append(capsys.readouterr().out)
        monkeypatch.delenv("MLXK_RULES_NO_CACHE")
        assert len(set(told)) == 1 and told[0].count("\n") > 8
    # Text and JSON share one, each question has its own.
    assert len(list(place.kept.iterdir())) == 4


def test_the_second_time_nothing_is_found_out(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    first = place.rows()
    before = place.file.stat()
    assert place.rows() == first
    assert place.file.stat().st_ino == before.st_ino  # nor written
    assert (before.st_mode & 0o777, place.kept.stat().st_mode & 0o777) == (0o600, 0o700)
    place.lie()
    assert place.found_out() == []
    assert len(place.found_out("--image")) == 8
    monkeypatch.setenv("MLXK_RULES_NO_CACHE", "1")
    assert len(place.found_out()) == 8


def test_kept_rows_need_nothing_that_decides(place: Place) -> None:
    code = "import sys; from mlxk_rules.engine.cli import main; main(['list']); print(*sys.modules, file=sys.stderr)"
    place.rows()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    loaded = set(done.stderr.split())
    ours = {name.removeprefix("mlxk_rules.") for name in loaded if name.startswith("mlxk_rules.")}
    assert done.returncode == 0 and done.stdout.count("\n") == 9
    assert not loaded & {"json", "yaml", "jmespath", "dataclasses", "multiprocessing", "difflib"}
    assert not ours & {
        "engine.policy",
        "engine.compiler.function.policy_writer",
        "engine.compiler.function.decider",
        "engine.language.function_code",
        "engine.cli.parallel",
        "loaders.facts.folder_facts",
    }


# Of the folder that main names, and of the repo around it.
CHANGES: list[Change] = [*((lambda repo, change=change: change(snapshot(repo))) for change in FOLDER), *REPO]


def test_models_that_changed(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.hub = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(place.hub))
    kinds = make_cache(place.hub, 8 * len(CHANGES) + 8)[::8]  # of every turn the first, a llama
    changes = dict(zip(kinds[:-1], CHANGES, strict=True))
    time.sleep(2.1)
    before = place.rows()
    place.lie()
    assert place.found_out() == []
    for name, change in changes.items():
        change(place.repo(name))
    assert set(place.found_out()) == set(changes)
    after = place.rows()
    monkeypatch.setenv("MLXK_RULES_NO_CACHE", "1")
    true = place.rows()
    assert [row if row["name"] in changes else None for row in after] == [
        row if row["name"] in changes else None for row in true
    ]
    assert [row for row in before if row["name"] not in changes] == [row for row in true if row["name"] not in changes]


def test_models_that_come_and_go(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.hub = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(place.hub))
    names = sorted(make_cache(place.hub, 8))
    time.sleep(2.1)
    place.rows()
    place.lie()
    shutil.rmtree(place.repo(names[0]))
    shutil.rmtree(place.repo(names[5]))
    make_model(place.hub, "example/m", {"model_type": "llama"}, "{}", {})
    assert place.found_out() == ["example/m"]
    time.sleep(2.1)
    assert place.found_out() == ["example/m"]
    assert place.found_out() == ["example/m"]  # kept as it is, without a lie
    kept = [one[0] for one in list(place.pieces())[1:]]
    assert [row["name"] for row in place.rows()] == sorted([*names[1:5], *names[6:], "example/m"])
    assert kept == [row["name"] for row in place.rows()]


def test_weights_in_another_snapshot(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the main snapshot has none at its root, those of the others are a fact of it."""
    place.hub = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(place.hub))
    (name,) = make_cache(place.hub, 1)
    (place.snapshot(name) / "model.safetensors").unlink()
    other = place.repo(name) / "snapshots/other"
    other.mkdir()
    time.sleep(2.1)
    place.rows()
    place.lie()
    assert place.found_out() == []
    (other / "model.safetensors").touch()
    assert place.found_out() == [name]


def test_what_is_not_kept(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repo that is broken, a model with trouble in it, one with a linked folder, one that is still written to."""
    place.hub = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(place.hub))
    names = make_cache(place.hub, 6)
    shutil.rmtree(place.repo(names[0]) / "snapshots")
    for name, do in zip(names[1:5], ("trouble", "linked", "dangling", "no ref"), strict=True):
        snapshot = place.snapshot(name)
        if do == "trouble":
            (snapshot / "config.json").resolve().write_text("{")
        elif do == "linked":
            (snapshot / "sub").symlink_to(tmp_path)
        elif do == "dangling":
            (snapshot / "gone").symlink_to("nowhere")
        else:
            (place.repo(name) / "refs/main").unlink()
    time.sleep(2.1)
    place.rows()
    assert [one[0] for one in list(place.pieces())[1:]] == [names[5]]
    (place.snapshot(names[5]) / "new").touch()
    assert stamp.take(str(place.repo(names[5]))) is None


def test_a_policy_that_changed(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, base = tmp_path / "own.yaml", tmp_path / "base.yaml"
    base.write_text(OWN.format("1.0.0"))
    own.write_text(OWN.format("1.0.0").replace("today", "base.yaml"))
    words = ("--policy", str(own))
    with monkeypatch.context() as slow:  # however long it takes here, it was written just now
        slow.setattr(cache_folder, "_AT_REST_NS", 3600 * 10**9)
        place.rows(*words)
    assert not place.kept.exists()
    time.sleep(2.1)
    for file in (own, base):
        place.rows(*words)
        place.lie()
        assert place.found_out(*words) == []
        file.write_text(file.read_text().replace("1.0.0", "1.0.1"))
        assert len(place.found_out(*words)) == 8
        time.sleep(2.1)
    place.rows(*words)
    base.unlink()
    assert main(["list", *words]) == 2


def test_a_policy_that_reads_what_changes_by_itself(place: Place, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(OWN.format("1.0.0") + READS_WHAT_IS_FREE)
    time.sleep(2.1)
    place.rows("--policy", str(own))
    assert not place.kept.exists()
    assert row_grounds.reads(Policy.load(own), "memory.available_bytes")
    assert not row_grounds.reads(Policy.load(), "memory.available_bytes")
    assert row_grounds.reads(Policy.load(), "memory.total_bytes")


@pytest.mark.parametrize("what", ["memory", "python", "version", "engine", "accelerator"])
def test_rows_of_another_machine(what: str, place: Place) -> None:
    """The same file, as it would be had it been written there."""
    place.rows()
    place.lie()
    (rest, files), *models = place.pieces()
    found = this_machine.packages()
    here, there = {
        "memory": (str(memory.total_bytes()), "1"),
        "python": (repr(sys.version), repr("3.99.0")),
        "version": (repr(found["mlx_lm"].version if found["mlx_lm"] else None), "'0.0.1'"),
        "engine": ("policy.py", "policies.py"),
        "accelerator": (repr(this_machine.look().memory["accelerator"]), "'metals'"),
    }[what]
    assert here in rest
    place.write([(rest.replace(here, there), files), *models])
    assert len(place.found_out()) == 8


def test_a_library_that_changed(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.rows()
    place.lie()
    assert place.found_out() == []
    for name in ("libs/mlx_lm/__init__.py", "libs/mlx_lm-0.1.0.dist-info/METADATA"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    monkeypatch.syspath_prepend(tmp_path / "libs")
    monkeypatch.delitem(sys.modules, "mlx_lm", raising=False)  # what another test imported is still that
    assert len(place.found_out()) == 8
    place.lie()
    assert place.found_out() == []
    (tmp_path / "libs/mlx_lm/models").mkdir()
    (tmp_path / "libs/mlx_lm/models/llama.py").touch()
    assert len(place.found_out()) == 8


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.97, 0.999])
def test_what_is_broken_is_not_believed(share: float, place: Place) -> None:
    first = place.rows()
    content = place.file.read_bytes()
    at = int(len(content) * share)
    for broken in (content[:at], content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :], content[:at] + b"x" * 99):
        place.file.write_bytes(broken)
        assert place.rows() == first
        assert place.file.read_bytes() == content  # it is mended at once


def test_what_others_may_write_is_not_believed(place: Place, tmp_path: Path) -> None:
    place.rows()
    place.lie()
    for mode in (0o602, 0o620):
        place.file.chmod(mode)
        assert len(place.found_out()) == 8  # and another file is put in its place
        place.lie()
    file = place.file
    file.rename(tmp_path / "real")
    file.symlink_to(tmp_path / "real")
    assert len(place.found_out()) == 8
    place.lie()
    if os.getuid() == 0:
        os.chown(place.file, 12345, 12345)
        assert len(place.found_out()) == 8
    place.kept.chmod(0o777)
    place.file.unlink()
    assert len(place.found_out()) == 8 and list(place.kept.iterdir()) == []


def test_many_and_some_of_them_changed(place: Place, tmp_path: Path) -> None:
    """Kept rows between others that all cores find out: each in its place, and the next time all are kept."""
    hub = tmp_path / "many"
    names = make_cache(hub, 200)
    time.sleep(2.1)
    environment = {**os.environ, "HF_HUB_CACHE": str(hub)}

    def listed(**more: str) -> str:
        done = subprocess.run([*LIST, "--json"], capture_output=True, text=True, env=environment | more, timeout=120)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    first = listed()
    place.lie()
    for name in names[20:180:3]:
        (hub / f"models--{name.replace('/', '--')}" / "refs/main").touch()
    time.sleep(2.1)
    second = json.loads(listed())
    assert [row["name"] for row in second] == sorted(names)
    assert {row["name"] for row in second if row["reason"] != "kept"} == set(names[20:180:3])
    shutil.rmtree(place.kept)
    assert listed() == first == listed() == listed(MLXK_RULES_NO_CACHE="1")
    shutil.rmtree(place.kept)
    head = subprocess.Popen(LIST, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    assert head.stdout is not None and head.stderr is not None
    with head.stdout, head.stderr:
        assert head.stdout.readline().startswith(b"MODEL")
        head.stdout.close()
        assert (head.stderr.read(), head.wait(60)) == (b"", 1)
    assert list(place.kept.iterdir()) == []  # nothing half done
