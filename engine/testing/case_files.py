"""Which case files test a rule file, and which rule file a case file tests."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..problems import PolicyError, Problem, UsageError
from ..rulefile.policy_names import locate
from ..rulefile.source import Source, read
from ..storage import data_files
from .cases import Suite
from .reading import is_suite, read_suite

ENDINGS = (".tests.yaml", ".tests.yml")


@dataclass(frozen=True, slots=True)
class Found:
    """A rule file as it was named, and the case files that test it, with the folders that they stand in."""

    policy: str | os.PathLike[str] | None
    suites: tuple[tuple[Suite, Path], ...]
    looked: str


def find(word: str | os.PathLike[str] | None) -> Found:
    """Return what FILE names: a rule file or shipped version with its cases, or one case file with its rule file.

    Raises PolicyError where a file cannot be read or a case file is wrong, UsageError where that names no policy.
    """
    path, name = locate(word)
    source = read(path, name)
    if is_suite(source):
        suite = read_suite(source)
        tested = _policy_of(suite, path)
        if tested is None:
            raise UsageError("no-policy", f"`{name}` names no policy", "add `policy: 2.0.4`, or a path")
        read(tested, named_by_file=True)
        return Found(_shown(tested, suite), ((suite, path.parent),), name)
    suites: list[tuple[Suite, Path]] = []
    problems: list[Problem] = []
    for file in _candidates(path):
        try:
            suite = read_suite(_read(file, path, name))
        except PolicyError as error:
            problems += error.problems
            continue
        if _same(_policy_of(suite, file), path):
            suites.append((suite, file.parent))
    if problems:
        raise PolicyError(problems)
    return Found(word, tuple(suites), _looked(path, name))


def _shown(tested: Path, suite: Suite) -> str:
    # A shipped version keeps its name; a path is written without the way round by the case file's folder.
    if suite.policy is not None and not suite.policy.endswith((".yaml", ".yml")):
        return suite.policy
    return os.path.normpath(tested)


def _read(file: Path, rule_file: Path, name: str) -> Source:
    # Shown as a person would write it who wrote the rule file's name so.
    shown = str(Path(name).parent / file.relative_to(rule_file.parent))
    return read(file, shown)


def _candidates(path: Path) -> list[Path]:
    beside = [path.with_name(path.stem + ending) for ending in ENDINGS]
    folder = path.parent / "tests"
    return [*(file for file in beside if file.is_file()), *sorted((*folder.glob("*.yaml"), *folder.glob("*.yml")))]


def _looked(path: Path, name: str) -> str:
    folder = Path(name).parent / "tests"
    if path.parent == data_files.FOLDER:
        return f"{folder}/*.yaml that say `policy: {path.stem}`"
    return f"{Path(name).with_name(path.stem + ENDINGS[0])}, {folder}/*.yaml that say `policy: ../{path.name}`"


def _policy_of(suite: Suite, file: Path) -> Path | None:
    """Return the rule file that a case file names; one called NAME.tests.yaml tests the NAME.yaml beside it."""
    if suite.policy is None:
        stem = next((file.name.removesuffix(ending) for ending in ENDINGS if file.name.endswith(ending)), None)
        return None if stem is None else file.with_name(f"{stem}.yaml")
    if suite.policy.endswith((".yaml", ".yml")):
        return file.parent / suite.policy
    return locate(suite.policy)[0]


def _same(one: Path | None, other: Path) -> bool:
    return one is not None and one.resolve() == other.resolve()
