"""What people are told who label in a file: the labels, the guidelines, and how to fill it in."""

from __future__ import annotations

import textwrap

from llmal.task import Task

SKIP = "?"
"""Written in place of a label by a person who cannot decide."""

MOST_NAMED = 12
"""Labels that a message names; more of them stand in the help alone."""

_WIDTH = 88
_LONGEST = 300


def help_lines(task: Task, opening: str) -> list[str]:
    """The lines of the help.

    Args:
        task: What is to be labelled.
        opening: A sentence on where the items are.
    """
    title = f"How to label: {task.name}"
    lines = [title, "=" * len(title), ""]
    form = task.space.form
    lines += _wrapped(
        f'{opening} Read the text of each row, and write {form.which} into its column "label":'
    )
    lines.append("")
    for label in task.labels:
        about = f"  {label.name}" + (f": {label.description}" if label.description else "")
        lines += _wrapped(about, "      ")
    lines.append("")
    if task.guidelines.strip():
        lines += ["Guidelines", "----------"]
        for paragraph in task.guidelines.strip().splitlines():
            lines += _wrapped(paragraph) or [""]
        lines.append("")
    lines += ["Good to know", "------------"]
    for rule in (
        *form.rules,
        f'Write {SKIP} into "label" where you cannot decide. The item is skipped then.',
        'Leave "label" blank in rows that you have not come to. You can stop and go on whenever '
        "you like: save, and have the run started again. What has been taken leaves the file, the "
        "rest stays in it.",
        'The column "note" is for whatever you want to remark; it is kept with the label.',
        'Leave the column "id" and the first line as they are. If you sort, sort whole rows. You '
        "may add columns of your own.",
        "Save under the same name. A CSV file may have commas, semicolons or tabs. If a "
        "spreadsheet shows every row in one cell, it expects semicolons: open the file by its "
        "import (Data, From Text/CSV), or ask for to_label.xlsx.",
        "What cannot be understood is named with its line when the run goes on, and stays in the "
        "file.",
    ):
        lines += _wrapped(f"- {rule}", "  ")
    return lines


WRITE = "<- write into label: "
"""What the last cell of the first line begins with."""


def first_line_cell(task: Task, help_file: str) -> str:
    """The last cell of the first line of a table: how to fill it in. The cells below are empty."""
    form, elsewhere = task.space.form, _elsewhere(task, help_file)
    between = " | " if form.choices else "; "
    listed = form.choices if form.choices and elsewhere is None else (form.words(elsewhere),)
    return f"{WRITE}{between.join([*listed, f'{SKIP} = skip', 'nothing = not yet'])}"


def _elsewhere(task: Task, help_file: str) -> str | None:
    """Where the labels are named, if they are too many for a line."""
    return f"the {len(task.names)} labels in {help_file}" if len(task.names) > MOST_NAMED else None


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent=indent, break_long_words=False)


def in_one_line(task: Task, help_file: str) -> str:
    """What people are to do with the file, for a message."""
    listed = task.space.form.words(_elsewhere(task, help_file))
    said = f'write {listed} into the column "label" ({SKIP} skips an item), save, and run again'
    guidelines = " ".join(task.guidelines.split())
    if guidelines:
        short = textwrap.shorten(guidelines, _LONGEST, placeholder=" ...")
        said += f"; guidelines: {short}"
    return said
