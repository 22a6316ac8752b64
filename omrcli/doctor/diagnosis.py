"""All checks, one after the other."""

from __future__ import annotations

from .findings import Diagnosis, Section
from .graphics import check_graphics
from .machine import describe_machine
from .reading import ReadingOptions, check_models, try_reading
from .software import check_extras, check_packages, check_programs


def diagnose(options: ReadingOptions | None = None, settings: Section | None = None) -> Diagnosis:
    """Look at everything; `settings` is what the command line found of those."""
    # First, while nothing is loaded yet: else it would not be cold.
    reading, test = try_reading(options or ReadingOptions())
    sections = (
        describe_machine(),
        check_packages(),
        check_extras(),
        check_programs(),
        check_graphics(),
        *([settings] if settings else []),
        check_models(),
        reading,
    )
    return Diagnosis(sections, test)
