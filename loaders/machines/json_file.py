"""A JSON file that a person wrote: read within bounds, and each fault is told with its place."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from .. import bounded_files
from ..facts.plain_json import shown
from ..problems import LoaderError


class Kind(NamedTuple):
    """A kind of such files.

    called: what messages call one. unreadable, bad: the codes of its errors. like: how one is written. max_bytes: that
    it may have.
    """

    called: str
    unreadable: str
    bad: str
    like: str
    max_bytes: int

    def read(self, path: str) -> bytes:
        """A file's content. Raises LoaderError `unreadable`."""
        try:
            return bounded_files.read(path, self.max_bytes)
        except FileNotFoundError:
            message = f"no such {self.called} `{shown(path)}`"
            raise LoaderError(self.unreadable, message, f"write one: {self.like}") from None
        except (OSError, ValueError) as error:
            why = bounded_files.reason(error) if isinstance(error, OSError) else str(error)
            message = f"the {self.called} `{shown(path)}` cannot be read: {why}"
            raise LoaderError(self.unreadable, message, "name a file that this user may read") from None

    def parsed(self, content: bytes, name: str) -> tuple[str, object]:
        """The text in a file's content, and its value; `name` is what the file is called. Raises LoaderError `bad`."""
        try:
            text = content.decode("utf-8")
            return text, json.loads(text)
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise self.fault(f"{name}:{line}", "is not UTF-8 text", "save it as UTF-8") from None
        except json.JSONDecodeError as error:
            why = f"is not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
            raise self.fault(f"{name}:{error.lineno}:{error.colno}", why) from None
        except RecursionError:
            raise self.fault(name, "is nested too deeply") from None
        except ValueError:  # a number of more digits than Python reads
            raise self.fault(name, "has a number that is too long") from None

    def fault(self, where: str, why: str, help: str | None = None) -> LoaderError:
        """The error `bad` of what stands at a place; by default it helps to see how such a file is written."""
        message = f"{shown(where)}: the {self.called} {why}"
        return LoaderError(self.bad, message, help or f"write it so: {self.like}")


def line_and_column(text: str, at: tuple[str | int, ...]) -> str:
    """`:line:column` of what stands at this place; nothing where YAML's reader, which counts lines, takes no such JSON.

    Read a second time, since Python's reader of JSON tells no lines; only what is wrong is.
    """
    import yaml

    try:
        node: Any = yaml.compose(text, yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader)
        for key in at:
            if isinstance(key, int):
                node = node.value[key]
            else:  # the last of its name is what JSON's readers take
                node = [value for name, value in node.value if name.value == key][-1]
    except (yaml.YAMLError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    return f":{node.start_mark.line + 1}:{node.start_mark.column + 1}"
