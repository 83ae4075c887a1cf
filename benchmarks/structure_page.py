"""The structure of the package, for the results page."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]

_ONE_NUMBER = {
    "files": "files",
    "lines": "lines",
    "files_over_500": "files of more than 500 lines",
    "functions_over_60_without_docstring": "functions of more than 60 lines, without docstring",
    "functions_over_12_arguments": "functions of more than 12 arguments",
    "any": "uses of `Any`",
    "any_per_1000_lines": "of these in 1,000 lines",
    "isinstance_of_concrete": "isinstance on a class of llmal's that is no protocol",
    "getattr_with_default": "getattr with a default",
}
_LARGEST = {
    "largest_files": "largest files, in lines",
    "longest_functions_without_docstring": "longest functions, in lines without docstring",
    "most_arguments": "most arguments",
}
_CYCLES = {
    "cycles_when_loaded": "import cycles when loaded",
    "cycles_with_late_imports": "import cycles with late imports and those for types (modules)",
}


def structure(figures: Figures) -> list[str]:
    """The package now, and before issue 9 where that was measured too."""
    versions = [name for name in ("before", "now") if name in figures]
    rows: list[list[str]] = [
        [title, *(f"{figures[one][key]:,}" for one in versions)]
        for key, title in _ONE_NUMBER.items()
    ]
    for key, title in _LARGEST.items():
        named = [
            "; ".join(f"{name.rpartition('.')[2]} {n}" for name, n in figures[one][key].items())
            for one in versions
        ]
        rows.append([title, *named])
    for key, title in _CYCLES.items():
        sizes = (figures[one][key] for one in versions)
        rows.append([title, *(f"{len(s)} ({', '.join(map(str, s))})" if s else "0" for s in sizes)])
    return [
        "Read from the source by `benchmarks/structure.py`, which says what is counted.",
        "",
        *table(["", *versions], rows),
    ]
