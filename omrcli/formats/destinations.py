"""Inputs, -o and -f -> which formats of which input go to which file: decided before any work."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from omrcli.errors import OutputError, UsageError
from omrcli.output import is_same_file

STDIO = "-"
#: Every format by its suffix; `xml` and `midi` are other names of `musicxml` and `mid`.
FORMATS = (
    *("musicxml", "xml", "mxl", "mid", "midi", "semantic", "json"),
    *("pdf", "mei", "krn", "ly", "svg", "png"),
)
#: What the writers of `omr convert` make of the MusicXML.
CONVERTED_FORMATS = ("pdf", "mei", "krn", "ly", "svg", "png")
BINARY_FORMATS = ("mxl", "mid", "midi", "pdf", "png")
#: Suffixes of a report that is one file.
_REPORT_SUFFIXES = (".html", ".htm")
_LINE_FORMATS = ("semantic", "json")  # several of these can share standard output


@dataclass(frozen=True)
class Target:
    """One output: a format, and the file it goes to, or None for standard output."""

    format: str
    path: Path | None


@dataclass(frozen=True)
class Job:
    """One input ("-" is standard input), or several joined, and everything to write from it.

    `report` is the file of its proof sheet, None where none is asked for.
    """

    sources: tuple[str, ...]
    targets: tuple[Target, ...]
    report: Path | None = None

    @property
    def source(self) -> str:
        """The input, or the first of those joined: it names the outputs."""
        return self.sources[0]

    @property
    def has_files(self) -> bool:
        """Tell whether something goes elsewhere than to standard output."""
        return self.report is not None or any(target.path for target in self.targets)


def plan_jobs(
    inputs: Sequence[str],
    outputs: Sequence[str],
    formats: Sequence[str],
    join: bool = False,
    report: str | None = None,
) -> list[Job]:
    """Return what to write from each input, or with `join` from all together.

    An output that ends in a slash or is a folder takes every input in every format of `formats`
    (musicxml where none is given); any other output is one file, its format told by its suffix.
    Without outputs everything goes to standard output, by default in the semantic encoding.
    `report` is a file of HTML, or a folder that takes one of every input.

    Raises:
        UsageError: a format is unknown, or outputs, inputs and formats do not fit together.
        OutputError: the folder of an output file does not exist.
    """
    check_formats(formats)
    _check_inputs(inputs)
    groups = [tuple(inputs)] if join else [(source,) for source in inputs]
    reports = _plan_reports(report, [group[0] for group in groups])
    jobs = [
        Job(group, tuple(_targets(group[0], outputs, formats)), path)
        for group, path in zip(groups, reports, strict=True)
    ]
    _check_single_files(jobs, outputs, formats)
    _check_stdout(jobs)
    _check_collisions(jobs)
    return jobs


def format_of(path: Path) -> str:
    """Return the format that a file name's suffix stands for.

    Raises:
        UsageError: it stands for none.
    """
    name = path.suffix.lower().lstrip(".")
    if name not in FORMATS:
        raise UsageError(f"{path} has no suffix of a known format; choose from {_dotted()}.")
    return name


def is_folder(output: str) -> bool:
    """Tell whether an output names a folder: by a slash at its end, or because it is one."""
    # A name may be impossible, which pathlib raises and this does not.
    return output.endswith(("/", os.sep)) or os.path.isdir(output)  # noqa: PTH112


def report_folder(report: str, several: bool) -> Path | None:
    """Return the folder that --report names, or None where it names one file of HTML.

    Of `several` inputs a name without a suffix is a folder, though it may not be there yet.

    Raises:
        UsageError: it names something else, or one file for several inputs.
    """
    suffix = Path(report).suffix.lower()
    if is_folder(report) or (several and not suffix):
        return Path(report)
    if suffix not in _REPORT_SUFFIXES:
        raise UsageError(
            f"The report {report!r} is HTML; give a name that ends in .html, or a folder: "
            "--report DIR/."
        )
    if several:
        raise UsageError(
            "A report shows one piece; give a folder for one of each input, --report DIR/, or the "
            "pages of one piece with --join."
        )
    return None


def _plan_reports(report: str | None, sources: Sequence[str]) -> list[Path | None]:
    """The file for the report of each input."""
    if report is None:
        return [None for _ in sources]
    folder = report_folder(report, len(sources) > 1)
    return [Path(report) if folder is None else folder / f"{_stem(s)}.html" for s in sources]


def _stem(source: str) -> str:
    return "stdin" if source == STDIO else Path(source).stem


def _targets(source: str, outputs: Sequence[str], formats: Sequence[str]) -> Iterator[Target]:
    if not outputs:
        yield from (Target(name, None) for name in formats or ("semantic",))
    for output in outputs:
        if output == STDIO:
            yield from (Target(name, None) for name in formats or ("semantic",))
        elif is_folder(output):
            for name in formats or ("musicxml",):
                yield Target(name, Path(output) / f"{_stem(source)}.{name}")
        else:
            yield Target(format_of(Path(output)), Path(output))


def check_formats(formats: Sequence[str]) -> None:
    """Check that formats are known.

    Raises:
        UsageError: one is not.
    """
    for name in formats:
        if name not in FORMATS:
            raise UsageError(f"Format {name!r} is unknown; choose from {', '.join(FORMATS)}.")


def _check_inputs(inputs: Sequence[str]) -> None:
    if list(inputs).count(STDIO) > 1:
        raise UsageError("Standard input (-) can be read only once.")


def _check_single_files(
    jobs: Sequence[Job], outputs: Sequence[str], formats: Sequence[str]
) -> None:
    files = [output for output in outputs if output != STDIO and not is_folder(output)]
    if files and len(jobs) > 1:
        raise UsageError(
            f"{len(jobs)} inputs cannot all be written to {files[0]}; give a folder and a format: "
            "-o DIR/ -f musicxml, or --join them if they are the pages of one piece."
        )
    if files and formats and len(files) == len(outputs):
        raise UsageError(
            f"-f {formats[0]} is for a folder or standard output, and {files[0]} has its format "
            "in its suffix; leave -f out or give -o DIR/."
        )
    for file in files:
        if not Path(file).resolve().parent.is_dir():
            raise OutputError(f"Cannot write {file}: its folder does not exist; make it first.")


def _check_stdout(jobs: Sequence[Job]) -> None:
    """Raise where several outputs would run together on standard output."""
    names = [target.format for job in jobs for target in job.targets if target.path is None]
    if len(set(names)) > 1:
        raise UsageError(
            f"Standard output takes one format, not {' and '.join(sorted(set(names)))}."
        )
    if len(names) > 1 and names[0] not in _LINE_FORMATS:
        raise UsageError(
            f"Standard output takes {names[0]} of one input only; "
            f"give a folder: -o DIR/ -f {names[0]}."
        )


def _check_collisions(jobs: Sequence[Job]) -> None:
    """Raise where two outputs would be one file, or an output an input."""
    writers: dict[str, str] = {}
    for job in jobs:
        for path in (*(target.path for target in job.targets), job.report):
            if path is None:
                continue
            key = os.path.realpath(path)
            if key in writers:
                raise UsageError(
                    f"{path} would be written twice, from {writers[key]} and {job.source}; "
                    "give them different names or folders."
                )
            writers[key] = job.source
            for source in (source for other in jobs for source in other.sources):
                if source != STDIO and is_same_file(path, Path(source)):
                    raise UsageError(f"{path} is an input; choose another output.")


def _dotted() -> str:
    return ", ".join(f".{name}" for name in FORMATS)
