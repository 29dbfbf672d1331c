"""The pages of `policy --html` and `explain --html`: escaped, whole, and as a real browser shows them."""

from __future__ import annotations

import html.parser
import re
import shutil
import subprocess
from html import escape as html_escape
from pathlib import Path

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.cli.command_line import main
from mlxk_rules.engine.report.pages.outline import outline
from mlxk_rules.engine.report.pages.page import decision_page, policy_page
from mlxk_rules.loaders import probe

from ...cli.commands.test_policy import nasty

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[4]
HELLO = ROOT / "tests" / "models" / "hello"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH: apt-get install chromium")
VOID = {"meta"}
Capture = pytest.CaptureFixture[str]


class Reader(html.parser.HTMLParser):
    """Reads a page strictly: every element closed in turn; notes elements, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert all(value is not None for _, value in attrs)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def pages() -> dict[str, str]:
    facts = probe(HELLO, images=True, dry_run=False)
    hostile = probe(HELLO, name="<img src=x onerror=alert(1)>\u202e\x1b[31m&amp;", images=True, dry_run=False)
    today, odd = Policy.load(), nasty()
    return {
        "policy": policy_page(outline(today.document), None),
        "policy of a model": policy_page(outline(today.document), today.explain(facts)),
        "decision": decision_page(outline(today.document), today.explain(facts)),
        "hostile policy": policy_page(outline(odd.document), odd.explain(hostile)),
        "hostile model": decision_page(outline(today.document), today.explain(hostile)),
    }


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


NAMES = ["policy", "policy of a model", "decision", "hostile policy", "hostile model"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_breaks_out(name: str, made: dict[str, str]) -> None:
    page = made[name]
    read = Reader(page)
    tags = {tag for tag, _ in read.elements}
    assert not tags & {"script", "img", "link", "iframe", "object", "embed", "form", "base", "image", "use"}
    for _, attributes in read.elements:
        assert not {key for key in attributes if key.startswith("on")} | ({"style", "src"} & set(attributes))
        assert attributes.get("href", "#").startswith("#")
    assert not [c for c in page if (ord(c) < 32 and c != "\n") or c in "\u202e\u200b"]
    links = [attributes["href"][1:] for _, attributes in read.elements if "href" in attributes]
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert set(links) <= set(ids) and len(ids) == len(set(ids))


@pytest.mark.parametrize("name", NAMES)
def test_the_rules_of_the_page_are_strict(name: str, made: dict[str, str]) -> None:
    (rules,) = [
        a["content"] for _, a in Reader(made[name]).elements if a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert rules.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in rules and "*" not in rules and "http" not in rules
    style = made[name].split("<style>")[1].split("</style>")[0]
    assert "url(" not in style and "@import" not in style


def test_every_gate_is_in_the_table_and_in_the_picture(made: dict[str, str]) -> None:
    page = made["policy"]
    for gate in Policy.load().document.gates:
        assert f'<tr id="gate-{gate.id}"' in page
        assert f'href="#gate-{gate.id}"' in page
    assert 'role="img"' in page and "<title" in page and 'scope="row"' in page


def test_written_whole_or_not_at_all(tmp_path: Path, capsys: Capture) -> None:
    page = tmp_path / "page.html"
    page.write_text("before")
    page.chmod(0o640)
    assert main(["explain", str(HELLO), "--image", "--html", str(page)]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("block  ") and err == f"wrote {page}\n"
    assert page.read_text("utf-8").startswith("<!doctype html>") and page.stat().st_mode & 0o777 == 0o640
    (tmp_path / "folder.html").mkdir()
    assert main(["policy", "--html", str(tmp_path / "folder.html")]) == 2
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "folder.html",
        "page.html",
    ]  # nothing half-written is left behind
    (tmp_path / "rules.yaml").write_text("keep")
    assert main(["policy", "--html", str(tmp_path / "rules.yaml")]) == 2
    assert (tmp_path / "rules.yaml").read_text() == "keep"


# --- in a real browser


FLAGS = """
--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --hide-scrollbars --enable-logging=stderr --window-size=1200,2400
"""


def chromium(page: Path, *more: str) -> subprocess.CompletedProcess[str]:
    profile = f"--user-data-dir={page.parent / 'profile'}"
    words = [str(CHROMIUM), *FLAGS.split(), profile, *more, page.as_uri()]
    return subprocess.run(words, capture_output=True, text=True, timeout=120)


def asked_for(log: Path) -> set[str]:
    """Return what the browser asked of a network, but for what it asks of its maker at every start."""
    urls = re.findall(r'"url":"((?:https?|wss?):[^"]*)"', log.read_text("utf-8", "replace"))
    return {url for url in urls if not re.match(r"https?://[\w.-]+\.google(apis)?\.com/", url)}


@browser
def test_what_a_page_does_wrong_would_be_seen(tmp_path: Path) -> None:
    page, log = tmp_path / "page.html", tmp_path / "net.json"
    page.write_text("<!doctype html><img src='http://127.0.0.1:9/x.png'><script>console.error('oops')</script>")
    done = chromium(page, f"--log-net-log={log}", "--dump-dom")
    assert "CONSOLE" in done.stderr and "oops" in done.stderr
    assert asked_for(log) == {"http://127.0.0.1:9/x.png"}


@browser
@pytest.mark.parametrize("name", NAMES)
def test_a_browser_shows_it(name: str, made: dict[str, str], tmp_path: Path) -> None:
    page, shot, log = tmp_path / "page.html", tmp_path / "page.png", tmp_path / "net.json"
    page.write_text(made[name], "utf-8")
    done = chromium(page, f"--log-net-log={log}", "--dump-dom")
    assert done.returncode == 0, done.stderr
    assert "CONSOLE" not in done.stderr, done.stderr  # what the page's own rules refuse is told there, too
    assert asked_for(log) == set()
    dom = Reader(re.sub(r"^<!DOCTYPE html>", "", done.stdout))
    fired = [attributes for tag, attributes in dom.elements if tag == "tr" and attributes.get("class") == "fired"]
    assert [attributes["aria-current"] for attributes in fired] == ([] if name == "policy" else ["step"])
    drawn = chromium(page, f"--screenshot={shot}")
    assert drawn.returncode == 0, drawn.stderr
    # The heavy way from the request to the gate that fired, 34 pixels a gate: a run of dark ones in one column.
    passed = len(re.findall(r'<a href="[^"]*" class="passed">', made[name]))
    assert longest_run(shot) >= 34 * passed if name != "policy" else longest_run(shot) < 200


WIDTHS = [400, 720, 1280]  # of a window, in pixels
# What is wider than the window, told by the page itself where its own rules are taken off and a script is added.
MEASURE = """<script>
const wide = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 0.5);
document.body.dataset.wide = wide.map(e => `${e.tagName}.${e.className}`).slice(0, 9).join(" ");
document.body.dataset.across = `${document.documentElement.scrollWidth} of ${innerWidth}`;
</script></body>"""


@browser
@pytest.mark.parametrize(
    "scheme",
    ["", pytest.param("--blink-settings=preferredColorScheme=0", marks=pytest.mark.long)],
    ids=["light", "dark"],
)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_overflows(name: str, scheme: str, made: dict[str, str], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", made[name])
    assert text != made[name]
    # A frame is as narrow as it is told to be; a window of a browser is not.
    inner = html_escape(text.replace("</body>", MEASURE.replace("innerWidth", "document.documentElement.clientWidth")))
    frames = [f'<iframe style="width:{wide}px;height:900px;border:0" srcdoc="{inner}"></iframe>' for wide in WIDTHS]
    page.write_text(
        f"<!doctype html>{''.join(frames)}<script>addEventListener('load', () => {{"
        " for (const frame of document.querySelectorAll('iframe')) {"
        " const told = document.createElement('p'), body = frame.contentDocument.body;"
        " told.dataset.wide = body.dataset.wide; told.dataset.across = body.dataset.across;"
        " document.body.append(told) }})</script>",
        "utf-8",
    )
    done = chromium(page, *filter(None, [scheme]), "--dump-dom")
    told = re.findall(r'<p data-wide="([^"]*)" data-across="(\d+) of (\d+)"', done.stdout)
    assert [int(width) for _, _, width in told] == WIDTHS
    assert not any(wide for wide, _, _ in told), told


def test_an_allow_says_what_a_person_asks_next(made: dict[str, str]) -> None:
    facts = probe(HELLO)
    text = "".join(Reader(decision_page(outline(Policy.load().document), Policy.load().explain(facts))).text)
    for words in ("mlx-lm 0.", "may load hello", "whole: 91.9 KB in 1 file", "3.4 MB prompt = 3.6 MB", "installed"):
        assert words in text, words
    assert "No gate before it fired" not in text


def longest_run(shot: Path) -> int:
    """Return the longest run of dark pixels from top to bottom, where the line of gates is drawn."""
    from PIL import Image

    with Image.open(shot) as opened:
        picture = opened.convert("L")
    best = 0
    for x in range(60, 130):
        column = bytes(picture.crop((x, 0, x + 1, picture.height)).tobytes())
        dark = bytes(1 if value < 100 else 0 for value in column)
        best = max([best, *map(len, dark.split(b"\0"))])
    return best


@pytest.mark.parametrize("name", NAMES)
def test_a_negation_stays_with_what_it_negates(name: str, made: dict[str, str]) -> None:
    expressions = re.findall(r"<code>(.*?)</code>", made[name], re.DOTALL)
    bare = [re.sub(r'<span class="whole">![^<]*</span>', "", text) for text in expressions]
    assert expressions and [text for text in bare if re.search(r"!(?!=)\S", text)] == []
