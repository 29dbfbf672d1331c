"""Print pip constraints that hold each dependency of pyproject.toml at the oldest version its range allows."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def oldest(requirements: Iterable[str]) -> dict[str, Version]:
    """Return the lowest version of each package that all its ranges on this platform allow.

    Raises ValueError for a range without a lower end, as nobody can have tested that one.
    """
    found: dict[str, Version] = {}
    for requirement in map(Requirement, requirements):
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        lower = [Version(part.version) for part in requirement.specifier if part.operator in (">=", "==", "~=")]
        if not lower:
            raise ValueError(f"`{requirement}` in pyproject.toml has no lower end: write `>=` and what was tried")
        found[requirement.name] = max([*lower, *filter(None, [found.get(requirement.name)])])
    return found


def main() -> None:
    project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    # An extra may name the project itself, for its other extras.
    named = [line for group in groups for line in group if Requirement(line).name != project["name"]]
    for name, version in sorted(oldest(named).items()):
        print(f"{name}=={version}")


if __name__ == "__main__":
    main()
