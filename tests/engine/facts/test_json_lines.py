"""Facts in JSON lines, by the million: the same bytes as line by line, in order, in time, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from threading import Thread
from typing import IO, Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.cli.decide_lines import LineDecider
from mlxk_rules.engine.cli.parallel import MAX_BLOCK, Workers
from mlxk_rules.engine.facts.json_lines import MAX_LINE, facts_in, lines_of
from mlxk_rules.engine.problems import UsageError
from mlxk_rules.loaders import probe

from ..command_line import COMMAND, ROOT, heeds_ctrl_c

pytestmark = pytest.mark.slow

DECIDE = [*COMMAND, "decide"]
FACTS = probe(str(ROOT / "tests/models/hello"), dry_run=False)

# Lines that are no facts, or look like none at first sight.
ODD = [
    b"",
    b" \t\r",
    b"{",
    b'{"a": ',
    b'{"a": NaN}',
    b'{"a": 1} x',
    b'{"a": "\xff"}',
    b"\xef\xbb\xbf{}",
    '{"model": {"name": "\u00e9\U0001f600"}}'.encode(),
    '{"a": 1}'.encode("utf-16"),
    b'{"a": "\\ud800"}',
    b"[]",
    b"\x0b\x0c",
    b"null",
    b'{"derived": {"vision": 1}}',
    b'{"a": ' + b"[" * 3_000,
    b'{"a": 1}\r',
    b"  {}  ",
    b'{"' + b"a" * 70_000 + b'": 1}',
]


def some_lines(count: int) -> list[bytes]:
    """Facts of many a model in a fixed order, with odd lines between them."""
    random = Random(1)
    types = ["llama", "qwen2_vl", "whisper", "bert", "none", None]
    found: list[bytes] = []
    for number in range(count):
        facts: dict[str, Any] = {
            **FACTS,
            "model": {**FACTS["model"], "name": f"m\u00e9{number}", "type": types[number % 6]},
        }
        facts["request"] = {**FACTS["request"], "images": random.random() < 0.3}
        found.append(json.dumps(facts, ensure_ascii=random.random() < 0.5).encode())
        if random.random() < 0.2:
            found.append(random.choice(ODD))
    return found


def one_by_one(path: Path, policy: Policy) -> tuple[bytes, int]:
    """What must come out, said as plainly as can be."""
    answers: list[dict[str, Any]] = []
    with path.open("rb") as file:
        for number, line in lines_of(file):
            try:
                facts = facts_in(line)
                name = facts["model"].get("name") if isinstance(facts.get("model"), dict) else None
                about = {"line": number, "model": name if isinstance(name, str) else None}
                answers.append(policy.decide(facts).to_dict() | about)
            except UsageError as error:
                where = {"code": error.code, "message": error.message, "help": error.help, "line": number}
                answers.append({"error": where})
    code = 2 if any("error" in answer for answer in answers) else 1
    return "".join(json.dumps(answer) + "\n" for answer in answers).encode(), code


@contextmanager
def running(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """`decide` in a process group of its own, which must be empty in the end."""
    process = subprocess.Popen(
        [*DECIDE, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        start_new_session=True,
        preexec_fn=heeds_ctrl_c,
    )
    with process:
        try:
            yield process
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:  # where it was killed, the others find out by themselves
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    raise AssertionError("a process is left behind")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lines") / "many.jsonl"
    lines = some_lines(2_000)
    lines[700:700] = [
        b'{"a": "' + b"x" * MAX_LINE + b'"}',
        b" " * (MAX_LINE + 1),
        b'{"a": "' + b"x" * MAX_BLOCK + b'"}',
    ]
    path.write_bytes(b"\n".join(lines))
    return path


@pytest.fixture(scope="module")
def expected(many: Path) -> tuple[bytes, int]:
    return one_by_one(many, Policy.load())


def test_the_same_bytes_from_a_file(many: Path, expected: tuple[bytes, int]) -> None:
    done = subprocess.run([*DECIDE, str(many)], capture_output=True, cwd=ROOT, timeout=120)
    assert (done.stdout, done.returncode, done.stderr) == (*expected, b"")


def test_the_same_bytes_through_a_pipe_in_fits_and_starts(many: Path, expected: tuple[bytes, int]) -> None:
    content, random = many.read_bytes(), Random(2)

    def write(file: IO[bytes]) -> None:
        place = 0
        while place < len(content):
            size = random.choice([1, 100, 5_000, 300_000, 8_000_000])
            file.write(content[place : place + size])
            file.flush()
            place += size
            time.sleep(random.choice([0, 0, 0.001]))
        file.close()

    with running("-") as process:
        assert process.stdin is not None and process.stdout is not None
        writer = Thread(target=write, args=(process.stdin,))
        writer.start()
        out = process.stdout.read()
        writer.join()
        assert process.wait(timeout=60) == expected[1]
    assert out == expected[0]


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_line_alone_is_the_same(odd: bytes, tmp_path: Path) -> None:
    policy = Policy.load("2.0.4")
    for content in (odd, odd + b"\n", b"{}\n" + odd, b'{"a": "\xff"}\n' + odd + b"\n"):
        (tmp_path / "x").write_bytes(content)
        assert LineDecider(policy).lines(content, 1)[0] == one_by_one(tmp_path / "x", policy)[0]


def test_who_waits_for_an_answer_gets_it_before_and_after_a_flood() -> None:
    line = json.dumps(FACTS).encode() + b"\n"
    with running("-") as process:
        assert process.stdin is not None and process.stdout is not None
        for count in (1, 1, 100, 1, 3, 1):
            process.stdin.write(line * count)
            process.stdin.flush()
            for _ in range(count):
                assert json.loads(process.stdout.readline())["decision"] == "allow"
        process.stdin.write(b'{"half": ')
        process.stdin.flush()
        process.stdin.write(b"1}")
        process.stdin.close()
        assert b'"block"' in process.stdout.readline()


@pytest.mark.parametrize("ending", ["pipe", "ctrl-c", "killed"])
def test_nobody_is_left_behind(ending: str, many: Path) -> None:
    with running(str(many)) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        for _ in range(400):  # well into the blocks that others work on
            process.stdout.readline()
        if ending == "ctrl-c":  # as a terminal does: to all of them
            os.killpg(process.pid, signal.SIGINT)
        elif ending == "killed":
            process.kill()
        else:
            process.stdout.close()
        code = process.wait(timeout=60)
        assert (code, process.stderr.read()) == ({"ctrl-c": 130, "killed": -9, "pipe": 1}[ending], b"")


# --- workers


HOME = os.getpid()


def deadly(block: bytes, number: int) -> tuple[bytes, int]:
    if block == b"die" and os.getpid() != HOME:
        os._exit(1)
    if block == b"fail" and os.getpid() != HOME:
        raise ZeroDivisionError("oops")
    return block * 2, number


@pytest.mark.parametrize("cores", [1, 2, 3])
@pytest.mark.parametrize("bad", [b"die", b"fail", b"fine"])
def test_no_block_is_lost(cores: int, bad: bytes) -> None:
    blocks = [b"%d" % number for number in range(40)]
    blocks[7:7] = [bad, b"", b"long" * MAX_BLOCK]
    found: list[tuple[bytes, int]] = []
    with Workers(deadly, cores) as workers:
        for number, block in enumerate(blocks):
            found += workers.results(block, number)
        found += workers.rest()
        assert not workers.busy
    assert found == [(block * 2, number) for number, block in enumerate(blocks)]


def test_what_fails_everywhere_is_raised_here() -> None:
    def broken(block: bytes, number: int) -> tuple[bytes, int]:
        raise ZeroDivisionError("oops")

    with Workers(broken, 2) as workers:
        assert list(workers.results(b"", 0)) == []
        with pytest.raises(ZeroDivisionError):
            list(workers.rest())
