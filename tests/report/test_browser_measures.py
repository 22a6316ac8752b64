"""The proof sheet in a browser brings parts into step and judges measures as the score does."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("verovio")

from omrcli.report.sheet import place_lines
from omrcli.score.checks import measure_warnings
from omrcli.score.parts import arrange_parts
from omrcli.score.play_order import part_flows, play_order
from omrcli.score.score import Score, score_tokens
from tests.report.sheets import (
    FIRST,
    FULL,
    LONG,
    OPENING,
    SECOND,
    SHORT,
    THREE,
    Open,
    Texts,
    make_sheet,
    make_transcription,
    proof_of,
    write_staff,
)

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


REST, REST_3 = ("rest-whole",), ("multirest-3",)
TRIPLET = ("note-D4_quarter_3:2",) * 3
#: Systems of several staves, which have to be brought into step.
PARTS = {
    "short in one": [
        [write_staff(FULL, SHORT, FULL), write_staff(FULL, FULL, FULL, clef="clef-F4")]
    ],
    "over in one": [[write_staff(FULL, LONG), write_staff(FULL, FULL), write_staff(REST, REST)]],
    "short in all": [
        [write_staff(SHORT, FULL, SHORT, FULL), write_staff(SHORT, FULL, SHORT, FULL)]
    ],
    "pickup in one": [[write_staff(SHORT, FULL), write_staff(FULL, FULL)]],
    "triplets": [
        [write_staff((*TRIPLET, "note-D4_quarter")), write_staff((*TRIPLET, "rest-quarter"))]
    ],
    "rests in one": [[write_staff(REST_3, FULL), write_staff(FULL, SHORT, FULL, FULL)]],
    "rests in all": [
        [write_staff(REST_3, FULL), write_staff(REST_3, FULL)],
        [write_staff(FULL), write_staff(SHORT)],
    ],
    "rests of two lengths": [[write_staff(REST_3, FULL), write_staff(("multirest-4",), FULL)]],
    "rests beside notes": [
        [write_staff(("multirest-2", "note-D4_half."), FULL), write_staff(FULL, FULL)]
    ],
    "no barlines": [
        [(*write_staff(FULL), *FULL), (*write_staff(FULL), *FULL)],
        [write_staff(FULL), write_staff(FULL)],
    ],
    "barline lost": [
        [
            write_staff(FULL, FULL, FULL),
            write_staff((*FULL, "note-D4_half."), FULL),
            write_staff(FULL, FULL, FULL),
        ]
    ],
    "barline too many": [
        [
            write_staff(FULL, FULL),
            write_staff(FULL, SHORT, ("note-D4_quarter",)),
            write_staff(FULL, FULL),
        ]
    ],
    "new meter in one": [
        [write_staff(FULL), write_staff(FULL)],
        [write_staff(SHORT, SHORT, time="timeSignature-2/4"), write_staff(SHORT, SHORT, time="")],
    ],
    "a part comes later": [
        [write_staff(FULL, FULL)],
        [write_staff(FULL, SHORT), write_staff(FULL, FULL, clef="clef-F4")],
    ],
    "goes on over the break": [
        [(*write_staff(FULL), *SHORT), (*write_staff(FULL), *SHORT)],
        [write_staff(("note-D4_quarter",), FULL), write_staff(("note-E4_quarter",), FULL)],
    ],
    "goes on by most": [
        [(*write_staff(FULL), *SHORT), (*write_staff(FULL), *SHORT), write_staff(FULL, SHORT)],
        [write_staff(("note-D4_quarter",), FULL, time="")] * 3,
    ],
    "repeats": [
        [
            (*write_staff(FULL, SHORT)[:-1], "repeat-end", *write_staff(FULL, time="")),
            (*write_staff(FULL, SHORT)[:-1], "repeat-end", *write_staff(FULL, time="")),
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
        order = play_order(part_flows(transcription.score.parts))
        assert page.evaluate("playingOrder()") == order, systems


def test_after_a_correction_all_parts_are_judged_anew(open_sheet: Open) -> None:
    right = [
        [write_staff(FULL, FULL), write_staff(FULL, FULL)],
        [write_staff(FULL), write_staff(FULL)],
    ]
    page = open_sheet(proof_of(right))
    assert judge(page)[2] == []
    page.evaluate("correct(staves[1], 2, 'note-D4_half')")  # shorter than in the part above
    page.evaluate("correct(staves[0], 4, 'note-D4_half. barline note-E4_half.')")  # a measure more
    mended = [[write_staff(FULL, FULL, ("note-E4_half.",)), write_staff(SHORT, FULL)], right[1]]
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


def test_labels_of_neighbours_do_not_cover_each_other(open_sheet: Open) -> None:
    short = ("note-D4_half_3:2",)
    page = open_sheet(
        proof_of([[write_staff(FULL, *[short] * 5, FULL)]]), viewport={"width": 400, "height": 700}
    )
    labels = page.locator(".measure.problem")
    assert labels.count() == 5

    def are_apart() -> bool:
        boxes = [label.bounding_box() for label in labels.all()]
        return all(one["x"] + one["width"] <= two["x"] + 0.5 for one, two in pairwise(boxes))

    assert are_apart()
    page.evaluate(
        "document.querySelectorAll('.measure').forEach((each) => each.style.maxWidth = '')"
    )
    assert not are_apart()  # it was the limit that kept them apart


def test_rests_of_many_measures_have_one_number(open_sheet: Open) -> None:
    page = open_sheet(proof_of(PARTS["rests in one"]))
    assert page.locator("#staff-0 .measure").all_text_contents() == ["▶ 1", "▶ 4"]
