"""Proof sheets made without a network: staves of given tokens on a page drawn for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from omrcli.pipeline import Page, StaffReading, Timings, TranscribeOptions, Transcription
from omrcli.reading.alternatives import Alternative
from omrcli.registry import Model
from omrcli.report.crops import Crop, cut_staff_image
from omrcli.report.sheet import ProofSheet, make_sheet
from omrcli.score.checks import score_warnings
from omrcli.score.score import build_score
from omrcli.staves.staff import Staff
from omrcli.tokens import Token
from tests import tiny

INTERLINE = 10
STEP = 50.0  # px from token to token
LEFT = 40.0
#: Opens a sheet in a browser, and returns its page.
Open = Callable[..., Any]
#: What a staff of a test says, token by token.
Texts = Sequence[str]
OPENING = ("clef-G2", "keySignature-DM", "timeSignature-3/4")
FIRST = (*OPENING, "note-D4_quarter", "note-E4_quarter", "note-F#4_quarter", "barline")
SECOND = ("clef-G2", "keySignature-DM", "note-A4_half", "note-B4_half", "barline-final")
THREE = "timeSignature-3/4"
FULL, SHORT, LONG = ("note-D4_half.",), ("note-D4_half",), ("note-D4_half", "note-D4_half")


def write_staff(*measures: Texts, clef: str = "clef-G2", time: str = THREE) -> Texts:
    """A staff of some measures, each with a barline behind it."""
    signs = (clef, time) if time else (clef,)
    return (*signs, *(text for measure in measures for text in (*measure, "barline")))


def make_staff(top: int, count: int, system: int, index: int) -> Staff:
    """A level staff with room for so many tokens."""
    right = LEFT + STEP * (count + 1)
    xs = np.array([LEFT, right])
    lines = tuple(np.full(2, float(top + INTERLINE * n)) for n in range(5))
    box = (LEFT, float(top), right, float(top + 4 * INTERLINE))
    return Staff(*box, lines, xs, float(INTERLINE), 1.0, system, index)


def draw_page(staves: Sequence[Staff]) -> np.ndarray:
    """White paper with the lines of the staves."""
    width = int(max(staff.x1 for staff in staves)) + 40
    page = np.full((int(staves[-1].y1) + 100, width), 255, np.uint8)
    for staff in staves:
        for line in staff.lines:
            page[int(line[0]), int(staff.x0) : int(staff.x1)] = 0
    return page


def make_transcription(
    systems: Sequence[Sequence[Texts]],
    unsure: Mapping[tuple[int, int], tuple[float, Sequence[Alternative]]] | None = None,
    title: str | None = None,
    source: str = "piece.png",
) -> tuple[Transcription, list[Crop]]:
    """Systems of staves as if they were read; `unsure` are tokens by staff and place with their
    confidence and alternatives, all others are sure."""
    unsure = unsure or {}
    flat = [(n, texts) for n, system in enumerate(systems) for texts in system]
    staves = [
        make_staff(100 + 200 * index, len(texts), system, index)
        for index, (system, texts) in enumerate(flat)
    ]
    page = draw_page(staves)
    crops = [cut_staff_image(page, s, [o for o in staves if o is not s]) for s in staves]
    readings = []
    for index, (staff, (_, texts)) in enumerate(zip(staves, flat, strict=True)):
        doubts = [unsure.get((index, place), (0.99, ())) for place in range(len(texts))]
        tokens = tuple(
            Token(text, doubts[place][0], place, place + 1) for place, text in enumerate(texts)
        )
        middles = [LEFT + STEP * (place + 1) for place in range(len(texts))]
        spans = tuple((x - 5, x + 5) for x in middles)
        others = tuple(tuple(doubt[1]) for doubt in doubts)
        readings.append(StaffReading(0, staff, tokens, spans, alternatives=others))
    from omrcli.report.sheet import place_lines

    score = build_score(list(place_lines(readings)), title)
    transcription = Transcription(
        sources=(source,),
        pages=(Page(0, page.shape[1], page.shape[0], source),),
        staves=tuple(readings),
        score=score,
        model=Model(Path("tiny.onnx"), tiny.SPEC, "0" * 64),
        options=TranscribeOptions(),
        device="cpu",
        timings=Timings(0, 0, 0),
        warnings=tuple(score_warnings(score)),
    )
    return transcription, crops


def proof_of(*args: object, **named: object) -> ProofSheet:
    """The proof sheet of `make_transcription`'s staves."""
    return make_sheet(*make_transcription(*args, **named))  # type: ignore[arg-type]


def agnostic(transcription: Transcription) -> Transcription:
    """As a model of the agnostic alphabet would have read it."""
    spec = replace(tiny.SPEC, alphabet="agnostic")
    return replace(transcription, score=None, model=replace(transcription.model, spec=spec))
