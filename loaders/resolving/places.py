"""Where models lie on this machine: the Hugging Face cache, LM Studio's folder, further ones that a variable names.

A folder of models holds models, or folders of an organisation with models in them; nothing deeper is looked at.
"""

import os
from typing import NamedTuple

from .. import bounded_files
from ..facts import plain_json
from ..problems import LoaderError
from . import hub_cache
from .model_names import Resolved, cached_model

VARIABLE = "MLXK_RULES_MODELS"  # further folders of models, with `:` between them
_LM_STUDIO = ("~/.lmstudio/models", "~/.cache/lm-studio/models")  # today's, and the one before
_MOST = 10_000  # entries of one folder
_SIGNS = (".safetensors", ".gguf", ".npz")


class Local(NamedTuple):
    """A model on this machine. name: a repo id, or org/name below a folder of models; folder: a repo's folder of the
    cache where `cached`, else the model's own."""

    name: str
    folder: str
    cached: bool

    def resolved(self) -> Resolved:
        """Return the folder that is to be looked at. Raises LoaderError as `resolve` does."""
        if self.cached:
            return cached_model(self.name, self.folder)
        if not os.path.isdir(self.folder):
            where = f" is a link to `{os.readlink(self.folder)}`, which" if os.path.islink(self.folder) else ""
            message = (
                f"`{plain_json.text(self.folder)}`{plain_json.text(where)} cannot be opened: its drive may be away"
            )
            raise LoaderError("unreadable_folder", message, "connect the drive that it is on")
        return Resolved(self.name, self.folder)


def local_models() -> list[Local]:
    """Return every model of this machine's places, sorted by name.

    A place that is named and cannot be opened is an entry of its own, as its drive may be away. Raises LoaderError
    unreadable_folder where the cache itself cannot be listed.
    """
    cache = hub_cache.folder()
    found = _cached(cache)
    if os.path.lexists(cache) and not os.path.isdir(cache):
        found.append(Local(plain_json.text(cache), cache, False))
    for place in _LM_STUDIO:
        found += _below(bounded_files.absolute(os.path.expanduser(place)))
    for place in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        path = bounded_files.absolute(os.path.expanduser(place))
        found += models_in(path) if os.path.isdir(path) else [Local(plain_json.text(place), path, False)]
    return sorted(set(found))


def models_in(folder: str) -> list[Local]:
    """Return the models of one folder, sorted by name: a cache's repos, the models below it, or the one that it is."""
    path = bounded_files.absolute(folder)
    if _is_model(path):
        return [Local(plain_json.text(os.path.basename(path)), path, False)]
    return sorted({*_cached(path), *_cached(f"{path}/hub"), *_below(path)})


def _cached(folder: str) -> list[Local]:
    try:
        return [Local(plain_json.text(repo), path, True) for repo, path in hub_cache.repos(folder).items()]
    except OSError as error:
        if not os.path.isdir(folder):
            return []
        message = f"the folder `{plain_json.text(folder)}` cannot be read: {bounded_files.reason(error)}"
        raise LoaderError("unreadable_folder", message, "HF_HUB_CACHE and HF_HOME say where it is") from None


def _below(folder: str) -> list[Local]:
    found: list[Local] = []
    for name, path in _folders(folder):
        if _is_model(path) or not os.path.isdir(path):
            found.append(Local(plain_json.text(name), path, False))
        else:
            inner = [(own, its) for own, its in _folders(path) if _is_model(its) or not os.path.isdir(its)]
            found += [Local(plain_json.text(f"{name}/{own}"), its, False) for own, its in inner]
    return found


def _folders(folder: str) -> list[tuple[str, str]]:
    """The folders in a folder, and its links that lead nowhere; a cache's own are left out. None where it is none."""
    try:
        with os.scandir(folder) as entries:
            return [
                (entry.name, f"{folder}/{entry.name}")
                for _, entry in zip(range(_MOST), entries, strict=False)
                if not entry.name.startswith((".", "models--", "datasets--", "spaces--"))
                and (entry.is_dir() or (entry.is_symlink() and not os.path.exists(entry.path)))
            ]
    except OSError:
        return []


def _is_model(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for _, entry in zip(range(_MOST), entries, strict=False)]
    except OSError:
        return False
    return "config.json" in names or any(name.endswith(_SIGNS) for name in names)
