"""Labels shown as short codes of one token each, so that one pass scores any number of them."""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterator

from llmal.errors import ConfigError
from llmal.lm.protocol import LanguageModel
from llmal.prompting.templates import PromptTemplate
from llmal.task import Label, Task


def with_codes(task: Task, template: PromptTemplate, lm: LanguageModel) -> Task:
    """The task as it is asked with codes: each label's word is a code, and its description says
    what the code stands for. Names, order and guidelines stay.

    The codes are those letters and digits, then pairs of them, that are one token of the model in
    every form of the prompt; capital letters come first.

    Raises:
        ConfigError: The model has too few such tokens.
    """
    codes = list(itertools.islice(_single(template, lm), len(task.labels)))
    if len(codes) < len(task.labels):
        raise ConfigError(
            f"there are {len(task.labels)} labels, and only {len(codes)} codes of one or two "
            "letters or digits are one token of this model",
            fix="leave codes out; a wide set of labels is shortlisted",
        )
    labels = [
        Label(one.name, _meaning(one), (code,))
        for one, code in zip(task.labels, codes, strict=True)
    ]
    return Task(task.name, labels, guidelines=task.guidelines, text=task.text, kind=task.kind_given)


def _meaning(label: Label) -> str:
    word = label.verbalizers[0]
    return f"{word} ({label.description})" if label.description else word


def _single(template: PromptTemplate, lm: LanguageModel) -> Iterator[str]:
    """Codes that are one token in every form that the model can be asked in."""
    signs = string.ascii_uppercase + string.ascii_lowercase + string.digits
    pairs = ("".join(pair) for pair in itertools.product(signs, signs))
    nothing = int(lm.count_tokens([""])[0])
    styles = [style for style in template.styles if style == "completion" or lm.chat]
    for code in itertools.chain(signs, pairs):
        forms = [form for style in styles for form in template.candidates(style, [code])]
        if all(int(n) == nothing + 1 for n in lm.count_tokens(forms)):
            yield code
