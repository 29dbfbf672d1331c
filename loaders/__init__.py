"""The world: a model's name to its folder, a folder to facts, and a decision to text."""

from .errors import LoaderError
from .execute import stream
from .probe import probe, runtime
from .resolve import Cached, Resolved, cache_folder, cached, resolve

__all__ = ["Cached", "LoaderError", "Resolved", "cache_folder", "cached", "probe", "resolve", "runtime", "stream"]
