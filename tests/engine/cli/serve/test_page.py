"""The page at /, in a real browser, against a server that answered and refused."""

from __future__ import annotations

import re
import shutil
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx2
import pytest

from ...report.pages.test_page import FLAGS, MEASURE
from .running import Running

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH: apt-get install chromium")


def shown(url: str, folder: Path, *more: str, width: int = 1200) -> tuple[str, str]:
    """What the page became once it had asked the server, and what the browser complained of."""
    flags = FLAGS.replace("1200,2400", f"{width},2400").split()
    words = [str(CHROMIUM), *flags, f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=4000", *more, url]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def body(dom: str, id: str) -> str:
    found = re.search(rf'<tbody id="{id}">(.*?)</tbody>', dom, re.DOTALL)
    assert found
    return found[1]


@browser
def test_it_shows_what_was_decided(quick: Running, tmp_path: Path) -> None:
    quick.chat("hello")
    quick.chat("brandnew")
    log = tmp_path / "net.json"
    dom, complaints = shown(f"{quick.url}/", tmp_path, f"--log-net-log={log}", "--dump-dom")
    assert complaints == ""
    assert re.search(r'<b>hello</b></td><td[^>]*><span class="pill allow">', body(dom, "models"))
    assert re.search(r'<b>brandnew</b></td><td[^>]*><span class="pill block">', body(dom, "models"))
    assert "<b>hello</b>" in body(dom, "resident")
    assert "pill block" in body(dom, "recent") and "pill allow" in body(dom, "recent")
    assert "text-runtime" in body(dom, "gates")
    assert 'class="pill' in dom.partition('id="whatif"')[2]
    asked = set(re.findall(r'"url":"((?:https?|wss?):[^"]*)"', log.read_text("utf-8", "replace")))
    asked = {url for url in asked if not re.match(r"https?://[\w.-]+\.google(apis)?\.com/", url)}
    assert all(url.startswith(f"{quick.url}/") for url in asked)


DARK = "--blink-settings=preferredColorScheme=0"


@browser
@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (500, DARK),
        (800, ""),
        (1600, DARK),
        pytest.param(500, "", marks=pytest.mark.long),
        pytest.param(800, DARK, marks=pytest.mark.long),
        pytest.param(1600, "", marks=pytest.mark.long),
    ],
)
def test_nothing_is_cut_off(width: int, scheme: str, quick: Running, tmp_path: Path) -> None:
    shot = tmp_path / "page.png"
    _, complaints = shown(f"{quick.url}/", tmp_path, *filter(None, [scheme]), f"--screenshot={shot}", width=width)
    assert complaints == "" and shot.stat().st_size > 10_000


class _Measured(BaseHTTPRequestHandler):
    """The server's page with a script more, which its own rules would not let in, and its answers as they are."""

    url = ""

    def do_GET(self) -> None:
        found = httpx2.get(self.url + self.path)
        text = found.text
        if self.path == "/":
            text = text.replace(
                "</body>",
                MEASURE.replace("const wide", "setTimeout(() => {\nconst wide").replace(
                    "</script>", "}, 2500);</script>"
                ),
            )
        self._say(found, text.encode())

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["content-length"]))
        found = httpx2.post(self.url + self.path, content=sent, headers={"Content-Type": "application/json"})
        self._say(found, found.content)

    def _say(self, found: httpx2.Response, content: bytes) -> None:
        self.send_response(found.status_code)
        self.send_header("Content-Type", found.headers["content-type"])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@browser
@pytest.mark.parametrize("width", [400, 1600])
def test_nothing_overflows(width: int, quick: Running, tmp_path: Path) -> None:
    quick.chat("hello")
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Measured", (_Measured,), {"url": quick.url}))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        dom, _ = shown(f"http://127.0.0.1:{server.server_port}/", tmp_path, "--dump-dom", width=width)
    finally:
        server.shutdown()
        server.server_close()
    assert re.search(r'data-wide=""', dom), re.findall(r'data-(?:wide|across)="[^"]*"', dom)
    assert 'data-of="Decision"' in body(dom, "models")


def test_a_rule_file_is_tried_before_it_is_saved(quick: Running) -> None:
    changed = "schema: 1\nname: mine\nversion: 1.0.0\nextends: 2.0.4\ngates:\n  - id: none\n    before: first\n"
    told = quick.ask("/policy/try", text=changed).json()
    assert told["valid"] is False and told["problems"]
    told = quick.ask("/policy/try", text="schema: 1\nname: mine\nversion: 1.0.0\nextends: 2.0.4\n").json()
    assert told["valid"] is True
    assert [one["now"]["decision"]["gate"] == one["then"]["decision"]["gate"] for one in told["models"]] == [True, True]


def test_its_own_rules_name_no_other_host(quick: Running) -> None:
    response = quick.http.get("/")
    rules = response.headers["content-security-policy"]
    assert "default-src 'none'" in rules and "unsafe" not in rules
    assert not re.findall(r"(?:src|href)=\"?https?:", response.text)
