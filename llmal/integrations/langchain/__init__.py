"""Demonstrations and prompts of llmal in LangChain, and back. Importing it imports LangChain."""

from __future__ import annotations

from llmal.integrations.langchain.example_selector import ExampleSelector
from llmal.integrations.langchain.loading import from_langchain
from llmal.integrations.langchain.templates import (
    DemonstrationPromptTemplate,
    few_shot_chat_template,
    few_shot_template,
)

__all__ = [
    "DemonstrationPromptTemplate",
    "ExampleSelector",
    "few_shot_chat_template",
    "few_shot_template",
    "from_langchain",
]
