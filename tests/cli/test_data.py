"""`omr data`: results on stdout, lists and copies in files, one sentence where it cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omrcli.cli.app import app
from omrcli.datasets.corpus import find_samples, read_split
from omrcli.errors import ExitCode

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for k in range(20):
        place = tmp_path / "corpus" / f"s{k}"
        place.mkdir(parents=True)
        (place / f"s{k}.png").write_bytes(PNG)
        texts = f"clef-G2 note-C4_half rest-half multirest-{k // 2 + 1}\n"
        (place / f"s{k}.semantic").write_text(texts, encoding="utf-8")
    return tmp_path / "corpus"


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["data", *map(str, words)])
    return result.exit_code, result.output


def test_stats_as_table_and_json(folder: Path, tmp_path: Path) -> None:
    code, output = run("stats", folder, "--json", tmp_path / "s.json")
    assert code == 0
    assert "vocabulary (different tokens)" in output
    assert json.loads((tmp_path / "s.json").read_text())["counts"]["clef-G2"] == 20
    code, output = run("stats", folder, "--json", "-")
    assert json.loads(output)["samples"] == 20


def test_sample_as_list_and_copy(folder: Path, tmp_path: Path) -> None:
    words = ("sample", folder, "-n", 4, "--max-vocabulary", 5)
    code, output = run(*words, "--list", tmp_path / "ids.txt", "-o", tmp_path / "few")
    assert code == 0
    assert "drew 4 of 20 samples with 5 different tokens" in output
    ids = read_split(tmp_path / "ids.txt")
    assert len(ids) == 4
    assert [one.id for one in find_samples(tmp_path / "few")] == sorted(ids)
    code, output = run(*words[:3], 9, *words[4:])
    assert code == ExitCode.INPUT
    assert "Only 4 of 20 samples can be had with at most 5 different tokens" in output


def test_split_of_all_and_of_a_list(folder: Path, tmp_path: Path) -> None:
    code, _ = run("split", folder, "--test", 0.5, "--out", tmp_path / "lists")
    assert code == 0
    train, test = (read_split(tmp_path / "lists" / f"{n}.txt") for n in ("train", "test"))
    assert sorted(train + test) == sorted(f"s{k}" for k in range(20))
    assert {int(one[1:]) // 2 for one in train} == {int(one[1:]) // 2 for one in test}
    (tmp_path / "only.txt").write_text("s1\ns2\ns3\n", encoding="utf-8")
    run("split", folder, "--test", 0.34, "--only", tmp_path / "only.txt", "-o", tmp_path / "few")
    assert len(read_split(tmp_path / "few" / "train.txt")) == 2


def test_a_split_without_training_is_refused(folder: Path, tmp_path: Path) -> None:
    code, output = run("split", folder, "--test", 1, "-o", tmp_path / "lists")
    assert code == ExitCode.USAGE
    assert "leave something for training" in output
    assert not (tmp_path / "lists").exists()


def test_tail_of_a_vocabulary(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "vocabulary.txt"
    file.write_text("clef-G2\nnote-C4_half\nnote-Gb9_half\n", encoding="utf-8")
    code, output = run("tail", folder, "--vocabulary", file, "--composed", 0, "--json", "-")
    assert code == 0
    (source,) = json.loads(output).values()
    assert source["classes"] == {"never": 1, "1-9": 0, "10-99": 2, "100 or more": 0}
