"""The functions that come with the package are those of today's rule files, and nothing kept on disk is executed."""

from __future__ import annotations

import marshal
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.compiler.program_functions import functions_of
from mlxk_rules.engine.compiler.shipped import MODULES
from mlxk_rules.engine.storage import cache_folder

from . import shipped

OWN = """\
schema: 1
name: own
version: 1.0.0
sets:
  kinds: [llama]
derive:
  known:
    - when: contains(sets.kinds, model.type || 'none')
      value: true
    - otherwise: false
gates:
  - id: odd
    when: "derived.known && length(model.files) > `1` && sort_by(model.files[*].{n: @}, &n)[0].n == 'a'"
    decide: warn
    backend: mlx_lm
    message: "{{ model.name }}"
  - id: rest
    otherwise: true
    decide: allow
    backend: mlx_lm
"""


def test_what_is_shipped_is_what_the_rule_files_say() -> None:
    texts = shipped.texts()
    assert set(texts) == set(MODULES)
    for name, text in texts.items():
        assert (shipped.FOLDER / f"{name}.py").read_text("utf-8") == text, f"make it anew: python -m {shipped.__name__}"


def code_in(value: Any) -> bool:
    """Whether a plain value holds code, in whatever is in it."""
    if isinstance(value, CodeType):
        return True
    if isinstance(value, dict):
        return any(map(code_in, (*value, *value.values())))
    if isinstance(value, bytes):  # what is taken up later is marshalled within
        try:
            return code_in(marshal.loads(value))
        except (ValueError, EOFError, TypeError):
            return False
    return isinstance(value, (list, tuple, set, frozenset)) and any(map(code_in, value))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = cache_folder.folder()
    assert folder is not None
    return Path(folder)


def test_nothing_that_is_kept_is_code(kept: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(OWN)
    for source in (None, "2.0.4", file):
        Policy.load(source).decide({})
    files = [path for path in kept.rglob("*") if path.is_file()]
    assert len(files) >= 3
    for path in files:
        magic = path.read_bytes().index(b"\n") + 1
        assert not code_in(marshal.loads(path.read_bytes()[magic + 4 :])), path


@pytest.mark.parametrize("source", [None, "2.0.4", "own.yaml"])
def test_a_kept_policy_explains_as_one_that_was_read(
    source: str | None, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.yaml").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    facts = {"model": {"name": "it", "type": "llama", "files": ["a", "b"]}}
    read, taken = Policy.load(source), Policy.load(source)
    assert kept.exists()
    assert taken.explain(facts) == read.explain(facts)
    assert taken.decide(facts) == read.decide(facts)
    if source == "own.yaml":
        assert taken.decide(facts).gate == "odd"


def test_a_digest_picks_only_what_is_installed_or_written_from_the_tree(kept: Path) -> None:
    program = Policy.load().evaluation.program
    odd = program._replace(functions=tuple(number + 1 for number in program.functions))
    with pytest.raises(KeyError):
        functions_of(odd, range(len(odd.functions)))
