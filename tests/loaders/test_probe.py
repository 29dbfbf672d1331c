"""The facts of folders, plain, odd and hostile, held against the vocabulary."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlxk_rules.loaders import LoaderError, machine, probe

from .conformity import complaints

pytestmark = pytest.mark.slow


def model(folder: Path, **files: Any) -> Path:
    """A model folder: `config_json={...}` is config.json; a str or bytes is written as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_json", ".json").replace("_md", ".md")
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes | str) else json.dumps(content)
        path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return folder


def test_a_plain_folder(tmp_path: Path) -> None:
    folder = model(
        tmp_path / "hello",
        config_json={"model_type": "llama", "vocab_size": 4},
        tokenizer_json={"chat_template": "x"},
        README_md="---\ntags: [mlx]\n---\n",
        sub__weights=b"12345",
    )
    facts = probe(folder, images=True, context="server", dry_run=False)
    assert complaints(facts) == []
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert len(facts["model"].pop("fingerprint")) == 64
    assert facts["model"] == {
        "name": "hello",
        "path": str(folder),
        "folder": "hello",
        "type": "llama",
        "files": ["README.md", "config.json", "sub/weights", "tokenizer.json"],
        "files_cut_off": False,
        "size_bytes": size,
        "snapshots_hold_weights": False,
        "unreadable": [],
        "missing_files": [],
        "missing_bytes": None,
        "whole_revision": None,
    }
    assert (facts["config"], facts["config_status"]) == ({"model_type": "llama", "vocab_size": 4}, "ok")
    assert (facts["preprocessor"], facts["preprocessor_status"]) == (None, "missing")
    assert facts["config_has_content"] is True
    assert facts["readme"] == {"tags": ["mlx"], "library_name": None}
    assert facts["tokenizer"] == {"status": "incomplete", "chat_template": True, "slow_files": []}
    assert facts["request"] == {
        "images": True,
        "audio": False,
        "context": "server",
        "trust_remote_code": False,
        "context_tokens": None,
        "image_width": 1024,
        "image_height": 1024,
        "adapter": None,
        "draft_model": None,
    }
    assert facts["runtime"]["python"] == list(sys.version_info[:3])
    assert facts["problems"] == {"tokenizer.status": "it lacks model and added_tokens"}


def test_the_name_can_be_given(tmp_path: Path) -> None:
    assert probe(model(tmp_path / "x"), name="org/name", dry_run=False)["model"]["name"] == "org/name"


def test_a_name_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    repo = tmp_path / "models--org--name"
    model(repo, blobs__1=b"12345", snapshots__abc__config_json={"model_type": 7})
    (repo / "snapshots/abc/model.safetensors").symlink_to("../../blobs/1")
    facts = probe("name", dry_run=False)
    assert complaints(facts) == []
    assert facts["model"]["name"] == "org/name"
    assert (facts["model"]["folder"], facts["model"]["type"]) == ("abc", None)
    assert facts["model"]["size_bytes"] == 5 + len('{"model_type": 7}')
    assert facts["model"]["snapshots_hold_weights"] is True


def test_a_context_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cli, server"):
        probe(tmp_path, context="web")


def test_what_cannot_be_read_stands_in_problems(tmp_path: Path) -> None:
    model(tmp_path, config_json=b"\xef\xbb\xbf{}", tokenizer_json=b'{"chat_template"', tokenizer_config_json="[1]")
    (tmp_path / "README.md").mkdir()
    (tmp_path / "processor_config.json").mkdir()
    os.mkfifo(tmp_path / "preprocessor_config.json")
    (tmp_path / "weights").symlink_to("nothing")
    facts = probe(tmp_path, dry_run=False)
    assert complaints(facts) == []
    assert facts["problems"].keys() == {
        "config",
        "preprocessor",
        "processor",
        "tokenizer_config",
        "tokenizer.chat_template",
        "tokenizer.status",
        "readme.tags",
        "readme.library_name",
        "model.files",
    }


def test_a_folder_that_is_not_there_is_the_one_error() -> None:
    with pytest.raises(LoaderError, match="no folder"):
        probe("/nowhere")


def test_a_probe_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = "mlx mlx_lm mlx_vlm mlx_audio transformers huggingface_hub jsonschema importlib.metadata numpy psutil"
    code = f"""
import sys
from mlxk_rules.loaders import probe
probe({str(tmp_path)!r}, dry_run=False)
print([name for name in {heavy.split()!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


NAMES = [
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer_config.json",
    "adapter_config.json",
    "model_index.json",
    "tokenizer.json",
    "README.md",
    "model.safetensors",
    "sub/config.json",
    "a\x1b[31m\n\udcff",
]
KEYS = st.sampled_from(["model_type", "chat_template", "quantization", "audio_config", "\ud800"]) | st.text(max_size=3)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))
MATTER = st.lists(
    st.sampled_from(["---", "tags:", "- mlx", "tags: [a, b]", "library_name: x", "[", "]", ":", "\ufeff"])
    | st.text(max_size=4)
)
CONTENT = st.one_of(
    st.binary(max_size=40),
    VALUES.map(lambda value: json.dumps(value).encode("ascii")),
    VALUES.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    VALUES.map(lambda value: json.dumps(value).encode("ascii")[:-1]),
    st.integers(1, 300).map(lambda depth: b'{"a":' * depth + b"1" + b"}" * depth),
    MATTER.map(lambda lines: "\n".join(lines).encode("utf-8")),
)
KINDS = st.sampled_from(["folder", "fifo", "link", "ring", "out"])


def make(root: Path, name: str, content: bytes | str) -> None:
    path = root / name
    path.parent.mkdir(exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "folder":
        path.mkdir()
    elif content == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to({"link": "nothing", "ring": path.name, "out": "/dev/zero"}[content])


MACHINE = machine()


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(NAMES), CONTENT | KINDS))
def test_any_folder_gives_facts(files: dict[str, bytes | str]) -> None:
    with tempfile.TemporaryDirectory() as root:
        for name, content in files.items():
            make(Path(root), name, content)
        assert complaints(probe(root, machine=MACHINE, dry_run=False)) == []
