"""How fast mlxk-rules is, as ratios with their goals, each taken side by side on this machine.

Usage:
  tests.bench [SECTION]... [--runs N] [--quick | --write]
  tests.bench (-h | --help)

Run it as `python -m tests.bench`. SECTION is deciding, growing, starting or listing; without one all are measured.

Options:
  --runs N   How often all of it is measured, one after the other [default: 1].
  --quick    Fewer rounds and smaller inputs: to look, not to publish.
  --write    Write RESULTS.md beside this file, and its plots and figures into results/.
  -h --help  Show this.

Exit codes: 0 every ratio meets its goal, 1 one does not in one run, or could not be measured,
2 wrong usage.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from docopt import docopt

from . import page
from .sections import SECTIONS, measured


def main() -> int:
    assert __doc__ is not None
    options = docopt(__doc__)
    asked = options["SECTION"] or list(SECTIONS)
    if wrong := [name for name in asked if name not in SECTIONS]:
        print(f"no section `{wrong[0]}`: {', '.join(SECTIONS)}", file=sys.stderr)
        return 2
    if not options["--runs"].isdecimal() or not int(options["--runs"]):
        print(f"`{options['--runs']}` is no number of runs", file=sys.stderr)
        return 2
    # A process each, as for who gives the command again: what one leaves in memory slows the next.
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as each:
        runs = [each.submit(measured, asked, options["--quick"]).result() for _ in range(int(options["--runs"]))]
    if options["--write"]:
        page.write(runs)
    return 0 if all(figure.met for figures in runs for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
