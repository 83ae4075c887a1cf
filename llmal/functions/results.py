"""What the functions give back: the rows, with columns added, and what they cost."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Answer, Usage
from llmal.core.tables import Column, check_output, check_place, write_table
from llmal.errors import ConfigError
from llmal.functions.rows import Row
from llmal.functions.tasks import names_of

if TYPE_CHECKING:
    import datasets
    import pandas as pd

    from llmal.calibration.comparison import Comparison
    from llmal.embed.protocol import Embedder
    from llmal.few_shot.chosen import ChosenPrompt
    from llmal.generators.record import SyntheticRecord

FEW = 5
"""Rows that `show` shows."""


class Results(Sequence[Row]):
    """Rows in their order: a sequence of mappings from column names to values.

    Args:
        rows: The rows.
        columns: Their columns, in order.
        text: The text columns.
        added: Under which name each added column stands.
        cost: What was asked of language models.
        title: What the rows are, for people.
        origin: The frame or data set that they are rows of.
        indices: Which of its rows, from 0; None for all.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        columns: Sequence[Column],
        text: Sequence[str],
        added: Mapping[str, str],
        cost: Usage,
        *,
        title: str = "rows",
        origin: Any = None,
        indices: Sequence[int] | None = None,
    ) -> None:
        self._rows = list(rows)
        self._columns = tuple(columns)
        self.text = tuple(text)
        self.added = dict(added)
        """Under which name each added column stands; another than its own where that was taken."""
        self._cost = cost
        self.title = title
        self._origin = origin
        self._indices = indices

    @property
    def rows(self) -> list[Row]:
        """The rows, each a mapping from column names to values."""
        return self._rows

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(one.name for one in self._columns)

    @property
    def table(self) -> tuple[Column, ...]:
        """The columns with what their values are."""
        return self._columns

    @property
    def cost(self) -> Usage:
        """What was asked of language models; answers from the cache are counted like others."""
        return self._cost

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        return self._rows[index]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def column(self, name: str) -> list[Any]:
        """The values of a column; an added one by its own name, whatever it is called here.

        Raises:
            ConfigError: There is no such column.
        """
        called = self.added.get(name, name)
        if called not in self.columns:
            raise ConfigError(
                f"there is no column {name!r}", fix=f"there are {', '.join(self.columns)}"
            )
        return [row.get(called) for row in self._rows]

    def to_pandas(self) -> pd.DataFrame:
        """A pandas frame: the one that was given, index and types kept, with columns added."""
        import pandas as pd

        if not isinstance(self._origin, pd.DataFrame):
            return pd.DataFrame(self._rows, columns=list(self.columns))
        frame = self._origin if self._indices is None else self._origin.iloc[list(self._indices)]
        frame = frame.copy()
        kinds = {one.name: one.kind for one in self._columns}
        for called in self.added.values():
            values = [row.get(called) for row in self._rows]
            kind: Any = {"number": "float64", "whole": "int64", "flag": "bool"}.get(kinds[called])
            if kind in ("int64", "bool") and None in values:
                kind = "object"
            if kinds[called] != "text" or not any(values):
                kind = kind or "object"
            frame[called] = pd.Series(values, index=frame.index, dtype=kind)
        return frame

    def to_dataset(self) -> datasets.Dataset:
        """A `datasets.Dataset`: the one that was given, or one of the rows, with columns added."""
        import datasets

        if not isinstance(self._origin, datasets.Dataset):
            return datasets.Dataset.from_list(self._rows)
        whole = self._indices is None
        dataset = self._origin if whole else self._origin.select(list(self._indices or ()))
        for called in self.added.values():
            dataset = dataset.add_column(called, [row.get(called) for row in self._rows])
        return dataset

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write the rows to a file; the ending of its name says the format.

        Args:
            path: The file.
            force: Replace a file that is there.

        Raises:
            ConfigError: Something is there already, or the name does not say the format.
            LlmalError: The file cannot be written.
        """
        file = Path(path).expanduser()
        if file.exists() and not force:
            raise ConfigError(
                "the file is there already", where=str(file), fix="name another, or force=True"
            )
        write_table(file, check_output(file, force=force), self._columns, self._rows)
        return file

    def show(self, n: int = FEW) -> None:
        """Show the first rows, in a terminal or a notebook.

        Args:
            n: How many.
        """
        from llmal.functions.showing import display

        display(self, n)

    def summary(self) -> str:
        """The result in a few words."""
        return f"{len(self):,} {self.title}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be known of the rows, a sentence each."""
        return ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.summary()}>"

    def _repr_html_(self) -> str:
        from llmal.functions.showing import as_html

        return as_html(self, FEW)


class Annotated(Results):
    """The rows that were given, in their order, each with its label or a sentence on why not."""

    @property
    def labels(self) -> list[Answer | None]:
        """The label of each row; None where there is none. Of the kind "multi" a tuple of names."""
        return self.column("label")

    @property
    def confidences(self) -> NDArray[np.float64]:
        """Shape (n,): the probability of each label; NaN where there is none."""
        return np.array(
            [np.nan if one is None else one for one in self.column("confidence")], np.float64
        )

    @property
    def failed(self) -> list[int]:
        """Positions of the rows without a label; their column "error" says why."""
        return [place for place, one in enumerate(self.column("error")) if one is not None]

    def summary(self) -> str:
        """How many rows have which label."""
        counts = Counter(name for one in self.labels for name in names_of(one))
        shown = ", ".join(f"{count:,} {label}" for label, count in counts.most_common(FEW))
        if len(counts) > FEW:
            shown += f" and {len(counts) - FEW} more labels"
        words = f"{len(self):,} rows, {shown or 'none labelled'}"
        return f"{words}; {len(self.failed):,} without a label" if self.failed else words


class Picked(Results):
    """The rows that were picked, best first."""

    @property
    def indices(self) -> NDArray[np.int64]:
        """Shape (k,): where each stands in the data, from 0."""
        return np.asarray(self._indices, dtype=np.int64)


class Generated(Results):
    """The texts that were written and passed every check.

    Attributes:
        refused: The others, with `refused_by` and `reason`.
        missing: How many are wanting, by label; only labels that lack some.
        counts: For each generator and label a mapping of these two, of `accepted`, a number, and of
            `refused`, numbers by filter.
        record: The items with how they were made, and the real ones beside which they were.
    """

    def __init__(
        self,
        *args: Any,
        refused: Sequence[Row],
        missing: Mapping[str, int],
        counts: Sequence[Mapping[str, Any]] = (),
        record: SyntheticRecord,
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.record = record
        self.refused = list(refused)
        self.missing = dict(missing)
        self.counts = [dict(one) for one in counts]

    @property
    def texts(self) -> list[str]:
        """The texts; the columns joined by a line break where there are several."""
        return ["\n".join(str(row[name]) for name in self.text) for row in self.rows]

    @property
    def labels(self) -> list[Answer]:
        """The label of each, or its labels."""
        return self.column("label")

    def summary(self) -> str:
        """How many there are, and how many were refused."""
        counts = Counter(name for one in self.labels for name in names_of(one))
        shown = ", ".join(f"{count:,} {label}" for label, count in counts.items())
        words = f"{len(self):,} texts, {shown}" if shown else "no texts"
        if self.refused:
            words += f"; {len(self.refused):,} refused"
        return f"{words}; {sum(self.missing.values()):,} missing" if self.missing else words

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write the rows to a file, and beside it, in `<name>.origin.json`, how they were made.

        Args:
            path: The file; the ending of its name says the format.
            force: Replace a file that is there.

        Raises:
            ConfigError: Something is there already, or the name does not say the format.
            LlmalError: The file cannot be written.
        """
        from llmal.functions.generated_files import write_origin

        file = super().save(path, force=force)
        write_origin(file, self.record.origin)
        return file

    def save_chat(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write the texts as instruction data for training a chat model: a line of JSON for each,
        {"messages": [system, user, assistant]}, the label being the assistant's answer. The
        instruction is that of the prompt by which `llmal.annotate` asks for labels.

        Args:
            path: A file; .jsonl.
            force: Replace a file that is there.

        Raises:
            ConfigError: Something is there already, or the name ends otherwise.
            LlmalError: The file cannot be written.
        """
        from llmal.exporters.chat import write_chat

        return write_chat(Path(path).expanduser(), self.record, force=force)

    def save_dataset(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write the texts as a folder that `datasets.load_dataset` reads, with a card that says how
        they were made and how they measure.

        Args:
            path: The folder.
            force: Replace a folder that is there.

        Raises:
            ConfigError: Something is there already.
            LlmalError: The folder cannot be written.
        """
        from llmal.exporters.dataset_folder import write_dataset

        return write_dataset(Path(path).expanduser(), self.record, force=force)

    def report(
        self,
        path: str | os.PathLike[str],
        *,
        real: Any = None,
        embedder: Embedder | str | os.PathLike[str] | None = None,
        audit: str | os.PathLike[str] | None = None,
        force: bool = False,
    ) -> Path:
        """Write a page about the texts: how varied they are, how much like real ones, how right
        their labels are by what people say of a sample, and the worst of them.

        Args:
            path: The page; .html.
            real: Real rows to hold the texts beside, in the place of `avoid` and demonstrations.
            embedder: In the place of that of the call.
            audit: A file of the sample, .csv, .jsonl, .parquet or .xlsx. Where it is not there, one
                is drawn and written for a person to fill in; where it is, the report says how many
                labels are right.
            force: Replace a page that is there.

        Raises:
            ConfigError: A page is there already.
            DataError: The audit cannot be read.
            LlmalError: The page cannot be written.
        """
        from llmal.functions.generated_report import report_of

        return report_of(self, path, real=real, embedder=embedder, audit=audit, force=force)


class Demonstrations(Results):
    """The labelled rows that were chosen, the most useful first.

    Attributes:
        prompt: The prompt with them, its calibration included; None if no language model was given.
            `llmal.annotate(demonstrations=…)` takes this result, the prompt, or its file.
        left_out: Ids of those that do not fit into the model's context.
        calibration: Names of the calibrators that the prompt has, in turn.
        comparison: What calibration changes on the labelled rows; None where too few can tell.
    """

    def __init__(
        self,
        *args: Any,
        prompt: ChosenPrompt | None,
        left_out: Sequence[str] = (),
        calibration: Sequence[str] = (),
        comparison: Comparison | None = None,
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.prompt = prompt
        self.left_out = tuple(left_out)
        self.calibration = tuple(calibration)
        self.comparison = comparison

    @property
    def labels(self) -> list[str]:
        """The label of each."""
        return self.column("label")

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write the prompt to a YAML file, or the rows to a table.

        Args:
            path: The file; .yaml for the prompt.
            force: Replace a file that is there.

        Raises:
            ConfigError: Something is there already, or there is no prompt to write.
            LlmalError: The file cannot be written.
        """
        file = Path(path).expanduser()
        if file.suffix.lower() not in (".yaml", ".yml"):
            return super().save(file, force=force)
        if self.prompt is None:
            raise ConfigError(
                "no prompt was made, as no language model was given",
                where=str(file),
                fix="give lm=, or end the name in .csv for the rows",
            )
        check_place(file, force=force)
        self.prompt.save(file)
        return file

    def summary(self) -> str:
        """How many there are of which label."""
        counts = Counter(self.labels)
        shown = ", ".join(f"{count:,} {label}" for label, count in counts.items())
        if self.prompt is not None and self.prompt.per_query:
            return f"{len(self):,} candidates to choose from for each text ({shown})"
        return f"{len(self):,} demonstrations ({shown})"
