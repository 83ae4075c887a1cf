"""Two small translation models, trained in seconds to translate a few words, word for word.

Two words of the one language share a word of the other, so a text comes back with synonyms.
"""

from __future__ import annotations

import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BartConfig, BartForConditionalGeneration, PreTrainedTokenizerFast

SYNONYMS = {
    "film": ("film", "movie"),
    "gut": ("good", "fine"),
    "lang": ("long", "lengthy"),
    "sah": ("saw", "watched"),
    "der": ("the", "that"),
    "war": ("was",),
    "sehr": ("very", "really"),
    "mann": ("man",),
}
THERE = {word: other for other, words in SYNONYMS.items() for word in words}
CONTROL = ["<pad>", "</s>", "<unk>", "de_XX"]
MOST_WORDS = 4


def same_meaning(first: str, second: str) -> bool:
    return [THERE[word] for word in first.split()] == [THERE[word] for word in second.split()]


def build(folder: Path, steps: int) -> tuple[Path, Path]:
    """Folders of a model there and one back."""
    tokenizer = _tokenizer()
    there, back = folder / "there", folder / "back"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for path in (there, back):
            _train(tokenizer, steps, backwards=path == back).save_pretrained(path)
            tokenizer.save_pretrained(path)
    finally:
        torch.set_num_threads(threads)
    return there, back


def _tokenizer() -> PreTrainedTokenizerFast:
    words = sorted({*THERE, *SYNONYMS})
    vocabulary = {word: number for number, word in enumerate([*CONTROL, *words])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=["de_XX"],
        model_max_length=32,
    )


def _train(
    tokenizer: PreTrainedTokenizerFast, steps: int, *, backwards: bool
) -> BartForConditionalGeneration:
    rng = random.Random(7)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = BartForConditionalGeneration(
            BartConfig(
                vocab_size=len(tokenizer),
                d_model=32,
                encoder_layers=1,
                decoder_layers=1,
                encoder_attention_heads=2,
                decoder_attention_heads=2,
                encoder_ffn_dim=64,
                decoder_ffn_dim=64,
                max_position_embeddings=32,
                dropout=0.0,
                pad_token_id=0,
                eos_token_id=1,
                bos_token_id=0,
                decoder_start_token_id=0,
                forced_eos_token_id=1,
            )
        )
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.05, steps)
    for _ in range(steps):
        texts = [
            [rng.choice(list(THERE)) for _ in range(rng.randint(1, MOST_WORDS))] for _ in range(64)
        ]
        ours = [" ".join(words) for words in texts]
        theirs = [" ".join(THERE[word] for word in words) for words in texts]
        source, target = (theirs, ours) if backwards else (ours, theirs)
        batch = tokenizer(source, padding=True, return_tensors="pt")
        labels = tokenizer(target, padding=True, return_tensors="pt").input_ids
        loss = model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            labels=labels.masked_fill(labels == 0, -100),
        ).loss
        loss.backward()
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
    return model.eval()
