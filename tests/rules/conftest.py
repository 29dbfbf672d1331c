"""Today's policy, and what the installed libraries really take, each had once."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from mlxk_rules.engine import Policy


@pytest.fixture(scope="session")
def policy() -> Policy:
    return Policy.load()


@pytest.fixture(scope="session")
def told() -> dict[str, dict[str, list[str]]]:
    """What oracle.py says, in some four seconds."""
    if missing := [name for name in ("mlx_lm", "mlx_vlm", "mlx_audio") if find_spec(name) is None]:
        pytest.skip(f"the oracle asks the libraries themselves, and {', '.join(missing)} is not installed")
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("oracle.py"))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])
