"""A proof sheet -> one HTML file that needs nothing else: no network, no other file.

The template escapes whatever it is given. The data travel as JSON with every sign escaped that HTML
could read, and the script builds the page from them by the DOM alone. A Content-Security-Policy
lets run only this very script and forbids every request.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from omrcli import __version__
from omrcli.engrave import read_glyph
from omrcli.errors import MissingDependencyError

from .crops import Crop
from .engraving import FONT
from .marks import Engraving, Glyph, Shape
from .sheet import ProofSheet, ProofStaff, ProofToken

_ASSETS = Path(__file__).parent / "assets"
#: In this order: each uses those before it.
_SCRIPTS = (
    "grammar.js", "model.js", "joining.js", "alignment.js", "measures.js", "player.js",
    "archive.js", "beams.js", "drawing.js", "staff.js", "panel.js", "main.js",
)  # fmt: skip
#: Signs that the script draws what was corrected with, by SMuFL code point.
_GLYPHS = (
    "E050", "E05C", "E062", "E052", "E064",
    "E080", "E081", "E082", "E083", "E084", "E085", "E086", "E087", "E088", "E089", "E08A", "E08B",
    "E0A0", "E0A2", "E0A3", "E0A4", "E044",
    "E240", "E241", "E242", "E243", "E244", "E245", "E246", "E247", "E248", "E249",
    "E260", "E261", "E262", "E263", "E264",
    "E4C0", "E4E1", "E4E2", "E4E3", "E4E4", "E4E5", "E4E6", "E4E7", "E4E8", "E4E9", "E4EA",
)  # fmt: skip


@dataclass(frozen=True)
class _View:
    """What the template is given."""

    title: str
    version: str
    policy: str
    style: str
    script: str
    data: str
    has_score: bool


def render_page(sheet: ProofSheet) -> bytes:
    """The proof sheet as a file of HTML.

    Raises:
        MissingDependencyError: Jinja or Verovio is not installed.
    """
    template = _load_template()
    style, script = _read("proof.css"), _join_scripts()
    view = _View(
        title=sheet.title,
        version=__version__,
        policy=_policy(script, style),
        style=style,
        script=script,
        data=embed_json(_sheet_record(sheet)),
        has_score=sheet.has_score,
    )
    return str(template.render(view=view)).encode()


def _load_template() -> Any:
    try:
        import jinja2
    except ImportError as error:
        raise MissingDependencyError(
            "The report needs jinja2; run pip install 'omrcli[report]'."
        ) from error
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("proof.html")


def _read(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _join_scripts() -> str:
    return "\n".join(['"use strict";', *map(_read, _SCRIPTS)])


def _policy(script: str, style: str) -> str:
    """A policy that allows this script and style, images inside the file, and nothing else."""
    run, look = (_hash(text) for text in (script, style))
    return (
        f"default-src 'none'; script-src '{run}'; style-src '{look}'; img-src data: blob:; "
        "connect-src 'none'; form-action 'none'; base-uri 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(f"\n{text}\n".encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def embed_json(value: Any) -> str:
    """JSON that may stand in a script element: no text can end it or begin a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


# --- records --------------------------------------------------------------------------------------


def _sheet_record(sheet: ProofSheet) -> dict[str, Any]:
    glyphs: dict[str, str] = {}
    if sheet.has_score:
        glyphs = {code: read_glyph(FONT, code) for code in _GLYPHS}
    for staff in sheet.staves:
        if staff.engraving is not None:
            glyphs.update(staff.engraving.glyphs)
    return {
        "title": sheet.title,
        "stem": sheet.stem,
        "model": sheet.model,
        "sha256": sheet.version,
        "hasScore": sheet.has_score,
        "threshold": sheet.threshold,
        "warnings": list(sheet.warnings),
        "systems": [list(system) for system in sheet.systems],
        "glyphs": glyphs,
        "staves": [_staff_record(staff) for staff in sheet.staves],
    }


def _staff_record(staff: ProofStaff) -> dict[str, Any]:
    crop = staff.crop
    return {
        "name": staff.name,
        "source": staff.source,
        "page": staff.page,
        "system": staff.system,
        "staff": staff.staff,
        "image": _data_url(crop),
        "kind": crop.kind,
        "width": crop.width,
        "height": crop.height,
        "interline": _px(crop.interline),
        "left": crop.left,
        "scale": round(crop.scale, 4),
        "space": _px(staff.space),
        "edges": [_px(x) for x in staff.edges],
        "clef": staff.clef,
        "key": staff.key,
        "time": staff.time,
        "tokens": [_token_record(token) for token in staff.tokens],
        "marks": list(_mark_records(staff.engraving)) if staff.engraving else None,
    }


def _data_url(crop: Crop) -> str:
    return f"data:image/{crop.kind};base64,{base64.b64encode(crop.content).decode()}"


def _token_record(token: ProofToken) -> list[Any]:
    """As a list: there are tens of thousands."""
    return [
        token.text,
        round(token.confidence, 4),
        [_px(edge) for edge in token.box],
        _px(token.line),
        [[text, round(probability, 4)] for text, probability in token.alternatives],
        _px(token.x),
        round(token.doubt, 4),
    ]


def _mark_records(engraving: Engraving) -> Iterator[list[Any]]:
    """A glyph is [token, code, x, y, size], a shape [token, path, stroke width].

    In place of its token a mark of several, such as a beam, has the first and the last of them.
    """
    for mark in engraving.marks:
        token: Any = list(mark.joins) if mark.joins else -1
        token = token if mark.token is None else mark.token
        if isinstance(mark, Glyph):
            yield [token, mark.code, _px(mark.x), _px(mark.y), _px(mark.size, 2)]
        else:
            yield [token, _path(mark), _px(mark.width)]


def _path(shape: Shape) -> str:
    first, *rest = (f"{_px(x):g} {_px(y):g}" for x, y in shape.points)
    closed = "" if shape.width else "Z"
    return f"M{first}{'C' if shape.curved else 'L'}{_join(rest)}{closed}"


def _join(points: Iterable[str]) -> str:
    return " ".join(points)


def _px(value: float, digits: int = 1) -> float:
    rounded = round(float(value), digits)
    return int(rounded) if rounded == int(rounded) else rounded
