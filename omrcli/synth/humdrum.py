"""Humdrum text -> one text per monophonic `**kern` spine: they import faster than the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

#: A spine in which more of the notes than this stand in chords is no part for one voice.
MAX_CHORD_SHARE = 0.2


@dataclass
class _Spine:
    """One spine of the score, as it is collected."""

    kind: str
    lines: list[str] = field(default_factory=list)
    notes: int = 0
    chords: int = 0
    split: bool = False

    def take(self, cell: str) -> None:
        if cell in ("", ".", "*") or cell.startswith("!") or cell in ("*^", "*v", "*x", "*+"):
            return
        self.lines.append(cell)
        if cell[0] not in "*=!":
            self.notes += 1
            self.chords += " " in cell

    @property
    def is_monophonic(self) -> bool:
        return (
            self.kind == "**kern"
            and not self.split
            and self.notes > 0
            and self.chords <= MAX_CHORD_SHARE * self.notes
        )


def split_spines(text: str) -> list[str]:
    """The `**kern` spines that stay one voice throughout, each as a Humdrum text of its own.

    Spines that split into subspines, hold mostly chords, or hold other data are left out.
    """
    spines: list[_Spine] = []
    columns: list[_Spine] = []
    for line in text.splitlines():
        if not line or line.startswith("!!"):
            continue
        cells = line.split("\t")
        if line.startswith("**") and not columns:
            columns = [_Spine(cell) for cell in cells]
            spines += columns
        if len(cells) != len(columns):
            continue  # a damaged line, or one before the first spine
        for spine, cell in zip(columns, cells, strict=True):
            spine.take(cell)
        if line.startswith("*"):
            columns = _next_columns(columns, cells, spines)
    return ["\n".join(spine.lines) + "\n" for spine in spines if spine.is_monophonic]


def _next_columns(
    columns: Sequence[_Spine], cells: Sequence[str], spines: list[_Spine]
) -> list[_Spine]:
    """Which spine each column belongs to after a line of interpretations."""
    after: list[_Spine] = []
    for spine, cell in zip(columns, cells, strict=True):
        if cell == "*^":
            spine.split = True
            after += [spine, spine]
        elif cell == "*+":
            added = _Spine("")
            spines.append(added)
            after += [spine, added]
        elif cell == "*v" and after and after[-1] is spine:
            continue
        elif cell == "*x":
            spine.split = True  # exchanged columns are rare: give both spines up
            after.append(spine)
        elif cell != "*-":
            after.append(spine)
    return after
