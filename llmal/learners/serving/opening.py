"""Which language model a saved learner is, and what may be known of it before it is served."""

from __future__ import annotations

from pathlib import Path

from llmal.core.records import Price
from llmal.errors import DataError
from llmal.learners.saved import learner_folder
from llmal.learners.serving.lora_lm import LoRALM
from llmal.learners.serving.soft_prompt_lm import SoftPromptLM, soft_length, soft_work
from llmal.learners.storage import FILE, kind_and_parameters
from llmal.lm.counting import CountingLM, context_of

_SERVED: dict[str, type[SoftPromptLM] | type[LoRALM]] = {
    "dynamic_soft_prompt": SoftPromptLM,
    "lora": LoRALM,
}


def lm_class(folder: str | Path) -> type[SoftPromptLM] | type[LoRALM]:
    """What serves the learner in a folder.

    Args:
        folder: That of a learner, or the directory of a run.

    Raises:
        DataError: There is no learner, or it is no language model.
    """
    place = learner_folder(folder)
    name, _ = kind_and_parameters(place)
    if name not in _SERVED:
        raise DataError(
            f"a learner {name!r} is no language model",
            where=str(place / FILE),
            fix='train a dynamic_soft_prompt over a causal model, or lora with answer="words"',
        )
    return _SERVED[name]


def counting_learner(
    folder: str | Path, *, price: Price = Price(), context_length: int | None = None
) -> CountingLM:
    """A stand-in that counts what the learner in a folder would cost; it loads no model.

    Args:
        folder: As for `lm_class`.
        price: What its tokens will cost.
        context_length: Most tokens that the server will take; by default what the model's
            configuration says.

    Raises:
        DataError: There is no learner, or it is no language model.
        LanguageModelError: Its base model is gone.
    """
    kind, place = lm_class(folder), learner_folder(folder)
    base = str(kind_and_parameters(place)[1]["model"])
    length = soft_length(place) if kind is SoftPromptLM else 0
    context = context_length or context_of(base)
    return CountingLM(
        base,
        price=price,
        context_length=None if context is None else context - length,
        work=soft_work(length),
    )
