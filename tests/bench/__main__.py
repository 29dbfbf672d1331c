"""How fast mlxk-rules is, as ratios with their goals, each taken side by side on this machine.

Usage:
  tests.bench [SECTION]... [--quick] [--write]
  tests.bench (-h | --help)

Run it as `python -m tests.bench`. SECTION is deciding, growing, starting or listing; without one all are measured.

Options:
  --quick    Fewer rounds and smaller inputs: to look, not to publish.
  --write    Write the figures, the page and its plots into tests/bench/results.
  -h --help  Show this.

Exit codes: 0 every ratio meets its goal, 1 one does not or could not be measured, 2 wrong usage.
"""

from __future__ import annotations

import sys
from importlib import import_module

from docopt import docopt

SECTIONS = ("deciding", "growing", "starting", "listing")


def main() -> int:
    assert __doc__ is not None
    options = docopt(__doc__)
    asked = options["SECTION"] or list(SECTIONS)
    if wrong := [name for name in asked if name not in SECTIONS]:
        print(f"no section `{wrong[0]}`: {', '.join(SECTIONS)}", file=sys.stderr)
        return 2
    found = []
    for section in asked:
        print(section, flush=True)
        for figure in import_module(f".{section}", __package__).figures(options["--quick"]):
            found.append(figure)
            print(figure.line, flush=True)
    missed = [figure for figure in found if not figure.met]
    goals = sum(figure.goal is not None for figure in found)
    print(f"{goals - len(missed)} of {goals} goals met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
