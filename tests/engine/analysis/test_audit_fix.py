"""What `audit --fix` writes: the changes, and not a character beside them. The rows are in amend.yaml."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mlxk_rules.engine.analysis.audit import Report, SetFinding, VersionFinding
from mlxk_rules.engine.analysis.audit_fix import amended
from mlxk_rules.engine.rulefile.document import Place
from mlxk_rules.engine.rulefile.source import Source

from ...case_files import cases

ROWS = cases(__file__, "amend.yaml")
NOWHERE = Place(Source("", ""), 0, 0)


def file(sets: str, version: str = "1.2.3") -> str:
    indented = "".join(f"  {line}" if line.strip() else line for line in sets.splitlines(keepends=True))
    return f"schema: 1\nname: x\nversion: {version} # the version\nsets:\n{indented}"


def found(lacking: list[str], unknown: list[str]) -> Report:
    return Report((SetFinding("types", "mlx-lm", tuple(lacking), tuple(unknown), NOWHERE),), (), ())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_a_set(row: dict[str, Any]) -> None:
    after = amended(file(row["before"]), found(row.get("lacking", []), row.get("unknown", [])), prune=True)
    assert after == file(row["after"], "1.3.0")


@given(
    st.sets(st.sampled_from("bcdfghjk"), min_size=1), st.sets(st.sampled_from("aeilm")), st.sets(st.sampled_from("bcd"))
)
def test_comments_stay_at_their_entries(there: set[str], lacking: set[str], unknown: set[str]) -> None:
    unknown &= there
    if there == unknown:
        return
    lines = "".join(f"  # analysis: ok dead-entry above {w}\n  - {w} # beside {w}\n" for w in sorted(there))
    after = amended(file(f"types:\n{lines}others: [one]\n"), found(sorted(lacking), sorted(unknown)), prune=True)
    assert yaml.safe_load(after)["sets"] == {"types": sorted((there | lacking) - unknown), "others": ["one"]}
    kept = after.split("\n")
    for word in there:
        above, entry = f"    # analysis: ok dead-entry above {word}", f"    - {word} # beside {word}"
        if word in unknown:
            assert above not in kept and entry not in kept
        else:
            assert kept[kept.index(entry) - 1] == above


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "changelog:\n  # the newest first\n  1.2.3:\n    - one\n",
            "changelog:\n  # the newest first\n  1.2.4:\n    - checked with mlx-lm 2\n  1.2.3:\n    - one\n",
        ),
        (
            "changelog:\n    1.2.3:\n    - one # x\n",
            "changelog:\n    1.2.4:\n    - checked with mlx-lm 2\n    1.2.3:\n    - one # x\n",
        ),
        ("changelog: {1.2.3: [one]}\n", 'changelog: {1.2.4: ["checked with mlx-lm 2"], 1.2.3: [one]}\n'),
        ("changelog: {}\n", 'changelog: {1.2.4: ["checked with mlx-lm 2"]}\n'),
        ("# from mlx-lm 1, not mlx-lm 1.5\nname: y\n", "# from mlx-lm 2, not mlx-lm 1.5\nname: y\n"),
    ],
)
def test_versions(before: str, after: str) -> None:
    text = "schema: 1\nversion: '1.2.3'\naudit:\n  checked_with: {mlx-lm: '1'} # by hand\n  sets: {}\n"
    report = Report((), (VersionFinding("mlx-lm", "1", "2", NOWHERE),), ())
    changed = text.replace("1.2.3", "1.2.4").replace("'1'", "'2'")
    assert amended(text + before, report, prune=False) == changed + after
