"""Text for a terminal: nothing of a model's or a policy's can move the cursor, and colour only where it is wanted."""

import os
import re
from collections.abc import Sequence
from typing import IO, NamedTuple

MAX_LINE = 10_000  # characters of one line: what a model folder names may be megabytes long
_CODES = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "dim": "2", "bold": "1"}
# C0 and C1 controls, line and paragraph separators, and the marks that reorder or hide text.
_UNSAFE = (  # compiled where it is needed, which is seldom: 0.4 ms
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
VERDICT_COLOURS = {"allow": "green", "warn": "yellow", "block": "red"}


def safe(text: str, keep: str = "") -> str:
    """Return `text` with every control and reordering character made visible, but for those in `keep`.

    A single line, which is what it is where nothing is kept, is cut to MAX_LINE characters.
    """
    if not keep and len(text) > MAX_LINE:
        text = f"{text[:MAX_LINE]}..."
    if text.isascii() and text.isprintable():
        return text
    return re.sub(_UNSAFE, lambda found: found[0] if found[0] in keep else _visible(found[0]), _encodable(text))


def _visible(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class Style:
    """Colours text where `on`."""

    def __init__(self, on: bool) -> None:
        self.on = on

    def __call__(self, text: str, *names: str) -> str:
        if not self.on or not text or not names:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"


def style_for(stream: IO[str]) -> Style:
    """Return a Style that colours where `stream` is a terminal and neither NO_COLOR nor TERM=dumb is set."""
    wanted = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Style(wanted)


class Screen(NamedTuple):
    """What text is made for. width: columns, None where lines stay whole (a pipe, a file); blocks: it can draw bars."""

    style: Style
    width: int | None = None
    blocks: bool = False

    def wrapped(self, text: str, first: str = "", rest: str = "") -> list[str]:
        """Return harmless text in lines that fit, broken between words; `first` and `rest` stand before the lines."""
        if self.width is None or len(first) + len(text) <= self.width:
            return [f"{first}{text}"]
        from textwrap import wrap

        # A path or a command stays whole, to be copied; only what is wider than the screen is left to the terminal.
        room = max(self.width, len(rest) + 20)
        return wrap(
            text,
            room,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )


def reflowed(text: str, screen: Screen) -> str:
    """Return a usage text broken between words where its lines are wider than the screen; its columns stay."""
    if screen.width is None or max(map(len, text.splitlines()), default=0) <= screen.width:
        return text
    lines: list[str] = []
    for line in _whole_lines(text):
        column = re.match(r"  +-\S.*?  +(?=\S)|  +\S+  +(?=\S)|  +(?=\S)", line)
        hang = column.end() if column else 0
        hang = hang if hang <= screen.width // 2 else 8
        lines += screen.wrapped(line[hang:], line[:hang], " " * hang) if hang < len(line) else [line]
    return "\n".join(lines) + "\n"


def _whole_lines(text: str) -> list[str]:
    """The lines of a usage text; those that were broken to fit 120 columns are joined again."""
    lines: list[str] = []
    for line in text.splitlines():
        before = lines[-1] if lines else ""
        own, its = len(line) - len(line.lstrip()), len(before) - len(before.lstrip())
        prose = own == 0 == its and before and line and not before.endswith((":", ".")) and not line.endswith(":")
        option = own >= 20 and before.startswith("  -") and "  " in before.strip()
        if prose or option:
            lines[-1] = f"{before} {line.strip()}"
        else:
            lines.append(line)
    return lines


def screen_for(stream: IO[str]) -> Screen:
    """Return the Screen that `stream` is: as wide as its terminal, or as COLUMNS says."""
    width: int | None = None
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and len(columns) < 6:
        width = int(columns) or None
    elif stream.isatty():
        try:
            width = os.get_terminal_size(stream.fileno()).columns or None
        except (OSError, ValueError):
            width = 80
    blocks = str(getattr(stream, "encoding", "")).lower().replace("-", "") == "utf8"
    return Screen(style_for(stream), None if width is None else max(width, 30), blocks)


def columns(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[list[str]]:
    """Return `rows` with every cell but the last padded to its column's width; those in `right` to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        [
            cell if number == len(row) - 1 else cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]
