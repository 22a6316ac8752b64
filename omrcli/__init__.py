"""Optical music recognition.

The arrow, one module for each noun: image -> staves -> logits -> tokens -> score -> MusicXML, MIDI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["OmrError", "TranscribeOptions", "Transcription", "__version__", "transcribe"]

if TYPE_CHECKING:
    from .errors import OmrError
    from .pipeline import TranscribeOptions, Transcription, transcribe


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used: `import omrcli` itself loads nothing."""
    if name == "OmrError":
        from .errors import OmrError

        return OmrError
    if name in __all__:
        from . import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
