"""Symbols -> the source of a LilyPond score with one staff that shows them.

Facts about the language are from LilyPond's own manuals. LilyPond decides nothing that the tokens
say: accidentals are all set by hand, and each measure is told how long it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby

from omrcli.errors import InputError
from omrcli.reading.alphabet import shown_accidentals
from omrcli.tokens import (
    DURATIONS,
    KEY_NAMES,
    Clef,
    Duration,
    KeySignature,
    MeasureRepeat,
    Multirest,
    Note,
    PercussionClef,
    Pitch,
    Rest,
    Slash,
    Symbol,
    Tie,
    TimeSignature,
)

from .beams import LayerItem, split_tuplets
from .markup import Marks, Markup
from .measures import MeasureSymbols, find_ties, split_measures
from .rhythm import beat_of

# fmt: off
_DURATIONS = {
    "quadruple_whole": "\\longa", "double_whole": "\\breve", "whole": "1", "half": "2",
    "quarter": "4", "eighth": "8", "sixteenth": "16", "thirty_second": "32", "sixty_fourth": "64",
    "hundred_twenty_eighth": "128",
}
_ALTERS = {-2: "eses", -1: "es", 0: "", 1: "is", 2: "isis"}
_CLEFS = {
    "G2": "treble", "G1": "french", "F4": "bass", "F3": "varbaritone", "F5": "subbass",
    "C1": "soprano", "C2": "mezzosoprano", "C3": "alto", "C4": "tenor", "C5": "baritone",
}
_SHIFTS = {0: "", 1: "^8", -1: "_8", 2: "^15", -2: "_15"}
_BARLINES = {
    "single": "|", "double": "||", "final": "|.", "repeat-start": ".|:", "repeat-end": ":|.",
    "repeat-both": ":|.|:",
}
_ARTICULATIONS = {
    "staccato": "-.", "accent": "->", "tenuto": "--", "marcato": "-^", "staccatissimo": "-!",
    "up-bow": "\\upbow", "down-bow": "\\downbow",
    "trill": "\\trill", "turn": "\\turn", "mordent": "\\mordent",
}
_SPANS = {"slur": ("(", ")"), "crescendo": ("\\<", "\\!"), "diminuendo": ("\\>", "\\!")}
# fmt: on


@dataclass(frozen=True)
class LilypondOptions:
    """What notation leaves to the engraver.

    `overrides` are lines for LilyPond's Score context, `staff_size` is in points and chooses among
    the weights of the font, `beams` False draws flags only, `stems` is "", "up" or "down", `heads`
    is one of LilyPond's commands for shape notes, or "".
    """

    overrides: tuple[str, ...] = ()
    staff_size: float = 20.0
    beams: bool = True
    stems: str = ""
    slash_graces: bool = True
    centre_rests: bool = True
    cancel_keys: bool = True
    fermata_below: bool = False
    first_measure: int = 1
    instrument: str = ""
    heads: str = ""
    slash_stems: bool = False
    metronome: bool = False
    markup: Markup = field(default_factory=Markup)


def write_lilypond(symbols: Sequence[Symbol], options: LilypondOptions | None = None) -> str:
    """A \\score block that shows the symbols on one staff.

    Signs at a barline are in the order that `options.overrides` give LilyPond, by default a new
    clef before the barline, then key, then meter.

    Raises:
        InputError: LilyPond cannot show the music so.
    """
    options = options or LilypondOptions()
    if not symbols or not isinstance(symbols[0], (Clef, PercussionClef)):
        raise InputError("A staff to engrave begins with a clef.")
    writer = _Writer(symbols, options)
    lines = [line for measure in writer.measures for line in writer.write_measure(measure)]
    layout = [f"#(layout-set-staff-size {options.staff_size})", "\\context { \\Score"]
    layout += [*options.overrides, "}"]
    if not options.markup.measure_numbers:
        layout.append('\\context { \\Score \\remove "Bar_number_engraver" }')
    if options.instrument:
        layout.append("indent = 12\\mm")
    music = "\n".join([*_opening(symbols, options), *lines])
    lyrics = _write_lyrics(symbols, writer.measures, options.markup)
    return (
        f"\\score {{ <<\n\\new Staff \\new Voice {{\n{music}\n}}\n{lyrics}>>\n"
        f"\\layout {{\n{chr(10).join(layout)}\n}}\n}}\n"
    )


def _opening(symbols: Sequence[Symbol], options: LilypondOptions) -> Iterator[str]:
    first = next((i for i, s in enumerate(symbols) if isinstance(s, (Note, Rest, Multirest))), 0)
    if not any(isinstance(symbol, TimeSignature) for symbol in symbols[:first]):
        yield "\\once \\omit Staff.TimeSignature"
    if not options.beams:
        yield "\\autoBeamOff"
    if options.heads:
        yield f"\\{options.heads}"
    if options.stems:
        yield f"\\stem{options.stems.capitalize()}"
    if options.instrument:
        yield f"\\set Staff.instrumentName = {quote(options.instrument)}"
    if options.markup.measure_numbers:
        yield f"\\set Score.currentBarNumber = #{options.first_measure}"


def quote(text: str) -> str:
    """A text as LilyPond takes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Writer:
    """Writes measures."""

    def __init__(self, symbols: Sequence[Symbol], options: LilypondOptions) -> None:
        self.symbols, self.options = symbols, options
        self.measures = split_measures(symbols)
        self.shown = shown_accidentals(symbols)
        self.key = KeySignature(0)
        self.after: dict[int, list[str]] = {}  # what follows a note in the source, by index
        self.before: dict[int, list[str]] = {}
        self._place_ties()
        self._place_spans()

    def _place_ties(self) -> None:
        for start, end in find_ties(self.symbols):
            first, second = self.symbols[start], self.symbols[end]
            assert isinstance(first, Note)
            assert isinstance(second, Note)
            shared = set(first.pitches) & set(second.pitches)
            if not shared:
                raise InputError("A tie leads to a note of another pitch.")
            between = [s for s in self.symbols[start + 1 : end] if isinstance(s, Note)]
            if any(shared & set(note.pitches) for note in between):
                raise InputError("A tie passes a grace note of its pitch; leave this music out.")
            if between:
                self.before.setdefault(start, []).append("\\set tieWaitForNote = ##t")
            self.after.setdefault(start, []).append("~")

    def _place_spans(self) -> None:
        for span in self.options.markup.spans:
            start, end = _SPANS[span.kind]
            self.after.setdefault(span.start, []).append(start)
            marks = self.options.markup.marks.get(span.end, Marks())
            if not (marks.dynamic and end == "\\!"):  # a dynamic ends a hairpin too
                self.after.setdefault(span.end, []).insert(0, end)

    def write_measure(self, measure: MeasureSymbols) -> Iterator[str]:
        """The lines of a measure and of the barline that ends it."""
        if measure.starts_repeat and measure is self.measures[0]:
            yield '\\bar ".|:"'
        last = measure is self.measures[-1]
        length = measure.length + 4 * (last and measure.right is None)  # nothing ends it
        setting = f"\\set Timing.measureLength = #(ly:make-moment {_fraction(length / 4)})"
        yield setting
        items = self._items(measure, setting)
        yield " ".join(map(_tuplet, split_tuplets(items)))
        if not (last and measure.right is None):
            yield f'\\bar "{_BARLINES[measure.right.kind] if measure.right else ""}"'

    def _items(self, measure: MeasureSymbols, setting: str) -> list[LayerItem]:
        items: list[LayerItem] = []
        indices = [i for i in measure.indices if not isinstance(self.symbols[i], Tie)]
        for grace, group in groupby(indices, self._is_grace):
            run = list(group)
            if grace:
                text = self._graces(run, last=run[-1] == indices[-1])
                items.append(LayerItem(text, self._duration(run[-1]), grace=True))
            else:
                items += [self._item(index, measure, setting) for index in run]
        if items[-1].grace:  # it stands before the barline
            grace_item, timed = items.pop(), items.pop()
            if timed.duration is None:
                raise InputError("A grace note stands between signs; leave this music out.")
            text = f"\\afterGrace {timed.xml} {grace_item.xml}"
            items.append(LayerItem(text, timed.duration))
        return items

    def _is_grace(self, index: int) -> bool:
        symbol = self.symbols[index]
        return isinstance(symbol, Note) and symbol.grace

    def _duration(self, index: int) -> Duration | None:
        symbol = self.symbols[index]
        return symbol.duration if isinstance(symbol, (Note, Rest)) else None

    def _item(self, index: int, measure: MeasureSymbols, setting: str) -> LayerItem:
        symbol = self.symbols[index]
        if isinstance(symbol, Clef):
            return LayerItem(_clef(symbol, index > 0))
        if isinstance(symbol, PercussionClef):
            return LayerItem(_PERCUSSION)
        if isinstance(symbol, MeasureRepeat):
            return LayerItem(_MEASURE_REPEAT.format(_fraction(measure.length / 4)))
        if isinstance(symbol, Slash):
            return LayerItem(_slash(measure.meter, self.options.slash_stems))
        if isinstance(symbol, KeySignature):
            return LayerItem(self._key(symbol, index))
        if isinstance(symbol, TimeSignature):
            return LayerItem(f"{_meter(symbol)} {setting}")
        if isinstance(symbol, Multirest):
            return LayerItem(_multirest(symbol, measure, self.symbols))
        assert isinstance(symbol, (Note, Rest))
        return LayerItem(self._event(index, symbol, measure), symbol.duration)

    def _key(self, key: KeySignature, index: int) -> str:
        opening = all(isinstance(s, (Clef, TimeSignature)) for s in self.symbols[:index])
        if opening and not key.fifths:
            raise InputError("A staff cannot begin with a cancelled key signature.")
        cancel = "t" if self.options.cancel_keys or not key.fifths else "f"
        name = KEY_NAMES[key.fifths].removesuffix("M")
        tonic = name[0].lower() + name[1:].replace("b", "es").replace("#", "is")
        return f"\\set Staff.printKeyCancellation = ##{cancel} \\key {tonic} \\major"

    def _graces(self, run: Sequence[int], last: bool) -> str:
        """A run of grace notes; `last` ones stand at the end of their measure."""
        notes = [note for i in run if isinstance(note := self.symbols[i], Note)]
        if any(note.duration.tuplet for note in notes):
            raise InputError("Grace notes have no tuplets; leave this music out.")
        body = " ".join(
            f"{self._pitches(i)}{_timing(n.duration)}{self._fermata(n)}"
            for i, n in zip(run, notes, strict=True)
        )
        if last:
            return f"{{ {body} }}"
        slashed = self.options.slash_graces and [n.duration.base for n in notes] == ["eighth"]
        return f"\\{'slashedGrace' if slashed else 'grace'} {{ {body} }}"

    def _pitches(self, index: int) -> str:
        note = self.symbols[index]
        assert isinstance(note, Note)
        marks = self.options.markup.marks.get(index, Marks())
        names = [
            _pitch(pitch) + ("!" if shown else "")
            for pitch, shown in zip(note.pitches, self.shown[index], strict=True)
        ]
        if marks.fingering:
            names[-1] += f"-{marks.fingering}"
            return f"<{' '.join(names)}>"
        return names[0] if len(names) == 1 else f"<{' '.join(names)}>"

    def _fermata(self, symbol: Note | Rest) -> str:
        return ("_" * self.options.fermata_below + "\\fermata") * symbol.fermata

    def _event(self, index: int, symbol: Note | Rest, measure: MeasureSymbols) -> str:
        marks = self.options.markup.marks.get(index, Marks())
        before = [*self.before.get(index, ()), *_marks_before(marks, self.options.metronome)]
        if isinstance(symbol, Rest):
            text = self._rest(symbol, measure)
        else:
            text = self._pitches(index) + _timing(symbol.duration) + _strokes(marks)
        text += self._fermata(symbol) + "".join(self.after.get(index, ()))
        text += "".join(_marks_after(marks)) + " \\breathe" * marks.breath
        return " ".join([*before, f"\\teeny {text} \\normalsize" if marks.cue else text])

    def _rest(self, rest: Rest, measure: MeasureSymbols) -> str:
        timed = sum(isinstance(self.symbols[i], (Note, Rest)) for i in measure.indices)
        alone = timed == 1 and rest.duration == Duration("whole")
        if alone and self.options.centre_rests and not rest.fermata:
            return f"{_SHORT_REST} R1"
        return f"r{_timing(rest.duration)}"


#: Under this clef notes stand as under a treble clef.
_PERCUSSION = (
    "\\clef percussion \\set Staff.middleCClefPosition = #-6 \\set Staff.middleCPosition = #-6"
)
_MEASURE_REPEAT = "<< s1*{0} #(make-music 'PercentEvent 'length (ly:make-moment {0})) >>"


def _slash(meter: TimeSignature | None, stem: bool) -> str:
    length = beat_of(meter)
    names = [name for base, name in _DURATIONS.items() if DURATIONS[base] == length]
    if not names or length < 1:
        raise InputError("A slash has no flags and no dots here; leave this music out.")
    without = "" if stem else "\\once \\omit Stem "
    return f"\\improvisationOn {without}b'{names[0]} \\improvisationOff"


#: A rest for a measure is drawn as a whole rest however long the measure is.
_SHORT_REST = (
    "\\once \\override MultiMeasureRest.usable-duration-logs = #'(0) "
    "\\set Staff.restNumberThreshold = #1"
)


def _fraction(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


def _timing(duration: Duration) -> str:
    return _DURATIONS[duration.base] + "." * duration.dots


def _pitch(pitch: Pitch) -> str:
    octave = pitch.octave - 3
    marks = "'" * octave if octave > 0 else "," * -octave
    return pitch.step.lower() + _ALTERS[pitch.alter] + marks


def _clef(clef: Clef, forced: bool) -> str:
    name = _CLEFS.get(f"{clef.sign}{clef.line}")
    if name is None:
        raise InputError(f"LilyPond has no {clef}; leave this music out.")
    again = "\\set Staff.forceClef = ##t " if forced else ""
    return f'{again}\\clef "{name}{_SHIFTS[clef.octave_shift]}"'


def _meter(meter: TimeSignature) -> str:
    if meter.text in ("C", "C/"):
        return f"\\defaultTimeSignature \\time {meter.beats}/{meter.unit}"
    return f"\\numericTimeSignature \\time {meter.text}"


def _multirest(rest: Multirest, measure: MeasureSymbols, symbols: Sequence[Symbol]) -> str:
    if sum(isinstance(symbols[i], (Note, Rest, Multirest)) for i in measure.indices) > 1:
        raise InputError("A multirest cannot share its measure.")
    threshold = 0 if rest.count == 1 else 1
    length = _fraction(measure.length / 4 * rest.count)
    return f"\\set Staff.restNumberThreshold = #{threshold} R1*{length}"


def _tuplet(run: Sequence[LayerItem]) -> str:
    """A run of `split_tuplets` with its tuplet around it, if it is one."""
    inner = " ".join(item.xml for item in run)
    timed = (item.duration for item in run if item.duration and not item.grace)
    ratio = next((duration.tuplet for duration in timed if duration.tuplet), None)
    return f"\\tuplet {ratio[0]}/{ratio[1]} {{ {inner} }}" if ratio else inner


def _strokes(marks: Marks) -> str:
    return f":{4 * 2**marks.tremolo}" if marks.tremolo else ""


def _marks_before(marks: Marks, metronome: bool) -> Iterator[str]:
    if marks.tempo:
        beat = f" 4 = {40 + 4 * (len(marks.tempo) * 7 % 40)}" if metronome else ""
        yield f"\\tempo {quote(marks.tempo)}{beat}"
    if marks.rehearsal:
        yield f"\\mark \\markup \\box {quote(marks.rehearsal)}"


def _marks_after(marks: Marks) -> Iterator[str]:
    names = (*marks.articulations, *filter(None, (marks.ornament,)))
    yield from (_ARTICULATIONS[name] for name in names)
    if marks.arpeggio:
        yield "\\arpeggio"
    if marks.dynamic:
        yield f"\\{marks.dynamic}"
    if marks.words:
        yield f"{'_' if marks.words_below else '^'}\\markup \\italic {quote(marks.words)}"
    if marks.chord:
        yield f"^\\markup {_chord(marks.chord)}"


def _chord(name: str) -> str:
    """A chord symbol; its accidental is a sign of the music font."""
    for letter, sign in (("b", "\\flat"), ("#", "\\sharp")):
        if name[1:2] == letter:
            small = f"\\smaller \\smaller {sign}"
            return f"\\concat {{ {quote(name[0])} {small} {quote(name[2:])} }}"
    return quote(name)


def _write_lyrics(
    symbols: Sequence[Symbol], measures: Sequence[MeasureSymbols], markup: Markup
) -> str:
    """A line of lyrics below the staff; nothing where no note has a syllable."""
    if not any(marks.syllable for marks in markup.marks.values()):
        return ""
    words = []
    for measure in measures:
        for index in measure.indices:
            symbol = symbols[index]
            syllable = markup.marks.get(index, Marks()).syllable
            if isinstance(symbol, Multirest):
                words.append(f"\\skip 1*{_fraction(measure.length / 4 * symbol.count)}")
            elif isinstance(symbol, Rest) or (isinstance(symbol, Note) and not symbol.grace):
                length = _scaled(symbol.duration)
                word = quote(syllable.rstrip("-")) if syllable else "\\skip "
                words.append(f"{word}{length}{' --' if syllable.endswith('-') else ''}")
    return f"\\new Lyrics \\lyricmode {{ {' '.join(words)} }}\n"


def _scaled(duration: Duration) -> str:
    ratio = f"*{duration.tuplet[1]}/{duration.tuplet[0]}" if duration.tuplet else ""
    return _timing(duration) + ratio
