"""A few rows of a result for people: in a terminal by rich, in a notebook by HTML."""

from __future__ import annotations

import html
import sys
from typing import TYPE_CHECKING, Any

from llmal.progress import cost_in_words

if TYPE_CHECKING:
    from llmal.functions.results import Results

_TEXT = 240
_CELL = 80
_NARROW = 28
_OTHERS = 2
"""Columns of the data that are shown beside text and added ones."""

_STYLE = "border-collapse:collapse;font-size:0.9em"
_HEAD = "text-align:left;padding:4px 10px;border-bottom:2px solid #8884"
_BODY = "text-align:left;vertical-align:top;padding:4px 10px;border-bottom:1px solid #8883"
_ERROR = "color:#b3261e"
_FOOT = "font-size:0.85em;opacity:0.7"


def display(result: Results, n: int) -> None:
    """Show n rows where the caller sits."""
    if in_notebook():
        from IPython.display import HTML  # type: ignore[import-not-found,unused-ignore]
        from IPython.display import display as show  # type: ignore[import-not-found,unused-ignore]

        show(HTML(as_html(result, n)))
        return
    print_table(result, n)


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


def print_table(result: Results, n: int) -> None:
    """Print n rows to standard output."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    names = shown_columns(result, n)
    table = Table(
        title=_title(result, n),
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    long = ("error", "rationale", "probabilities", "why")
    wide = {*result.text, *(result.added.get(name) for name in long)}
    for name in names:
        if name in wide:
            table.add_column(name, overflow="fold", ratio=1, min_width=16)
        else:
            table.add_column(name, overflow="ellipsis", no_wrap=True, max_width=_NARROW)
    styles = {called: own for own, called in result.added.items()}
    for row in result.rows[:n]:
        cells = []
        for name in names:
            style = {"label": "bold", "error": "red"}.get(styles.get(name, ""), "")
            cells.append(Text(in_short(row.get(name), result, name), style=style))
        table.add_row(*cells)
    console = Console()
    console.print(table)
    for note in result.notes:
        console.print(Text(note))
    foot = _foot(result, names)
    if foot:
        console.print(Text(foot, style="dim"))


def as_html(result: Results, n: int) -> str:
    """N rows as an HTML table; every text is escaped."""
    names = shown_columns(result, n)
    styles = {called: own for own, called in result.added.items()}
    head = "".join(f'<th style="{_HEAD}">{html.escape(name)}</th>' for name in names)
    body = []
    for row in result.rows[:n]:
        cells = []
        for name in names:
            own = styles.get(name, "")
            more = f";{_ERROR}" if own == "error" else ";font-weight:600" if own == "label" else ""
            text = html.escape(in_short(row.get(name), result, name))
            cells.append(f'<td style="{_BODY}{more}">{text}</td>')
        body.append(f"<tr>{''.join(cells)}</tr>")
    foot = _foot(result, names)
    note = f'<p style="{_FOOT}">{html.escape(foot)}</p>' if foot else ""
    notes = "".join(f"<p>{html.escape(one)}</p>" for one in result.notes)
    return (
        f"<div><p><b>{html.escape(_title(result, n))}</b></p>{notes}"
        f'<table style="{_STYLE}"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody>'
        f"</table>{note}</div>"
    )


def shown_columns(result: Results, n: int) -> list[str]:
    """The columns worth the room: texts, a few others, and added ones that say something."""
    rows = result.rows[:n]
    added = result.added.values()
    always = {result.added.get("label"), result.added.get("confidence")}
    filled = {name for name in added if any(row.get(name) not in (None, [], ()) for row in rows)}
    room = max(0, _OTHERS - len(filled - always))
    others = [name for name in result.columns if name not in added and name not in result.text]
    kept = {*others[:room], *(own for own, called in result.added.items() if own != called)}
    return [
        name
        for name in result.columns
        if name in kept or name in result.text or name in filled or name in always
    ]


def _title(result: Results, n: int) -> str:
    if len(result) > n:
        return f"{n} of {result.summary()}"
    return result.summary()


def _foot(result: Results, names: list[str]) -> str:
    hidden = [name for name in result.columns if name not in names]
    parts = []
    if hidden:
        shown = ", ".join(hidden[:6]) + (", …" if len(hidden) > 6 else "")
        parts.append(f"not shown: {shown}")
    cost = cost_in_words(result.cost.as_dict())
    if cost:
        parts.append(f"cost: {cost}")
    return "; ".join(parts)


def in_short(value: Any, result: Results, name: str) -> str:
    """A cell in few characters, on one line."""
    if value is None or value == []:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, dict) and all(isinstance(one, float) for one in value.values()):
        ranked = sorted(value.items(), key=lambda one: -one[1])
        text = ", ".join(f"{key} {share:.2f}" for key, share in ranked[:2])
        return text + (", …" if len(ranked) > 2 else "")
    text = "; ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    line = " ".join(text.split())
    most = _TEXT if name in result.text else _CELL
    if name == result.added.get("error"):
        most = _TEXT
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
