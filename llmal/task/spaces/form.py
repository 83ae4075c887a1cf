"""What people are told who write an answer into a cell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AnswerForm:
    """How an answer is written into a cell, in words; each space has one.

    Attributes:
        which: What is written, of labels that stand below: "one of these labels".
        named: What is written, with every label named: "joy, anger or fear".
        of: What is written, of labels that are named elsewhere: {labels} stands for them, as in
            "one of {labels}".
        choices: What can be chosen for a cell, as in a list of a spreadsheet; empty where an answer
            is more than a choice of one.
        rules: Further sentences for the help.
    """

    which: str
    named: str
    of: str
    choices: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    def words(self, elsewhere: str | None) -> str:
        """What is written.

        Args:
            elsewhere: Where the labels are named, such as "the 40 labels in HOW_TO_LABEL.txt"; None
                to name them.
        """
        return self.named if elsewhere is None else self.of.format(labels=elsewhere)
