"""People at the page in a real browser: by keyboard alone, two at once, without a connection."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmal.core.records import Annotation
from llmal.ledger import Ledger

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
    pytest.mark.slow,
]
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}",
    "\u202etxet desrever\u202c",
    "🍲 emoji 👩\u200d🍳 e\u0301",
    "long " * 20_000,
    "نص عربي عن الطعام",
    "漢字のテキスト、猫。",
]
CONFIG = """
task: {name: beings, labels: {animal: a living being, food: something to eat}, guidelines: Say it.}
data: {pool: pool.csv}
annotator: {name: human, via: queue}
selector: random
start: {selector: random, items: 60}
budget: {batch: 20}
"""


class Server:
    """`llmal review` in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        rows = [*HOSTILE, *(f"{('cat', 'soup')[n % 2]} number {n}" for n in range(72))]
        with (folder / "pool.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text"])
            writer.writerows([f"i{n}", text] for n, text in enumerate(rows))
        (folder / "run.yaml").write_text(CONFIG)
        self.port = 0
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "llmal", "review", str(self.folder / "run.yaml"), "--no-browser",
             "--name", "lea", "--port", str(self.port)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert self.process.stdout is not None
        found = re.search(r"http\S+", self.process.stdout.readline())
        assert found is not None
        self.address = found.group()
        self.base = self.address.partition("/enter")[0]
        self.port = int(self.base.rpartition(":")[2])

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def answers(self) -> list[Annotation]:
        with Ledger.open(self.folder / "runs" / "beings" / "ledger.sqlite", read_only=True) as one:
            return list(one.annotations())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path)
    yield found
    found.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@contextlib.contextmanager
def _person(browser: Any, address: str, **options: Any) -> Iterator[Any]:
    """A window of somebody's own; no script of a text may run in it."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(90_000)
    said: list[str] = []

    def answer(dialog: Any) -> None:
        # That something is not stored yet is said to who leaves; nothing else may speak.
        if dialog.type != "beforeunload":
            said.append(dialog.message)
        dialog.accept()

    page.on("dialog", answer)
    page.on("pageerror", lambda one: said.append(str(one)))
    page.goto(address)
    page.wait_for_selector(".text")
    yield page
    assert said == []
    context.close()


def _link(page: Any, server: Server, name: str) -> str:
    """What the lead does to let somebody in."""
    page.goto(f"{server.base}/lead")
    page.fill("#person", name)
    page.keyboard.press("Enter")
    return str(page.get_attribute("#invited a", "href"))


def _stored(page: Any) -> None:
    page.wait_for_selector("#stored:text-is('all stored')")


def _text(page: Any) -> str:
    return str(page.inner_text(".text"))


def test_thirty_texts_by_keyboard_alone(server: Server, browser: Any) -> None:
    with _person(browser, server.address) as page:
        seen: list[str] = []
        for number in range(30):
            page.wait_for_selector(".text")
            seen.append(_text(page))
            if number == 3:
                page.keyboard.press("s")
            elif number == 5:
                page.keyboard.press("c")
                page.keyboard.type("about a soup?")
                page.keyboard.press("Escape")
                page.keyboard.press("x")
                page.keyboard.press("2")
            else:
                page.keyboard.press("12"[number % 2])
            if number == 10:
                page.keyboard.press("u")
                assert _text(page) == seen[-1]
                page.keyboard.press("2")
        _stored(page)
    answers = server.answers()
    last = {one.item_id: one for one in answers}
    assert len(last) == 30
    assert len(set(seen)) == 30
    assert Counter(one.label for one in last.values()) == {"animal": 14, "food": 15, None: 1}
    [noted] = [one for one in answers if one.rationale]
    assert (noted.rationale, noted.flags, noted.label) == ("about a soup?", ("unclear",), "food")
    assert {one.annotator for one in answers} == {"lea"}


def test_hostile_texts_are_text(server: Server, browser: Any) -> None:
    with _person(browser, server.address) as page:
        seen = set()
        for _ in range(80):
            if page.query_selector(".text") is None:
                page.wait_for_selector(".text")
            seen.add(page.evaluate("document.querySelector('.text').textContent"))
            page.keyboard.press("1")
        assert seen >= set(HOSTILE)
        page.wait_for_selector("#state:has-text('All is done')")
    assert len({one.item_id for one in server.answers()}) == 80


def test_two_at_once_a_kill_and_no_connection(server: Server, browser: Any) -> None:
    with _person(browser, server.address) as lea:
        link = _link(lea, server, "ben")
        lea.goto(server.base)
        lea.wait_for_selector(".text")
        with _person(browser, link) as ben:
            for number in range(24):
                for page in (lea, ben):
                    page.wait_for_selector(".text")
                    page.keyboard.press("12"[number % 2])
                if number == 6:
                    server.kill()
                if number == 8:
                    assert "not stored yet" in lea.inner_text("#stored")
                    server.start()
                if number == 14:
                    ben.context.set_offline(True)
                if number == 16:
                    time.sleep(3)
                    assert "not stored yet" in ben.inner_text("#stored")
                    ben.context.set_offline(False)
            for page in (lea, ben):
                _stored(page)
            # A window that is closed before all is stored has it when it is opened again.
            ben.context.set_offline(True)
            ben.wait_for_selector(".text")
            ben.keyboard.press("1")
            ben.context.set_offline(False)
            ben.goto(server.base, wait_until="load")
            _stored(ben)
    answers = server.answers()
    counts = Counter((one.item_id, one.annotator) for one in answers)
    assert max(counts.values()) == 1
    assert len({one.item_id for one in answers}) == len(answers) == 49
    assert Counter(one.annotator for one in answers) == {"lea": 24, "ben": 25}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_axe_finds_nothing(server: Server, browser: Any, scheme: str, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    # The policy lets no script of others in, that of the test included.
    with _person(browser, server.address, bypass_csp=True, **options) as page:
        page.keyboard.press("1")
        for path in ("", "/lead", "/nobody"):
            if path:
                page.goto(server.base + path)
            found = Axe().run(page).response["violations"]
            assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
        page.goto(server.base)
        page.wait_for_selector(".text")
        page.keyboard.press("?")
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
