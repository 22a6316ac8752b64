"""The proof sheet in a browser plays what is written."""

from __future__ import annotations

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("verovio")

from tests.report.sheets import FULL, THREE, Open, Texts, proof_of, write_staff


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
    page = open_sheet(
        proof_of([[write_staff(FULL, FULL), write_staff(FULL, FULL)], [write_staff(FULL)] * 2])
    )
    page.evaluate(
        "window.given = []; start = (notes) => given.push(notes.map((n) => n.staff.number)); 0"
    )
    page.keyboard.press("Shift+Space")
    page.evaluate("choose(staves[1], 4); playPiece(); playChosen()")
    assert page.evaluate("given") == [[0, 1, 0, 1, 2, 3], [0, 1, 2, 3], [0, 1]]
