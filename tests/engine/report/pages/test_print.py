"""The pages on paper: every gate is printed, the line of gates on one page, and no page for a few lines."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.report.pages.outline import outline
from mlxk_rules.engine.report.pages.page import decision_page, policy_page
from mlxk_rules.loaders import probe

from .test_page import CHROMIUM, HELLO, browser

pytestmark = pytest.mark.slow


def printed(page: str, folder: Path) -> bytes:
    """Return the page as PDF, by a real browser. Its objects are text; only what is drawn is packed."""
    file, pdf = folder / "page.html", folder / "page.pdf"
    file.write_text(page, "utf-8")
    words = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run(
        [str(CHROMIUM), *words, f"--print-to-pdf={pdf}", file.as_uri()], capture_output=True, text=True, timeout=120
    )
    assert pdf.is_file(), done.stderr
    return pdf.read_bytes()


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", pdf))


def linked(pdf: bytes) -> list[set[bytes]]:
    """Return what each page links to, page by page; the line of gates links to its table."""
    objects = dict(re.findall(rb"(?ms)^(\d+) 0 obj\n(.*?)^endobj", pdf))
    found: list[set[bytes]] = []
    for body in objects.values():
        if re.search(rb"/Type /Page\b(?!s)", body):
            notes = re.search(rb"/Annots \[(.*?)\]", body, re.DOTALL)
            numbers = re.findall(rb"(\d+) 0 R", notes[1]) if notes else []
            found.append({name for number in numbers for name in re.findall(rb"/Dest /?\(?([\w-]+)", objects[number])})
    return found


@browser
@pytest.mark.parametrize(("version", "most"), [("2.0.4", 8), (None, 30)])
def test_a_policy_on_paper(version: str | None, most: int, tmp_path: Path) -> None:
    policy = Policy.load(version)
    pdf = printed(policy_page(outline(policy.document), None), tmp_path)
    gates = {f"gate-{gate.id}".encode() for gate in policy.document.gates}
    assert gates <= set(re.findall(rb"gate-[\w-]+", pdf)), "each gate's row can be jumped to, so it is printed"
    assert any(gates <= links for links in linked(pdf)), "the line of gates is cut"
    assert pages_of(pdf) <= most


@browser
def test_a_decision_on_paper(tmp_path: Path) -> None:
    policy = Policy.load()
    trace = policy.explain(probe(HELLO, images=True, dry_run=False))
    assert 2 <= pages_of(printed(decision_page(outline(policy.document), trace), tmp_path)) <= 12
