"""Take docs/report-light.png, report-dark.png and report-phone.png: proof sheets in a browser.

`python docs/make_report_pictures.py PAGE` needs the extras `report` and `dev`, and Chromium. PAGE
is a page of a part, which is worn on purpose so that there is something to doubt.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from omrcli.pages.image import load_pages
from omrcli.pipeline import PageReading, TranscribeOptions, Transcriber, Watcher
from omrcli.report.proof import ALTERNATIVES, Proof

HERE = Path(__file__).parent
DUET = HERE.parent / "examples" / "duet.jpg"
WORN_INTERLINE = 8.0  # px
_COLOURS = 128


@dataclass(frozen=True)
class Shot:
    """A picture to take: window in px, scheme, and the keys pressed before."""

    name: str
    width: int
    height: int
    dark: bool = False
    phone: bool = False
    keys: tuple[str, ...] = ()


class _Keep(Watcher):
    def __init__(self, proof: Proof) -> None:
        self._proof = proof

    def finish_page(self, reading: PageReading | None) -> None:
        if reading is not None:
            self._proof.add(reading)


def write_report(transcriber: Transcriber, source: Path, path: Path) -> Path:
    """Transcribe a page and write its proof sheet."""
    proof = Proof()
    path.write_bytes(proof.render(transcriber.transcribe(source, _Keep(proof))))
    return path


def wear(source: Path, path: Path) -> Path:
    """Write a page as a small, blurred and noisy scan."""
    page = load_pages(source)[0].pixels
    scale = 680 / page.shape[1]
    small = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(1).normal(0, 16, small.shape)
    grey = cv2.GaussianBlur(small, (0, 0), 1.0) * 0.8 + 30 + noise
    cv2.imwrite(str(path), np.clip(grey, 0, 255).astype(np.uint8))
    return path


def take(browser: Browser, report: Path, shot: Shot) -> None:
    """Open a report, press keys and save the picture with few colours."""
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        color_scheme="dark" if shot.dark else "light",
        is_mobile=shot.phone,
        has_touch=shot.phone,
        device_scale_factor=1.5 if shot.phone else 1,
    )
    page: Page = context.new_page()
    page.goto(report.as_uri())
    page.wait_for_selector(".strip svg")
    for key in shot.keys:
        page.keyboard.press(key)
    page.wait_for_timeout(1000)
    data = np.frombuffer(page.screenshot(), np.uint8)
    context.close()
    write_small(cv2.imdecode(data, cv2.IMREAD_COLOR), HERE / f"report-{shot.name}.png")


def write_small(picture: np.ndarray, path: Path) -> None:
    """Write a PNG of a palette, which is a third of the size."""
    from PIL import Image

    image = Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    image.quantize(_COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
        path, optimize=True
    )


def main() -> None:
    """Make both reports and take the three pictures."""
    transcriber = Transcriber(TranscribeOptions(alternatives=ALTERNATIVES))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as program:
        worn = wear(Path(sys.argv[1]), Path(folder) / "violoncello.jpg")
        part = write_report(transcriber, worn, Path(folder) / "part.html")
        duet = write_report(transcriber, DUET, Path(folder) / "duet.html")
        browser = program.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        take(browser, part, Shot("light", 1280, 860, keys=("j", "j", "j")))
        take(browser, duet, Shot("dark", 1280, 860, dark=True))
        take(browser, part, Shot("phone", 390, 780, phone=True, keys=("j", "j")))
        browser.close()


if __name__ == "__main__":
    main()
