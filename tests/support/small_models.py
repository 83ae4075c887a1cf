"""Models of a few thousand random weights, as checkpoints of their kind lie on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

WORDS = ["red", "green", "blue", "sweet", "sour", "salty", "the", "is", "very"]


def save_small_model(
    kind: str,
    directory: Path,
    context: int = 64,
    words: list[str] | None = None,
    *,
    head: bool = True,
) -> Path:
    """A model with a tokenizer of whole words.

    Args:
        kind: "llama", "gpt2", "bert" or "roberta".
        directory: Where to write it.
        context: Most tokens that it reads.
        words: Its vocabulary besides marks.
        head: Whether it has its language head.
    """
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    encoder = kind in ("bert", "roberta")
    marks = ["<pad>", "<unk>", "<s>", "</s>", *(["<mask>"] if encoder else [])]
    vocabulary = {word: i for i, word in enumerate([*marks, *(words or WORDS)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if encoder:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", special_tokens=[("<s>", 2), ("</s>", 3)]
        )
    # GPT-2 checkpoints come without a padding token.
    more = {} if kind == "gpt2" else {"pad_token": "<pad>"}
    if encoder:
        more["mask_token"] = "<mask>"
    else:
        more["eos_token"] = "</s>"
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", **more
    ).save_pretrained(directory)
    shape: dict[str, Any] = {
        "vocab_size": len(vocabulary),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "initializer_range": 0.5,
        "max_position_embeddings": context,
        "pad_token_id": None if kind == "gpt2" else 0,
        "bos_token_id": None,
        "eos_token_id": None if encoder else 3,
    }
    configuration, name, bare = {
        "llama": (transformers.LlamaConfig, "LlamaForCausalLM", "LlamaModel"),
        "gpt2": (transformers.GPT2Config, "GPT2LMHeadModel", "GPT2Model"),
        "bert": (transformers.BertConfig, "BertForMaskedLM", "BertModel"),
        "roberta": (transformers.RobertaConfig, "RobertaForMaskedLM", "RobertaModel"),
    }[kind]
    if kind != "gpt2":
        shape["intermediate_size"] = 16
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = getattr(transformers, name if head else bare)(configuration(**shape))
        made.save_pretrained(directory)
    return directory
