"""`python -m tests.bench_pages PART.pdf`: memory and time of a long PDF, made of a shorter one.

The pages of the PDF given are repeated until there are as many as asked for. Each length is read to
MusicXML in a process of its own: memory should not grow with the pages.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import pypdfium2

from tests.bench import measure_process


def write_long(source: Path, count: int, target: Path) -> None:
    """Write a PDF of `count` pages, those of `source` in turn."""
    short = pypdfium2.PdfDocument(source)
    long = pypdfium2.PdfDocument.new()
    for number in range(count):
        long.import_pages(short, [number % len(short)])
    long.save(target)


def main() -> None:
    """Print a line for each length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", type=Path, help="a PDF of music")
    parser.add_argument("--pages", type=int, nargs="+", default=[1, 10, 40])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for count in asked.pages:
            path = Path(name) / f"{count}.pdf"
            write_long(asked.part, count, path)
            cost = measure_process("transcribe", str(path), "-o", str(Path(name) / "out.musicxml"))
            print(f"{count:4} pages  {cost}  {cost.cpu / count:.2f} s of processor a page")


if __name__ == "__main__":
    main()
