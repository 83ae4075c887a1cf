"""`python -m llmal`, the same as the command `llmal`."""

from __future__ import annotations

from llmal.cli import main

if __name__ == "__main__":
    main()
