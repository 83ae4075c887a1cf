"""What `llmal.generate(preview=…)` gives back: a few texts, and what every filter says of them."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from llmal.core.records import Usage
from llmal.functions.generated_rows import result_of
from llmal.functions.results import Generated
from llmal.functions.writing import Writing
from llmal.generators import SynthesisResult
from llmal.generators.filters import Judged
from llmal.generators.rows import texts_of
from llmal.progress import cost_in_words

_LONGEST = 600


class Preview(Generated):
    """A few texts of a generator, to be looked at before more are paid for.

    Rows, `refused` and `counts` are as if it had been the whole.

    Attributes:
        judged: Each text in the order of writing, with the verdict of every filter.
        most: The most that the whole would cost; None where it was not counted.
        wanted: Accepted texts of each label that the whole would have, by its name; None where that
            is not said.
    """

    def __init__(
        self,
        *args: Any,
        judged: Sequence[Judged],
        most: Usage | None,
        wanted: Mapping[str, int] | None,
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.judged = list(judged)
        self.most = most
        self.wanted = None if wanted is None else dict(wanted)

    def as_text(self, n: int | None = None) -> str:
        """The texts with their verdicts, and what it cost, for a terminal."""
        parts = [self._one(number, one) for number, one in enumerate(self.judged[:n], 1)]
        return "\n\n".join([*parts, "\n".join(self.notes)])

    def _one(self, number: int, one: Judged) -> str:
        outcome = "accepted" if one.item.accepted else "refused"
        lines = [f"{number}. {one.item.label}: {outcome}"]
        for name, text in texts_of(one.item, self.text).items():
            text = " ".join(text.split())
            text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
            lines.append(f"   {text}" if len(self.text) == 1 else f"   {name}: {text}")
        width = max((len(verdict.filter) for verdict in one.verdicts), default=0)
        for verdict in one.verdicts:
            said = "passes" if verdict.reason is None else f"refuses: {verdict.reason}"
            lines.append(f"     {verdict.filter:<{width}}  {said}")
        return "\n".join(lines)

    @property
    def notes(self) -> tuple[str, ...]:
        """How many would be accepted, and what it costs."""
        accepted = sum(one.item.accepted for one in self.judged)
        found = [f"{accepted} of {len(self.judged)} texts would be accepted; nothing is kept."]
        cost = cost_in_words(self.cost.as_dict()) or "nothing"
        found.append(f"This preview cost {cost}.")
        if self.most is not None and self.wanted is not None:
            most = cost_in_words(self.most.as_dict()) or "nothing"
            found.append(f"The whole, {_in_words(self.wanted)}, costs at most {most}.")
        return tuple(found)

    def as_dicts(self) -> list[dict[str, Any]]:
        """The texts with their verdicts as plain data."""
        return [
            {
                "fields": texts_of(one.item, self.text),
                "label": one.item.label,
                "accepted": one.item.accepted,
                "verdicts": [verdict.as_dict() for verdict in one.verdicts],
            }
            for one in self.judged
        ]

    def show(self, n: int | None = None) -> None:
        """Print the texts with their verdicts.

        Args:
            n: How many; all by default.
        """
        print(self.as_text(n))

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.as_text())}</pre>"


def _in_words(wanted: Mapping[str, int]) -> str:
    counts = set(wanted.values())
    if len(counts) == 1:
        return f"{counts.pop():,} accepted texts of each label"
    each = ", ".join(f"{count:,} of {label}" for label, count in wanted.items() if count)
    return f"accepted texts {each}"


def previewed(
    writing: Writing,
    judged: Sequence[Judged],
    *,
    most: Usage | None,
    wanted: Mapping[str, int] | None,
) -> Preview:
    """What was written and judged, as a result."""
    synthesis = SynthesisResult(tuple(one.item for one in judged), {}, {})
    more: dict[str, Any] = {"judged": judged, "most": most, "wanted": wanted}
    found = result_of(synthesis, writing.record(synthesis), writing.usage)
    return Preview(**found, **more)
