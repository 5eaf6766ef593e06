"""A browser's page on the console: it logs in as people do, and remembers everything that went wrong on the way."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Page, Response, expect

from tests.e2e.router_harness import Answer, Router
from tests.tidy.python_source import ROOT

AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")
WORDS = {
    "zh-CN": {"log_in": "登录", "records": "使用记录", "costs": "成本统计", "search": "查询"},
    "en": {"log_in": "Log in", "records": "Usage records", "costs": "Cost statistics", "search": "Search"},
}


class ConsolePage:
    """One tab.

    `session` is the cookie of an administrator who has logged in before. `faults` are errors of scripts, refused styles
    and scripts, and answers of 400 and more.
    """

    def __init__(self, page: Page, router: Router, session: str, screenshots: Path) -> None:
        self.page = page
        self.router = router
        self.session = session
        self.screenshots = screenshots
        self.faults: list[str] = []
        self.expected: set[int] = set()  # statuses that a test provokes
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("response", self._answered)

    def open(self, path: str = "") -> None:
        """Go to an address below /console and wait until the page stands."""
        self.page.goto(f"{self.router.address}/console{path}")
        self.page.locator("h1").first.wait_for()

    def enter(self, way: int, *words: str) -> None:
        """Log in by the first (name and password), second (key) or third (token) way; stays where that leads."""
        self.page.locator(".login-ways .el-radio-button").nth(way).click()
        fields = self.page.locator("form input:not([type=radio])")
        for index, word in enumerate(words):
            fields.nth(index).fill(word)
        self.page.locator("form button[type=submit]").click()

    def log_in(self, way: int, *words: str, path: str = "") -> None:
        """Log in and be where one wanted to go."""
        self.expected.add(401)  # the question who one is, before one has said so
        self.open(path)
        self.enter(way, *words)
        expect(self.page.locator("nav.side").first).to_be_attached()

    def sign_in(self, path: str) -> None:
        """Be at a page as the administrator, with a session that was opened before."""
        name, _, value = self.session.partition("=")
        self.page.context.add_cookies([{"name": name, "value": value, "url": self.router.address}])
        self.open(path)
        self.settle()

    def speak(self, language: str) -> None:
        """Switch the language if it is another one."""
        if self.page.locator("html").get_attribute("lang") != language:
            self.page.get_by_role("button", name="English" if language == "en" else "中文").click()
        expect(self.page.locator("html")).to_have_attribute("lang", language)

    def administer(self, method: str, path: str, body: object = None) -> Answer:
        """A change by the administrator, past the page."""
        return self.router.ask(method, path, body, authorization=f"Bearer {self.router.token}")

    def settle(self) -> None:
        """Wait until no question is under way."""
        self.page.wait_for_load_state("networkidle")
        expect(self.page.locator("[aria-busy=true]")).to_have_count(0)

    def table(self, name: str) -> list[list[str]]:
        """The texts of a table's body, by its caption."""
        rows = self.page.get_by_role("region", name=name, exact=True).locator("tbody tr")
        return [[cell.strip() for cell in row.locator("td").all_inner_texts()] for row in rows.all()]

    def shoot(self, name: str) -> None:
        """Keep a picture for whoever wants to look."""
        self.page.screenshot(path=self.screenshots / f"{name}.png", full_page=True, animations="disabled")

    def grave_barriers(self) -> list[str]:
        """What axe finds that keeps people out."""
        self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{each['id']}: {json.dumps([node['html'][:200] for node in each['nodes'][:3]], ensure_ascii=False)}"
            for each in found["violations"]
            if each["impact"] in GRAVE
        ]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.faults.append(f"{message.type}: {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.faults.append(f"{response.status}: {response.url}")
