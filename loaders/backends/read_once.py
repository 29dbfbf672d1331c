"""transformers reads its modules for their names once for each process, not twice.

It does so as it is imported, of some 1,700 files, and again as one of its models is, by another spelling of the same
path (transformers 5.24): half a second of each child that loads a model.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def models_read_once() -> None:
    """Let transformers, once it is imported, take of its models what it read then. Done before a backend is imported.

    With a transformers that does it another way nothing is done.
    """
    utils: Any = import_module("transformers.utils.import_utils")
    own: Any = getattr(utils, "create_import_structure_from_path", None)
    if own is None or not hasattr(own, "cache_info"):  # another way, or done
        return
    folder = Path(str(sys.modules["transformers"].__file__)).parent / "models"

    def read(path: str | Path) -> Any:
        return own(folder if Path(path) == folder / "__init__.py" else path)

    utils.create_import_structure_from_path = read
