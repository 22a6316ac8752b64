"""Proof sheets opened in Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.report.sheets import Open

if TYPE_CHECKING:
    from omrcli.report.sheet import ProofSheet

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
WAIT = 60_000  # ms: machines that run tests are slow at times


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium; a test that needs it is skipped where it, or what drives it, is not installed."""
    for package in ("jinja2", "verovio"):
        pytest.importorskip(package)
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    with playwright.sync_playwright() as program:
        found = program.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def open_sheet(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a proof sheet; at the end there must have been no error, request or dialog."""
    from omrcli.report.page import render_page

    troubles: list[str] = []
    contexts = []

    def show(sheet: ProofSheet, **options: Any) -> Any:
        path = tmp_path / "proof.html"
        path.write_bytes(render_page(sheet))
        context = browser.new_context(accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT)
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        page.on("request", lambda request: _note_request(request.url, path, troubles))
        page.goto(path.as_uri())
        page.wait_for_selector(".strip svg")
        return page

    show.troubles = troubles  # type: ignore[attr-defined]
    yield show
    for context in contexts:
        context.close()
    assert troubles == []


def _note_request(url: str, path: Path, troubles: list[str]) -> None:
    if url != path.as_uri() and not url.startswith(("data:", "blob:")):
        troubles.append(url)
