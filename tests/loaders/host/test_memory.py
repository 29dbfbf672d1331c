"""Physical memory, and a container's limit where that is lower."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlxk_rules.loaders.host import memory

GB = 1 << 30


def make(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "total"),
    [
        ({}, 64 * GB),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": f"{8 * GB}\n"}, 8 * GB),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, 64 * GB),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": f"{128 * GB}\n"}, 64 * GB),
        (
            {
                "proc/self/cgroup": "0::/user.slice/x.scope\n",
                "sys/fs/cgroup/user.slice/memory.max": f"{4 * GB}",
                "sys/fs/cgroup/user.slice/x.scope/memory.max": "max",
            },
            4 * GB,
        ),
        (
            {
                "proc/self/cgroup": "7:cpu,memory:/docker/abc\n3:pids:/x\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2 * GB}",
                "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "9223372036854771712",
            },
            2 * GB,
        ),
        ({"proc/self/cgroup": "0::/../..\n", "sys/fs/cgroup/memory.max": f"{GB}"}, GB),
        ({"proc/self/cgroup": "nonsense\n::\n0:\n", "sys/fs/cgroup/memory.max": "-1"}, 64 * GB),
    ],
)
def test_the_lowest_limit_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], total: int
) -> None:
    monkeypatch.setattr("os.sysconf", {"SC_PHYS_PAGES": 64 * GB // 4096, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert memory.total_bytes(str(make(tmp_path, files))) == total


def test_what_cannot_be_told_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> int:
        raise ValueError(name)

    monkeypatch.setattr("os.sysconf", unknown)
    assert memory.total_bytes(str(tmp_path)) is None


def test_this_machine_has_memory() -> None:
    assert (memory.total_bytes() or 0) > 64 << 20
