"""A chosen prompt as LangChain's few-shot templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.prompts import (
    AIMessagePromptTemplate,
    ChatPromptTemplate,
    FewShotChatMessagePromptTemplate,
    FewShotPromptTemplate,
    HumanMessagePromptTemplate,
    PromptTemplate,
    SystemMessagePromptTemplate,
)
from pydantic import Field

from llmal.core.records import one_label
from llmal.demonstrations import Fixed, make_selector
from llmal.demonstrations.protocol import DemonstrationSelector
from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError
from llmal.few_shot.chosen import ChosenPrompt
from llmal.integrations.langchain.example_selector import ExampleSelector
from llmal.integrations.langchain.pieces import LABEL, Turn, Wording, brace
from llmal.prompting.order import make_order
from llmal.prompting.scorer import PromptScorer

_FIXED = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
_OPEN = {
    "system": SystemMessagePromptTemplate,
    "user": HumanMessagePromptTemplate,
    "assistant": AIMessagePromptTemplate,
}


class WordedPromptTemplate(PromptTemplate):  # type: ignore[misc]
    """A template that puts texts in as a prompt of llmal does: on one line, say, or fenced.

    Attributes:
        wording: What does it; without it texts stay as they are.
        shown: Whether it is the template of a demonstration.
    """

    wording: Wording | None = Field(default=None, repr=False)
    shown: bool = False

    def format(self, **kwargs: Any) -> str:
        """Fill it."""
        values = self._merge_partial_and_user_variables(**kwargs)
        if self.wording is not None:
            values = self.wording.filtered(values, shown=self.shown)
        return str(super().format(**values))


class DemonstrationPromptTemplate(WordedPromptTemplate):
    """An `example_prompt` for a `FewShotPromptTemplate`, which fills it in twice: whatever braces
    are in a text come out as they are.
    """

    shown: bool = True

    def format(self, **kwargs: Any) -> str:
        """Fill it, for another time of filling."""
        return brace(super().format(**kwargs))


class WordedFewShotPromptTemplate(FewShotPromptTemplate):  # type: ignore[misc]
    """A few-shot template that puts texts in as a prompt of llmal does.

    Attributes:
        wording: What does it.
    """

    wording: Wording = Field(repr=False)

    def format(self, **kwargs: Any) -> str:
        """Fill it; the example selector gets the texts as they are given."""
        if self.example_selector is None:
            return str(super().format(**self.wording.filtered(kwargs, shown=False)))
        return self._with(self.example_selector.select_examples(kwargs)).format(**kwargs)

    async def aformat(self, **kwargs: Any) -> str:
        """Fill it; the example selector gets the texts as they are given."""
        if self.example_selector is None:
            return self.format(**kwargs)
        return self._with(await self.example_selector.aselect_examples(kwargs)).format(**kwargs)

    def _with(self, examples: list[dict[str, Any]]) -> WordedFewShotPromptTemplate:
        copy: WordedFewShotPromptTemplate = self.model_copy(
            update={"examples": examples, "example_selector": None}
        )
        return copy


def few_shot_template(
    chosen: ChosenPrompt,
    *,
    selector: DemonstrationSelector | None = None,
    scorer: PromptScorer | None = None,
    embedder: Embedder | None = None,
    special_tokens: Sequence[str] = (),
) -> FewShotPromptTemplate:
    """The completion form of a chosen prompt; its variables are the text columns.

    What it gives is what llmal sends, except that it is not fitted to the context of a model:
    llmal leaves demonstrations out, and cuts texts, where a prompt gets too long.

    Args:
        chosen: The prompt.
        selector: Chooses demonstrations for each query; by default made anew from the strategy's
            name and options.
        scorer: For a strategy that asks the model.
        embedder: For a strategy or an order that compares texts.
        special_tokens: The model's control tokens, which are broken in texts
            (`LanguageModel.special_tokens`).

    Raises:
        ConfigError: The prompt has no completion form, cannot be written as such a template, or
            something that the strategy or the order needs is missing.
    """
    wording = _wording(chosen, "completion", special_tokens)
    pieces = wording.pieces()
    made = WordedFewShotPromptTemplate(
        wording=wording,
        prefix=pieces.prefix,
        example_prompt=DemonstrationPromptTemplate(template=pieces.example, wording=wording),
        example_separator=pieces.separator,
        suffix=pieces.suffix,
        **_examples(wording, selector, scorer, embedder),
    )

    def filled(shown: list[dict[str, Any]], query: dict[str, str]) -> Any:
        return made._with(shown).format(**query)

    _check(wording, filled)
    return made


def few_shot_chat_template(
    chosen: ChosenPrompt,
    *,
    selector: DemonstrationSelector | None = None,
    scorer: PromptScorer | None = None,
    embedder: Embedder | None = None,
    special_tokens: Sequence[str] = (),
) -> ChatPromptTemplate:
    """The chat form of a chosen prompt; its variables are the text columns.

    Like `few_shot_template`: the demonstrations are a `FewShotChatMessagePromptTemplate` in it.

    Raises:
        ConfigError: As for `few_shot_template`.
    """
    wording = _wording(chosen, "chat", special_tokens)
    turns = wording.turns()
    examples = _examples(wording, selector, scorer, embedder)

    def made(examples: dict[str, Any]) -> ChatPromptTemplate:
        messages: list[Any] = []
        group = [_message(turn, wording) for turn in turns if turn.repeated]
        for place, turn in enumerate(turns):
            if not turn.repeated:
                messages.append(_message(turn, wording))
            elif not turns[place - 1].repeated or place == 0:
                messages.append(
                    FewShotChatMessagePromptTemplate(
                        example_prompt=ChatPromptTemplate.from_messages(group),
                        input_variables=list(wording.columns),
                        **examples,
                    )
                )
        return ChatPromptTemplate.from_messages(messages)

    def filled(shown: list[dict[str, Any]], query: dict[str, str]) -> Any:
        return as_prompt(made({"examples": shown}).format_messages(**query))

    _check(wording, filled)
    return made(examples)


def as_prompt(messages: Sequence[BaseMessage]) -> list[dict[str, str]]:
    """LangChain's messages as llmal has them."""
    roles = {"human": "user", "ai": "assistant"}
    return [
        {"role": roles.get(message.type, message.type), "content": str(message.content)}
        for message in messages
    ]


def _message(turn: Turn, wording: Wording) -> Any:
    prompt = WordedPromptTemplate(template=turn.content, wording=wording, shown=turn.repeated)
    if not prompt.input_variables:
        # Without places it is a message already.
        return _FIXED[turn.role](content=prompt.format())
    return _OPEN[turn.role](prompt=prompt)


def _wording(chosen: ChosenPrompt, style: str, special_tokens: Sequence[str]) -> Wording:
    if chosen.style != style:
        other = "few_shot_template" if style == "chat" else "few_shot_chat_template"
        raise ConfigError(
            f"the prompt was chosen in its {chosen.style} form, not in its {style} form",
            fix=f"use {other}",
        )
    for column in chosen.task.text:
        if not column.isidentifier() or column == LABEL:
            raise ConfigError(
                f"the text column {column!r} cannot be a variable of LangChain's templates",
                fix=f"rename it to a plain word other than {LABEL!r}",
            )
    return Wording(chosen, tuple(special_tokens))


def example_of(wording: Wording, item: Any) -> dict[str, str]:
    """An item as an example, with its id."""
    columns = wording.columns
    texts = [item.text] if len(columns) == 1 else [item.fields[key] for key in columns]
    shown = dict(zip(columns, texts, strict=True))
    return {"id": item.id, **shown, LABEL: wording.words[item.gold]}


def _examples(
    wording: Wording,
    selector: DemonstrationSelector | None,
    scorer: PromptScorer | None,
    embedder: Embedder | None,
) -> dict[str, Any]:
    chosen = wording.chosen
    order = make_order(chosen.order, embedder=embedder)
    if not chosen.per_query and not order.requires:
        shown = order.arrange(chosen.demonstrations)
        return {"examples": [example_of(wording, one) for one in shown]}
    if not chosen.per_query:
        selector = Fixed(chosen.demonstrations)
    elif selector is None:
        selector = make_selector(
            chosen.strategy, scorer=scorer, embedder=embedder, **dict(chosen.options)
        )
    return {
        "example_selector": ExampleSelector(
            selector,
            chosen.items,
            chosen.shots,
            seed=chosen.seed,
            input_key=wording.columns,
            output_key=LABEL,
            order=order,
            words=wording.words,
        )
    }


def _check(wording: Wording, filled: Any) -> None:
    """Compare with what llmal itself makes of some demonstrations and a query."""
    chosen = wording.chosen
    shown = chosen.demonstrations or chosen.candidates[: chosen.shots]
    # A word that depends on the label shows only where there is more than one.
    other = [
        candidate
        for candidate in chosen.candidates
        if candidate.gold not in {i.gold for i in shown}
    ]
    texts = [f"what is asked {number}" for number in range(len(wording.columns))]
    query: Mapping[str, str] = dict(zip(wording.columns, texts, strict=True))
    for some in (shown, (*shown[1:], *other[:1])) if other else (shown,):
        mine = wording.render(
            wording.item(texts), [(one, wording.words[one_label(one.gold)]) for one in some]
        )
        if filled([example_of(wording, one) for one in some], dict(query)) != mine:
            raise wording.not_fixed(f"with {len(some)} demonstrations it reads otherwise")
