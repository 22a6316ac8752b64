"""Clefs and key signatures on which the staves of a part agree, where one of them was misread.

An engraver repeats clef and key on every line and announces a change at the end of the line
before. So a line that stands alone with its clef was misread, and all its notes are a third or a
fifth off. Of all ways to take some signs as misread, and some changes as not announced, the
cheapest is chosen (Viterbi over the lines of a part). Units are put right before tokens are made of
them: notes are staff positions there, and follow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from omrcli.reading.decoding import Unit
from omrcli.tokens import KeySignature

from .parts import Arrangement

#: What it costs to take a sign at the start of a line for misread, if the network was sure; a
#: change of clef or key that no sign announced; and a sign within a line for misread.
MISREAD, UNANNOUNCED, FALSE_CHANGE = 1.0, 0.9, 1.2
#: A clef without a key is read where there is one: few keys are overlooked.
OVERLOOKED = 0.6
#: A line that begins with a time signature begins a movement, which announces nothing.
_NEW_MOVEMENT = 0.2
_NEVER = 100.0
#: How sure one can be of a sign that was put right.
_PUT_RIGHT = 0.8
_SHIFTS = ("8va", "8vb", "15ma", "15mb")
_CLEF, _KEY = "clef-", "keySignature-"
_C_MAJOR = str(KeySignature(0))


@dataclass(frozen=True)
class _Sign:
    """A clef (with its octave mark) or key signature: where its units are, and how sure."""

    name: str
    first: int
    count: int
    confidence: float


@dataclass(frozen=True)
class _Line:
    """The clefs or the keys of a staff: at its start, within it, and what else tells of them.

    `opening` is None where none was read. `bare` tells that there was a clef all the same, `begins`
    that a time signature came before the first note.
    """

    opening: _Sign | None
    changes: tuple[_Sign, ...]
    bare: bool
    begins: bool


@dataclass(frozen=True)
class _Choice:
    """What a staff is taken to begin with, and whether its changes are believed."""

    opening: str
    believed: bool


@dataclass(frozen=True)
class Agreement:
    """The units of all staves, signs put right, and the staves (indices) that begin in C although
    the key was another before and no sign says so.

    `notices` are sentences on what was put right.
    """

    units: tuple[tuple[Unit, ...], ...]
    in_c: frozenset[int] = frozenset()
    notices: tuple[str, ...] = ()


def agree_on_signs(
    staves: Sequence[Sequence[Unit]], names: Sequence[str], arrangement: Arrangement
) -> Agreement:
    """Put clefs and key signatures right that the other staves of a part speak against.

    Args:
        staves: the positional units read on each staff.
        names: the name of each unit.
        arrangement: which staves are of one part.
    """
    numbers = {name: number for number, name in enumerate(names)}
    units = [tuple(staff) for staff in staves]
    in_c: set[int] = set()
    notices: list[str] = []
    for part in range(arrangement.parts):
        systems = [system for system in arrangement.systems if system.staves[part] is not None]
        indices = [place for system in systems if (place := system.staves[part]) is not None]
        for kind in (_CLEF, _KEY):
            lines = [_signs_of(units[index], names, kind) for index in indices]
            if len(lines) < 3 or not _speaks(lines, kind):
                continue
            choices = _choose(lines, kind)
            for system, index, line, choice in zip(systems, indices, lines, choices, strict=True):
                units[index] = _put_right(units[index], line, choice, numbers)
                where = str(system).capitalize()
                where += f", part {part + 1}" if arrangement.parts > 1 else ""
                notices += (f"{where}: {what}" for what in _tell(line, choice))
                if line.opening is None and line.bare and choice.opening == _C_MAJOR:
                    in_c.add(index)
    return Agreement(tuple(units), frozenset(in_c), tuple(notices))


def _tell(line: _Line, choice: _Choice) -> Iterator[str]:
    """Sentences on what was put right on a staff."""
    if line.opening is not None and line.opening.name != choice.opening:
        read, taken = (_in_words(name) for name in (line.opening.name, choice.opening))
        yield f"{read} at its start was taken for {taken}, as on the staves around it."
    if not choice.believed:
        signs = " and ".join(_in_words(sign.name) for sign in line.changes)
        yield f"{signs} within the staff was left out, as no staff after it goes on so."


def _in_words(name: str) -> str:
    kind, _, rest = name.replace(" ", "_").partition("-")
    return f"clef {rest}" if kind == "clef" else f"key signature {rest}"


def _signs_of(units: Sequence[Unit], names: Sequence[str], kind: str) -> _Line:
    """The signs of one kind among the units of a staff."""
    opening: _Sign | None = None
    changes: list[_Sign] = []
    events = bare = begins = False
    for place, unit in enumerate(units):
        name = names[unit.index]
        if name.startswith(kind):
            sign = _Sign(name, place, 1, unit.confidence)
            after = names[units[place + 1].index] if place + 1 < len(units) else ""
            if kind == _CLEF and after in _SHIFTS:
                sign = replace(sign, name=f"{name} {after}", count=2)
            if events or opening:
                changes.append(sign)
            else:
                opening = sign
        elif not events:
            bare = bare or name.startswith(_CLEF)
            begins = begins or name.startswith(("time-", "over-"))
        events = events or name.startswith(("note.", "grace", "rest.", "multirest"))
    return _Line(opening, tuple(changes), bare, begins)


def _speaks(lines: Sequence[_Line], kind: str) -> bool:
    """Whether the staves of a part show their signs so that one can be judged by the others.

    In some song books the key stands on the first staff only.
    """
    if kind == _KEY and lines[0].opening and not any(x.opening for x in lines[1:]):
        return False
    return any(line.opening or line.changes for line in lines)


def _choose(lines: Sequence[_Line], kind: str) -> list[_Choice]:
    """The cheapest way to understand the signs of a part."""
    names = {sign.name for line in lines for sign in (line.opening, *line.changes) if sign}
    names |= {_C_MAJOR} if kind == _KEY else set()
    best: dict[_Choice, tuple[float, list[_Choice]]] = {}
    for number, line in enumerate(lines):
        found = {}
        for choice in _choices(line, sorted(names)):
            cost = _cost_of(line, choice, kind)
            before: tuple[float, list[_Choice]] = (0.0, [])
            if number:
                before = min(
                    (
                        (so_far + _cost_between(lines[number - 1], past, line, choice), path)
                        for past, (so_far, path) in best.items()
                    ),
                    key=lambda item: item[0],
                )
            found[choice] = (before[0] + cost, [*before[1], choice])
        best = found
    return min(best.values(), key=lambda item: item[0])[1]


def _choices(line: _Line, names: Sequence[str]) -> Iterator[_Choice]:
    for name in names:
        yield _Choice(name, True)
        if line.changes:
            yield _Choice(name, False)


def _cost_of(line: _Line, choice: _Choice, kind: str) -> float:
    """What speaks against a staff being so, by what was read on it."""
    cost = 0.0
    if line.opening is not None:
        cost += MISREAD * line.opening.confidence * (choice.opening != line.opening.name)
    elif kind == _KEY and line.bare and choice.opening != _C_MAJOR:
        cost += _NEVER if line.begins else OVERLOOKED
    if not choice.believed:
        cost += sum(FALSE_CHANGE * sign.confidence for sign in line.changes)
    return cost


def _cost_between(before: _Line, past: _Choice, line: _Line, choice: _Choice) -> float:
    """What speaks against a staff beginning so after the one before."""
    end = before.changes[-1].name if before.changes and past.believed else past.opening
    if end == choice.opening:
        return 0.0
    if line.opening is None and not line.bare:
        return _NEVER
    return _NEW_MOVEMENT if line.begins else UNANNOUNCED


def _put_right(
    units: tuple[Unit, ...], line: _Line, choice: _Choice, numbers: Mapping[str, int]
) -> tuple[Unit, ...]:
    """The units with their signs as chosen; what is put right is not sure."""
    result = list(units)
    if not choice.believed:
        for sign in reversed(line.changes):
            del result[sign.first : sign.first + sign.count]
    read = line.opening
    if read is not None and choice.opening != read.name:
        place = slice(read.first, read.first + read.count)
        start, end = result[place][0].start, result[place][-1].end
        result[place] = [
            Unit(numbers[name], _PUT_RIGHT, start, end) for name in choice.opening.split()
        ]
    return tuple(result)
