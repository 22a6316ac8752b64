"""What engravers of optional programs give back: tokens and drawing, None for what is not kept."""

from __future__ import annotations

from collections.abc import Sequence

from omrcli.synth.raster import Drawing

Kept = tuple[tuple[str, ...], Drawing]


def check_alike(first: Sequence[Kept | None], second: Sequence[Kept | None]) -> None:
    """Two runs keep the same pieces and draw them alike."""
    for one, two in zip(first, second, strict=True):
        assert (one is None) == (two is None)
        if one and two:
            assert one[0] == two[0]
            assert one[1].interline == two[1].interline
            assert len(one[1].shapes) == len(two[1].shapes)
