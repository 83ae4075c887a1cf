"""The command line: `llmal run`, `plan`, `annotate`, `select`, `generate`, `report`, `export` …

Every command lives in a module of its own, imported when it is called, so that help is quick.
"""

from __future__ import annotations

import signal


def main() -> None:
    """Entry point of the `llmal` command."""
    from llmal.cli.app import app

    try:
        app()
    finally:
        # All is told; a key that is still being pressed must not end in a traceback of Python's own
        # clean-up.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
