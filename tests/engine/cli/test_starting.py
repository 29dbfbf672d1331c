"""What a command imports, and what it does not."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from ..command_line import HELLO, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("at_the_root")]

BARRED = ("mlx", "mlx_lm", "mlx_vlm", "mlx_audio", "transformers", "jsonschema", "huggingface_hub", "numpy", "torch")
WITHOUT = f"""
import sys
class Bar:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BARRED!r} + ("argparse",):
            raise ImportError(f"{{name}} is barred")
sys.meta_path.insert(0, Bar())
from mlxk_rules.engine.cli import main
code = main(sys.argv[1:])
print(sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    "words",
    [["explain", HELLO, "--quick"], ["list"], ["probe", HELLO, "--quick"], ["explain", HELLO, "--audio", "--json"]],
)
def test_without_the_libraries(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT, *words], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    assert "error[" not in done.stderr


def test_explain_imports_none_of_them() -> None:
    # Nor where the backends are asked: that is for children.
    program = (
        "import sys; from mlxk_rules.engine.cli import main; code = main(['explain', 'tests/models/hello']);"
        "print(' '.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=60)
    modules = set(done.stderr.split())
    assert "mlxk_rules.engine.policy" in modules
    assert modules & {*BARRED, "argparse"} == set()


# Beside what a bare Python has imported by itself: today's number, and a little room.
MOST_MODULES = {"probe": 100, "explain": 124, "explain --image": 128}
# What costs milliseconds and no answer needs; of the probe's own what a folder whose facts are kept does without.
HEAVY = (
    "argparse subprocess logging tempfile shutil importlib.metadata importlib.util packaging asyncio multiprocessing "
    "yaml jmespath ast dis difflib z3 hypothesis"
)
READERS = (
    "facts.documents facts.folder_facts facts.weights backends.mlx_lm backends.mlx_vlm backends.mlx_audio "
    "backends.running host.python_source"
)
MAKERS = (
    "rulefile.checked rulefile.document rulefile.loading rulefile.source compiler.expression_code "
    "compiler.function.expression_writer compiler.function.policy_writer language.expression language.interpreter "
    "language.type_check advice.lever_reader"
)
# Without `site`, whose .pth files import for themselves what is to be looked for here.
STARTED = """
import sys
sys.path[:0], sys.path[len(sys.path):] = [sys.argv.pop(1)], [sys.argv.pop(1)]
before = set(sys.modules)
from mlxk_rules.engine.cli import main
main(sys.argv[1:])
print(*(set(sys.modules) - before), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is found and what it makes is kept: of several commands, one asks the backends."""
    folder = tmp_path_factory.mktemp("cache")
    (folder / "mlxk_rules").symlink_to(ROOT)
    return folder


@pytest.mark.parametrize("words", MOST_MODULES)
def test_a_second_start_is_lean(words: str, cache: Path) -> None:
    command, *options = words.split()
    program = [sys.executable, "-S", "-c", STARTED, str(cache), sysconfig.get_path("purelib")]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    for _ in range(2):
        done = subprocess.run(
            [*program, command, HELLO, *options], capture_output=True, text=True, cwd=ROOT, timeout=60, env=environment
        )
    modules = set(done.stderr.split())
    ours = {f"mlxk_rules.loaders.{name}" for name in READERS.split()}
    assert modules & {*HEAVY.split(), *ours, *(f"mlxk_rules.engine.{name}" for name in MAKERS.split())} == set()
    assert ("json" in modules) == (command == "probe")
    assert len(modules) <= MOST_MODULES[words]
    assert "mlxk_rules.loaders.facts.kept_facts" in modules
