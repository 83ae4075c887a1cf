"""From a GGUF file to a model folder that transformers and vLLM read."""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llmal.core.files import failures_to_write
from llmal.errors import LanguageModelError
from llmal.loading.hub import quiet_loading

STEPS = 4


def convert_gguf(
    gguf: Path, folder: Path, on_step: Callable[[int], None] = lambda done: None
) -> None:
    """Write a GGUF file's model with tokenizer and chat template, dequantised to bfloat16.

    Args:
        gguf: The file.
        folder: Where to write.
        on_step: Called with the number of steps done, of `STEPS`.

    Raises:
        LanguageModelError: The file holds no model that transformers knows.
        OSError: The folder cannot be written.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    where = {"gguf_file": gguf.name, "local_files_only": True}
    with quiet_loading():
        on_step(0)
        try:
            tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **where)
            _mend_pre_tokenizer(tokenizer, gguf)
            on_step(1)
            # The bar that is drawn here cannot be turned off.
            with contextlib.redirect_stderr(io.StringIO()):
                model = AutoModelForCausalLM.from_pretrained(
                    gguf.parent,
                    quantization_config=GgufConfig(dequantize=True),
                    dtype=torch.bfloat16,
                    **where,
                )
        except (ValueError, KeyError, RuntimeError, struct.error) as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise LanguageModelError(
                f"the file holds no model that can be converted ({first})", where=gguf.name
            ) from error
        on_step(2)
        tokenizer.model_max_length = model.config.max_position_embeddings
        with failures_to_write():
            tokenizer.save_pretrained(folder)
            on_step(3)
            model.save_pretrained(folder)
        on_step(STEPS)


def _mend_pre_tokenizer(tokenizer: Any, gguf: Path) -> None:
    r"""Split digits as the model was trained; transformers does not read that from the file.

    Without it "\n\n2024" becomes two line ends in place of the one token that stands for both.
    """
    from gguf import GGUFReader
    from tokenizers import pre_tokenizers

    field = GGUFReader(gguf).fields.get("tokenizer.ggml.pre")
    if field is not None and field.contents() == "smollm":
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        )
