"""Staves that begin a part without a clef: the clef of the part's later staves is taken, or treble.

Where the picture shows no clef, what a network read as one is left out, and the key with it. Staves
that follow another of their part are read on with the clef in force there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from omrcli.reading.decoding import Unit

from .parts import Arrangement, System

#: The clef taken where nothing tells of one, and how sure a clef is that was only taken.
_USUAL, _TAKEN = "clef-G2", 0.5
_SIGNS = ("clef-", "keySignature-", "8va", "8vb", "15ma", "15mb")


def leave_out_signs(units: Sequence[Unit], names: Sequence[str]) -> tuple[Unit, ...]:
    """The positional units of a staff without the clef and key that it seems to begin with."""
    for place, unit in enumerate(units):
        if not names[unit.index].startswith(_SIGNS):
            return tuple(units[place:])
    return ()


def find_missing_clefs(
    staves: Sequence[Sequence[Unit]], names: Sequence[str], arrangement: Arrangement
) -> dict[int, str]:
    """The clefs to take for staves that begin a part without one, by the index of the staff."""
    found = {}
    for part in range(arrangement.parts):
        indices = [index for _, index in _staves_of(arrangement, part)]
        clefs = [_first_clef(staves[index], names) for index in indices]
        if indices and clefs[0] is None and staves[indices[0]]:
            found[indices[0]] = next(filter(None, clefs), _USUAL)
    return found


def add_clefs(
    staves: Sequence[tuple[Unit, ...]], clefs: Mapping[int, str], names: Sequence[str]
) -> tuple[tuple[Unit, ...], ...]:
    """The units of all staves, with clefs at the start of those that are to have one."""
    result = list(staves)
    for index, clef in clefs.items():
        first = staves[index][0]
        unit = Unit(list(names).index(clef), _TAKEN, first.start, first.end)
        result[index] = (unit, *staves[index])
    return tuple(result)


def tell_missing(clefs: Mapping[int, str], arrangement: Arrangement) -> list[str]:
    """Sentences on the clefs that were taken."""
    return [
        f"{str(system).capitalize()}: no clef is printed at the start of"
        f"{f' part {part + 1}' if arrangement.parts > 1 else ' the staff'}; "
        f"{clefs[index].replace('-', ' ')} was taken."
        for part in range(arrangement.parts)
        for system, index in _staves_of(arrangement, part)
        if index in clefs
    ]


def _staves_of(arrangement: Arrangement, part: int) -> Iterator[tuple[System, int]]:
    """The systems that have a staff of a part, and the index of that."""
    for system in arrangement.systems:
        index = system.staves[part]
        if index is not None:
            yield system, index


def _first_clef(units: Sequence[Unit], names: Sequence[str]) -> str | None:
    """The clef before the first note or rest of a staff."""
    for unit in units:
        name = names[unit.index]
        if name.startswith("clef-"):
            return name
        if name.startswith(("note.", "grace", "rest.", "multirest")):
            return None
    return None
