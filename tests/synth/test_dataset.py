"""Folders of samples: the same bytes whoever makes them, and whole or absent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("verovio")
pytest.importorskip("resvg_py")

from omrcli.datasets.corpus import find_samples
from omrcli.errors import InputError, UsageError
from omrcli.pages.image import load_pages
from omrcli.synth.dataset import SynthOptions, draw_sample, load_music, write_samples
from omrcli.tokens import parse_symbol, read_semantic

RANDOM = SynthOptions(count=4, jobs=1, random_share=1.0, seed=3)
TUNE = "X:1\nM:2/4\nL:1/8\nK:D\nde fg|a2 f2|ed cd|e4|de fg|a2 f2|ed cB|A4|\n"


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_samples_are_complete_and_readable(tmp_path: Path) -> None:
    told: list[None] = []
    assert write_samples(tmp_path, RANDOM, lambda: told.append(None)) == len(told) == 4
    samples = find_samples(tmp_path)
    assert len(samples) == 4
    for sample in samples:
        assert all(parse_symbol(text) for text in read_semantic(sample.truth))
        assert load_pages(sample.image)[0].pixels.min() < 128


def test_jobs_do_not_change_a_byte(tmp_path: Path) -> None:
    write_samples(tmp_path / "one", RANDOM)
    write_samples(tmp_path / "two", replace(RANDOM, jobs=2))
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_second_run_completes_the_first(tmp_path: Path) -> None:
    write_samples(tmp_path / "whole", RANDOM)
    write_samples(tmp_path / "part", replace(RANDOM, count=2))
    kept = tmp_path / "part" / "synth-3-000000" / "synth-3-000000.png"
    before = kept.stat().st_mtime_ns
    broken = tmp_path / "part" / "synth-3-000001" / "synth-3-000001.semantic"
    broken.unlink()
    told: list[None] = []
    assert write_samples(tmp_path / "part", RANDOM, lambda: told.append(None)) == 3
    assert len(told) == 4
    assert kept.stat().st_mtime_ns == before
    assert files(tmp_path / "part") == files(tmp_path / "whole")


def test_other_options_do_not_mix_into_a_folder(tmp_path: Path) -> None:
    write_samples(tmp_path, replace(RANDOM, count=1))
    with pytest.raises(UsageError, match="other options"):
        write_samples(tmp_path, replace(RANDOM, count=1, degrade="scan"))


def test_seeds_give_other_music() -> None:
    drawn = [draw_sample(replace(RANDOM, seed=seed), 0, ()) for seed in (1, 2)]
    assert drawn[0].tokens != drawn[1].tokens


def test_corpora_are_engraved(tmp_path: Path) -> None:
    (tmp_path / "tune.abc").write_text(TUNE)
    options = SynthOptions(corpora=(tmp_path,), random_share=0.0, changed_share=0, enriched_share=0)
    music = load_music(options)
    drawn = [draw_sample(options, index, music) for index in range(3)]
    assert {sample.tokens for sample in drawn} <= set(music)
    assert drawn[0].tokens[:2] == ("clef-G2", "keySignature-DM")
    assert np.array_equal(drawn[0].pixels, draw_sample(options, 0).pixels)


def test_degradation_wears_the_image_and_keeps_the_truth() -> None:
    clean = draw_sample(RANDOM, 0, ())
    worn = draw_sample(replace(RANDOM, degrade="photo"), 0, ())
    assert worn.tokens == clean.tokens
    assert not np.array_equal(worn.pixels, clean.pixels)


def test_music_that_cannot_be_engraved_is_an_error() -> None:
    options = SynthOptions(random_share=0.0, enriched_share=0.0, uncommon_share=0.0)
    with pytest.raises(InputError, match="another corpus"):
        draw_sample(options, 0, (("clef-G2", "note-C5_quarter", "tie"),))


def test_a_corpus_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        write_samples(tmp_path / "out", SynthOptions(corpora=(tmp_path / "none",)))


@pytest.mark.parametrize(
    "wrong", [{"degrade": "fire"}, {"count": -1}, {"jobs": -1}, {"random_share": 1.5}]
)
def test_options_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        SynthOptions(**wrong)  # type: ignore[arg-type]
