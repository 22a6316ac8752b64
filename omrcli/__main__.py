"""Run the command line: `python -m omrcli`."""

from __future__ import annotations

from omrcli.cli.app import main

if __name__ == "__main__":
    main()
