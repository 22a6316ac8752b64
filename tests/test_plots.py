from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from omrcli.errors import InputError, MissingDependencyError, OutputError
from omrcli.evaluation.evaluate import evaluate
from omrcli.metrics import GAP, EditCounts
from omrcli.plots import (
    plot_confusions,
    plot_evaluation,
    plot_frequency,
    plot_training,
    read_training_log,
)
from tests.readings import TRUTHS, Sample, make_model

HEADER = (
    "step,seconds,loss,lr,staves_per_second,"
    "validation_symbol_error_rate,validation_sequence_error_rate\n"
)
CONFUSIONS = {("note-C4_half", "note-D4_half"): 3, ("tie", GAP): 9, (GAP, "barline"): 1}


@pytest.fixture
def matplotlib() -> None:
    pytest.importorskip("matplotlib")


def read_size(path: Path) -> tuple[int, int]:
    """Width and height in px of a PNG file."""
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    return width, height


@pytest.mark.usefixtures("matplotlib")
def test_a_result_gives_two_plots_in_a_new_folder(tmp_path: Path) -> None:
    samples = [Sample(name, truth) for name, truth in TRUTHS.items()]
    [result] = evaluate(samples, [make_model("m", {"a": TRUTHS["b"]})])
    written = plot_evaluation(result, tmp_path / "new" / "plots")
    assert [path.name for path in written] == ["confusions.png", "frequency.png"]
    assert all(min(read_size(path)) > 300 for path in written)


@pytest.mark.usefixtures("matplotlib")
def test_the_heatmap_grows_with_the_confusions_up_to_the_top(tmp_path: Path) -> None:
    many = {(f"note-{i}", f"note-{i + 1}"): i + 1 for i in range(40)}
    sizes = []
    for top in (10, 20, 100):
        plot_confusions(many, tmp_path / "c.png", top)
        sizes.append(read_size(tmp_path / "c.png"))
    assert sizes[0] < sizes[1] < sizes[2]


@pytest.mark.usefixtures("matplotlib")
def test_the_same_data_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        plot_confusions(CONFUSIONS, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.usefixtures("matplotlib")
def test_plots_of_nothing_say_so_and_differ_from_plots_of_something(tmp_path: Path) -> None:
    plot_confusions({}, tmp_path / "empty.png")
    plot_confusions(CONFUSIONS, tmp_path / "full.png")
    assert (tmp_path / "empty.png").read_bytes() != (tmp_path / "full.png").read_bytes()
    invented = {"tie": EditCounts(insertions=2)}
    plot_frequency({}, tmp_path / "none.png")
    plot_frequency(invented, tmp_path / "invented.png")
    assert (tmp_path / "none.png").read_bytes() == (tmp_path / "invented.png").read_bytes()


def write_log(path: Path, rows: str) -> Path:
    path.write_text(HEADER + rows)
    return path


def test_training_log_skips_empty_cells(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.csv", "100,9,8.5,0.001,30,,\n200,18,4.25,0.001,30,0.5,0.75\n")
    training = read_training_log(log)
    assert (training.steps, training.losses) == ((100, 200), (8.5, 4.25))
    assert training.validated_steps == (200,)
    assert training.symbol_error_rates == (0.5,)
    assert training.sequence_error_rates == (0.75,)


@pytest.mark.parametrize(
    "content", ["", "step,loss\n1,2\n", HEADER + "100,9\n", HEADER + "x,1,1,1,1,,\n"]
)
def test_damaged_training_logs_are_input_errors(tmp_path: Path, content: str) -> None:
    log = tmp_path / "log.csv"
    log.write_text(content)
    with pytest.raises(InputError, match="training log"):
        read_training_log(log)


def test_missing_training_log_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_training_log(tmp_path / "log.csv")


@pytest.mark.usefixtures("matplotlib")
@pytest.mark.parametrize("rows", ["", "1,1,0.0,0.1,9,,\n2,2,0.5,0.1,9,1.5,1\n"])
def test_training_curves_are_drawn_from_any_whole_log(tmp_path: Path, rows: str) -> None:
    plot_training(write_log(tmp_path / "log.csv", rows), tmp_path / "curves.png")
    assert min(read_size(tmp_path / "curves.png")) > 300


@pytest.mark.usefixtures("matplotlib")
def test_an_unwritable_plot_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        plot_confusions(CONFUSIONS, tmp_path / "missing" / "c.png")


def test_without_matplotlib_the_error_names_the_install_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'omrcli\[plots\]'"):
        plot_confusions(CONFUSIONS, tmp_path / "c.png")
    assert not list(tmp_path.iterdir())
