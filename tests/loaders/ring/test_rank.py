"""A rank by itself: what it leaves where whoever started it is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mlxk_rules.loaders.ring import rank


def test_a_rank_that_nobody_hears_leaves_nothing(tmp_path: Path) -> None:
    hears, says = os.pipe()
    os.close(hears)
    process = subprocess.Popen(
        [sys.executable, "-c", "from mlxk_rules.loaders.ring import rank; rank.main(print)"],
        stdin=subprocess.PIPE,
        stdout=says,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    os.close(says)
    assert process.stdin is not None
    with process.stdin as job:  # open until it has ended by itself
        job.write(b'{"rank": 0, "ring": []}\n')
        job.flush()
        assert process.wait(20) == rank.REFUSED
    assert list(tmp_path.iterdir()) == []
