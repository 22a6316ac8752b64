"""What settings say becomes values of options, the strongest first."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omrcli.errors import UsageError
from omrcli.settings.commands import Command, Option
from omrcli.settings.values import Settings, load_settings, variable_names

OPTIONS = (
    Option("model", ("--model", "-m"), str, metavar="PATH|NAME"),
    Option("device", ("--device",), str, "auto", metavar="auto|cpu|cuda"),
    Option("beam", ("--beam",), int, 8, minimum=1),
    Option("batch_size", ("--batch-size",), int, 8, minimum=1),
    Option("share", ("--share",), float, 0.5, minimum=0, maximum=1),
    Option("format", ("--format", "-f"), str, multiple=True, metavar="FORMAT"),
    Option("out", ("--output", "-o"), Path, metavar="DIR"),
    Option("as_json", ("--json",), bool, False),
)
COMMANDS = [
    Command(("read",), "Read.", (), OPTIONS),
    Command(("eval",), "Measure.", (), (Option("beam", ("--beam",), int, multiple=True),)),
    Command(("models", "list"), "List.", (), OPTIONS[-1:]),
]


def load(folder: Path, text: str | None = None, **environment: str) -> Settings:
    if text is not None:
        (folder / "own.toml").write_text(text, encoding="utf-8")
    named = "" if text is None else str(folder / "own.toml")
    return load_settings(lambda: COMMANDS, {"OMR_SETTINGS": named, **environment}, folder)


def test_nothing_set_asks_for_no_commands(tmp_path: Path) -> None:
    def fail() -> list[Command]:
        raise AssertionError("listing all commands takes time")

    assert load_settings(fail, {"OMR_SETTINGS": "", "HOME": "/"}, tmp_path) == Settings()


def test_a_file_sets_options_of_commands_and_groups(tmp_path: Path) -> None:
    text = """
        [read]
        beam = 4
        batch-size = 2
        share = 1
        format = ["mid", "json"]
        json = true
        [models.list]
        json = true
    """
    assert load(tmp_path, text).tree() == {
        "read": {
            "beam": 4,
            "batch_size": 2,
            "share": 1,
            "format": ["mid", "json"],
            "as_json": True,
        },
        "models": {"list": {"as_json": True}},
    }


def test_a_key_at_the_top_is_for_all_commands_that_have_it(tmp_path: Path) -> None:
    tree = load(tmp_path, "beam = 3\n[read]\nbeam = 5\n").tree()
    assert tree == {"read": {"beam": 5}, "eval": {"beam": [3]}}


def test_variables_are_stronger_than_files(tmp_path: Path) -> None:
    found = load(tmp_path, "[read]\nbeam = 5\n", OMR_BEAM="2")
    assert found.tree() == {"read": {"beam": 2}, "eval": {"beam": [2]}}
    assert {setting.source for setting in found.values} == {"OMR_BEAM"}


def test_a_variable_for_one_command_is_stronger_than_one_for_all(tmp_path: Path) -> None:
    tree = load(tmp_path, OMR_BEAM="2", OMR_READ_BEAM="7", OMR_MODELS_LIST_JSON="yes").tree()
    assert tree["read"] == {"beam": 7}
    assert tree["eval"] == {"beam": [2]}
    assert tree["models"] == {"list": {"as_json": True}}


def test_project_file_is_stronger_than_the_user_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    (tmp_path / "omr").mkdir()
    (tmp_path / "omr" / "omr.toml").write_text("[read]\nbeam = 1\nshare = 0.25\n")
    (tmp_path / "omr.toml").write_text("[read]\nbeam = 2\n")
    found = load_settings(lambda: COMMANDS, {"XDG_CONFIG_HOME": str(tmp_path)}, tmp_path)
    assert found.tree() == {"read": {"beam": 2, "share": 0.25}}
    sources = {setting.option.key: setting.source for setting in found.values}
    assert sources == {
        "beam": str(tmp_path / "omr.toml"),
        "share": str(tmp_path / "omr" / "omr.toml"),
    }


def test_a_list_in_a_variable_is_split_as_a_shell_does(tmp_path: Path) -> None:
    tree = load(tmp_path, OMR_READ_FORMAT="mid 'a b'", OMR_EVAL_BEAM="1 8").tree()
    assert tree == {"read": {"format": ["mid", "a b"]}, "eval": {"beam": [1, 8]}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("models/m.onnx", "{here}/models/m.onnx"),
        ("m.onnx", "{here}/m.onnx"),
        ("omr-staff", "omr-staff"),
        ("/abs/m.onnx", "/abs/m.onnx"),
    ],
)
def test_paths_in_a_file_start_there(tmp_path: Path, value: str, expected: str) -> None:
    tree = load(tmp_path, f'model = "{value}"\n').tree()
    assert tree["read"]["model"] == expected.format(here=tmp_path)


def test_a_folder_stays_one_and_a_dash_standard_output(tmp_path: Path) -> None:
    assert load(tmp_path, '[read]\noutput = "out/"').tree()["read"]["out"] == f"{tmp_path}/out/"
    assert load(tmp_path, '[read]\noutput = "-"').tree()["read"]["out"] == "-"
    assert load(tmp_path, OMR_READ_OUTPUT="out/").tree()["read"]["out"] == "out/"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[read]\nbeem = 1", r"own.toml: 'beem' is unknown in \[read\]; did you mean 'beam'\?"),
        ("[raed]\nbeam = 1", r"'raed' is unknown as a table; did you mean 'read'\?"),
        ("beem = 1", r"'beem' is unknown at its top; did you mean 'beam'\?"),
        ("format = 'mid'", r"'format' is unknown at its top; choose from batch-size, beam"),
        ("[models]\nlits = 1", r"'lits' is unknown in \[models\]; did you mean 'list'\?"),
        ("[models.lits]\njson = true", r"'lits' is unknown in \[models\]; did you mean 'list'"),
        ("read = 1", r"'read' is unknown at its top"),
        ("[read]\nbeam = 'x'", r"own.toml: beam of omr read is a whole number, not 'x'"),
        ("[read]\nbeam = 1.5", r"beam of omr read is a whole number, not 1.5"),
        ("[read]\nbeam = true", r"beam of omr read is a whole number, not True"),
        ("[read]\nbeam = [1]", r"beam of omr read is a whole number, not \[1\]"),
        ("[read]\nbeam = 0", r"own.toml: beam must be at least 1, not 0\."),
        ("[read]\nshare = 2", r"share must be from 0 to 1, not 2\."),
        ("[read]\nshare = 'x'", r"share of omr read is a number, not 'x'"),
        ("[read]\njson = 1", r"json of omr read is true or false, not 1"),
        ("[read]\nmodel = 1", r"model of omr read is a text, not 1"),
        ("[read]\nformat = [1]", r"format of omr read is a text, not 1"),
        ("device = 'cuba'", r"own.toml: 'cuba' is unknown as device; did you mean 'cuda'\?"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("OMR_READ_BEEM", "1", "variable OMR_READ_BEEM is unknown; did you mean OMR_READ_BEAM?"),
        ("OMR_READ_BEAM", "x", "OMR_READ_BEAM: beam of omr read is a whole number, not 'x'."),
        ("OMR_READ_JSON", "maybe", "OMR_READ_JSON: json of omr read is true or false"),
        ("OMR_READ_FORMAT", "'a", 'OMR_READ_FORMAT: "\'a" cannot be split'),
    ],
)
def test_bad_variables_are_refused(tmp_path: Path, variable: str, value: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, **{variable: value})
    assert said in str(caught.value)


def test_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    assert load(tmp_path, OMR_LILYPOND="/opt/lilypond", OMR_HOME="x").values == ()


def test_every_option_has_one_variable() -> None:
    names = variable_names(COMMANDS)
    assert {"OMR_MODEL", "OMR_READ_BATCH_SIZE", "OMR_MODELS_LIST_JSON"} <= names.keys()


KEYS = {option.key: option for option in OPTIONS}
BAD = st.one_of(st.booleans(), st.floats(allow_nan=False), st.integers(), st.text())


@given(
    key=st.sampled_from(sorted(KEYS)) | st.text(string.ascii_lowercase, min_size=1),
    value=BAD | st.lists(BAD, max_size=2),
)
def test_whatever_a_file_holds_is_taken_or_refused(key: str, value: Any) -> None:
    """Nothing but UsageError leaves, and what is taken has the option's type."""
    from omrcli.settings import values

    folder = Path("/somewhere")
    table = {"read": {key: value}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, "read_file", lambda path: table)
        try:
            given = list(values._from_file(folder / "omr.toml", COMMANDS))
            taken = [values._check(item) for item in given]
        except UsageError:
            return
    option = KEYS[key]
    (checked,) = taken
    each = checked if option.multiple else [checked]
    kinds = {bool: bool, int: int, float: (int, float)}
    assert all(isinstance(one, kinds.get(option.kind, str)) for one in each)
