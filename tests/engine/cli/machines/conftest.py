"""Models of which each share changes the answer, as all tests of several machines share them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from ....conftest import made
from ....loaders.ring.models import model


@pytest.fixture(scope="session")
def qwen2() -> Path:
    """One that both splits take."""
    return made("qwen2", partial(model, model_type="qwen2"))


@pytest.fixture(scope="session")
def llama() -> Path:
    """One of which a long answer may be asked, and that only tensors split."""
    return made("llama", partial(model, max_position_embeddings=1 << 20))
