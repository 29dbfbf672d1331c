"""Hold a server under load and faults.

Usage:
  soak [options]

Options:
  --minutes N   How long [default: 5].
  --clients N   How many ask at once; half of them go away in mid-answer [default: 200].
  --idle N      How many connections say nothing [default: 10000].
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from docopt import docopt

from ..engine.cli.serve.running import children, is_alive, running, until
from .load import Soak, models

RULES = "schema: 1\nname: soak\nversion: 1.0.0\nextends: today\n"
MORE = 1.25  # times the memory of the second third that the last third may have


def soak(seconds: float, clients: int, idle: int) -> dict[str, Any]:
    """Run it, kill the server at its end, and return the figures; below `wrong` is what may not be."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rules = folder / "rules" / "soak.yaml"
        rules.parent.mkdir()
        rules.write_text(RULES)
        # The log's disk is full from the first line on.
        words = ("--only", "--policy", rules, "--log", "/dev/full")
        kept = {"XDG_CACHE_HOME": str(folder / "cache"), "MLXK_RULES_NO_CACHE": ""}
        with running(*models(folder), *words, **kept) as server:
            run = Soak(server.url, server.process.pid, rules, seconds, clients, idle)
            asyncio.run(run.run())
            found = run.figures()
            told = server.http.get("/policy").json()
            found["policy"] = {name: told[name] for name in ("reloads", "reload_failures")}
            metrics = server.http.get("/metrics").text.splitlines()
            found["log_lines_lost"] = float(
                next(line for line in metrics if line.startswith("mlxk_log_lines_lost")).split()[1]
            )
            if found["server_bytes_last_third"] > MORE * found["server_bytes_second_third"]:
                found["wrong"]["memory grows"] = 1
            below = children(server.process.pid)
            os.kill(server.process.pid, signal.SIGKILL)
            until(lambda: not any(map(is_alive, below)))
            found["children_left_by_a_killed_server"] = sum(map(is_alive, below))
        return found


def main() -> int:
    """Run it as the command line says. Returns 1 where something was wrong."""
    options = docopt(__doc__)
    found = soak(60 * float(options["--minutes"]), int(options["--clients"]), int(options["--idle"]))
    print(json.dumps(found, indent=2))
    return int(bool(found["wrong"]))


if __name__ == "__main__":
    sys.exit(main())
