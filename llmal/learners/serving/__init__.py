"""Trained learners as language models behind a server."""

from llmal.learners.serving.lora_lm import LoRALM as LoRALM
from llmal.learners.serving.soft_prompt_lm import SoftPromptLM as SoftPromptLM
