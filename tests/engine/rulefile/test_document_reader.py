"""Bad rule files: each is refused with the problems that its first lines expect, at their places, in their words."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

import pytest
import yaml
from mlxk_rules.engine import Policy, PolicyError, Problem
from mlxk_rules.engine.rulefile import yaml_tree

BAD = Path(__file__).parent / "bad"
ENGINE = Path(__file__).parents[3] / "engine"
# Which say what is wrong with rule files.
STAGES = ("facts", "language", "rulefile", "compiler", "evaluator", "storage")
FILES = sorted(BAD.glob("*.yaml"))
_EXPECT = "# expect: "

# Codes whose files a test makes, because they are too large or are no file, or that speak of no rule file.
MADE_BY_A_TEST = {"file-too-large", "unreadable-file", "too-many-problems"}
NOT_OF_RULE_FILES = {"bad-assignment"}


def expected(file: Path) -> list[tuple[str, str, str]]:
    """Return (code, place, text) for each `# expect:` line that the file begins with."""
    text = file.read_bytes().decode("latin-1").lstrip("ï»¿ÿþ").replace("\r\n", "\n").replace("\r", "\n")
    lines = takewhile(lambda line: line.startswith(_EXPECT), text.split("\n"))
    cases: list[tuple[str, str, str]] = []
    for line in lines:
        code, place, words = line.removeprefix(_EXPECT).split(" ", 2)
        cases.append((code, place, words.encode("latin-1").decode("utf-8")))
    return cases


def problems_of(source: str | Path) -> tuple[Problem, ...]:
    with pytest.raises(PolicyError) as caught:
        Policy.load(source)
    return caught.value.problems


_LOADERS = [name for name in ("CSafeLoader", "SafeLoader") if hasattr(yaml, name)]


@pytest.fixture(params=[_LOADERS[0], *(pytest.param(name, marks=pytest.mark.slow) for name in _LOADERS[1:])])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """libyaml, where it is, and PyYAML's own parser in Python: they word what they refuse differently."""
    monkeypatch.setattr(yaml_tree, "_LOADER", getattr(yaml, request.param))


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_bad_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    cases = expected(file)
    assert cases, "a bad file begins with `# expect:` lines"
    found = problems_of(file.name)
    places = [
        f"{p.line}:{p.column}" if p.file == file.name else f"{Path(p.file).as_posix()}:{p.line}:{p.column}"
        for p in found
    ]
    assert [(p.code, place) for p, place in zip(found, places, strict=True)] == [case[:2] for case in cases]
    for problem, (_, _, words) in zip(found, cases, strict=True):
        assert words in f"{problem.message}; {problem.help}"


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_wording(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    for problem in problems_of(file.name):
        assert problem.help, "every problem says what to do"
        assert len(problem.message) < 400 and "\n" not in problem.message
        first = problem.message.lstrip("`'\"&!@>=<(")[:1]
        assert not first.isupper() or problem.message.startswith(("`", "NaN")), "lower-case start"
        assert not problem.message.endswith("."), "no final period"
        if problem.line and problem.text:
            assert 1 <= problem.column <= len(problem.text) + 1
            assert problem.width >= 1


_CALLS = (r"Problem\(", r"\.problem\(", r"_report\(\s*[^,]+,", r"\bnote\(\s*[^,]+,", r"_failure\(", r"_note\(")


def codes_of_the_source() -> set[str]:
    """Return what stands first, as a code does, in the calls by which the engine reports a problem."""
    codes = {"unknown-fact", "unknown-set", "unknown-limit", "unknown-derived"}  # one of them by an f-string
    of_rule_files = (file for stage in STAGES for file in (ENGINE / stage).rglob("*.py"))
    for file in (*ENGINE.glob("*.py"), *of_rule_files):
        for call in _CALLS:
            codes |= set(re.findall(rf"{call}\s*\"([a-z][a-z0-9-]+)\"", file.read_text("utf-8")))
    return codes


def test_every_code_has_a_case() -> None:
    covered = {code for file in FILES for code, _, _ in expected(file)} | MADE_BY_A_TEST | NOT_OF_RULE_FILES
    codes = codes_of_the_source()
    assert len(codes) > 50, "the regular expressions find the codes"
    assert codes - covered - {"schema"} == set(), "codes without a bad file"
    assert covered - codes - NOT_OF_RULE_FILES == set(), "codes that the source does not have"


# --- what a file here cannot hold


def minimal(when: str = "request.images") -> str:
    return (
        "schema: 1\nname: case\nversion: 1.0.0\ngates:\n"
        f"  - id: first\n    when: {when}\n    decide: block\n    error: e\n    http: 400\n    message: a sentence\n"
        "  - id: rest\n    otherwise: true\n    decide: allow\n    backend: mlx_lm\n"
    )


def test_twenty_megabytes(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    with file.open("wb") as stream:
        stream.write(minimal().encode())
        for _ in range(20):
            stream.write(b"# filler\n" * (1024 * 1024 // 9 + 1))
    (problem,) = problems_of(file)
    assert (problem.code, problem.file) == ("file-too-large", str(file))


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("sets: {x: [a, " + "1, " * 100_000 + "b]}\n", "wrong-type"),
        ("limits: {" + "a: 1, " * 100_000 + "b: 1}\n", "duplicate-key"),
        ("sets: {x: [" + "!y 1, " * 100_000 + "b]}\n", "tag"),
        ("derive:\n" + "".join(f"  d{n}: {{compute: x{n}}}\n" for n in range(1_000)), "unknown-fact"),
        ("audit:\n  checked_with: {}\n  sets: {" + ", ".join(f"s{n}: x" for n in range(1_000)) + "}\n", "unknown-set"),
    ],
    ids=["values", "keys", "tags", "expressions", "audited"],
)
def test_problems_without_end(part: str, code: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_text(minimal().replace("gates:", f"{part}gates:"))
    *some, last = caught.value.problems
    assert len(some) <= 200
    assert code in {problem.code for problem in some}
    assert last.code == "too-many-problems" and last.help


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("opening", ["[", "{", "{a: ", "[a, ", "&a [", "- ", "? "])
def test_nested_100_000_deep(tmp_path: Path, opening: str) -> None:
    file = tmp_path / "deep.yaml"
    file.write_text(f"schema: 1\nname: x\nversion: 1.0.0\nsets:\n  {opening * 100_000}")
    (problem,) = problems_of(file)
    assert (problem.code, problem.line) == ("too-deep", 5)
    assert problem.column < 200


def test_a_place_in_a_long_line() -> None:
    for long, shown in ((900, True), (900_000, False)):
        with pytest.raises(PolicyError) as caught:
            Policy.from_text(minimal().replace("gates:", f"limits: [{'a' * long}, @]\ngates:"))
        (problem,) = caught.value.problems
        assert (problem.line, problem.column) == (4, long + 12)
        assert (problem.text[problem.column - 1 :] == "@]") is shown, "no line without what is wrong in it"


@pytest.mark.parametrize(
    "error",
    [
        yaml.YAMLError("Give up.\nPlease see https://example.org/wiki and\r\nshare your opinion."),
        yaml.YAMLError(),
        yaml.MarkedYAMLError("while doing\nthis", None, "a new bound", None, "see\nhttps://example.org"),
        RecursionError("maximum recursion depth exceeded"),
        OverflowError("int too large"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_parser_that_fails_as_none_does_today(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(yaml.SafeLoader):
        def get_event(self) -> yaml.Event:
            event = super().get_event()
            if getattr(event, "value", "") == "otherwise":
                raise error
            return event

    monkeypatch.setattr(yaml_tree, "_LOADER", Failing)
    with pytest.raises(PolicyError) as caught:
        Policy.from_text(minimal(), "mine.yaml")
    (problem,) = caught.value.problems  # behind the last value before
    assert (problem.code, problem.place) == ("yaml-syntax", "mine.yaml:11:13")
    said = str(problem)
    assert "\n" not in said and "\r" not in said and "://" not in said
    assert problem.message.startswith("the YAML parser stops here: ") and problem.help


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("escape", [r"\UFFFFFFFF", r"\ud83d\ude00"])
def test_an_escape_that_is_no_character(escape: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_text(minimal().replace("a sentence", f'"{escape}"'))
    (problem,) = caught.value.problems
    assert (problem.code, problem.line) == ("yaml-syntax", 10)


def test_a_folder(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path)
    assert problem.code == "no-file"
    assert "is not a file" in problem.message


def test_a_path_that_cannot_be(tmp_path: Path) -> None:
    for path in ("\0", "x" * 5_000, str(tmp_path / "x" / "y.yaml")):
        (problem,) = problems_of(path)
        assert problem.code in ("no-file", "unreadable-file")


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    (problem,) = problems_of(loop)
    assert problem.code in ("no-file", "unreadable-file")


@pytest.mark.parametrize(
    "text", ["\ud800", "schema: 1\nname: '\udfff'\n", "\x00", "\ufffe", "\U0010ffff", "%YAML 9.9\n---\na"]
)
def test_text_that_is_no_yaml(text: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_text(text)
    assert all(problem.line >= 1 for problem in caught.value.problems)


# --- a help that gives an expression gives one that holds

_OFFERED = {
    "negated-path",
    "quoted-identifier",
    "bare-literal",
    "literal-not-json",
    "maybe-null",
    "both-null",
    "not-boolean",
    "not-ordered",
    "unknown-fact",
    "unknown-set",
    "unknown-limit",
    "unknown-derived",
}


def mended(file: Path, problem: Problem) -> str | None:
    """Return the file's text with the expression in question replaced by the one that the help offers, or None."""
    if problem.code not in _OFFERED or problem.file != file.name:
        return None
    help = problem.help
    if problem.code in ("bare-literal", "quoted-identifier", "literal-not-json"):
        given = re.search(r"(`\w+`|'[^']*')", help)
    else:
        given = re.search(r"(?:write|it:|there:|length:|you mean|such as|one:|null:|in:) `(.+)`\??$", help)
    if given is None:
        return None
    lines = file.read_text("utf-8").split("\n")
    line = lines[problem.line - 1]
    begin, width = problem.column - 1, problem.width
    offered = given[1].strip("`") if "without quotes" in help else given[1]
    if problem.code.startswith("unknown-"):  # the column is the last name's: the path begins before it
        head = line[:begin]
        begin = len(re.sub(r"(\w+\.)+$", "", head))
        width += len(head) - begin
    if problem.code == "not-ordered":
        begin, width = line.index("config.hidden_size"), len("config.hidden_size")
    lines[problem.line - 1] = line[:begin] + offered + line[begin + width :]
    return "\n".join(lines)


def offers() -> list[tuple[Path, int]]:
    found: list[tuple[Path, int]] = []
    for file in FILES:
        cases = expected(file)
        if (
            len(cases) == 1
            and cases[0][0] in _OFFERED
            and not file.stem.startswith(("windows", "byte-order", "old-mac"))
        ):
            found.append((file, 0))
    return found


@pytest.mark.parametrize("file", [file for file, _ in offers()], ids=[file.stem for file, _ in offers()])
def test_the_offered_expression_holds(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    (problem,) = problems_of(file.name)
    text = mended(file, problem)
    if text is None:
        pytest.skip(f"offers no whole expression: {problem.help}")
    try:
        Policy.from_text(text)
    except PolicyError as error:
        assert [p.code for p in error.problems] == [], f"{problem.help}\n{error}"
