"""Transcription -> the bytes of each output format."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from omrcli import __version__
from omrcli.errors import UsageError
from omrcli.score.measures import Measure
from omrcli.score.score import ExportOptions, Score, score_tokens
from omrcli.tokens import format_semantic

if TYPE_CHECKING:
    from omrcli.pipeline import Page, StaffReading, Transcription

Renderer = Callable[["Transcription", ExportOptions], bytes]

JSON_SCHEMA = "omr-transcription/1"
_PROBABILITY_DIGITS = 4
_PX_DIGITS = 1


def render_transcription(
    transcription: Transcription, format: str, options: ExportOptions | None = None
) -> bytes:
    """Return a transcription in one of the formats of `destinations.FORMATS`.

    Raises:
        UsageError: the format is unknown, or needs pitches that the model does not read.
    """
    renderer = _RENDERERS.get(format)
    if renderer is None:
        raise UsageError(f"Format {format!r} is unknown; choose from {', '.join(_RENDERERS)}.")
    return renderer(transcription, options or ExportOptions())


def transcription_record(transcription: Transcription) -> dict[str, Any]:
    """Return everything known about a transcription as plain values; lengths in quarter notes.

    Indices count from 0; boxes and x are in px of the page, as (left, top, right, bottom) and
    (left, right).
    """
    timings, model = transcription.timings, transcription.model
    return {
        "schema": JSON_SCHEMA,
        "version": __version__,
        "source": transcription.source,
        "sources": list(transcription.sources),
        "title": transcription.score.title if transcription.score else None,
        "composer": transcription.score.composer if transcription.score else None,
        "model": {
            "name": model.name,
            "version": model.spec.version,
            "sha256": model.sha256,
            "alphabet": model.spec.alphabet,
        },
        "options": {
            "device": transcription.device,
            "beam": transcription.options.beam,
            "batch_size": transcription.options.batch_size,
        },
        "pages": [_page_record(transcription, page) for page in transcription.pages],
        "measures": _measure_records(transcription.score),
        "quality": transcription.quality.record() if transcription.quality else None,
        "warnings": list(transcription.warnings),
        "seconds": {
            "staves": round(timings.staves, 4),
            "reading": round(timings.reading, 4),
            "score": round(timings.score, 4),
            "total": round(timings.total, 4),
        },
    }


def _render_semantic(transcription: Transcription, options: ExportOptions) -> bytes:
    """One line: a staff as it was read, or several joined; of several parts a line each."""
    score = transcription.score
    if len(transcription.staves) > 1 and score is not None:
        parts = (score_tokens(score, number) for number in range(len(score.parts)))
        return "".join(map(format_semantic, parts)).encode()
    return format_semantic([token.text for token in transcription.tokens]).encode()


def _render_json(transcription: Transcription, options: ExportOptions) -> bytes:
    """One line a transcription, so that several can share standard output."""
    record = transcription_record(transcription)
    # Bytes of a file name that are no text become escapes, as JSON has them.
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _render_musicxml(transcription: Transcription, options: ExportOptions) -> bytes:
    from .musicxml import musicxml_bytes

    return musicxml_bytes(_need_score(transcription), options)


def _render_mxl(transcription: Transcription, options: ExportOptions) -> bytes:
    from .musicxml import mxl_bytes

    return mxl_bytes(_need_score(transcription), options)


def _render_midi(transcription: Transcription, options: ExportOptions) -> bytes:
    from .midi import midi_bytes

    return midi_bytes(_need_score(transcription), options)


_RENDERERS: dict[str, Renderer] = {
    "musicxml": _render_musicxml,
    "xml": _render_musicxml,
    "mxl": _render_mxl,
    "mid": _render_midi,
    "midi": _render_midi,
    "semantic": _render_semantic,
    "json": _render_json,
}


def _need_score(transcription: Transcription) -> Score:
    if transcription.score is None:
        raise UsageError(
            f"Model {transcription.model.name!r} reads the agnostic encoding, "
            "which has no pitches; write .semantic or .json, or choose another --model."
        )
    return transcription.score


def _page_record(transcription: Transcription, page: Page) -> dict[str, Any]:
    readings = [reading for reading in transcription.staves if reading.page == page.index]
    return {
        "index": page.index,
        "source": page.source,
        "source_index": page.source_index,
        "width": page.width,
        "height": page.height,
        "staves": [_staff_record(reading, page) for reading in readings],
    }


def _staff_record(reading: StaffReading, page: Page) -> dict[str, Any]:
    staff = reading.staff
    box: tuple[float, ...] = (staff.x0, staff.y0, staff.x1, staff.y1)
    spans: list[tuple[float, ...]] = list(reading.spans)
    if page.warp is not None:
        warp = page.warp
        spans = [warp.page_box(left, staff.y0, right, staff.y1)[::2] for left, right in spans]
        box = warp.page_box(*box)
    return {
        "index": staff.index,
        "system": staff.system,
        "box": [round(float(edge), _PX_DIGITS) for edge in box],
        "interline": round(float(staff.interline), 2),
        "tokens": [
            {
                "text": token.text,
                "confidence": round(token.confidence, _PROBABILITY_DIGITS),
                "x": [round(float(x), _PX_DIGITS) for x in span],
            }
            for token, span in zip(reading.tokens, spans, strict=True)
        ],
    }


def _measure_records(score: Score | None) -> list[dict[str, Any]]:
    parts = score.parts if score is not None else ()
    return [
        _measure_record(number, measure)
        for number, part in enumerate(parts)
        for measure in part.measures
    ]


def _measure_record(part: int, measure: Measure) -> dict[str, Any]:
    return {
        "part": part,
        "number": measure.number,
        "staff": measure.staff,
        "status": measure.status,
        "expected": None if measure.expected is None else str(measure.expected),
        "actual": str(measure.actual),
        "padding": str(measure.padding),
        "events": [[event.staff, event.token] for event in measure.events if not event.filler],
    }
