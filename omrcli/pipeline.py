"""The arrow: image -> staves -> logits -> tokens -> score, as one frozen Transcription."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from .alphabet import make_codec
from .calibration import Calibration
from .decoding import Unit, decode_units
from .errors import NothingRecognisedError, UsageError
from .image import PageImage, iter_pages
from .logits import Logits, Reader
from .registry import Model, find_model
from .rescoring import Alphabet, MusicOptions, decode_music
from .score import Score, build_score, measure_warnings
from .staves import Staff, StaffGeometry, StaffImage, find_staves, normalise_staff
from .tokens import Token

STDIN = "-"


@dataclass(frozen=True)
class TranscribeOptions:
    """How to read: with which model, on which device, how widely to search.

    `beam` 1 is greedy decoding, more the hypotheses kept by a search that weighs the network's
    readings by the music they make; `threads` 0 takes the cores this process may use.
    """

    model: str | os.PathLike[str] | None = None
    device: str = "auto"
    beam: int = 8
    batch_size: int = 8
    threads: int = 0

    def __post_init__(self) -> None:
        for name, value in (("beam", self.beam), ("batch size", self.batch_size)):
            if value < 1:
                raise UsageError(f"The {name} must be at least 1, not {value}.")


@dataclass(frozen=True)
class Page:
    """A page's place in its file (0-based) and its original size in px."""

    index: int
    width: int
    height: int


@dataclass(frozen=True)
class StaffReading:
    """What was read on one staff.

    `spans` are the (left, right) page x in px of each token, as its frames tell.
    """

    page: int
    staff: Staff
    tokens: tuple[Token, ...]
    spans: tuple[tuple[float, float], ...]


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
    """All that was read from one file, staves in reading order.

    `score` is None where the model speaks the agnostic alphabet, which has no pitches.
    `device` is the one in use, "cpu" or "cuda". `warnings` are sentences for the user, on what was
    kept as read although it does not add up.
    """

    source: str
    pages: tuple[Page, ...]
    staves: tuple[StaffReading, ...]
    score: Score | None
    model: Model
    options: TranscribeOptions
    device: str
    timings: Timings
    warnings: tuple[str, ...] = ()

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens of all staves, one after the other."""
        return tuple(token for reading in self.staves for token in reading.tokens)


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

    def transcribe(self, path: str | os.PathLike[str]) -> Transcription:
        """Read every staff of an image file or PDF; "-" is standard input.

        Raises:
            InputError: the file is missing, unreadable, damaged or too large.
            NothingRecognisedError: it shows no staff, or nothing was read on its staves.
        """
        started = perf_counter()
        source = os.fspath(path)
        pages: list[Page] = []
        found: list[tuple[int, StaffImage]] = []
        # One page at a time, and its pixels are dropped: a book needs no more memory than a page.
        for image in iter_pages(STDIN if source == STDIN else Path(source)):
            pages.append(Page(image.page_index, image.width, image.height))
            found += self._cut_staves(image)
        if not found:
            raise NothingRecognisedError(_nothing(source, "no staff was found"))
        cut = perf_counter()
        readings = self._read_pages(found)
        if not any(reading.tokens for reading in readings):
            raise NothingRecognisedError(_nothing(source, "nothing was read on its staves"))
        read = perf_counter()
        score = self._build_score(readings)
        return Transcription(
            source=source,
            pages=tuple(pages),
            staves=readings,
            score=score,
            model=self.model,
            options=self.options,
            device=self.device,
            timings=Timings(cut - started, read - cut, perf_counter() - read),
            warnings=tuple(str(item) for item in measure_warnings(score)) if score else (),
        )

    def read_staves(self, staves: Sequence[StaffImage]) -> list[tuple[Token, ...]]:
        """Return the tokens of each normalised staff image, in the order given."""
        logits = self._reader.read(staves, self.options.batch_size)
        return [self._decode(item) for item in logits]

    def _cut_staves(self, image: PageImage) -> Iterator[tuple[int, StaffImage]]:
        for staff in find_staves(image):
            yield image.page_index, normalise_staff(image, staff, self.geometry)

    def _read_pages(self, found: Sequence[tuple[int, StaffImage]]) -> tuple[StaffReading, ...]:
        """Read the staves of all pages in batches, and place each token on its page."""
        images = [image for _, image in found]
        return tuple(
            StaffReading(page, image.staff, tokens, tuple(self._spans(image, tokens)))
            for (page, image), tokens in zip(found, self.read_staves(images), strict=True)
        )

    def _decode_units(self, logits: Logits) -> list[Unit]:
        """Greedy, or with a beam by what makes music; other alphabets know a plain beam only."""
        spec, beam = self.model.spec, self.options.beam
        if beam > 1 and spec.alphabet == "positional":
            classes = Alphabet(spec.units, spec.blank)
            return decode_music(logits.values, classes, MusicOptions(beam=beam))
        return decode_units(logits.values, spec.blank, beam)

    def _decode(self, logits: Logits) -> tuple[Token, ...]:
        blank = self.model.spec.blank
        units = self._decode_units(logits)
        tokens = self._codec.decode([_skip_blank(unit, blank) for unit in units])
        return tuple(
            replace(token, confidence=self._calibration.apply(token.confidence)) for token in tokens
        )

    def _spans(self, image: StaffImage, tokens: Sequence[Token]) -> Iterator[tuple[float, float]]:
        px = self.model.spec.width_reduction
        for token in tokens:
            yield image.page_x(token.start * px), image.page_x(token.end * px)

    def _build_score(self, readings: Sequence[StaffReading]) -> Score | None:
        if self.model.spec.alphabet == "agnostic":
            return None
        return build_score([reading.tokens for reading in readings])


def transcribe(
    path: str | os.PathLike[str], options: TranscribeOptions | None = None
) -> Transcription:
    """Read every staff of one image file; for many files, keep a `Transcriber`.

    Raises:
        OmrError: the input, the model or the device cannot be used, or nothing was recognised.
    """
    return Transcriber(options).transcribe(path)


def _skip_blank(unit: Unit, blank: int) -> Unit:
    """Turn a class index into an index of the model's units, which leave the blank out."""
    return replace(unit, index=unit.index - 1) if unit.index > blank else unit


def _nothing(source: str, what: str) -> str:
    name = "standard input" if source == STDIN else source
    return f"In {name} {what}; give a straight, sharp image of printed music."
