"""How many of the mistakes on worn pages does a proof sheet mark, and how much else?

`python tests/bench_report.py` wears the example pages in three ways and counts the tokens that are
wrong, and those marked from several thresholds of doubt. A mistake is found if its token is
doubtful or in a measure that does not add up.
"""

from __future__ import annotations

import tempfile
from difflib import SequenceMatcher
from pathlib import Path

import cv2
import numpy as np

from omrcli.debug_view import find_flags
from omrcli.errors import NothingRecognisedError
from omrcli.pipeline import StaffReading, TranscribeOptions, Transcriber, Transcription
from omrcli.report.sheet import measure_doubt

EXAMPLES = Path(__file__).parent.parent / "examples"
PAGES = ("duet.jpg", "greensleeves.png", "ode-to-joy.png", "symphony-5.png")
#: Interline in px, blur in px and noise in greys.
WEAR = ((6.5, 1.0, 14.0), (6.2, 1.0, 16.0), (6.0, 0.9, 14.0))
THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
CONFIDENCES = (0.8, 0.9, 0.95)


def wear(page: np.ndarray, scale: float, blur: float, noise: float) -> np.ndarray:
    """A page as a small, blurred and noisy scan."""
    small = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grain = np.random.default_rng(7).normal(0, noise, small.shape)
    grey = cv2.GaussianBlur(small, (0, 0), blur) * 0.8 + 30 + grain
    return np.clip(grey, 0, 255).astype(np.uint8)


def find_mistakes(read: StaffReading, truth: StaffReading) -> set[int]:
    """Tokens that are wrong; of what was missed, the token before."""
    texts, right = ([token.text for token in each.tokens] for each in (read, truth))
    wrong: set[int] = set()
    for kind, i, j, _, _ in SequenceMatcher(None, texts, right, autojunk=False).get_opcodes():
        if kind != "equal":
            wrong |= set(range(i, j)) or {max(0, i - 1)}
    return wrong


def judge(worn: Transcription, clean: Transcription) -> list[tuple[bool, float, bool, float]]:
    """For each token whether it is wrong, its doubt, whether its measure is marked, confidence."""
    flagged = {(f.staff, token) for f in find_flags(worn.score) for token in f.tokens}  # type: ignore[arg-type]
    rows = []
    for staff, (read, truth) in enumerate(zip(worn.staves, clean.staves, strict=True)):
        wrong = find_mistakes(read, truth)
        for place, token in enumerate(read.tokens):
            marked = (staff, place) in flagged
            rows.append((place in wrong, measure_doubt(read, place), marked, token.confidence))
    return rows


def main() -> None:
    """Print a line for each threshold; pages whose staves were not all found are left out."""
    transcriber = Transcriber(TranscribeOptions(alternatives=5))
    rows: list[tuple[bool, float, bool, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in PAGES:
            clean = transcriber.transcribe(EXAMPLES / name)
            page = cv2.imread(str(EXAMPLES / name), cv2.IMREAD_GRAYSCALE)
            for interline, blur, noise in WEAR:
                scale = interline / clean.staves[0].staff.interline
                path = Path(folder) / "worn.png"
                cv2.imwrite(str(path), wear(page, scale, blur, noise))
                try:
                    worn = transcriber.transcribe(path)
                except NothingRecognisedError:
                    continue
                if len(worn.staves) == len(clean.staves):
                    rows += judge(worn, clean)
    wrong = [row for row in rows if row[0]]
    print(f"{len(rows)} tokens, {len(wrong)} wrong, {sum(r[2] for r in wrong)} in marked measures")
    for threshold in THRESHOLDS:
        marked = [row for row in rows if row[1] >= threshold]
        found = sum(row[1] >= threshold or row[2] for row in wrong)
        right = sum(row[0] for row in marked)
        print(f"doubt from {threshold:.0%}: {len(marked)} marked, {right} wrong; found {found}")
    for confidence in CONFIDENCES:
        marked = [row for row in rows if row[3] < confidence]
        right = sum(row[0] for row in marked)
        print(f"confidence under {confidence:.0%}: {len(marked)} marked, {right} of them wrong")


if __name__ == "__main__":
    main()
