"""The arrow: image -> staves -> logits -> tokens -> score, as one frozen Transcription."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from omrcli.errors import DamagedPageError, UsageError
from omrcli.formats.destinations import CONVERTED_FORMATS, format_of
from omrcli.gathered_pages import GatheredPages
from omrcli.output import write_file
from omrcli.pages.image import PageImage
from omrcli.pages.piece import OpenPiece, PagePlace, Piece, make_piece
from omrcli.pages.warp import Warp
from omrcli.placed_staves import (
    as_sure_as_steady,
    find_spans,
    place_lines,
    with_tokens,
    without_percussion,
)
from omrcli.reading.alphabet import make_codec
from omrcli.reading.alternatives import (
    Alternative,
    Variant,
    find_music_variants,
    find_plain_variants,
    name_alternatives,
)
from omrcli.reading.calibration import Calibration
from omrcli.reading.decoding import Unit, decode_units, settle
from omrcli.reading.legibility import is_music
from omrcli.reading.logits import Logits, Reader
from omrcli.reading.rescoring import (
    Alphabet,
    MusicOptions,
    spell_units,
    weigh_islands,
)
from omrcli.reading.steadiness import measure_steadiness
from omrcli.registry import Model, find_model
from omrcli.score.agreement import Agreement, agree_on_signs
from omrcli.score.carrying import InForce, carry_signs, copy_signs
from omrcli.score.checks import Quality, measure_quality
from omrcli.score.consensus import agree_on_measures, fill_empty_measures
from omrcli.score.missing_clefs import add_clefs, find_missing_clefs, leave_out_signs, tell_missing
from omrcli.score.parts import Arrangement, arrange_parts
from omrcli.score.score import ExportOptions, Score, build_score
from omrcli.score.words import ReadStaff, Span
from omrcli.staves.neighbours import cut_staves
from omrcli.staves.openings import drop_staves, find_unread, lacks_clef
from omrcli.staves.other_staves import (
    BLANK,
    OtherStaff,
    find_other_staves,
)
from omrcli.staves.staff import Staff, StaffGeometry, StaffImage, find_staves
from omrcli.tokens import Token
from omrcli.upright.orientation import (
    has_clefs,
    leaves_doubt,
    reads_better,
    sample_staves,
    turn_staff,
)
from omrcli.upright.straighten import straighten, turn_page

#: Page px per px of a normalised staff: below the first a drawing is drawn again, to have the
#: second. More px than two are not looked at (see `normalise_staff`).
_TOO_COARSE, _FINE = 1.5, 2.0
#: A drawing without a staff and of fewer px than this may be one of very small print.
_SMALL_DRAWING = 4_000_000


@dataclass(frozen=True)
class TranscribeOptions:
    """How to read: with which model, on which device, how widely to search.

    `beam` 1 is greedy decoding, more the hypotheses kept by a search that weighs the network's
    readings by the music they make; `threads` 0 takes the cores this process may use;
    `alternatives` is how many other readings of a token to keep.
    """

    model: str | os.PathLike[str] | None = None
    device: str = "auto"
    beam: int = 8
    batch_size: int = 8
    threads: int = 0
    alternatives: int = 0

    def __post_init__(self) -> None:
        for name, value in (("beam", self.beam), ("batch size", self.batch_size)):
            if value < 1:
                raise UsageError(f"The {name} must be at least 1, not {value}.")


@dataclass(frozen=True)
class Page:
    """A page's place in the piece (0-based), its original size in px, and where it was.

    `source` is the file as it was given, `source_index` the page's place in that (0-based). The
    staves of a page that was straightened are in px of the straight one; `warp` leads back.
    """

    index: int
    width: int
    height: int
    source: str = ""
    source_index: int = 0
    warp: Warp | None = None


@dataclass(frozen=True)
class StaffReading:
    """What was read on one staff.

    `spans` are the (left, right) page x in px of each token, as its frames tell; `units` are what
    the tokens were made of, with page x of their own. Where they were asked for, `alternatives` are
    for each token the texts that it may be instead, and `variants` the units they come from.
    `steadiness` is a factor in 0..1 that the confidence of the tokens has in the end.
    """

    page: int
    staff: Staff
    tokens: tuple[Token, ...]
    spans: tuple[tuple[float, float], ...]
    units: tuple[Unit, ...] = ()
    unit_spans: tuple[tuple[float, float], ...] = ()
    alternatives: tuple[tuple[Alternative, ...], ...] = ()
    variants: tuple[Variant, ...] = ()
    steadiness: float = 1.0


@dataclass(frozen=True)
class Timings:
    """Wall time in seconds: image to staves, staves to tokens, tokens to score."""

    staves: float
    reading: float
    score: float

    @property
    def total(self) -> float:
        """The time from the file to the score."""
        return self.staves + self.reading + self.score


@dataclass(frozen=True)
class Transcription:
    """All that was read from the files of one piece, staves in reading order.

    `source` is the first of the files in `sources`.
    `score` is None where the model speaks the agnostic alphabet, which has no pitches.
    `device` is the one in use, "cpu" or "cuda". `warnings` are sentences for the user, on what was
    kept as read although it does not add up.
    """

    sources: tuple[str, ...]
    pages: tuple[Page, ...]
    staves: tuple[StaffReading, ...]
    score: Score | None
    model: Model
    options: TranscribeOptions
    device: str
    timings: Timings
    warnings: tuple[str, ...] = ()

    @property
    def quality(self) -> Quality | None:
        """How many measures add up and how many notes are doubtful; None without a score."""
        return measure_quality(self.score) if self.score is not None else None

    @property
    def source(self) -> str:
        """The file that was read, or the first of several."""
        return self.sources[0]

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens of all staves, one after the other."""
        return tuple(token for reading in self.staves for token in reading.tokens)

    def render(self, format: str, options: ExportOptions | None = None) -> bytes:
        """Return it in a format, such as "musicxml", as `omr transcribe -f` writes it.

        Raises:
            UsageError: the format is unknown, needs pitches that the model does not read, or needs
                several files.
            InputError, MissingDependencyError: as `render_pages`.
        """
        pages = self.render_pages(format, options)
        if len(pages) > 1:
            raise UsageError(
                f"{len(pages)} pages of {format} do not fit into one file; take pdf instead."
            )
        return pages[0]

    def render_pages(self, format: str, options: ExportOptions | None = None) -> list[bytes]:
        """Return it in a format, of svg and png a content for each page.

        Raises:
            UsageError: the format is unknown, or needs pitches that the model does not read.
            InputError: the music cannot be engraved.
            MissingDependencyError: the format needs the extra `convert`.
        """
        from omrcli.formats.render import render_transcription

        if format not in CONVERTED_FORMATS:
            return [render_transcription(self, format, options)]
        from omrcli.convert.sources import Music
        from omrcli.convert.writers import write_music

        options = options or ExportOptions()
        document = render_transcription(self, "musicxml", options)
        music = Music(self.source, "musicxml", document=document)
        return write_music(music, format, ExportOptions(layout=options.layout))

    def save(self, path: str | os.PathLike[str], options: ExportOptions | None = None) -> Path:
        """Write it to a file, its format told by the suffix, and return the path.

        The file is whole or not there: what was there before stays until all is written.

        Raises:
            UsageError: the suffix stands for no format, or as `render`.
            OutputError: the file cannot be written.
        """
        target = Path(path)
        write_file(target, self.render(format_of(target), options))
        return target


@dataclass(frozen=True, eq=False)
class PageReading:
    """A page with what was read on it; only while it is read are its pixels held.

    `others` are the staves that were not read.
    """

    page: Page
    image: PageImage
    staves: tuple[StaffReading, ...]
    others: tuple[OtherStaff, ...] = ()


class Watcher:
    """Is told how a piece gets on; this one does nothing."""

    def start(self, pages: int) -> None:
        """Reading begins, of so many pages."""

    def finish_page(self, reading: PageReading | None) -> None:
        """The next page has been read; None where it was damaged."""


class Transcriber:
    """A loaded model that transcribes any number of files.

    `notice` says why "auto" reads on the CPU although there seems to be a GPU, else None.
    """

    def __init__(self, options: TranscribeOptions | None = None, calibrated: bool = True) -> None:
        """Find, verify and load the model; without `calibrated` confidences stay as it says them.

        Raises:
            ModelError: there is no such model, or it is damaged.
            MissingDependencyError: the device asked for is not usable.
        """
        self.options = options or TranscribeOptions()
        self.model = find_model(self.options.model)
        spec = self.model.spec
        self._codec = make_codec(spec.alphabet, spec.units)
        self._calibrated = calibrated
        self._calibration = Calibration(*(spec.calibration or ()) if calibrated else ())
        self._reader = Reader(self.model, self.options.device, self.options.threads)
        self.geometry = StaffGeometry(spec.interline, spec.above, spec.below)

    @property
    def notice(self) -> str | None:
        """Why the device is not the one that "auto" would prefer."""
        return self._reader.notice

    @property
    def device(self) -> str:
        """The device in use: "cpu" or "cuda"."""
        return self._reader.device

    def transcribe(
        self, source: str | os.PathLike[str] | Piece, watcher: Watcher | None = None
    ) -> Transcription:
        """Read every staff of an image file or PDF ("-" is standard input), or of a Piece.

        Of several pages a damaged one is left out, with a warning. Pages are read one by one and
        dropped: a book needs no more memory than its largest page.

        Raises:
            InputError: a file is missing, unreadable, damaged or too large.
            UsageError: a page that was asked for does not exist.
            NothingRecognisedError: there is no staff, or nothing was read on the staves.
        """
        watcher = watcher or Watcher()
        piece = make_piece(source)
        read = GatheredPages()
        with OpenPiece(piece) as pages:
            watcher.start(len(pages.places))
            for place in pages.places:
                watcher.finish_page(self._read_page(pages, place, read))
        read.check(piece)
        started = perf_counter()
        staves, read.put_right = self._read_on(read.staves)
        staves = tuple(map(as_sure_as_steady, staves))
        score = self._build_score(staves, pages)
        return Transcription(
            sources=piece.sources,
            pages=tuple(read.pages),
            staves=staves,
            score=score,
            model=self.model,
            options=self.options,
            device=self.device,
            timings=Timings(read.finding, read.reading, perf_counter() - started),
            warnings=read.warnings(score),
        )

    def read_staves(self, staves: Sequence[StaffImage]) -> list[tuple[Token, ...]]:
        """Return the tokens of each normalised staff image, in the order given."""
        return [self._decode(units) for units in self._read_units(staves)]

    def _read_units(self, staves: Sequence[StaffImage]) -> Iterator[tuple[Unit, ...]]:
        for logits in self._reader.read(staves, self.options.batch_size):
            yield self._decode_units(logits)[0]

    def _read_page(
        self, pages: OpenPiece, place: PagePlace, read: GatheredPages
    ) -> PageReading | None:
        """Read a page and add it to what was read, or the damage that it has."""
        started = perf_counter()
        try:
            image, staves = self._find_staves(pages, place)
        except DamagedPageError as error:
            read.damage.append(error)
            return None
        found = perf_counter()
        image, readings, others = self._read_image(place.index, image, staves)
        page = Page(
            *(place.index, image.width, image.height, pages.name_of(place), place.page),
            warp=image.warp,
        )
        read.finding += found - started
        read.reading += perf_counter() - found
        reading = PageReading(page, image, readings, others)
        unread = {other.kind for other in others}
        read.unlike_music |= bool(staves) and not readings and unread <= {BLANK}
        read.add(reading)
        return reading

    def _find_staves(self, pages: OpenPiece, place: PagePlace) -> tuple[PageImage, list[Staff]]:
        """The page at the resolution that suits the model, and its staves."""
        image, staves = straighten(pages.load(place))
        finer = self._finer_dpi(image, staves)
        if finer is None:
            return image, staves
        return straighten(pages.load(place, finer))

    def _finer_dpi(self, image: PageImage, staves: Sequence[Staff]) -> float | None:
        """The resolution to draw a page at again, or None where it will do as it is."""
        if image.dpi is None:
            return None
        if not staves:
            return 2 * image.dpi if image.pixels.size < _SMALL_DRAWING else None
        scale = min(staff.interline for staff in staves) / self.geometry.interline
        return image.dpi * _FINE / scale if scale < _TOO_COARSE else None

    def _read_image(
        self, page: int, image: PageImage, staves: Sequence[Staff]
    ) -> tuple[PageImage, tuple[StaffReading, ...], tuple[OtherStaff, ...]]:
        """Read the staves of a page; turn the page over where it turns out to be upside down.

        Also returns the staves that are not read. Where none of them holds music none was read.
        """
        cuts, logits, others = self._cut_and_read(image, staves)
        if self._is_upside_down(cuts, logits):
            image = turn_page(image)
            staves = find_staves(image)
            cuts, logits, others = self._cut_and_read(image, staves)
        blank = self.model.spec.blank
        pairs = list(zip(cuts, logits, strict=True))
        if not any(is_music(cut, item, self.geometry, blank) for cut, item in pairs):
            pairs = []
        found = [self._place_reading(page, cut, item) for cut, item in pairs]
        if found and self._calibrated:
            factors = measure_steadiness(cuts, logits, self.geometry, blank, self._read)
            found = [
                replace(reading, steadiness=factor)
                for reading, factor in zip(found, factors, strict=True)
            ]
        readings, drums = without_percussion(found)
        others += drums
        others += find_other_staves(image, staves)
        others.sort(key=lambda other: other.y0)
        return image, readings, tuple(others)

    def _cut_and_read(
        self, image: PageImage, staves: Sequence[Staff]
    ) -> tuple[list[StaffImage], list[Logits], list[OtherStaff]]:
        """The images of the staves that can be read, what the network says, and the others."""
        cuts = cut_staves(image, staves, self.geometry)
        others = find_unread(cuts, self.geometry)
        cuts = drop_staves(cuts, others)
        return cuts, self._read(cuts), list(others.values())

    def _read(self, staves: Sequence[StaffImage]) -> list[Logits]:
        return self._reader.read(staves, self.options.batch_size)

    def _place_reading(self, page: int, image: StaffImage, logits: Logits) -> StaffReading:
        """Decode a staff, and place each token on the page."""
        units, variants = self._decode_units(logits)
        if self.model.spec.alphabet == "positional" and lacks_clef(image, self.geometry):
            units = leave_out_signs(units, self.model.spec.units)
        tokens = self._decode(units)
        spans = (tuple(self._spans(image, found)) for found in (tokens, units))
        return StaffReading(
            *(page, image.staff, tokens, next(spans), units, next(spans)), variants=variants
        )

    def _is_upside_down(self, cuts: Sequence[StaffImage], logits: Sequence[Logits]) -> bool:
        """Tell, where a page's reading leaves doubt, whether some staves read better turned."""
        blank = self.model.spec.blank
        if not leaves_doubt(logits, blank):
            return False
        sample = sample_staves(len(cuts))
        turned = [turn_staff(cuts[index]) for index in sample]
        if not has_clefs(turned, self.geometry):
            return False
        read = self._reader.read(turned)
        return reads_better(list(read), [logits[index] for index in sample], blank)

    def _decode_units(self, logits: Logits) -> tuple[tuple[Unit, ...], tuple[Variant, ...]]:
        """The units of a staff and, where alternatives are wanted, what they may be instead.

        Greedy, or with a beam by what makes music; other alphabets know a plain beam only.
        """
        spec, beam = self.model.spec, self.options.beam
        values = logits.values
        variants: Iterable[Variant]  # both kinds are found only as they are gone through
        if beam > 1 and spec.alphabet == "positional":
            values = settle(values)
            weighed = weigh_islands(
                values, Alphabet(spec.units, spec.blank), MusicOptions(beam=beam)
            )
            units = spell_units(values, spec.blank, weighed)
            variants = find_music_variants(values, spec.blank, weighed)
        else:
            units = decode_units(values, spec.blank, beam)
            variants = find_plain_variants(values, spec.blank, units)
        return (
            tuple(_skip_blank(unit, spec.blank) for unit in units),
            tuple(
                replace(item, units=tuple(_skip_blank(unit, spec.blank) for unit in item.units))
                for item in (variants if self.options.alternatives else ())
            ),
        )

    def _decode(self, units: Sequence[Unit], before: InForce | None = None) -> tuple[Token, ...]:
        """The tokens of a staff, read with what is in force before it."""
        before = before or InForce()
        tokens = self._codec.decode(units, before.clef, before.accidentals)
        return tuple(
            replace(token, confidence=self._calibration.apply(token.confidence))
            if token.confidence  # what nobody read stays so
            else token
            for token in tokens
        )

    def _read_on(
        self, readings: Sequence[StaffReading]
    ) -> tuple[tuple[StaffReading, ...], tuple[str, ...]]:
        """Read staves again with the clef and key that others of their part put in force, and tell
        which were put right by that."""
        states = [InForce() for _ in readings]
        if self.model.spec.alphabet == "agnostic":
            return tuple(map(self._with_alternatives, readings, states)), ()

        def decode(index: int, before: InForce) -> tuple[Token, ...]:
            states[index] = copy_signs(before)
            return self._decode(readings[index].units, before)

        lines = list(place_lines(readings))
        arrangement = arrange_parts(lines)
        agreed = Agreement(tuple(reading.units for reading in readings))
        notices: tuple[str, ...] = ()
        if self.model.spec.alphabet == "positional":
            agreed = agree_on_signs(agreed.units, self.model.spec.units, arrangement)
            clefs = find_missing_clefs(agreed.units, self.model.spec.units, arrangement)
            units = add_clefs(agreed.units, clefs, self.model.spec.units)
            notices = (*agreed.notices, *tell_missing(clefs, arrangement))
            readings = list(map(self._with_units, readings, units))
            readings, told = self._agree_in_systems(readings, arrangement)
            notices += told
            lines = list(place_lines(readings))
        lines = carry_signs(lines, decode, arrangement, agreed.in_c)
        found = map(self._with_alternatives, map(with_tokens, readings, lines), states)
        return tuple(found), notices

    def _agree_in_systems(
        self, readings: Sequence[StaffReading], arrangement: Arrangement
    ) -> tuple[list[StaffReading], tuple[str, ...]]:
        """Put barlines and meters right by the other staves of a system, and measures of rest where
        nothing was read."""
        staves = [
            ReadStaff(reading.units, reading.unit_spans, reading.staff.interline)
            for reading in readings
        ]
        agreed = agree_on_measures(staves, self._codec, arrangement)
        filled = (fill_empty_measures(staff, self._codec) for staff in agreed.staves)
        return (
            [
                self._with_places(reading, staff.units, staff.spans)
                for reading, staff in zip(readings, filled, strict=True)
            ],
            agreed.notices,
        )

    def _with_units(self, reading: StaffReading, units: tuple[Unit, ...]) -> StaffReading:
        """The reading with other units in the places of its own, and the tokens of those."""
        if units == reading.units:
            return reading
        return self._with_places(reading, units, find_spans(reading, units))

    def _with_places(
        self, reading: StaffReading, units: tuple[Unit, ...], spans: tuple[Span, ...]
    ) -> StaffReading:
        """The reading with other units and their places, and the tokens of those."""
        if units == reading.units:
            return reading
        placed, tokens = replace(reading, units=units, unit_spans=spans), self._decode(units)
        return replace(placed, tokens=tokens, spans=find_spans(placed, tokens))

    def _with_alternatives(self, reading: StaffReading, before: InForce) -> StaffReading:
        """The reading with what its tokens may be instead, in words."""
        wanted = self.options.alternatives
        if not wanted:
            return reading
        found = name_alternatives(
            *(reading.units, reading.variants),
            lambda units: self._codec.decode(units, before.clef, before.accidentals),
            wanted,
        )
        return replace(reading, alternatives=found)

    def _spans(
        self, image: StaffImage, found: Sequence[Token] | Sequence[Unit]
    ) -> Iterator[tuple[float, float]]:
        px = self.model.spec.width_reduction
        for item in found:
            yield image.page_x(item.start * px), image.page_x(item.end * px)

    def _build_score(self, readings: Sequence[StaffReading], pages: OpenPiece) -> Score | None:
        if self.model.spec.alphabet == "agnostic":
            return None
        return build_score(list(place_lines(readings)), pages.title, pages.composer)


def transcribe(
    source: str | os.PathLike[str] | Piece, options: TranscribeOptions | None = None
) -> Transcription:
    """Read every staff of one file or Piece; to read many, keep a `Transcriber`.

    Raises:
        OmrError: the input, the model or the device cannot be used, or nothing was recognised.
    """
    return Transcriber(options).transcribe(source)


def _skip_blank(unit: Unit, blank: int) -> Unit:
    """Turn a class index into an index of the model's units, which leave the blank out."""
    return replace(unit, index=unit.index - 1) if unit.index > blank else unit
