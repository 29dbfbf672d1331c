"""The documentation of every error code, from rules/codes.yaml; `python -m` this module writes rules/CODES.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ..storage import data_files

_HEAD = """\
# Error codes

Every problem that mlxk-rules reports has a code in brackets. `mlxk-rules validate --explain CODE` prints what stands
here. Made from [codes.yaml](codes.yaml) by
`python -m mlxk_rules.engine.report.code_pages`; the tests run every example.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one code means. `bad` and `good` are examples, or ""."""

    code: str
    title: str
    means: str
    section: str = ""
    bad: str = ""
    good: str = ""

    def text(self) -> str:
        """Return the entry as plain text."""
        lines = [f"{self.code}: {self.title}", "", self.means]
        for head, example in (("wrong", self.bad), ("right", self.good)):
            if example:
                lines += ["", head, *(f"    {line}" for line in example.splitlines())]
        return "\n".join(lines)

    def markdown(self) -> str:
        """Return the entry as Markdown, without its heading."""
        examples = [
            f"{head}:\n\n```yaml\n{example.rstrip()}\n```"
            for head, example in (("Wrong", self.bad), ("Right", self.good))
            if example
        ]
        return "\n\n".join([f"**{self.title}.** {self.means}", *examples])

    def to_dict(self) -> dict[str, str | None]:
        """Return the entry as plain JSON data."""
        about = {"code": self.code, "title": self.title, "means": self.means, "section": self.section}
        return {**about, "bad": self.bad or None, "good": self.good or None}


@cache
def codes() -> Mapping[str, Entry]:
    """Return every code's entry, in the file's order."""
    import yaml

    entries: dict[str, Entry] = {}
    for section in yaml.safe_load((data_files.FOLDER / "codes.yaml").read_bytes())["sections"]:
        for given in section["codes"]:
            bad, good = given.get("bad", ""), given.get("good", "")
            entries[given["code"]] = Entry(given["code"], given["title"], given["means"], section["title"], bad, good)
    return entries


def markdown() -> str:
    """Return rules/CODES.md."""
    parts: list[str] = [_HEAD]
    section = ""
    for entry in codes().values():
        if entry.section != section:
            section = entry.section
            parts.append(f"## {section}\n")
        parts.append(f"### {entry.code}\n\n{entry.markdown()}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    (data_files.FOLDER / "CODES.md").write_text(markdown(), "utf-8")
