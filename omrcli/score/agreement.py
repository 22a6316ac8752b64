"""Clefs and key signatures on which the staves of a part agree, where one of them was misread.

An engraver repeats clef and key on every line and announces a change at the end of the line
before. So a line that stands alone with its clef was misread, and all its notes are a third or a
fifth off. Of all ways to take some signs as misread, and some changes as not announced, the
cheapest is chosen (Viterbi over the lines of a part). Units are put right before tokens are made of
them: notes are staff positions there, and follow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from omrcli.reading.alphabet import ACCIDENTALS, AccidentalState
from omrcli.reading.decoding import Unit
from omrcli.tokens import Barline, Clef, KeySignature, parse_symbol

from .parts import Arrangement, System

#: What it costs to take a sign at the start of a line for misread, if the network was sure; a
#: change of clef or key that no sign announced; and a sign within a line for misread.
MISREAD, UNANNOUNCED, FALSE_CHANGE = 1.0, 0.9, 1.2
#: A clef without a key is read where there is one: few keys are overlooked. What hides one hides
#: that of the next staff too (a soft edge of the picture), which so costs less.
OVERLOOKED, OVERLOOKED_AGAIN = 0.6, 0.2
#: An 8 at a clef is overlooked far more often than read where there is none.
OVERLOOKED_OCTAVE = 0.5
#: No key, where all other staves of the system (two or more) have one and the same.
UNLIKE_NEIGHBOURS = 0.5
#: An accidental that a key makes needless; of a staff no more than so many count.
NEEDLESS, MOST_NEEDLESS = 0.3, 3
#: A line that begins with a time signature begins a movement, which announces nothing.
_NEW_MOVEMENT = 0.2
_NEVER = 100.0
#: How sure one can be of a sign that was put right.
_PUT_RIGHT = 0.8
_SHIFTS = ("8va", "8vb", "15ma", "15mb")
_CLEF, _KEY = "clef-", "keySignature-"
_C_MAJOR = str(KeySignature(0))
_ALTERATIONS = {name: alter for alter, name in ACCIDENTALS.items()}


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
    that a time signature came before the first note. `neighbours` is the key of all other staves of
    the system, if two or more have the same; `needless` counts by key the accidentals that it would
    make needless, where no key was read.
    """

    opening: _Sign | None
    changes: tuple[_Sign, ...]
    bare: bool
    begins: bool
    neighbours: str | None = None
    needless: Mapping[str, int] = field(default_factory=dict)

    @property
    def has_no_key(self) -> bool:
        """Whether a clef and no key was read (of the signs that are keys)."""
        return self.opening is None and self.bare


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
            if kind == _KEY:
                lines = [
                    _with_evidence(line, part, system, units, names)
                    for line, system in zip(lines, systems, strict=True)
                ]
            if not _can_judge(lines, kind) or not _speaks(lines, kind):
                notices += _tell_keyless(part, lines) if kind == _KEY else ()
                continue
            choices = _choose(lines, kind)
            for place, (system, index) in enumerate(zip(systems, indices, strict=True)):
                line, choice = lines[place], choices[place]
                units[index] = _put_right(units[index], line, choice, numbers)
                where = str(system).capitalize()
                where += f", part {part + 1}" if arrangement.parts > 1 else ""
                told = list(_tell(line, choice))
                if line.has_no_key and kind == _KEY and choice.opening == _C_MAJOR:
                    in_c.add(index)
                elif line.has_no_key and kind == _KEY and (not place or line.begins):
                    units[index] = _put_key(units[index], names, numbers[choice.opening])
                    told.append(
                        f"no key signature was read; {_in_words(choice.opening)} was put in, as on "
                        "the staves around it."
                    )
                elif place and _is_sudden(lines[place - 1], choices[place - 1], line, choice):
                    told.append(f"{_in_words(choice.opening)} begins, which no sign announced.")
                notices += (f"{where}: {what}" for what in told)
    return Agreement(tuple(units), frozenset(in_c), tuple(notices))


def _can_judge(lines: Sequence[_Line], kind: str) -> bool:
    """Whether there is enough to compare. Of two staves none is judged by the other, unless the
    other staves of the system take sides, or only the 8 at a clef is in question."""
    if len(lines) != 2:
        return len(lines) > 2
    if kind == _KEY:
        return any(line.neighbours for line in lines)
    openings = {line.opening.name.split()[0] for line in lines if line.opening}
    return len(openings) == 1 and not any(line.changes for line in lines)


def _tell_keyless(part: int, lines: Sequence[_Line]) -> Iterator[str]:
    """A sentence on a part that alone has no key signature, as horns and drums do."""
    keys = {line.neighbours for line in lines}
    (key,) = keys if len(keys) == 1 else (None,)
    alone = all(line.has_no_key and not line.changes for line in lines)
    if key and alone and not any(line.needless.get(key) for line in lines):
        yield (
            f"Part {part + 1} has no key signature, while all other parts have "
            f"{_in_words(key)}; it was taken to have none."
        )


def _with_evidence(
    line: _Line,
    part: int,
    system: System,
    units: Sequence[Sequence[Unit]],
    names: Sequence[str],
) -> _Line:
    """The keys on a staff with what else tells of them."""
    if not line.has_no_key:
        return line
    index = system.staves[part]
    assert index is not None
    others = [
        _signs_of(units[other], names, _KEY)
        for other in system.staves
        if other is not None and other != index
    ]
    keys = {other.opening.name if other.opening else None for other in others}
    (shared,) = keys if len(keys) == 1 and len(others) > 1 else (None,)
    needless = {
        str(KeySignature(fifths)): _count_needless(units[index], names, KeySignature(fifths))
        for fifths in range(-7, 8)
    }
    return replace(line, neighbours=shared, needless=needless)


def _count_needless(units: Sequence[Unit], names: Sequence[str], key: KeySignature) -> int:
    """How many accidentals before the first key change say what the key would say anyway."""
    state, bottom, count = AccidentalState(key), Clef("G", 2).bottom_line, 0
    accidental: int | None = None
    for unit in units:
        name = names[unit.index]
        if name.startswith(_CLEF):
            symbol = parse_symbol(name)
            bottom = symbol.bottom_line if isinstance(symbol, Clef) else bottom
        elif name.startswith(_KEY):
            break
        elif name.startswith(("bar", "repeat")):
            state.pass_other(Barline())
        elif name in _ALTERATIONS:
            accidental = _ALTERATIONS[name]
        elif "@" in name:
            diatonic = bottom + int(name.partition("@")[2])
            if accidental is not None:
                count += state.expect(diatonic) == accidental
                state.measure[diatonic] = accidental
            accidental = None
    return min(count, MOST_NEEDLESS)


def _is_sudden(before: _Line, past: _Choice, line: _Line, choice: _Choice) -> bool:
    """Whether a staff begins in a key of which the one before, in C, gave no sign."""
    return (
        past.opening == _C_MAJOR != choice.opening
        and before.has_no_key
        and not before.changes
        and line.opening is not None
        and not line.begins
    )


def _put_key(units: tuple[Unit, ...], names: Sequence[str], key: int) -> tuple[Unit, ...]:
    """The units with a key signature behind the first clef, where it has its place."""
    place = next(n for n, unit in enumerate(units) if names[unit.index].startswith(_CLEF))
    if place + 1 < len(units) and names[units[place + 1].index] in _SHIFTS:
        place += 1
    clef = units[place]
    put = Unit(key, _PUT_RIGHT, clef.start, clef.end)
    return (*units[: place + 1], put, *units[place + 1 :])


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
                        (
                            so_far + _cost_between(lines[number - 1], past, line, choice, kind),
                            path,
                        )
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
        cost += _weigh_misread(line.opening.name, choice.opening) * line.opening.confidence
    elif kind == _KEY and line.bare:
        cost += NEEDLESS * line.needless.get(choice.opening, 0)
        if choice.opening != _C_MAJOR:
            cost += OVERLOOKED
        elif line.neighbours not in (None, _C_MAJOR):
            cost += UNLIKE_NEIGHBOURS
    if not choice.believed:
        cost += sum(FALSE_CHANGE * sign.confidence for sign in line.changes)
    return cost


def _weigh_misread(read: str, taken: str) -> float:
    """What speaks against a sign for which the network was sure of another."""
    if read == taken:
        return 0.0
    return OVERLOOKED_OCTAVE if taken.startswith(f"{read} ") else MISREAD


def _cost_between(before: _Line, past: _Choice, line: _Line, choice: _Choice, kind: str) -> float:
    """What speaks against a staff beginning so after the one before."""
    end = before.changes[-1].name if before.changes and past.believed else past.opening
    if end == choice.opening:
        again = before.has_no_key and line.has_no_key and past.opening == end != _C_MAJOR
        return OVERLOOKED_AGAIN - OVERLOOKED if kind == _KEY and again else 0.0
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
