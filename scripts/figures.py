"""One source for the measured figures that several documents repeat: docs/figures.json.

    python scripts/figures.py                      fill the marked places of all documents
    python scripts/figures.py --check              fail where a marked place differs
    omr eval SET --json | python scripts/figures.py record NAME FIELD "COMMAND"

A marked place is <!-- fig:NAME -->0.22 %<!-- /fig -->. FIELD is a path into the JSON, such as
`results.0.note_error_rate`; the value is multiplied by the figure's `scale`.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "docs" / "figures.json"
_PLACE = re.compile(r"(<!-- fig:([\w.-]+) -->)(.*?)(<!-- /fig -->)")

Figures = dict[str, dict[str, Any]]


def documents() -> list[Path]:
    """The documents that may have marked places."""
    return [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("models/*.md"))]


def fill(text: str, figures: Figures) -> str:
    """The text with the value of its figure in each marked place.

    Raises:
        KeyError: a place names a figure that is not there.
    """

    def show(place: re.Match[str]) -> str:
        figure = figures[place[2]]
        return f"{place[1]}{figure['value']} {figure['unit']}".rstrip() + place[4]

    return _PLACE.sub(show, text)


def stale_documents(figures: Figures) -> list[Path]:
    """The documents of which a marked place differs from its figure."""
    texts = {path: path.read_text(encoding="utf-8") for path in documents()}
    return [path for path, text in texts.items() if fill(text, figures) != text]


def record(figures: Figures, name: str, found: Any, field: str, command: str) -> None:
    """Put a value of a command's JSON output into the figures, rounded as the one before."""
    for step in field.split("."):
        found = found[int(step)] if isinstance(found, list) else found[step]
    before = figures.setdefault(name, {"value": "0.00", "unit": "%", "scale": 100})
    digits = len(before["value"].partition(".")[2])
    before["value"] = f"{float(found) * before.get('scale', 1):.{digits}f}"
    before["command"] = command
    before["machine"] = platform.machine()
    before["date"] = datetime.date.today().isoformat()


def main() -> int:
    """Fill, check or record; the status is 1 where a check fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("record", nargs="*", metavar="record NAME FIELD COMMAND")
    wanted = parser.parse_args()
    figures: Figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    if wanted.check:
        stale = stale_documents(figures)
        for path in stale:
            print(f"{path} differs from docs/figures.json; run: python scripts/figures.py")
        return int(bool(stale))
    if wanted.record:
        _, name, field, command = wanted.record
        record(figures, name, json.load(sys.stdin), field, command)
        text = json.dumps(figures, indent=2, ensure_ascii=False)
        FIGURES.write_text(text + "\n", encoding="utf-8")
    for path in stale_documents(figures):
        path.write_text(fill(path.read_text(encoding="utf-8"), figures), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
