"""The command line: the one place that prints, and the one that knows both the engine and the loaders.

Comes in: the words that a person typed. Goes out: text on standard output, an error line, an exit code. Read usage,
options, command_line, then commands/, a module each.
"""

from .command_line import main, script

__all__ = ["main", "script"]
