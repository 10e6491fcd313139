"""A report opened in a real browser, driven over its own debugging port."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import websocket

from radnb.reporting.figures_patients import flow
from radnb.reporting.first_screen import first_screen
from tests.reporting.pages import report
from tests.reporting.stories import story

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
CHROMIUM = os.environ.get("RADNB_CHROMIUM") or next((p for n in NAMES if (p := shutil.which(n))), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-component-update", "--disable-background-networking", "--remote-debugging-port=0",
         "--remote-allow-origins=*")
EVIL = '"><script>document.title="PWNED"</script><img src=x onerror="document.title=\'PWNED\'">'

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium found: install one or name it in RADNB_CHROMIUM")


class Browser:
    """One tab: it opens a page, collects what went wrong and answers questions."""

    def __init__(self, address: str) -> None:
        self.socket = websocket.create_connection(address, timeout=30)
        self.number = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while (answer := json.loads(self.socket.recv())).get("id") != self.number:
            self.events.append(answer)
        return dict(answer.get("result", {}))

    def open(self, path: Path, *, width: int = 1280) -> None:
        self.events.clear()
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Page.navigate", url=path.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(json.loads(self.socket.recv()))
        self.ask("document.fonts.ready.then(() => 1)")

    def ask(self, expression: str) -> Any:
        found = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        return found["result"].get("value")

    def addresses(self) -> set[str]:
        return {event["params"]["request"]["url"].split(":")[0] for event in self.events
                if event.get("method") == "Network.requestWillBeSent"}

    def complaints(self) -> list[dict[str, Any]]:
        bad = ("Network.loadingFailed", "Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [event for event in self.events if event.get("method") in bad]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    profile = tmp_path_factory.mktemp("profile")
    process = subprocess.Popen([str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", "about:blank"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        port = _port(profile / "DevToolsActivePort")
        tab = Browser(_tab(port))
        yield tab
        tab.socket.close()
    finally:
        process.terminate()
        process.wait(15)


def _port(path: Path) -> str:
    for _ in range(150):
        if path.is_file() and "\n" in path.read_text(encoding="utf-8"):
            return path.read_text(encoding="utf-8").splitlines()[0]
        time.sleep(0.1)
    raise TimeoutError("Chromium did not start within 15 s")


def _tab(port: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=10) as answer:
        return str(next(tab["webSocketDebuggerUrl"] for tab in json.load(answer) if tab["type"] == "page"))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report(story("improved", "zh"), tmp_path_factory.mktemp("甲 医院"))


def test_a_report_opens_without_any_complaint_or_request(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.complaints() == []
    assert browser.addresses() <= {"file", "data"}
    assert browser.ask("[...document.images].every(i => i.naturalWidth > 0)")


def test_the_embedded_font_is_used(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.ask("[...document.fonts].filter(f => f.status === 'loaded').length") >= 2


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_screen(browser: Browser, page: Path, width: int) -> None:
    browser.open(page, width=width)
    assert browser.ask("document.documentElement.scrollWidth") <= width


def test_the_first_screen_is_one_printed_page(browser: Browser, page: Path) -> None:
    browser.open(page)
    printed = browser.call("Page.printToPDF", preferCSSPageSize=True, generateTaggedPDF=False, pageRanges="1")["data"]
    assert len(printed) > 10_000
    browser.call("Emulation.setEmulatedMedia", media="print")
    height = browser.ask("document.querySelector('#first-screen').getBoundingClientRect().height")
    browser.call("Emulation.setEmulatedMedia", media="")
    assert height < (297 - 30) / 25.4 * 96


def test_scripts_from_a_card_do_not_run(browser: Browser, tmp_path: Path) -> None:
    told = story("improved", question={"en": EVIL, "zh": EVIL}, contact=EVIL, source=EVIL, not_studied=EVIL)
    raw = nbformat.v4.new_output("display_data", data={"text/html": EVIL}, metadata={"radnb": {"part": "more"}})
    shown = [first_screen(told), flow(told)]
    html = report(told, tmp_path, shown=shown, extra=(nbformat.v4.new_code_cell("x", outputs=[raw], id="raw"),))
    assert re.search(r"<script>document", html.read_text(encoding="utf-8"))  # the policy alone must hold this one
    browser.open(html)
    time.sleep(0.3)
    assert browser.ask("document.title") != "PWNED"
