"""transformers' modules are read for their names once, and what is taken of it is what it would read again."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
from pathlib import Path
from mlxk_rules.loaders.backends.remote_code import no_remote_code

with no_remote_code():
    from transformers.utils import import_utils as utils

own, read = utils.fetch__all__, []
utils.fetch__all__ = lambda text: read.append(text) or own(text)
import transformers.models

print(len(read))
made = utils.create_import_structure_from_path
print(made(transformers.models.__file__) == made(str(Path(transformers.models.__file__).parent)), len(read) > 1_000)
"""


@pytest.mark.slow
def test_read_once() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["0", "True", "True"], done.stderr
