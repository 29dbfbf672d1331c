"""`python -m tests.truth.table [WORD ...]`: damages sound models, really loads them, and prints what told.

Words choose among the names of bases and damages; without any, all rows are run (a few minutes on two cores).
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mlxk_rules.engine import Decision, Policy

from ..case_files import cases
from ..rehearsing import rehearser
from ..tiny.media import png, wav
from . import bases, damage, document_damage, run
from .change import DoesNotApply


@dataclass(frozen=True)
class Row:
    base: str
    damage: str
    job: run.Job
    outcome: run.Outcome
    facts: dict[str, Any]
    same: bool
    """Whether the answer is the sound model's."""

    @property
    def what(self) -> str:
        """works, differs (it answers, and not as the sound model does) or fails."""
        return "fails" if self.outcome.error else "works" if self.same else "differs"


def folders(root: Path, words: Sequence[str] = ()) -> Iterator[tuple[str, str, run.Job]]:
    """Makes the folders below `root`, each with the request that it gets; the sound one of a base comes first."""
    image, audio = png(root / "picture.png"), wav(root / "recording.wav")
    for name, base in bases.BASES.items():
        sound = root / "sound" / name.replace(":", "-")
        sound.parent.mkdir(exist_ok=True)
        base.make(sound)
        changes = [(one.name, one.change) for one in damage.damages()] + list(
            document_damage.key_removals(sound).items()
        )
        for number, (what, change) in enumerate(changes):
            if number and words and not any(word in f"{name} {what}" for word in words):
                continue
            folder = root / "rows" / name.replace(":", "-") / f"{number:03}"
            shutil.copytree(sound, folder)
            try:
                change(folder)
            except DoesNotApply:
                shutil.rmtree(folder)
                continue
            lane = base.lane
            media = (image if lane == "vision" else None, audio if lane == "speech" else None)
            yield name, what, run.Job(folder, base.backend, *media)


def rows(root: Path, words: Sequence[str] = ()) -> list[Row]:
    made = list(folders(root, words))
    # Before the load: mlx-vlm rewrites some headers in place.
    with rehearser() as asked:
        facts = [asked.facts(job.folder, images=bool(job.image), audio=bool(job.audio)) for _, _, job in made]
    outcomes = run.outcomes([job for _, _, job in made])
    found: list[Row] = []
    sound: dict[str, str] = {}
    for (base, what, job), fact, outcome in zip(made, facts, outcomes, strict=True):
        sound.setdefault(base, outcome.answer)
        found.append(Row(base, what, job, outcome, fact, outcome.answer == sound[base]))
    return found


def verdict_on(row: Row, decision: Decision, lane: str) -> str:
    """What a decision is worth, held against what the load then did."""
    if lane != row.job.backend:
        return "another backend"
    if row.what == "differs":
        return "answers otherwise"
    if decision.allowed == (row.what == "works"):
        return "agreed"
    if decision.error_type == "doubtful":
        return "warned"  # that what a library was sent did not go through, or may not
    if _explained("cannot_be_told" if decision.allowed else "refused_on_purpose", row.damage, decision.gate):
        return "cannot be told" if decision.allowed else "refused on purpose"
    return "allowed but failed" if decision.allowed else "blocked but works"


@cache
def _explained(kind: str, what: str, gate: str | None) -> bool:
    entries = cases(__file__, "explained.yaml")[kind]
    return any(re.fullmatch(entry.get("damage", ".*"), what) and entry.get("gate", gate) == gate for entry in entries)


def main(words: Sequence[str]) -> int:
    os.environ["MLX_DISABLE_COMPILE"] = "1"
    os.environ["MLXK_RULES_NO_CACHE"] = "1"
    with tempfile.TemporaryDirectory(prefix="mlxk-rules-truth-") as place:
        found = rows(Path(place), words)
    policy = Policy.load()
    counts: Counter[str] = Counter()
    for row in found:
        trace = policy.explain(row.facts)
        decision = trace.decision
        verdict = verdict_on(row, decision, trace.derived["lane"])
        counts[verdict] += 1
        error = (row.outcome.error or "").replace(place, "").removeprefix("backend_failed: ")
        said = f"{decision.decision} {decision.gate} {decision.error_type or ''}"
        print(f"{verdict:20} {row.base:20} {row.damage:36} {row.what:7} {error[:110]:110} | {said}")
    print(f"\n{len(found)} rows: {', '.join(f'{count} {what}' for what, count in counts.most_common())}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
