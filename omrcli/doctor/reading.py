"""Whether the models are whole, and a staff is read: the test that counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from omrcli.errors import ExitCode, ModelError, OmrError

from .findings import OK, TOLD, WRONG, Finding, Section, SelfTest, show_bytes

STAFF = Path(__file__).parent / "staff.png"
TRUTH = Path(__file__).parent / "staff.semantic"
_MEND = "Run pip install --force-reinstall omrcli."


@dataclass(frozen=True)
class ReadingOptions:
    """Which model is to read the staff, and on which device."""

    model: str | None = None
    device: str = "auto"


def check_models() -> Section:
    """Every installed model, its file compared with the hash in its manifest."""
    return Section("Models", tuple(_check_models()))


def try_reading(options: ReadingOptions) -> tuple[Section, SelfTest | None]:
    """Read the bundled staff twice with everything that `omr transcribe` uses, and compare."""
    try:
        test = _read_staff(options)
    except OmrError as error:
        return _failed(str(error), "", error.exit_code), None
    except ImportError as error:
        return _failed(str(error), _MEND, ExitCode.DEPENDENCY), None
    except Exception as error:  # whatever it is, it is what the user wants to know
        kind = type(error).__name__
        advice = "Run omr doctor --verbose and report it."
        return _failed(f"{kind}: {error}", advice, ExitCode.INTERNAL), None
    return Section("Self-test", tuple(_describe_test(test))), test


def _check_models() -> Iterator[Finding]:
    from omrcli.registry import list_models, verify_model

    try:
        entries = list_models()
    except ModelError as error:
        yield Finding("models", str(error), WRONG, _MEND, ExitCode.MODEL)
        return
    if not entries:
        yield Finding("models", "none installed", WRONG, _MEND, ExitCode.MODEL)
    for entry in entries:
        name = f"{entry.name} (default)" if entry.default else entry.name
        try:
            model = verify_model(entry)
        except ModelError as error:
            # Only the default model is needed; the self-test says if it cannot be used.
            yield Finding(name, "damaged", WRONG, str(error))
        else:
            value = f"hash verified, {model.sha256[:12]}, {show_bytes(entry.size)}"
            yield Finding(name, value, OK)


def _read_staff(options: ReadingOptions) -> SelfTest:
    started = perf_counter()
    from omrcli.metrics import count_edits
    from omrcli.pipeline import TranscribeOptions, Transcriber
    from omrcli.tokens import read_semantic

    transcriber = Transcriber(TranscribeOptions(options.model, options.device))
    found = transcriber.transcribe(STAFF)
    cold = perf_counter() - started
    started = perf_counter()
    transcriber.transcribe(STAFF)
    warm = perf_counter() - started
    truth = read_semantic(TRUTH)
    errors = count_edits(truth, [token.text for token in found.tokens]).errors
    return SelfTest(
        model=found.model.name,
        device=found.device,
        right=max(0, len(truth) - errors),
        expected=len(truth),
        cold=cold,
        warm=warm,
    )


def _describe_test(test: SelfTest) -> Iterator[Finding]:
    read = f"{test.right} of {test.expected} tokens right, by {test.model} on {test.device}"
    if test.is_sound:
        yield Finding("a staff is read", read, OK)
    else:
        advice = "Give a model that reads the semantic encoding, or reinstall this one."
        yield Finding("a staff is read", read, WRONG, advice, ExitCode.MODEL)
    yield Finding("seconds, cold", f"{test.cold:.2f}", TOLD)
    yield Finding("seconds, warm", f"{test.warm:.2f}", TOLD)


def _failed(value: str, advice: str, code: ExitCode) -> Section:
    text = " ".join(value.split())
    return Section("Self-test", (Finding("a staff is read", text, WRONG, advice, code),))
