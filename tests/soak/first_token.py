"""What the door costs: the time to the first token through it, beside the backend's own server, in one run.

Usage:
  first_token [--requests N] [FOLDER]
  first_token --usual [--requests N]

Both are asked by turns, so that what else the machine does meets both alike. Without a folder it is the example's tiny
model, by which the door's own time is seen best.

Options:
  --requests N  How many of each [default: 30].
  --usual       A random model whose first token takes a CPU some tenths of a second, as a usual one's takes a Mac.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2
from docopt import docopt

from ..engine.cli.serve.running import running, until
from ..engine.command_line import HELLO, ROOT
from ..memory.shapes import Shape, build

USUAL = Shape("usual", "llama", 128, 344, 4, 4, 2, 270, tied=True)
_WORDS = " ".join(["Tell me who you are, and why."] * 8)  # of a prompt as people write them, some sixty tokens


def first_token(http: httpx2.Client, model: str, number: int = 0) -> float:
    """Return the seconds from a request to the first piece of its answer; the rest is read, too."""
    # Each prompt is another, so that none is answered from what is kept of the one before.
    text = f"{number} {_WORDS}"
    body = {"model": model, "messages": [{"role": "user", "content": text}], "stream": True, "max_tokens": 8}
    started, found = time.perf_counter(), None
    with http.stream("POST", "/v1/chat/completions", json=body) as response:
        for line in response.iter_lines():
            if found is None and line.startswith("data: {"):
                found = time.perf_counter() - started
    assert found is not None
    return found


def main() -> None:
    """Print the medians in milliseconds, their ratio, and the median of deciding."""
    asked = docopt(__doc__)
    with tempfile.TemporaryDirectory() as place:
        folder = usual(Path(place)) if asked["--usual"] else Path(asked["FOLDER"] or ROOT / HELLO)
        print(json.dumps(compared(folder.absolute(), int(asked["--requests"])), indent=2))


def usual(place: Path) -> Path:
    """Make the random model, with the example's tokenizer and template, and return its folder."""
    folder = build(place / USUAL.name, USUAL)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(ROOT / HELLO / name, folder / name)
    return folder


def compared(folder: Path, requests: int) -> dict[str, object]:
    """Return what `main` prints of the model in a folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = [
        sys.executable,
        "-m",
        "mlx_lm",
        "server",
        "--model",
        str(folder),
        "--port",
        str(port),
        "--log-level",
        "CRITICAL",
    ]
    process = subprocess.Popen(own, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with (
            tempfile.TemporaryDirectory() as cache,
            httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as direct,
        ):
            kept = {"XDG_CACHE_HOME": str(Path(cache)), "MLXK_RULES_NO_CACHE": ""}
            with running(folder, "--only", **kept) as server:
                until(lambda: _answers(direct), 60)
                seconds: dict[str, list[float]] = {"door": [], "own": []}
                for number in range(requests + 3):
                    for name, http, model in (("door", server.http, folder.name), ("own", direct, "default_model")):
                        taken = first_token(http, model, number)
                        if number >= 3:  # the first ones warm up
                            seconds[name].append(taken)
                recent = [one["milliseconds"] for one in server.status()["recent"]]
        door, alone = (statistics.median(seconds[name]) * 1000 for name in ("door", "own"))
        return {
            "first_token_ms_through_the_door": round(door, 2),
            "first_token_ms_of_mlx_lm_server": round(alone, 2),
            "ratio": round(door / alone, 3),
            "deciding_ms": statistics.median(recent),
            "load": re.split(r"\s+", Path("/proc/loadavg").read_text())[0] if os.path.exists("/proc/loadavg") else None,
        }
    finally:
        process.kill()
        process.wait()


def _answers(http: httpx2.Client) -> bool:
    try:
        return first_token(http, "default_model") > 0
    except (httpx2.HTTPError, AssertionError):
        return False


if __name__ == "__main__":
    main()
