"""The proof sheet in a browser: what is shown is where it was read, and corrections come out."""

from __future__ import annotations

import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("verovio")
playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")

from omrcli.datasets.corpus import find_samples  # noqa: E402
from omrcli.report.page import render_page  # noqa: E402
from omrcli.report.sheet import ProofSheet, place_lines  # noqa: E402
from omrcli.score.parts import arrange_parts  # noqa: E402
from omrcli.score.score import Score, build_score, measure_warnings, score_tokens  # noqa: E402
from omrcli.tokens import DURATIONS, KEY_NAMES, Token, TokenError, parse_symbol  # noqa: E402
from tests.report.sheets import Texts, agnostic, make_sheet, make_transcription, proof_of  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

OPENING = ("clef-G2", "keySignature-DM", "timeSignature-3/4")
FIRST = (*OPENING, "note-D4_quarter", "note-E4_quarter", "note-F#4_quarter", "barline")
SECOND = ("clef-G2", "keySignature-DM", "note-A4_half", "note-B4_half", "barline-final")
#: The second half note is a quarter: then the measure adds up.
DOUBT = {(1, 3): (0.41, (("note-B4_quarter", 0.35), ("note-C#5_half", 0.1)))}
WAIT = 60_000  # ms: machines that run tests are slow at times


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as program:
        found = program.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


Open = Callable[..., Any]


@pytest.fixture
def open_sheet(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a proof sheet; at the end there must have been no error, request or dialog."""
    troubles: list[str] = []
    contexts = []

    def show(sheet: ProofSheet, **options: Any) -> Any:
        path = tmp_path / "proof.html"
        path.write_bytes(render_page(sheet))
        context = browser.new_context(accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT)
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        page.on("request", lambda request: _note_request(request.url, path, troubles))
        page.goto(path.as_uri())
        page.wait_for_selector(".strip svg")
        return page

    show.troubles = troubles  # type: ignore[attr-defined]
    yield show
    for context in contexts:
        context.close()
    assert troubles == []


def _note_request(url: str, path: Path, troubles: list[str]) -> None:
    if url != path.as_uri() and not url.startswith(("data:", "blob:")):
        troubles.append(url)


def save(page: Any, button: str, folder: Path) -> Path:
    """Click one of the downloads and return the file."""
    with page.expect_download() as download:
        page.click("#downloads summary")
        page.click(button)
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_a_doubt_is_marked_where_it_is(open_sheet: Open) -> None:
    sheet = proof_of([[FIRST], [SECOND]], DOUBT)
    page = open_sheet(sheet)
    assert page.text_content("#place") == "1 doubt"
    spots = page.locator(".spots .doubtful rect")
    assert spots.count() == 2
    strip = page.locator("#staff-1 .strip").bounding_box()
    token, crop = sheet.staves[1].tokens[3], sheet.staves[1].crop
    wanted = strip["x"] + strip["width"] * (token.box[0] + token.box[2]) / 2 / crop.width
    for spot in spots.all():
        box = spot.bounding_box()
        assert abs(box["x"] + box["width"] / 2 - wanted) < 1.5
    inside, reading = (spot.bounding_box() for spot in spots.all())
    source = page.locator("#staff-1 .source").bounding_box()
    assert source["y"] < inside["y"] < source["y"] + source["height"] < reading["y"]
    # The token was read at x = 240 of the page, and the crop says where that is.
    assert abs(crop.x(240) - (token.box[0] + token.box[2]) / 2) < 2
    assert page.locator(".measure.problem").text_content() == "▶ 2: 4 of 3"


def test_an_alternative_mends_the_measure(open_sheet: Open) -> None:
    page = open_sheet(proof_of([[FIRST], [SECOND]], DOUBT))
    page.keyboard.press("j")
    assert "B4 half" in page.text_content("#panel strong")
    assert page.locator(".alternative.fits").count() == 1
    page.keyboard.press("1")
    assert page.text_content("#place") == "no doubts left"
    assert page.locator(".measure.problem").count() == 0
    assert page.locator(".reading .edited path, .reading .edited use").count() >= 2
    page.keyboard.press("u")
    assert page.locator(".measure.problem").count() == 1


def test_corrections_come_out_as_a_part(open_sheet: Open, tmp_path: Path) -> None:
    page = open_sheet(proof_of([[FIRST], [SECOND]], DOUBT))
    page.keyboard.press("n")
    page.keyboard.press("1")
    path = save(page, "#save-semantic", tmp_path)
    assert path.name == "piece.semantic"
    corrected = (*SECOND[:3], "note-B4_quarter", "barline-final")
    wanted = score_tokens(build_score([[Token(t) for t in FIRST], [Token(t) for t in corrected]]))
    assert path.read_text().split() == wanted
    assert path.read_text().count("clef-G2") == 1


LAYOUTS = {
    "restated": [[FIRST], [SECOND], [SECOND]],
    "new clef": [[FIRST], [("clef-F4", *SECOND[1:])]],
    "no key": [[FIRST], [("clef-G2", "timeSignature-2/4", "note-C4_half", "barline")]],
    "tie over the break": [
        [(*OPENING, "note-D4_half.", "tie", "barline")],
        [("clef-G2", "keySignature-DM", "tie", "note-D4_half.", "barline")],
    ],
    "no barline": [
        [(*OPENING, "note-D4_half")],
        [("clef-G2", "keySignature-DM", "note-E4_quarter", "barline")],
    ],
    "line at the left": [
        [(*OPENING, "note-D4_half.")],
        [("barline", "clef-G2", "note-E4_half.", "barline")],
    ],
    "repeat at the left": [
        [(*OPENING, "note-D4_half.", "barline")],
        [("clef-G2", "repeat-start", "note-E4_half.", "repeat-end")],
    ],
    "courtesy": [
        [(*OPENING, "note-D4_half.", "barline", "timeSignature-2/4")],
        [("clef-G2", "keySignature-DM", "timeSignature-2/4", "note-E4_half", "barline")],
    ],
    "pickup": [
        [(*OPENING, "note-D4_quarter", "barline", "note-D4_half.", "barline", "note-E4_half")],
        [("clef-G2", "barline-double", "note-D4_half", "note-D4_half", "barline", "tie")],
    ],
    "rests": [
        [(*OPENING, "rest-whole", "barline", "multirest-12", "barline", "gracenote-C4_eighth")],
        [("rest-half", "note-D4_eighth_3:2", "note-D4_eighth_3:2", "note-D4_eighth_3:2")],
    ],
    "two parts": [
        [FIRST, ("clef-F4", *OPENING[1:], "note-D3_half.", "barline")],
        [SECOND, ("clef-F4", "keySignature-DM", "note-D3_half.", "barline-final")],
    ],
}


THREE = "timeSignature-3/4"
FULL, SHORT, LONG = ("note-D4_half.",), ("note-D4_half",), ("note-D4_half", "note-D4_half")


def staff(*measures: Texts, clef: str = "clef-G2", time: str = THREE) -> Texts:
    """A staff of some measures, each with a barline behind it."""
    signs = (clef, time) if time else (clef,)
    return (*signs, *(text for measure in measures for text in (*measure, "barline")))


REST, REST_3 = ("rest-whole",), ("multirest-3",)
TRIPLET = ("note-D4_quarter_3:2",) * 3
#: Systems of several staves, which have to be brought into step.
PARTS = {
    "short in one": [[staff(FULL, SHORT, FULL), staff(FULL, FULL, FULL, clef="clef-F4")]],
    "over in one": [[staff(FULL, LONG), staff(FULL, FULL), staff(REST, REST)]],
    "short in all": [[staff(SHORT, FULL, SHORT, FULL), staff(SHORT, FULL, SHORT, FULL)]],
    "pickup in one": [[staff(SHORT, FULL), staff(FULL, FULL)]],
    "triplets": [[staff((*TRIPLET, "note-D4_quarter")), staff((*TRIPLET, "rest-quarter"))]],
    "rests in one": [[staff(REST_3, FULL), staff(FULL, SHORT, FULL, FULL)]],
    "rests in all": [[staff(REST_3, FULL), staff(REST_3, FULL)], [staff(FULL), staff(SHORT)]],
    "rests of two lengths": [[staff(REST_3, FULL), staff(("multirest-4",), FULL)]],
    "rests beside notes": [[staff(("multirest-2", "note-D4_half."), FULL), staff(FULL, FULL)]],
    "no barlines": [[(*staff(FULL), *FULL), (*staff(FULL), *FULL)], [staff(FULL), staff(FULL)]],
    "barline lost": [
        [staff(FULL, FULL, FULL), staff((*FULL, "note-D4_half."), FULL), staff(FULL, FULL, FULL)]
    ],
    "barline too many": [
        [staff(FULL, FULL), staff(FULL, SHORT, ("note-D4_quarter",)), staff(FULL, FULL)]
    ],
    "new meter in one": [
        [staff(FULL), staff(FULL)],
        [staff(SHORT, SHORT, time="timeSignature-2/4"), staff(SHORT, SHORT, time="")],
    ],
    "a part comes later": [
        [staff(FULL, FULL)],
        [staff(FULL, SHORT), staff(FULL, FULL, clef="clef-F4")],
    ],
    "goes on over the break": [
        [(*staff(FULL), *SHORT), (*staff(FULL), *SHORT)],
        [staff(("note-D4_quarter",), FULL), staff(("note-E4_quarter",), FULL)],
    ],
    "goes on by most": [
        [(*staff(FULL), *SHORT), (*staff(FULL), *SHORT), staff(FULL, SHORT)],
        [staff(("note-D4_quarter",), FULL, time="")] * 3,
    ],
    "repeats": [
        [
            (*staff(FULL, SHORT)[:-1], "repeat-end", *staff(FULL, time="")),
            (*staff(FULL, SHORT)[:-1], "repeat-end", *staff(FULL, time="")),
        ]
    ],
}


def judge(page: Any) -> tuple[list[list[str]], list[list[int]], list[list[object]]]:
    """What a page makes of its tokens: texts, numbers of measures by part, and what is amiss."""
    return (
        page.evaluate("score.parts.map(partTexts)"),
        page.evaluate("score.parts.map((part) => part.measures.map((m) => m.number))"),
        page.evaluate(
            "score.parts.flatMap((part, n) => part.measures.filter((m) => m.problem)"
            ".map((m) => [n, m.number, m.problem]))"
        ),
    )


def judge_score(score: Score) -> tuple[list[list[str]], list[list[int]], list[list[object]]]:
    """The same of a score."""
    return (
        [score_tokens(score, n) for n in range(len(score.parts))],
        [[measure.number for measure in part.measures] for part in score.parts],
        [
            [item.part or 0, item.number, f"{say(item.actual)} of {say(item.expected)}"]
            for item in measure_warnings(score)
        ],
    )


def say(quarters: Fraction) -> str:
    whole, rest = divmod(quarters, 1)
    return f"{whole or ''}{'½' if rest else ''}" or "0"


@pytest.mark.parametrize("name", [*LAYOUTS, *PARTS])
def test_staves_join_and_measures_add_up_as_they_do_in_the_score(
    open_sheet: Open, name: str
) -> None:
    transcription, crops = make_transcription({**LAYOUTS, **PARTS}[name])
    page = open_sheet(make_sheet(transcription, crops))
    assert transcription.score is not None
    assert judge(page) == judge_score(transcription.score)


#: What measures of the random systems below are made of.
PIECES = (
    ("note-D4_quarter",),
    ("note-D4_half",),
    ("note-D4_half.",),
    ("note-D4_quarter_3:2", "rest-half_3:2"),
    ("rest-whole",),
    ("multirest-2",),
    ("multirest-3",),
    ("tie",),
    ("timeSignature-2/4",),
    ("gracenote-D4_eighth",),
    ("keySignature-DM",),
)
BARLINES = ("barline", "barline", "barline", "barline-double", "repeat-both", "repeat-start")


def draw_systems(chance: random.Random) -> list[list[Texts]]:
    """Systems of random staves, of which most have the same barlines."""
    systems = []
    for _ in range(chance.randint(1, 3)):
        model = [chance.choice(PIECES[:7]) for _ in range(chance.randint(1, 4))]
        system = []
        for part in range(chance.choice((1, 2, 2, 3))):
            texts = ["clef-F4" if part else "clef-G2", chance.choice((THREE, THREE, "tie"))]
            for piece in model:
                if chance.random() < 0.3:
                    texts += chance.choice(PIECES)
                texts += chance.choice(PIECES) if chance.random() < 0.3 else piece
                if chance.random() < 0.9:
                    texts.append(chance.choice(BARLINES) if chance.random() < 0.3 else "barline")
            system.append(tuple(texts))
        systems.append(system)
    return systems


#: Put other staves in the place of those that a page was made of.
EXCHANGE = """({ lines, systems }) => {
  const made = lines.map((line, number) => ({ ...staves[0], number, left: 0, scale: 1, space: 10,
    tokens: line.map(([text, x], index) => ({ text, x, index, symbol: parseToken(text) })) }));
  staves.splice(0, staves.length, ...made);
  data.systems.splice(0, data.systems.length, ...systems);
  const width = Math.max(...systems.map((system) => system.length));
  parts.splice(0, parts.length, ...Array(width).fill([]));
  score = buildScore();
}"""


def test_random_systems_are_brought_into_step_as_in_the_score(open_sheet: Open) -> None:
    page = open_sheet(proof_of([[FIRST]]))
    chance = random.Random(5)
    for _ in range(150):
        systems = draw_systems(chance)
        transcription, _ = make_transcription(systems)
        readings = transcription.staves
        arrangement = arrange_parts(list(place_lines(readings)))
        lines = [
            [(t.text, sum(x) / 2) for t, x in zip(each.tokens, each.spans, strict=True)]
            for each in readings
        ]
        places = [list(system.staves) for system in arrangement.systems]
        page.evaluate(EXCHANGE, {"lines": lines, "systems": places})
        assert transcription.score is not None
        found, wanted = judge(page), judge_score(transcription.score)
        assert found[:2] == wanted[:2], systems
        assert [item[:2] for item in found[2]] == [item[:2] for item in wanted[2]], systems


def test_after_a_correction_all_parts_are_judged_anew(open_sheet: Open) -> None:
    right = [[staff(FULL, FULL), staff(FULL, FULL)], [staff(FULL), staff(FULL)]]
    page = open_sheet(proof_of(right))
    assert judge(page)[2] == []
    page.evaluate("correct(staves[1], 2, 'note-D4_half')")  # shorter than in the part above
    page.evaluate("correct(staves[0], 4, 'note-D4_half. barline note-E4_half.')")  # a measure more
    mended = [[staff(FULL, FULL, ("note-E4_half.",)), staff(SHORT, FULL)], right[1]]
    score = make_transcription(mended)[0].score
    assert score is not None
    found, wanted = judge(page), judge_score(score)
    assert (found[0], found[2]) == (wanted[0], wanted[2])
    assert found[1] == [[1, 2, 3, 4]] * 2
    assert page.locator("#staff-2 .measure").text_content() == "▶ 4"
    assert page.locator("#staff-1 .measure.problem").text_content() == "▶ 1: 2 of 3"
    page.keyboard.press("u")
    page.keyboard.press("u")
    assert judge(page)[1:] == ([[1, 2, 3]] * 2, [])


def test_rests_of_many_measures_have_one_number(open_sheet: Open) -> None:
    page = open_sheet(proof_of(PARTS["rests in one"]))
    assert page.locator("#staff-0 .measure").all_text_contents() == ["▶ 1", "▶ 4"]


def test_the_grammar_is_that_of_the_encoding(open_sheet: Open) -> None:
    durations = [f"{base}{dots}" for base in DURATIONS for dots in ("", ".", "..")]
    texts = [
        *(f"note-{pitch}_{d}" for d in durations for pitch in ("C4", "F##2", "Bbb5", "E9")),
        *(f"rest-{d}_3:2_fermata" for d in durations),
        *(f"keySignature-{name}" for name in KEY_NAMES.values()),
        *("clef-G2_8vb", "clef-C5", "timeSignature-C/", "timeSignature-12/8", "multirest-417"),
        *("note-G3_eighth|note-D4_eighth", "gracenote-C4_eighth", "tie", "barline-final"),
        *("note-H4_quarter", "note-C4", "clef-D2", "multirest-0", "rest-", "", "toString"),
        *(
            "note-C4_half|note-D4_quarter",
            "keySignature-XM",
            "timeSignature-0/4",
            "note-C4_half_0:1",
        ),
    ]
    page = open_sheet(proof_of([[FIRST]]))
    found = page.evaluate(
        "texts => texts.map((t) => parseToken(t)?.quarters ?? (parseToken(t) && 0))", texts
    )
    for text, quarters in zip(texts, found, strict=True):
        try:
            symbol = parse_symbol(text)
        except TokenError:
            assert quarters is None, text
            continue
        duration = getattr(symbol, "duration", None) or symbol
        assert quarters == pytest.approx(float(getattr(duration, "quarters", 0))), text


def test_typing_inserting_and_deleting(open_sheet: Open) -> None:
    page = open_sheet(proof_of([[FIRST]]))
    texts = "staves[0].tokens.map((token) => token.text).join(' ')"
    page.locator('#staff-0 .hits [data-place="3"]').click()
    page.fill("#token-text", "note-H4_quarter")
    page.click("#panel form button")
    assert "“note-H4_quarter” is no token" in page.text_content(".invalid")
    assert page.evaluate(texts) == " ".join(FIRST)
    page.fill("#token-text", "note-G4_eighth note-A4_eighth")
    page.keyboard.press("Enter")
    assert "note-G4_eighth note-A4_eighth note-E4_quarter" in page.evaluate(texts)
    page.keyboard.press("Delete")
    page.keyboard.press("i")
    page.keyboard.type("rest-eighth")
    page.keyboard.press("Enter")
    assert page.evaluate(texts).split()[3:6] == ["note-A4_eighth", "rest-eighth", "note-E4_quarter"]
    for _ in range(3):
        page.keyboard.press("u")
    assert page.evaluate(texts) == " ".join(FIRST)


def test_notes_follow_their_clef_and_arrows_move_them(open_sheet: Open) -> None:
    page = open_sheet(proof_of([[FIRST]]))
    texts = "staves[0].tokens.map((token) => token.text)"
    page.locator('#staff-0 .hits [data-place="0"]').click()
    page.fill("#token-text", "clef-F4")
    page.keyboard.press("Enter")
    assert page.evaluate(texts)[3:6] == ["note-F#2_quarter", "note-G2_quarter", "note-A2_quarter"]
    page.locator('#staff-0 .hits [data-place="4"]').click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("-")
    assert page.evaluate(texts)[4] == "note-F2_quarter"


def test_what_was_corrected_trains(open_sheet: Open, tmp_path: Path) -> None:
    page = open_sheet(proof_of([[FIRST], [SECOND]], DOUBT))
    page.keyboard.press("j")
    page.keyboard.press("1")
    path = save(page, "#save-training", tmp_path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "corpus")
    samples = find_samples(tmp_path / "corpus")
    assert [sample.id for sample in samples] == ["piece-001-01", "piece-001-02"]
    assert samples[1].tokens == (*SECOND[:3], "note-B4_quarter", "barline-final")
    pytest.importorskip("torch")
    from omrcli.training.data import store_samples

    stored, problems = store_samples(samples)
    assert (len(stored), problems) == (2, [])


def test_work_is_kept_and_restored(open_sheet: Open) -> None:
    page = open_sheet(proof_of([[FIRST], [SECOND]], DOUBT))
    page.keyboard.press("j")
    page.keyboard.press("1")
    page.keyboard.press("r")
    page.reload()
    page.wait_for_selector(".strip svg")
    assert page.evaluate("staves[1].tokens[3].text + staves[1].right") == "note-B4_quartertrue"


def test_notes_sound_as_they_are_written(open_sheet: Open) -> None:
    systems = [
        [
            (
                "clef-G2",
                "timeSignature-2/4",
                "multirest-2",
                "barline",
                "note-C4_half",
                "tie",
                "barline",
            )
        ],
        [("clef-G2", "note-C4_quarter", "note-E4_eighth_3:2", "rest-quarter_3:2", "barline")],
    ]
    page = open_sheet(proof_of(systems))
    notes = page.evaluate(
        "makeTimeline(playingOrder()).notes.map((n) => [n.start, n.length, n.keys])"
    )
    sounding = [note for note in notes if note[2]]
    assert sounding[0] == [4, 3, [60]]  # after two measures of rest
    assert sounding[1] == [pytest.approx(7), pytest.approx(1 / 3), [64]]
    page.evaluate("playNotes(makeTimeline(playingOrder()).notes.slice(0, 1), 300)")
    assert page.evaluate("isPlaying()")
    page.evaluate("stopPlaying()")


@pytest.mark.parametrize(
    ("systems", "order"),
    [
        (["C repeat-end D barline-final"], "C C D"),
        (["C barline D repeat-start E barline F repeat-end G barline"], "C D E F E F G"),
        (["C barline repeat-start E repeat-end", "F repeat-end"], "C E E F F"),
        (
            ["C repeat-start D repeat-both E repeat-end", "repeat-start F repeat-end"],
            "C D D E E F F",
        ),
        (["C barline", "repeat-start D barline", "E", "repeat-both F repeat-end"], "C D E D E F F"),
        (["C repeat-start D barline E repeat-start F repeat-end G"], "C D E F F G"),
    ],
)
def test_repeats_are_played(open_sheet: Open, systems: list[str], order: str) -> None:
    def line(text: str) -> Texts:
        signs = [t if len(t) > 1 else f"note-{t}4_half." for t in text.split()]
        return ("clef-G2", THREE, *signs)

    for parts in (1, 2):
        page = open_sheet(proof_of([[line(text)] * parts for text in systems]))
        played = page.evaluate(
            "makeTimeline(playingOrder()).notes.map((n) => [n.start, n.keys[0]])"
        )
        keys = dict(zip("CDEFG", (60, 62, 64, 65, 67), strict=True))
        wanted = [[3 * n, keys[name]] for n, name in enumerate(order.split()) for _ in range(parts)]
        assert played == wanted


def test_no_tie_leads_back_to_a_repeat_sign(open_sheet: Open) -> None:
    tied = ("clef-G2", THREE, "note-C4_half.", "tie", "repeat-end", "note-C4_half.", "barline")
    page = open_sheet(proof_of([[tied]]))
    notes = page.evaluate(
        "makeTimeline(playingOrder()).notes.map((n) => [n.start, n.length, n.keys.length])"
    )
    assert [note[:2] for note in notes if note[2]] == [[0, 3], [3, 6]]


def test_the_piece_is_played_from_the_measure_chosen(open_sheet: Open) -> None:
    page = open_sheet(proof_of([[staff(FULL, FULL), staff(FULL, FULL)], [staff(FULL)] * 2]))
    page.evaluate(
        "window.given = []; start = (notes) => given.push(notes.map((n) => n.staff.number)); 0"
    )
    page.keyboard.press("Shift+Space")
    page.evaluate("choose(staves[1], 4); playPiece(); playChosen()")
    assert page.evaluate("given") == [[0, 1, 0, 1, 2, 3], [0, 1, 2, 3], [0, 1]]


def test_only_doubtful_staves_and_help(open_sheet: Open) -> None:
    page = open_sheet(proof_of([[FIRST], [SECOND]], DOUBT))
    page.keyboard.press("f")
    assert not page.is_visible("#staff-0")
    assert page.is_visible("#staff-1")
    page.keyboard.press("?")
    assert page.is_visible("#help")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_phone_shows_staves_large_enough_to_read(open_sheet: Open) -> None:
    long = (*OPENING, *["note-D4_quarter", "note-E4_quarter", "note-F#4_quarter", "barline"] * 6)
    phone = {"viewport": {"width": 390, "height": 800}, "is_mobile": True, "has_touch": True}
    sheet = proof_of([[long]], {(0, 24): (0.3, (("note-D4_half", 0.2),))})
    page = open_sheet(sheet, **phone)
    strip = page.locator(".strip").bounding_box()
    assert strip["width"] / sheet.staves[0].crop.width * sheet.staves[0].crop.interline >= 7.9
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#next").tap()
    spot = page.locator(".spots .chosen .in-source").bounding_box()
    assert 0 < spot["x"] < 390
    assert page.is_visible("#panel")


NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&lt;{{ 7 * 7 }}<!--"


def test_names_cannot_break_out(open_sheet: Open) -> None:
    source = NASTY.replace("/", "\u2044") + ".png"
    page = open_sheet(proof_of([[FIRST], [SECOND]], DOUBT, title=NASTY, source=source))
    assert page.text_content("h1") == NASTY
    assert page.evaluate("data.staves[0].source") == source
    assert page.locator("img[src=x]").count() == 0


def test_the_policy_stops_what_would_leave_the_page(open_sheet: Any) -> None:
    page = open_sheet(proof_of([[FIRST]]))
    refused = page.evaluate(
        "new Promise((done) => { addEventListener('securitypolicyviolation', (event) => "
        "done(event.effectiveDirective)); new Image().src = 'http://127.0.0.1:9/x'; })"
    )
    assert refused == "img-src"
    assert "Content Security Policy" in " ".join(open_sheet.troubles)
    open_sheet.troubles.clear()


def test_without_a_score_tokens_are_shown_as_texts(open_sheet: Open) -> None:
    transcription, crops = make_transcription([[FIRST]])
    page = open_sheet(make_sheet(agnostic(transcription), crops))
    assert "agnostic encoding" in page.text_content("#notes")
    assert page.locator(".texts text").count() == len(FIRST)
    assert page.locator("#play").count() == 0
