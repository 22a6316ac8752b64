"""The proof sheet in a browser: what is shown is where it was read, and corrections come out."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("verovio")

from omrcli.datasets.corpus import find_samples
from omrcli.score.score import build_score, score_tokens
from omrcli.tokens import DURATIONS, KEY_NAMES, Token, TokenError, parse_symbol
from tests.report.sheets import (
    FIRST,
    OPENING,
    SECOND,
    Open,
    agnostic,
    make_sheet,
    make_transcription,
    proof_of,
)

#: The second half note is a quarter: then the measure adds up.
DOUBT = {(1, 3): (0.41, (("note-B4_quarter", 0.35), ("note-C#5_half", 0.1)))}


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


def test_the_last_doubt_that_is_right_is_shown_as_right(open_sheet: Open) -> None:
    page = open_sheet(proof_of([[FIRST]], {(0, 4): (0.6, (("note-E4_half", 0.3),))}))
    page.keyboard.press("j")
    assert page.text_content("#panel span.doubtful") == "confidence 60 %"
    page.keyboard.press("Enter")
    assert page.text_content("#place") == "no doubts left"
    assert page.text_content("#panel span.sure") == "marked as right"


def test_a_reading_of_several_tokens_is_taken_once(open_sheet: Open) -> None:
    tied = {(0, 5): (0.6, (("note-F#4_quarter tie", 0.3),))}
    page = open_sheet(proof_of([[FIRST]], tied))
    page.keyboard.press("j")
    page.keyboard.press("1")
    assert page.evaluate("staves[0].tokens.map((t) => t.text).slice(5)") == [
        *("note-F#4_quarter", "tie", "barline"),
    ]
    assert page.text_content("#place") == "no doubts left"
    assert page.text_content("#panel .alternatives") == "no other reading is likely"
    page.keyboard.press("u")
    assert page.evaluate("staves[0].tokens.length") == len(FIRST)
    assert page.text_content("#place") == "1 of 1"


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


def test_the_last_token_can_be_deleted(open_sheet: Open) -> None:
    page = open_sheet(proof_of([[FIRST]]))
    page.evaluate("choose(staves[0], staves[0].tokens.length - 1)")
    for count in range(len(FIRST) - 1, 0, -1):
        page.keyboard.press("Delete")
        assert page.evaluate("staves[0].tokens.length") == count
    page.keyboard.press("Delete")
    assert page.evaluate("[staves[0].tokens.length, state.chosen]") == [0, None]
    for _ in FIRST:
        page.keyboard.press("u")
    assert page.evaluate("staves[0].tokens.length") == len(FIRST)


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


def test_notes_on_the_reading_follow_corrections(open_sheet: Open) -> None:
    page = open_sheet(proof_of([[FIRST], [SECOND]], DOUBT))
    assert page.text_content("#notes-count") == "1 note on this reading"
    notes = page.locator("#notes-list button")
    assert notes.all_text_contents() == ["Measure 2 (page 1, system 2): 4 of 3 quarters"]
    notes.click()
    assert page.evaluate("[state.chosen.staff.number, state.chosen.place]") == [1, 3]
    page.keyboard.press("1")
    assert not page.is_visible("#notes")
    page.evaluate("correct(staves[0], 5, 'note-F#4_eighth')")
    page.evaluate("correct(staves[1], 3, 'note-B4_half')")
    # A short first measure is a pickup only where something says so.
    assert page.text_content("#notes-count") == "2 notes on this reading"


def test_what_is_chosen_is_seen_above_the_panel(open_sheet: Open) -> None:
    page = open_sheet(proof_of([[FIRST], [SECOND]], DOUBT), viewport={"width": 700, "height": 720})
    page.keyboard.press("j")
    card = page.locator("#staff-1").bounding_box()
    assert card["y"] + card["height"] <= page.locator("#panel").bounding_box()["y"]


def test_a_dark_page_has_light_doubts(open_sheet: Open) -> None:
    page = open_sheet(proof_of([[FIRST], [SECOND]], DOUBT), color_scheme="dark")
    fill = "getComputedStyle(document.querySelector('.reading .doubtful')).fill"
    dark = page.evaluate(fill)
    assert int(dark[4:-1].split(",")[0]) > 200  # red of rgb(...)
    page.keyboard.press("t")
    assert page.evaluate(fill) != dark


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
    page.locator("#downloads summary").tap()
    menu = page.locator(".menu").bounding_box()
    assert menu["x"] >= 0
    assert menu["x"] + menu["width"] <= 390


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
