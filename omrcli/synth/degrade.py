"""Paper, print, camera and scanner: what happens to an engraving before it reaches a reader.

`degrade_page` wears a whole image before staves are looked for. `degrade_staff` wears a staff that
is already normalised and keeps it where normalisation puts it, within its usual error; it runs for
every training sample and so is made of few, cheap operations. All chance comes from the caller.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import overload

import cv2
import numpy as np
from numpy.typing import NDArray

from omrcli.errors import UsageError

from .bend import Points, crop_margins, curl, draw_wave, turn

Gray = NDArray[np.uint8]
Floats = NDArray[np.float32]

#: Height of a normalised staff image in interlines: 5 above, 4 of staff, 5 below.
STAFF_INTERLINES = 14
#: Interlines in px of pages in phone pictures.
_PHOTO_INTERLINES = (6.0, 10.0)
#: Contrast (0..255) to which staff lines are sharpened, and the most that is done for it.
_LEAST_CONTRAST, _MOST_GAIN = 56.0, 3.5
#: Deviation of noise against the contrast of staff lines at which a person still sees them well.
_LINE_NOISE = 0.27
#: Share of the contrast of staff lines at which a pixel still turns black in a binarised image.
_LINES_KEPT = 0.5
_BANK_SIZE = 2048
_BANK_SIGMA = 40.0


@dataclass(frozen=True)
class DegradeOptions:
    """How strong damage gets, and how often (0..1) each kind is drawn.

    `strength` scales every amplitude (1 is a poor phone photo), `rotation` is in degrees,
    `interline` in px (None: measured on a page, height / 14 on a normalised staff). `shrink`,
    `ground`, `perspective`, `curve`, `paper` and `crop` are for pages alone.

    Raises:
        UsageError: a rate outside 0..1 or a negative amount.
    """

    strength: float = 1.0
    rotation: float = 1.0
    interline: float | None = None
    ink: float = 0.5
    fade: float = 0.3
    breaks: float = 0.2
    speckle: float = 0.3
    bleed: float = 0.1
    paper: float = 0.4
    geometry: float = 0.6
    perspective: float = 0.0
    curve: float = 0.3
    light: float = 0.4
    blur: float = 0.5
    motion: float = 0.1
    low_resolution: float = 0.2
    noise: float = 0.6
    jpeg: float = 0.3
    crop: float = 0.3
    shrink: float = 0.0
    ground: float = 0.0
    binarise: float = 0.2

    def __post_init__(self) -> None:
        for item in fields(self)[3:]:
            if not 0 <= getattr(self, item.name) <= 1:
                raise UsageError(f"The rate '{item.name}' must lie between 0 and 1.")
        if min(self.strength, self.rotation, self.interline or 0) < 0:
            raise UsageError("strength, rotation and interline must not be negative.")


#: "scan": a flatbed or a copier; "photo": a phone held over a page; "staff": for training.
PRESETS: dict[str, DegradeOptions] = {
    "scan": DegradeOptions(strength=0.6, light=0.25, curve=0.15, motion=0.0, binarise=0.35),
    "photo": DegradeOptions(
        strength=1.15, rotation=1.8, geometry=0.9, perspective=0.8, curve=0.7, light=0.9, blur=0.7,
        motion=0.3, low_resolution=0.2, shrink=0.6, noise=0.8, speckle=0.15, bleed=0.25, jpeg=0.8,
        paper=0.8, ground=0.45, binarise=0.0, fade=0.2,
    ),
    "staff": DegradeOptions(geometry=0.65, blur=0.45, light=0.35, jpeg=0.04, binarise=0.15),
}  # fmt: skip


def degrade_page(
    pixels: Gray, rng: np.random.Generator, options: DegradeOptions | None = None
) -> Gray:
    """Wear a page or crop, (H, W) uint8 with 255 = paper; bending and cropping may change H and W.

    Without options the preset "scan" holds.
    """
    return degrade_marked_page(pixels, np.empty((0, 2)), rng, options)[0]


def degrade_marked_page(
    pixels: Gray,
    points: Points,
    rng: np.random.Generator,
    options: DegradeOptions | None = None,
) -> tuple[Gray, Points]:
    """Wear a page as `degrade_page` does, and tell where points (N, 2) of it have gone to.

    Points are x and y in px, whole numbers in the middle of a px; what was cut off or turned out of
    the picture lies outside it.
    """
    options = options or PRESETS["scan"]
    unit = options.interline or measure_interline(pixels)
    worn = _Worn(_as_gray(cv2.bitwise_not(pixels)), unit, rng, options, points.astype(np.float64))
    area = _ink_area(worn.ink)
    if worn.draws(options.crop):
        worn.crop_margins()
    worn.print_out()
    worn.bend()
    if worn.draws(options.paper):
        worn.ink = _lay_on_paper(worn.ink, rng, 0.25 * options.strength)
    if worn.draws(options.light):
        worn.ink = _shade(worn.ink, rng, 0.6 * options.strength)
    if worn.draws(options.shrink):
        worn.shrink()
    if worn.draws(options.ground):
        worn.lay_on_table()
    worn.capture()
    if worn.draws(options.binarise):
        area *= (worn.unit / unit) ** 2
        worn.ink = _binarise(worn.ink, worn.unit, area * rng.uniform(1.0, 1.4))
    return _as_gray(cv2.bitwise_not(worn.ink)), worn.points


@overload
def degrade_staff(
    ink: Gray, rng: np.random.Generator, options: DegradeOptions | None = None
) -> Gray: ...
@overload
def degrade_staff(
    ink: Floats, rng: np.random.Generator, options: DegradeOptions | None = None
) -> Floats: ...
def degrade_staff(
    ink: Gray | Floats, rng: np.random.Generator, options: DegradeOptions | None = None
) -> Gray | Floats:
    """Wear a normalised staff, (H, W) with paper 0 and ink 255 (uint8) or 1 (float32).

    Shape and type stay. The staff stays within 0.25 interline of its height, its scale within 4 %,
    and nothing leaves the image on the right. Without options the preset "staff" holds.
    """
    if ink.dtype == np.uint8:
        return _wear_staff(_as_gray(ink), rng, options or PRESETS["staff"])
    worn = _wear_staff(_as_gray(np.rint(ink * 255)), rng, options or PRESETS["staff"])
    return np.asarray(worn * np.float32(1 / 255), dtype=np.float32)


def _wear_staff(ink: Gray, rng: np.random.Generator, options: DegradeOptions) -> Gray:
    unit = options.interline or ink.shape[0] / STAFF_INTERLINES
    worn = _Worn(ink, unit, rng, options)
    if worn.draws(options.geometry):
        worn.ink = _misplace(worn.ink, unit, rng, options.strength)
    worn.print_out()
    if worn.draws(options.light):
        worn.ink = _shade(worn.ink, rng, 0.35 * options.strength)
    worn.capture()
    if worn.draws(options.binarise):
        worn.ink = _binarise(worn.ink, unit, _ink_area(ink) * rng.uniform(1.0, 1.4))
    return worn.ink


def measure_interline(pixels: Gray) -> float:
    """Distance of staff lines in px: the commonest sum of a black run and the white run below it.

    12 where too little repeats to tell.
    """
    columns = pixels[:, :: max(1, pixels.shape[1] // 256)]
    _, black = cv2.threshold(columns, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    # A white row on top makes the run starts of each column begin afresh.
    padded = np.pad(np.asarray(black, dtype=np.int8), ((1, 0), (0, 0)))
    column, row = np.nonzero(np.diff(padded, axis=0).T == 1)
    distances = np.diff(row)[np.diff(column) == 0]
    distances = distances[(distances >= 4) & (distances <= max(4, pixels.shape[0] // 5))]
    if distances.size < 16:
        return 12.0
    return float(np.bincount(distances).argmax())


@dataclass
class _Worn:
    """An image being worn: ink (255) on paper (0), with its unit of length, the interline in px.

    `points` (N, 2) go wherever the ink goes.
    """

    ink: Gray
    unit: float
    rng: np.random.Generator
    options: DegradeOptions
    points: Points = field(default_factory=lambda: np.empty((0, 2)))

    def draws(self, rate: float) -> bool:
        """Whether a kind of damage happens this time."""
        return bool(self.rng.random() < rate)

    def print_out(self) -> None:
        """What the printing press and age do to the ink."""
        options, rng, strength = self.options, self.rng, self.options.strength
        if self.draws(options.ink):
            self.ink = _spread(self.ink, self.unit, strength * rng.uniform(-0.6, 0.9))
        if self.draws(options.fade):
            self.ink = _fade(self.ink, rng, 0.55 * strength)
        if self.draws(options.breaks):
            self.ink = _break(self.ink, self.unit, rng, 0.03 * strength)
        if self.draws(options.speckle):
            self.ink = _speckle(self.ink, rng, 8e-4 * strength)
        if self.draws(options.bleed):
            self.ink = _bleed(self.ink, rng, 0.16 * strength)

    def keep_lines(self) -> float:
        """Sharpen, as phones do, where the staff lines all but vanish; returns their contrast."""
        contrast = max(1.0, _line_contrast(self.ink, self.unit))
        gain = min(_MOST_GAIN, _LEAST_CONTRAST / contrast)
        if gain > 1:
            side = 2 * round(self.unit) + 1
            ground = cv2.blur(self.ink, (side, side))
            self.ink = _as_gray(cv2.addWeighted(self.ink, gain, ground, 1 - gain, 0))
        return contrast * max(1.0, gain)

    def shrink(self) -> None:
        """To the resolution of a page in a phone's picture: an interline of 6 to 10 px."""
        unit = self.rng.uniform(*_PHOTO_INTERLINES)
        if unit < self.unit:
            scale = unit / self.unit
            self.ink = _as_gray(
                cv2.resize(self.ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            )
            self.points = (self.points + 0.5) * scale - 0.5
            self.unit = unit

    def crop_margins(self) -> None:
        """Cut white margins away."""
        self.ink, corner = crop_margins(self.ink, self.unit, self.rng)
        self.points = self.points - corner

    def lay_on_table(self) -> None:
        """Show what lies beside the page."""
        self.ink, corner = _lay_on_table(self.ink, self.unit, self.rng)
        self.points = self.points + corner

    def bend(self) -> None:
        """Rotation, perspective and curl of a page."""
        options, rng = self.options, self.rng
        if self.draws(options.geometry):
            corners = 0.03 * options.strength if self.draws(options.perspective) else 0.0
            self.ink, matrix = turn(self.ink, rng, options.rotation * options.strength, corners)
            if len(self.points):
                moved = cv2.perspectiveTransform(self.points[:, None], matrix)
                self.points = np.asarray(moved, np.float64)[:, 0]
        if self.draws(options.curve):
            self.ink, bent = curl(self.ink, self.unit, rng, options.strength)
            self.points = bent.move(self.points)

    def capture(self) -> None:
        """What lens, sensor and file format do."""
        options, rng, strength = self.options, self.rng, self.options.strength
        if self.draws(options.motion):
            self.ink = _smear(self.ink, rng, 0.22 * self.unit * strength)
        if self.draws(options.blur):
            self.ink = _blur(self.ink, self.unit * strength * rng.uniform(0.02, 0.13))
        if self.draws(options.low_resolution):
            self.ink = _lose_resolution(self.ink, self.unit, rng)
        contrast = self.keep_lines()
        if self.draws(options.noise):
            # More would drown the staff lines, and no one could tell the pitches.
            sigma = min(strength * rng.uniform(2, 20), _LINE_NOISE * contrast)
            self.ink = _add_noise(self.ink, rng, sigma)
        if self.draws(options.jpeg):
            self.ink = _compress(self.ink, int(rng.integers(25, 85)))


def _as_gray(image: object) -> Gray:
    return np.asarray(image, dtype=np.uint8)


# -- ink ------------------------------------------------------------------------------------------


def _spread(ink: Gray, unit: float, amount: float) -> Gray:
    """Thicken (amount > 0) or thin the ink by parts of a pixel; 1 is the full kernel."""
    side = 3 if unit < 28 else 2 * round(unit / 20) + 1
    kernel = np.ones((side, side), np.uint8)
    changed = cv2.dilate(ink, kernel) if amount > 0 else cv2.erode(ink, kernel)
    share = min(abs(amount), 1.0)
    return _as_gray(cv2.addWeighted(ink, 1 - share, changed, share, 0))


def _fade(ink: Gray, rng: np.random.Generator, depth: float) -> Gray:
    """Ink that got paler, unevenly."""
    height, width = ink.shape
    floor = 255 * (1 - min(depth, 0.8))
    grid = rng.integers(int(floor), 256, (2 + height // 96, 2 + width // 96), dtype=np.uint8)
    return _as_gray(cv2.multiply(ink, _enlarge(grid, ink.shape), scale=1 / 255))


def _break(ink: Gray, unit: float, rng: np.random.Generator, share: float) -> Gray:
    """Small gaps, about a quarter of an interline, as in a worn plate or a thresholded scan."""
    cell = max(2.0, 0.3 * unit)
    shape = (2 + int(ink.shape[0] / cell), 2 + int(ink.shape[1] / cell))
    grid = np.where(rng.random(shape, dtype=np.float32) < share, np.uint8(0), np.uint8(255))
    return _as_gray(cv2.min(ink, _enlarge(grid, ink.shape)))


def _speckle(ink: Gray, rng: np.random.Generator, density: float) -> Gray:
    """Specks of ink on paper and of paper in ink."""
    count = int(ink.size * density * rng.random())
    rows, columns = rng.integers(0, ink.shape[0], count), rng.integers(0, ink.shape[1], count)
    worn = _as_gray(ink.copy())
    worn[rows, columns] = rng.integers(0, 256, count, dtype=np.uint8)
    return worn


def _bleed(ink: Gray, rng: np.random.Generator, depth: float) -> Gray:
    """The print of the other side, which shines through: mirrored, elsewhere, soft and pale."""
    other = cv2.blur(cv2.flip(ink, 1), (3, 3))
    rows = int(rng.integers(-ink.shape[0] // 3, ink.shape[0] // 3 + 1))
    other = np.roll(other, (rows, int(rng.integers(0, ink.shape[1]))), (0, 1))
    return _as_gray(cv2.max(ink, _as_gray(cv2.convertScaleAbs(other, alpha=depth * rng.random()))))


# -- paper and light ------------------------------------------------------------------------------


def _enlarge(grid: Gray, shape: tuple[int, ...]) -> Gray:
    return _as_gray(cv2.resize(grid, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR))


def _lay_on_paper(ink: Gray, rng: np.random.Generator, depth: float) -> Gray:
    """Yellowed, stained and fibrous paper."""
    darkest = int(255 * (1 - min(depth, 0.5)))
    stains = rng.integers(darkest, 256, rng.integers(3, 14, 2), dtype=np.uint8)
    paper = _enlarge(stains, ink.shape)
    fibres = _crop_bank(_noise_bank(2.0), ink.shape, rng)
    share = 0.35 * depth * rng.random()
    paper = _as_gray(cv2.addWeighted(paper, 1, fibres, share, -160 * share))
    return _multiply_light(ink, paper)


def _shade(ink: Gray, rng: np.random.Generator, depth: float) -> Gray:
    """Uneven light: a slope over the image and, half of the time, the soft edge of a shadow."""
    y, x = np.mgrid[-1:1:24j, -1:1:24j].astype(np.float32)
    depth *= rng.uniform(0.2, 1.0)
    angle = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    light = 1 - depth * (0.25 + 0.25 * along)
    if rng.random() < 0.5:
        edge = 1 / (1 + np.exp(-(along - rng.uniform(-0.8, 0.8)) * rng.uniform(3, 20)))
        light = light * (1 - 0.5 * depth * edge)
    if rng.random() < 0.4:  # a lamp, or the corners of a lens
        away = np.hypot(x - rng.uniform(-0.7, 0.7), y - rng.uniform(-0.7, 0.7))
        light = light * (1 - 0.35 * depth * np.minimum(away, 1.5) ** 2 / 2.25)
    return _multiply_light(ink, _enlarge(_as_gray(np.clip(light, 0.1, 1) * 255), ink.shape))


def _lay_on_table(ink: Gray, unit: float, rng: np.random.Generator) -> tuple[Gray, tuple[int, int]]:
    """What lies beside the page at some of its edges: a table, or white where it was cut out.

    Also returns how far right and down the page has gone.
    """
    rooms = rng.uniform(0.5, 6, 4) * unit * (rng.random(4) < (0.2, 0.5, 0.2, 0.5))
    above, right, below, left = (int(room) for room in rooms)
    page = np.pad(ink, ((above, below), (left, right)), mode="edge")
    height, width = page.shape
    slant = rng.uniform(-0.8, 0.8, 8) * unit
    corners = np.array(
        [
            (left + slant[0] if left else -9, above + slant[1] if above else -9),
            (width - right + slant[2] if right else width + 9, above + slant[3] if above else -9),
            (
                width - right + slant[4] if right else width + 9,
                height - below + slant[5] if below else height + 9,
            ),
            (left + slant[6] if left else -9, height - below + slant[7] if below else height + 9),
        ]
    )
    # The page itself must not lose ink, so edges lean outward only as far as paper was added.
    mask = np.zeros(page.shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], 255)
    mask[above : above + ink.shape[0], left : left + ink.shape[1]] = 255
    return np.where(mask > 0, page, _table(page.shape, rng)), (left, above)


def _table(shape: tuple[int, int], rng: np.random.Generator) -> Gray:
    """Ink of a table: even, or with a grain that runs one way; nothing where it was cut out."""
    if rng.random() < 0.3:
        return np.zeros(shape, np.uint8)
    height, width = shape
    along = 6 if rng.random() < 0.6 else 1
    grain = _crop_bank(_noise_bank(2.0), (height // along + 1, width), rng)
    grain = _as_gray(cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR))
    level, share = rng.uniform(60, 235), rng.uniform(0.1, 0.8)
    return _as_gray(cv2.convertScaleAbs(grain, alpha=share, beta=level - 128 * share))


def _multiply_light(ink: Gray, light: Gray) -> Gray:
    lit = cv2.multiply(cv2.bitwise_not(ink), light, scale=1 / 255)
    return _as_gray(cv2.bitwise_not(lit))


# -- lens, sensor, file ---------------------------------------------------------------------------


def _blur(ink: Gray, sigma: float) -> Gray:
    """Out of focus; the kernel ends at two sigma, which halves the time and shows no edge."""
    side = 2 * max(1, round(2 * sigma)) + 1
    return _as_gray(cv2.GaussianBlur(ink, (side, side), max(sigma, 0.25)))


def _smear(ink: Gray, rng: np.random.Generator, longest: float) -> Gray:
    """Motion blur along the staff or across it; across is halved, since it hides the lines."""
    across = rng.random() < 0.5
    length = 1 + round(rng.uniform(0, longest) * (0.5 if across else 1.0))
    return _as_gray(cv2.blur(ink, (1, length) if across else (length, 1)))


def _lose_resolution(ink: Gray, unit: float, rng: np.random.Generator) -> Gray:
    """Down to an interline of 5.5 px or more, and up again."""
    lowest = min(1.0, 5.5 / unit)
    factor = rng.uniform(lowest, 1.0)
    size = (max(1, round(ink.shape[1] * factor)), max(1, round(ink.shape[0] * factor)))
    small = _as_gray(cv2.resize(ink, size, interpolation=cv2.INTER_LINEAR))
    return _enlarge(small, ink.shape)


@lru_cache(maxsize=4)
def _noise_bank(grain: float) -> Gray:
    """Noise around 128 to cut from: drawing a crop costs a hundredth of drawing the noise."""
    noise = np.random.default_rng(0).standard_normal((_BANK_SIZE, _BANK_SIZE), dtype=np.float32)
    if grain:
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), grain), dtype=np.float32)
    scaled = 128 + noise * (_BANK_SIGMA / noise.std())
    return _as_gray(np.clip(scaled, 0, 255))


def _crop_bank(bank: Gray, shape: tuple[int, ...], rng: np.random.Generator) -> Gray:
    height, width = shape
    if height > _BANK_SIZE or width > _BANK_SIZE:
        bank = np.tile(bank, (height // _BANK_SIZE + 1, width // _BANK_SIZE + 1))
    row = rng.integers(0, bank.shape[0] - height + 1)
    column = rng.integers(0, bank.shape[1] - width + 1)
    return bank[row : row + height, column : column + width]


def _add_noise(ink: Gray, rng: np.random.Generator, sigma: float) -> Gray:
    grain = float(rng.choice((0.0, 0.0, 0.9, 1.5)))
    noise = _crop_bank(_noise_bank(grain), ink.shape, rng)
    share = sigma / _BANK_SIGMA
    return _as_gray(cv2.addWeighted(ink, 1, noise, share, -128 * share))


def _line_contrast(ink: Gray, unit: float) -> float:
    """How much darker than paper the staff lines are: thin ink, on every fourth column."""
    columns = _as_gray(ink[:, ::4])
    kernel = np.ones((max(2, round(0.4 * unit)), 1), np.uint8)
    thin = cv2.subtract(columns, cv2.morphologyEx(columns, cv2.MORPH_OPEN, kernel))
    counts = np.bincount(np.asarray(thin).ravel(), minlength=256)
    # Five lines are a tenth of the pixels of a tight crop, and a few hundredths of a tall one.
    share = min(0.1, 2.5 * unit * 0.12 / max(1, ink.shape[0])) * counts.sum()
    return float(255 - np.searchsorted(counts[::-1].cumsum(), share))


def _compress(ink: Gray, quality: int) -> Gray:
    done, data = cv2.imencode(".jpg", ink, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return _as_gray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)) if done else ink


def _ink_area(ink: Gray) -> float:
    """Ink in px, on every second row and column; see `_binarise`."""
    return float(np.count_nonzero(ink[::2, ::2] > 127))


def _binarise(ink: Gray, unit: float, area: float) -> Gray:
    """One bit per pixel against the local mean, at the threshold that leaves about `area` of ink.

    A fixed threshold would now and then delete all staff lines, and with them the pitches; so would
    this one where the lines are the faintest ink, and it is kept below half of their contrast.
    """
    side = 2 * round(3 * unit) + 1
    contrast = _as_gray(cv2.subtract(ink, cv2.blur(ink, (side, side))))
    counts = np.bincount(contrast[::2, ::2].ravel(), minlength=256)
    darker = counts[::-1].cumsum()[::-1]  # pixels at least this much darker than their surroundings
    faintest = int(_LINES_KEPT * _line_contrast(ink, unit))
    threshold = max(8, min(faintest, int(np.count_nonzero(darker > area))))
    return _as_gray(cv2.threshold(contrast, threshold - 1, 255, cv2.THRESH_BINARY)[1])


# -- geometry -------------------------------------------------------------------------------------


def _misplace(ink: Gray, unit: float, rng: np.random.Generator, strength: float) -> Gray:
    """The error of staff normalisation: in place, slope, bend, scale and spacing."""
    height, width = ink.shape
    wanted = min(strength, 1.0)
    share = rng.dirichlet((1, 1, 1)) * rng.uniform(-0.25, 0.25) * wanted * unit
    along = np.linspace(-1, 1, width, dtype=np.float32)
    shift = share[0] + share[1] * along + share[2] * draw_wave(np.float32(np.pi) * along, rng)
    scale = 1 + rng.uniform(-0.04, 0.04) * wanted
    middle = (height - 1) / 2
    rows = (np.arange(height, dtype=np.float32) - middle) * np.float32(1 / scale) + middle
    # Only narrower: a wider staff would push its last barline out of the image.
    narrow = 1 + rng.uniform(0, 0.06) * wanted
    stretch = 0.012 * wanted * rng.uniform(-1, 1) * (1 - along**2)
    columns = (np.arange(width, dtype=np.float32) + stretch * width) * np.float32(narrow)
    maps = _scratch_maps(height, width)
    maps[0] = columns
    np.add(rows[:, None], shift.astype(np.float32)[None, :], out=maps[1])
    return _as_gray(cv2.remap(ink, maps[0], maps[1], cv2.INTER_LINEAR))


_thread = threading.local()


def _scratch_maps(height: int, width: int) -> Floats:
    """Room for two maps, kept by the thread: fresh pages from the system would double the time."""
    room: Floats | None = getattr(_thread, "room", None)
    if room is None or room.size < 2 * height * width:
        room = _thread.room = np.empty(2 * height * width, np.float32)
    return room[: 2 * height * width].reshape(2, height, width)
