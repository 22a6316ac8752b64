"""Optical music recognition.

The arrow, one module for each noun: image -> staves -> logits -> tokens -> score -> MusicXML, MIDI.

    import omrcli

    reading = omrcli.transcribe("page.png")
    reading.save("page.musicxml")

See docs/api.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "ExportOptions",
    "DoubtfulError",
    "InputError",
    "MissingDependencyError",
    "ModelError",
    "NothingRecognisedError",
    "OmrError",
    "OutputError",
    "Piece",
    "Score",
    "Staff",
    "StaffReading",
    "Token",
    "TranscribeOptions",
    "Transcriber",
    "Transcription",
    "UsageError",
    "__version__",
    "transcribe",
]

if TYPE_CHECKING:
    from omrcli.errors import (
        DoubtfulError,
        InputError,
        MissingDependencyError,
        ModelError,
        NothingRecognisedError,
        OmrError,
        OutputError,
        UsageError,
    )
    from omrcli.pages.piece import Piece
    from omrcli.pipeline import (
        StaffReading,
        TranscribeOptions,
        Transcriber,
        Transcription,
        transcribe,
    )
    from omrcli.score.score import ExportOptions, Score
    from omrcli.staves.staff import Staff
    from omrcli.tokens import Token

_HOMES = {
    "ExportOptions": "score.score",
    "Piece": "pages.piece",
    "Score": "score.score",
    "Staff": "staves.staff",
    "StaffReading": "pipeline",
    "Token": "tokens",
    "TranscribeOptions": "pipeline",
    "Transcriber": "pipeline",
    "Transcription": "pipeline",
    "transcribe": "pipeline",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used: `import omrcli` itself loads nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES.get(name, 'errors')}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
