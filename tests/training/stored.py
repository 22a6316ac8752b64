"""Tiny stored staves for the training tests: each unit is a bar of its own height on five lines."""

from __future__ import annotations

import cv2
import numpy as np

from omrcli.staves.staff import StaffGeometry
from omrcli.training.data import STORE_GEOMETRY, STORE_INTERLINE, StoredStaff

TEXTS = ("barline", "tie", "rest-quarter")
GEOMETRY = StaffGeometry(8, 5, 5)


def make_staff(number: int, length: int) -> StoredStaff:
    """A staff of `length` random texts, the same for the same number."""
    rng = np.random.default_rng(number)
    geometry = STORE_GEOMETRY
    unit = STORE_INTERLINE
    pixels = np.zeros((geometry.height, unit * (2 * length + 2)), np.uint8)
    for line in range(5):
        pixels[(geometry.above + line) * unit] = 255
    picks = rng.integers(0, len(TEXTS), length)
    for place, pick in enumerate(picks):
        left, top = unit * (2 * place + 1), (geometry.above + int(pick)) * unit
        pixels[top : top + 2 * unit, left : left + unit] = 255
    png = cv2.imencode(".png", pixels)[1].tobytes()
    return StoredStaff(f"s{number}", png, pixels.shape[1], tuple(TEXTS[p] for p in picks))


def make_staves(count: int) -> list[StoredStaff]:
    """Staves of several lengths."""
    return [make_staff(number, 2 + number % 5) for number in range(count)]
