"""A language model with trained low-rank updates, served by vLLM's own adapters."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from llmal.core.fingerprint import digest, hash_of_file
from llmal.errors import DataError, LanguageModelError, UnsupportedError
from llmal.learners.fine_tuned import LoRA
from llmal.learners.networks.adaptations import ADAPTER, ADAPTER_WEIGHTS
from llmal.learners.saved import learner_folder
from llmal.learners.storage import read_learner, require_fitted
from llmal.learners.text_learner import check_base
from llmal.lm.client import Client
from llmal.lm.encoder import model_hash
from llmal.lm.vllm import VLLM, served_models

FLAG = "--enable-lora"
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM takes for --max-lora-rank."""


@dataclass(frozen=True)
class SavedUpdates:
    """The low-rank updates of a saved learner.

    Attributes:
        base: The model that they belong to.
        base_hash: Hash of its folder; empty where it was none.
        folder: PEFT's files.
        rank: Of the updates.
        hash: Of weights, rank and alpha.
        temporary: Holds the folder, where the learner was not saved.
    """

    base: str
    base_hash: str
    folder: Path
    rank: int
    hash: str
    temporary: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def of(cls, learner: LoRA | str | Path) -> SavedUpdates:
        """Those of a fitted learner, or of the folder of a saved one.

        Raises:
            DataError: There is none, it is not fitted, does not answer with words, or its base
                model has changed.
        """
        if not isinstance(learner, LoRA):
            return cls._saved(learner_folder(learner), None)
        require_fitted(learner)
        temporary = tempfile.TemporaryDirectory(prefix="llmal-lora-")
        try:
            learner.save(temporary.name)
            return cls._saved(Path(temporary.name), temporary)
        except BaseException:
            temporary.cleanup()
            raise

    @classmethod
    def _saved(
        cls, folder: Path, temporary: tempfile.TemporaryDirectory[str] | None
    ) -> SavedUpdates:
        content = read_learner(folder, LoRA.registered_as, ("parameters", "classes"))
        parameters = content["parameters"]
        if parameters.get("answer", "head") != "words":
            raise DataError(
                "the learner answers with a classification head, and a language model with words",
                where=str(folder),
                fix='train with answer="words"',
            )
        base = str(parameters["model"])
        check_base(content, base, folder)
        files = (folder / ADAPTER).resolve()
        hash = _hash(files)
        rank = int(parameters["rank"])
        return cls(base, str(content.get("base") or ""), files, rank, hash, temporary)

    @property
    def name(self) -> str:
        """The name under which a server has them: by what they hold, so that no other has it."""
        return f"lora-{self.hash}"

    def check(self, card: Mapping[str, Any], base: Mapping[str, Any], url: str) -> None:
        """Refuse what a server has under the name, if it can be seen to be something else.

        Args:
            card: What the server says of its adapter.
            base: What it says of the model behind it.
            url: Where the server is.

        Raises:
            UnsupportedError: The weights are others, or the model is.
        """
        root = Path(str(card.get("root") or ""))
        if (root / ADAPTER_WEIGHTS).is_file() and _hash(root) != self.hash:
            raise UnsupportedError(
                f"the server at {url} has other weights under the name {self.name} ({root})",
                fix=f"start it with --lora-modules {self.name}={self.folder}",
            )
        found = model_hash(str(base.get("root") or ""))
        if found and self.base_hash and found != self.base_hash:
            raise UnsupportedError(
                f"the server at {url} serves {base.get('root')}, and the updates were trained over "
                f"{self.base}",
                fix="serve the model that they were trained over",
            )

    def close(self) -> None:
        """Remove the folder, if it was made for a learner that was not saved."""
        if self.temporary is not None:
            self.temporary.cleanup()


class LoRALM(VLLM):
    """A causal language model with the low-rank updates of a learner, on vLLM servers.

    The servers put the updates into the model themselves, request by request, so one server can
    have several, and the model without any. They stand there under a name that is made of their
    weights; where a server has none of that name it is told to load them, which it does if it was
    started with `VLLM_ALLOW_RUNTIME_LORA_UPDATING=1` and sees the folder.

    Args:
        url: As for `VLLM`; the server must serve the model that the updates were trained over,
            with `--enable-lora`.
        learner: A fitted `LoRA(answer="words")`, or the folder of a saved one.
        options: As for `VLLM`.

    Raises:
        ServerError: No server answers.
        UnsupportedError: A server has no such updates and does not load them.
        DataError: The learner is not fitted, or answers with a head.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        learner: LoRA | SavedUpdates | str | Path,
        **options: Any,
    ) -> None:
        # The name of the model behind them, which the server says itself.
        options.pop("model", None)
        known = learner if isinstance(learner, SavedUpdates) else SavedUpdates.of(learner)
        self._updates = known
        self._access = {key: options[key] for key in ("api_key", "timeout") if key in options}
        self._loaded: list[str] = []
        options["tokenizer"] = options.get("tokenizer") or known.base
        try:
            super().__init__(url, known.name, **options)
        except BaseException:
            self._let_go()
            raise

    @classmethod
    def start(  # type: ignore[override]
        cls, learner: LoRA | str | Path, **options: Any
    ) -> Self:
        """Start a server of the learner's own model with its updates; `close` stops it.

        Args:
            learner: As for `LoRALM`.
            options: As for `VLLM.start`.

        Raises:
            LanguageModelError: vLLM is not installed, or the model is gone.
            ServerError: The server died or did not come up.
            DataError: The learner is not fitted, or answers with a head.
            UnsupportedError: The rank is above what vLLM takes.
        """
        known = SavedUpdates.of(learner)
        try:
            largest = next((rank for rank in RANKS if rank >= known.rank), None)
            if largest is None:
                raise UnsupportedError(
                    f"vLLM serves updates of a rank up to {RANKS[-1]}, and these have {known.rank}",
                    fix="train with a lower rank, or export the learner with merge=True and serve "
                    "that",
                )
            adapters = [FLAG, "--max-lora-rank", str(largest)]
            adapters += ["--lora-modules", f"{known.name}={known.folder}"]
            return super().start(known.base, learner=known, _adapters=adapters, **options)
        except BaseException:
            known.close()
            raise

    @property
    def chat(self) -> bool:
        """No: learners are trained with prompts for completion, whatever the model knows."""
        return False

    @property
    def fingerprint(self) -> str:
        """That of the served model, and a hash of the updates."""
        return f"{super().fingerprint}/{self._updates.name}"

    def _served(self) -> Mapping[str, Mapping[str, Any]]:
        """The updates, of every server, with context and folder of the model behind them."""
        name = self._updates.name
        found: dict[str, Any] = {}
        for url in self.urls:
            with self._asking(url) as client:
                cards = served_models(client)
                if name not in cards:
                    cards = self._load(client, url)
            base = cards.get(str(cards[name].get("parent")), {})
            self._updates.check(cards[name], base, url)
            found = {**cards[name], **{key: base.get(key) for key in ("root", "max_model_len")}}
        return {name: found}

    def _load(self, client: Client, url: str) -> dict[str, dict[str, Any]]:
        """Have a server load the updates, and say what it serves then."""
        known = self._updates
        body = {"lora_name": known.name, "lora_path": str(known.folder)}
        try:
            client.post("/load_lora_adapter", body)
            problem = "it says that it has"
        except LanguageModelError as error:
            # Its good news is no JSON, and another may have been quicker: what counts is the list.
            problem = str(error)
        cards = served_models(client)
        if known.name not in cards:
            raise UnsupportedError(
                f"the server at {url} has no updates {known.name} and does not load them "
                f"({problem})",
                fix=f"start it with {FLAG} --lora-modules {known.name}=FOLDER, the folder "
                f"{ADAPTER!r} of the saved learner",
            )
        self._loaded.append(url)
        return cards

    @contextlib.contextmanager
    def _asking(self, url: str) -> Iterator[Client]:
        client = Client([url], patience=0, **self._access)
        try:
            yield client
        finally:
            client.close()

    def _let_go(self) -> None:
        """Have servers unload what was loaded for this object, and remove what was written."""
        name = self._updates.name
        for url in self._loaded:
            with self._asking(url) as client, contextlib.suppress(LanguageModelError):
                client.post("/unload_lora_adapter", {"lora_name": name})
        self._loaded.clear()
        self._updates.close()

    def close(self) -> None:
        """Let go of the updates, close the connections, and stop the server if it is ours."""
        self._let_go()
        super().close()


def _hash(folder: Path) -> str:
    """Of the files of an adapter what it computes: weights, rank and scale."""
    try:
        settings = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        scale = [settings[key] for key in ("r", "lora_alpha", "use_rslora")]
        weights = hash_of_file(folder / ADAPTER_WEIGHTS, "blake2b")
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            "the adapter is missing or damaged",
            where=str(folder),
            fix="fit and save the learner again",
        ) from error
    return digest(json.dumps(scale).encode() + weights, 8).hex()
