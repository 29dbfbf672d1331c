"""The one exception of the loaders: what went wrong, told so that a program and a person can both act on it."""

from __future__ import annotations


class LoaderError(Exception):
    """Something in the world (a folder, a name, a file, a backend) is not as the request needs it.

    `code` is a stable snake_case word, `message` one line without a final period, `help` one line that says what would
    change it, or None.
    """

    def __init__(self, code: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help


def unwritable_folder(error: OSError) -> LoaderError:
    """What is told where the folder for temporary files takes no file, or no socket, whose path has to be short."""
    message = f"the folder for temporary files cannot be written: {error.strerror or error}"
    return LoaderError("unwritable_folder", message, "make room there, or name another, of a short path, by TMPDIR")
