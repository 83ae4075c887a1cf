"""Models that write nothing of use, filters that let nothing through, and no money at all."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from pydantic import ValidationError

import llmal
from llmal.errors import LlmalError
from llmal.lm import ChatLM


class Scripted(FakeListChatModel):
    """A hosted model whose structured answers are what is written here, again and again."""

    answer: Any = None

    def with_structured_output(self, schema: Any, **options: Any) -> Any:
        found: dict[str, Any] = {"raw": AIMessage(content=str(self.answer)), "parsed": None}
        try:
            found["parsed"] = schema.model_validate(self.answer)
        except ValidationError as error:
            found["parsing_error"] = error
        return RunnableLambda(lambda prompt: found)


def _written(answer: Any, filters: list[Any], **more: Any) -> Any:
    lm = ChatLM(Scripted(responses=["unused"], answer=answer), name="scripted")
    return llmal.generate(
        ["Person", "Number"], 3, lm=lm, filters=filters, cache=False, progress=False, **more
    )


@pytest.mark.parametrize(
    "answer", ["asdf jkl", {"txt": "a key that nobody asked for"}, {"text": 7}]
)
def test_a_model_that_answers_nonsense_is_refused_with_a_reason(answer: Any, caplog: Any) -> None:
    result = _written(answer, ["format_length"])
    assert len(result) == 0
    assert result.missing == {"Person": 3, "Number": 3}
    assert 6 <= len(result.refused) <= 24
    assert {row["refused_by"] for row in result.refused} == {"class_conditional"}
    assert all(row["reason"] for row in result.refused)
    assert "3 are missing after" in caplog.text
    assert "most were refused by class_conditional" in caplog.text


def test_a_model_that_writes_the_same_for_ever_is_ended(caplog: Any) -> None:
    result = _written({"text": "Who wrote the book of the century ?"}, ["minhash"])
    assert len(result) == 1
    assert result.missing == {"Person": 2, "Number": 3}
    assert {row["refused_by"] for row in result.refused} == {"minhash"}
    assert len(result.refused) <= 24
    assert "most were refused by minhash" in caplog.text


def test_a_model_that_repeats_itself_within_a_text_is_refused() -> None:
    result = _written({"text": "what is the " * 20}, ["repetition"])
    assert len(result) == 0
    assert {row["refused_by"] for row in result.refused} == {"repetition"}


def test_a_filter_that_refuses_everything_ends_with_an_explanation(caplog: Any) -> None:
    def never(text: str) -> str:
        return "nothing is good enough"

    result = _written({"text": "Who wrote Emma ?"}, [never])
    assert result.missing == {"Person": 3, "Number": 3}
    assert {row["reason"] for row in result.refused} == {"nothing is good enough"}
    assert len(result.refused) == 24
    assert "most were refused by never (12)" in caplog.text


@pytest.mark.parametrize("limits", [{"tokens": 0}, {"money": 0.0}])
def test_a_budget_of_nothing_is_one_sentence(limits: Any) -> None:
    lm = ChatLM(
        Scripted(responses=["unused"], answer={"text": "Who wrote Emma ?"}),
        name="scripted",
        price=llmal.Price(1.0, 1.0),
    )
    with pytest.raises(LlmalError, match="does not reach for one text") as error:
        llmal.generate(
            ["Person", "Number"],
            1,
            lm=lm,
            filters=["minhash"],
            budget=llmal.Budget(**limits),
            cache=False,
        )
    assert "\n" not in str(error.value)


def test_a_label_without_a_description_is_asked_for_by_its_name(tiny_hf: Any) -> None:
    result = llmal.generate(
        {"Person": "", "Number": "a count"},
        1,
        lm=tiny_hf,
        label="Person",
        structure="line",
        max_words=20,
        filters=["format_length"],
        cache=False,
        progress=False,
    )
    assert len(result) + len(result.refused) > 0
    assert set(result.missing) <= {"Person"}
