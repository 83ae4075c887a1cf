"""What a trained learner makes of labelled rows."""

from __future__ import annotations

import os
from collections.abc import Sequence

from llmal.core.records import Item
from llmal.errors import DataError
from llmal.generators import LearnerAnswers
from llmal.learners.saved import TextClassifier, load_learner
from llmal.task import Task


def learner_answers(
    learner: TextClassifier | str | os.PathLike[str], task: Task, items: Sequence[Item]
) -> LearnerAnswers:
    """The probabilities that a learner gives the labels of items.

    Args:
        learner: A run directory, the folder of a learner, or what `llmal.load_learner` gave.
        task: Whose labels the columns are.
        items: Labelled items; others than it was trained on, which look easier than they are.

    Raises:
        DataError: There is no learner, or it knows other labels or text columns than the task.
    """
    known = learner if isinstance(learner, TextClassifier) else load_learner(os.fspath(learner))
    if set(known.labels) != set(task.names):
        raise DataError(
            f"the learner knows the labels {', '.join(known.labels)}, and the task has "
            f"{', '.join(task.names)}",
            fix="give a learner that was trained on these",
        )
    if len(known.text) != len(task.text) or (len(task.text) > 1 and known.text != task.text):
        raise DataError(
            f"the learner reads the text columns {', '.join(known.text)}, and the task has "
            f"{', '.join(task.text)}",
            fix="name the same columns in the same order",
        )
    columns = [known.labels.index(name) for name in task.names]
    return LearnerAnswers(items, known.predict_proba([one.text for one in items])[:, columns])
