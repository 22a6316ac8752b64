"""Makers of samples and of models that answer by heart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omrcli.evaluation.evaluate import EvalModel, Reading

TRUTHS = {
    "a": ("clef-G2", "timeSignature-3/4", "note-C4_quarter", "tie", "note-C4_quarter", "barline"),
    "b": ("clef-F4", "note-D3_half_fermata", "barline", "rest-half"),
    "c": ("clef-C3", "gracenote-D4_eighth", "note-E4_half", "barline"),
}


@dataclass(frozen=True)
class Sample:
    id: str
    truth: tuple[str, ...] | Exception
    is_score: bool = False

    @property
    def image(self) -> Path:
        return Path(f"{self.id}.png")

    @property
    def tokens(self) -> tuple[str, ...]:
        if isinstance(self.truth, Exception):
            raise self.truth
        return self.truth


def make_model(name: str, answers: Mapping[str, Sequence[str] | Exception]) -> EvalModel:
    """A model that gives an answer by heart, or fails, and is right where it has none."""

    def read(image: Path) -> Reading:
        answer = answers.get(image.stem, TRUTHS.get(image.stem, ()))
        if isinstance(answer, Exception):
            raise answer
        return Reading(tuple(answer))

    return EvalModel(name, "0" * 64, read)
