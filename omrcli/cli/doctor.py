"""`omr doctor`: is everything there, and is a staff read?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from .failures import exit_on_error, show_text, write_stdout
from .options import DeviceOption, ModelOption, QuietOption, VerboseOption
from .settings import list_lazily

if TYPE_CHECKING:
    from omrcli.doctor.findings import Diagnosis, Finding, Section

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def doctor(
    model: ModelOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Check that everything is there, and read a staff.

    Ends with status 0 if the staff was read, else with that of the reason why not.
    """
    with exit_on_error(verbose, quiet):
        from omrcli.doctor.diagnosis import diagnose
        from omrcli.doctor.reading import ReadingOptions

        found = diagnose(ReadingOptions(model, device), _check_settings())
        if as_json:
            print(json.dumps(found.to_record(), indent=2, ensure_ascii=False))
        else:
            print("\n".join(map(show_text, _draw(found))))
        write_stdout()
        raise typer.Exit(found.exit_code)


def _check_settings() -> Section:
    """Which files and variables are in force, or what is wrong with them."""
    from omrcli.doctor.findings import OK, TOLD, WRONG, Finding, Section
    from omrcli.errors import OmrError
    from omrcli.settings.values import load_settings

    try:
        found = load_settings(list_lazily)
    except OmrError as error:
        advice = "Mend it: all commands but this one and omr settings stop there."
        return Section("Settings", (Finding("settings", str(error), WRONG, advice),))
    files = [Finding(f"{file.role} file", str(file.path), OK) for file in found.files]
    count = Finding("values set", str(len(found.values)), TOLD)
    notices = [Finding("not read", notice, TOLD) for notice in found.notices]
    return Section("Settings", (*files, count, *notices))


def _draw(found: Diagnosis) -> Iterator[str]:
    """The lines of the report: a table for each section, then what to do."""
    width = max(len(each.name) for section in found.sections for each in section.findings)
    for section in found.sections:
        yield section.title
        for each in section.findings:
            yield f"  {each.state:2}  {each.name:{width}}  {each.value}".rstrip()
        yield ""
    yield from _draw_advice(found)


def _draw_advice(found: Diagnosis) -> Iterator[str]:
    advised = [each for section in found.sections for each in section.findings if each.advice]
    missing = [each for each in advised if each not in found.problems]
    if missing:
        yield "Could be had (-)"
        yield from (f"  {each.name}: {each.advice}" for each in missing)
        yield ""
    if found.problems:
        yield "To be mended (!!)"
        yield from (_draw_problem(each) for each in found.problems)
        yield ""
    yield _sum_up(found)


def _draw_problem(found: Finding) -> str:
    said = found.value if found.value.endswith(".") else f"{found.value}."
    return f"  {found.name}: {said} {found.advice}".rstrip()


def _sum_up(found: Diagnosis) -> str:
    if found.test is None or not found.test.is_sound:
        return "No staff can be read: see what is to be mended."
    return f"A staff is read in {found.test.cold:.2f} s, the next in {found.test.warm:.2f} s."
