"""docs/cli.md and docs/settings.md say what the commands have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.make_cli import COMMAND, TARGET, make_page
from omrcli.cli.app import app
from omrcli.cli.commands import list_commands
from omrcli.settings.values import SHARED, load_settings, variable_names

DOCS = Path(__file__).parent.parent.parent / "docs"
COMMANDS = list_commands(app)


def test_the_page_of_commands_is_up_to_date() -> None:
    assert TARGET.read_text(encoding="utf-8") == make_page(), f"docs/cli.md is old; run {COMMAND}"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.title)
def test_everything_is_explained(command: object) -> None:
    from omrcli.settings.commands import Command

    assert isinstance(command, Command)
    assert command.help.endswith(".")
    unexplained = [each.name for each in (*command.arguments, *command.options) if not each.help]
    assert not unexplained


def test_every_link_in_the_page_leads_somewhere() -> None:
    text = TARGET.read_text(encoding="utf-8")
    headings = {
        heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", text, re.M)
    }
    assert set(re.findall(r"\(#([a-z-]+)\)", text)) == headings
    for page in re.findall(r"\(([a-z]+\.md)\)", text):
        assert (DOCS / page).is_file(), page


def test_the_example_of_settings_is_taken(tmp_path: Path) -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "omr.toml").write_text(example, encoding="utf-8")
    found = load_settings(lambda: COMMANDS, {"OMR_SETTINGS": str(tmp_path / "omr.toml")})
    tree = found.tree()
    assert tree["transcribe"]["format"] == ["musicxml", "mid"]
    assert tree["transcribe"]["model"] == str(tmp_path / "models" / "mine.onnx")
    assert tree["models"]["list"]["as_json"] is True


def test_the_page_of_settings_names_the_shared_keys_and_real_variables() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    for key in SHARED:
        assert re.search(rf"\b{key}\b", text), key
    known = {*variable_names(COMMANDS), "OMR_SETTINGS", "OMR_"}
    assert set(re.findall(r"\bOMR_[A-Z_]*", text)) <= known
