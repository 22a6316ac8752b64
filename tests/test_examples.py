"""The shipped model reads the shipped examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from omrcli.errors import ModelError
from omrcli.metrics import count_edits
from omrcli.pipeline import Transcriber
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


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3


@pytest.mark.parametrize("image", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_read(image: Path, transcriber: Transcriber) -> None:
    truth = project_primus(read_semantic(image.with_suffix(".semantic")))
    found = transcriber.transcribe(image)
    edits = count_edits(truth, project_primus([token.text for token in found.tokens]))
    assert edits.errors <= 0.1 * edits.reference
