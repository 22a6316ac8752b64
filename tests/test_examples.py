"""The shipped model reads the shipped examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from omrcli.errors import ModelError
from omrcli.formats.musicxml_reader import read_tokens
from omrcli.metrics import count_edits
from omrcli.pipeline import Transcriber
from omrcli.score.score import score_tokens
from omrcli.tokens import project_primus, read_semantic

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.png"))


@pytest.fixture(scope="module")
def transcriber() -> Transcriber:
    try:
        return Transcriber()
    except ModelError as error:
        if "No model is installed" not in str(error):
            raise
        pytest.skip("this checkout has no model")


def test_the_page_is_read_as_two_parts(transcriber: Transcriber) -> None:
    folder = EXAMPLES[0].parent
    found = transcriber.transcribe(folder / "duet.jpg")
    assert found.score is not None
    read = [text for part in range(2) for text in score_tokens(found.score, part)]
    edits = count_edits(read_tokens(folder / "duet.musicxml"), read)
    assert edits.errors <= 0.1 * edits.reference
    assert [len(part.measures) for part in found.score.parts] == [16, 16]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3


@pytest.mark.parametrize("image", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_read(image: Path, transcriber: Transcriber) -> None:
    truth = project_primus(read_semantic(image.with_suffix(".semantic")))
    found = transcriber.transcribe(image)
    edits = count_edits(truth, project_primus([token.text for token in found.tokens]))
    assert edits.errors <= 0.1 * edits.reference
