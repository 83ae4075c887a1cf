"""`llmal.generate`: new texts of each label, in one call."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from llmal.calibration.default import AUTO, MOST_TEXTS, Calibrate
from llmal.core.records import Item
from llmal.errors import ConfigError
from llmal.functions.annotating import Progress
from llmal.functions.annotation import shown_progress
from llmal.functions.generated_rows import generated
from llmal.functions.labelled import labelled_items, matched
from llmal.functions.learner_answers import learner_answers
from llmal.functions.models import CacheChoice, counting_model, embedder_of, opened_model
from llmal.functions.preview import previewed
from llmal.functions.results import Generated
from llmal.functions.rows import open_rows
from llmal.functions.tasks import Labels, task_of
from llmal.functions.writing import Writing, generator_section
from llmal.generators import SynthesisResult
from llmal.generators.filters import FilterLike
from llmal.run.budget import Budget
from llmal.task import Task, TaskKind

if TYPE_CHECKING:
    from llmal.embed import Embedder
    from llmal.learners.saved import TextClassifier
    from llmal.lm.protocol import LanguageModel


def generate(
    task: Labels | None = None,
    k: int | Mapping[str, int] = 10,
    *,
    lm: LanguageModel | str | os.PathLike[str] | None = None,
    label: str | Sequence[str] | None = None,
    kind: TaskKind = "single",
    demonstrations: Any = None,
    label_column: str = "label",
    avoid: Any = None,
    test: Any = None,
    text: str | Sequence[str] | None = None,
    guidelines: str = "",
    shots: int = 3,
    generator: str = "class_conditional",
    options: Mapping[str, Any] | None = None,
    learner: TextClassifier | str | os.PathLike[str] | None = None,
    structure: Literal["json", "line"] | None = None,
    temperature: float | None = None,
    min_words: int | None = None,
    max_words: int | None = None,
    similarity: float = 0.95,
    agreement: float = 0.5,
    calibrate: Calibrate = AUTO,
    filters: Sequence[FilterLike] | None = None,
    prompt: str | None = None,
    style: str = "auto",
    embedder: Embedder | str | os.PathLike[str] | None = None,
    budget: Budget | None = None,
    cache: CacheChoice = True,
    seed: int = 0,
    preview: int | None = None,
    dry_run: bool = False,
    progress: bool | Progress = True,
) -> Generated:
    """Have a language model write k new texts of each label.

    Each text is checked: its length, whether it repeats one of the demonstrations, of `avoid`, or
    one written before, and whether the model itself gives it the label. The rows are the texts
    that passed; `refused` has the others with the reason, `missing` how many are wanting.

        new = llmal.generate({"good": "praise", "bad": "a complaint"}, k=5,
                             lm="smollm2-135m-instruct", demonstrations=labelled)

    Args:
        task: A `Task`, names of labels, or a mapping of names to descriptions. Without it the
            labels of the demonstrations.
        k: Texts of each label that pass, or a mapping of labels to how many; of labels that it does
            not name none. The generator "minority" writes at most what a label lacks.
        lm: As for `llmal.annotate`.
        label: Write texts of this label alone, or of these. Of several labels an item, such as
            "joy|love"; by default the answers that the demonstrations have, or else each label.
        kind: What an answer is, as for `llmal.annotate`: "multi" for several labels an item.
        demonstrations: Labelled rows to write in the manner of, as for `llmal.annotate`.
        label_column: The column of labels of the demonstrations.
        avoid: Rows whose texts must not be written again, such as a pool.
        test: Rows that nothing may be written near to, such as a test set or an audit: the filter
            `leakage` looks for that, and stands behind near_duplicates where `filters` is not
            given.
        text: The text column, or several. By default those of the task, or "text".
        guidelines: What the texts are about.
        shots: Demonstrations in each prompt, drawn anew for every few texts.
        generator: What writes, a name of `llmal.generators`. Those that make new items out of
            labelled ones (paraphrase, counterfactual, ...) take the demonstrations for that.
        options: Of the generator, by name: {"attributes": {"topic": ["sport", "music"]}}.
        learner: For generators that go by what a learner makes of labelled items (boundary,
            student_guided, weakness_targeted): a run directory, the folder of a learner, or what
            `llmal.load_learner` gave. It answers about the demonstrations, which should be others
            than it was trained on.
        structure: "json" has the model write an object, "line" a line of text, which small and
            base models do better. By default what the generator does, mostly "json".
        temperature: Of the sampling; by default what the generator does, mostly 1.
        min_words: Shorter texts are refused.
        max_words: Longer texts are refused.
        similarity: Cosine from which two texts count as the same.
        agreement: Least probability of the label by the model that wrote the text.
        calibrate: What makes these probabilities of its scores, as for `llmal.annotate`; "auto"
            fits on demonstrations and `avoid`.
        filters: What refuses texts, in turn: filters, functions that give a reason or None for a
            text, names, or mappings of a name and options. "default" stands for those that there
            are without it: format_length, near_duplicates and label_agreement. A list of one's own
            holds "leakage" only if it names it.
        prompt: Name of a prompt of llmal, or path of a YAML file.
        style: "chat", "completion", or "auto".
        embedder: An embedder, its path or its name, for `similarity`.
        budget: Limits of tokens and money; no more is written than they allow.
        cache: As for `llmal.annotate`.
        seed: Same seed, same texts.
        preview: Write so many texts, of all labels together and in turn, and no more; the result is
            a `Preview`: `show()` shows each with the verdict of every filter, and what the whole
            would cost at most.
        dry_run: Ask nobody: `cost` is then the most that it would cost.
        progress: Show it in a terminal; or a function that is told of it.

    Raises:
        LlmalError: Something is not usable.
    """
    if preview is not None and dry_run:
        raise ConfigError(
            "a preview writes texts, and a dry run asks nobody", fix="leave one of them out"
        )
    columns = _text_columns(task, text)
    shown = (
        []
        if demonstrations is None
        else labelled_items(demonstrations, columns, label=label_column)
    )
    made = task_of(
        task,
        text=columns,
        guidelines=guidelines,
        name="generate",
        seen=(item.gold for item in shown),
        kind=kind,
    )
    shown = matched(shown, made)
    section = generator_section(
        generator,
        {
            **(options or {}),
            **{
                name: value
                for name, value in (
                    ("structure", structure),
                    ("temperature", temperature),
                    ("prompt", prompt),
                )
                if value is not None
            },
        },
        shots=shots,
        min_words=min_words,
        max_words=max_words,
        similarity=similarity,
        agreement=agreement,
    )
    answers = None if learner is None else learner_answers(learner, made, shown)
    avoided = [] if avoid is None else _items(avoid, columns, "avoid")
    known = [*shown, *avoided]
    with contextlib.ExitStack() as stack:
        opened = counting_model(lm) if dry_run else opened_model(lm, cache=cache)
        writing = Writing(
            made,
            k,
            section=section,
            lm=stack.enter_context(opened),  # a bar of its own, where it must be fetched
            embedder=embedder_of(embedder),
            labels=[label] if isinstance(label, str) else label,
            demonstrations=shown,
            learner=answers,
            pool=avoided or None,
            test=None if test is None else _items(test, columns, "test"),
            labelled=shown or None,
            style=style,
            calibrate=calibrate,
            unlabelled=_drawn(known, seed),
            filters=filters,
            seed=seed,
            budget=budget,
        )
        if preview is not None:
            most = writing.most()
            judged = writing.preview(preview, stack.enter_context(shown_progress(progress)))
            return previewed(writing, judged, most=most, wanted=writing.wanted)
        if dry_run:
            nothing = SynthesisResult((), {}, {})
            return generated(nothing, writing.record(nothing), writing.most())
        synthesis = writing.run(stack.enter_context(shown_progress(progress)))
        return generated(synthesis, writing.record(synthesis), writing.usage)


def _text_columns(task: Any, text: str | Sequence[str] | None) -> tuple[str, ...]:
    if text is not None:
        return (text,) if isinstance(text, str) else tuple(text)
    return task.text if isinstance(task, Task) else ("text",)


def _items(data: Any, columns: Sequence[str], what: str) -> list[Item]:
    rows = open_rows(data, columns, what=what)
    items = (rows.item(row) for row in rows)
    return [item for item in items if isinstance(item, Item)]


def _drawn(items: Sequence[Item], seed: int) -> list[Item]:
    """At most `MOST_TEXTS` of them at random, in their order."""
    rng = np.random.default_rng([seed, MOST_TEXTS])
    rows = rng.choice(len(items), min(len(items), MOST_TEXTS), replace=False)
    return [items[row] for row in np.sort(rows)]
