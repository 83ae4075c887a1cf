"""What all learners have in common that train a network over texts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags

from llmal.core.registry import Registry
from llmal.errors import DataError
from llmal.learners.exporting.card import Card, whole_export, write_card
from llmal.learners.networks.devices import own_randomness, pick_device
from llmal.learners.networks.protocol import Network
from llmal.learners.noisy import REGISTRY as NOISE_TERMS
from llmal.learners.noisy.kept import fresh_terms, terms_as_json
from llmal.learners.soft_labels import SoftLabels
from llmal.learners.storage import (
    FILE,
    present_parameters,
    read_learner,
    require_fitted,
    saving,
    write_learner,
)
from llmal.learners.training.bar import training_bar
from llmal.learners.training.reading import outputs, states
from llmal.learners.training.settings import Settings
from llmal.learners.training.terms import Term
from llmal.learners.training.trainer import History, train
from llmal.learners.training_set import (
    Targets,
    class_counts,
    classes_as_json,
    targets,
    texts,
)
from llmal.lm.encoder import load_pretrained, model_hash
from llmal.loading import local_directory, quiet_loading

DROPOUT = 0.1
"""Share of the input embeddings' entries that a dropout pass drops, as many decoders have no
dropout of their own."""


class TextLearner(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A scikit-learn classifier over texts: a network over a pretrained model.

    A subclass names its parameters in its own `__init__` (`batch_size`, `random_state`, `device`,
    `terms` and `progress` among them), gives its name in the registry and its network.

    Every fit starts from a fresh network. The seed fixes the result on one machine; the caller's
    random state is neither read nor changed. An item of weight zero is left out; one class seen is
    predicted with probability one.
    """

    input: ClassVar[Literal["embeddings", "texts"]] = "texts"
    former_names: ClassVar[Mapping[str, str]] = {}
    parts: ClassVar[Mapping[str, Registry]] = {"terms": NOISE_TERMS}
    registered_as: ClassVar[str]
    found_in_fit: ClassVar[tuple[str, ...]] = ()
    """Attributes that a fit found, plain values, without which a saved network is not built."""

    model: str | Path
    batch_size: int
    random_state: int
    device: str
    terms: Sequence[Term]
    progress: bool

    terms_: Sequence[Term]
    classes_: NDArray[Any]
    network_: Network
    history_: History
    trained_on_: list[int] | None

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags

    def check_model(self) -> None:
        """Read the configuration of the model.

        Raises:
            LanguageModelError: It is not there, or cannot be read.
        """
        from transformers import AutoConfig

        load_pretrained(AutoConfig, str(self.model), "configuration")

    def _settings(self) -> Settings:
        """How it is trained: by its parameters that settings have too.

        Raises:
            ConfigError: A parameter is not usable.
        """
        own = self.get_params(deep=False)
        return Settings(**{one.name: own[one.name] for one in fields(Settings) if one.name in own})

    @abstractmethod
    def _network(self, classes: NDArray[Any], device: torch.device) -> Network:
        """A fresh network for some classes."""

    def _prepare(self, items: list[str], made: Targets) -> None:
        """What is taken from the items before the network is made; nothing, unless a learner's
        start depends on them.

        Args:
            items: The texts to train on.
            made: Their labels.
        """

    def _finish(self, network: Network, items: list[str], made: Targets) -> None:
        """What is left to do when the network is trained; nothing, unless a learner has more.

        Args:
            network: Trained, or as it began where one class was seen.
            items: The texts that it was trained on.
            made: Their labels.
        """

    @property
    def _seed(self) -> int:
        return self.random_state

    def fit(
        self, X: Any, y: ArrayLike | SoftLabels, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train from scratch.

        Args:
            X: n texts.
            y: n label names or label columns, or soft labels.
            sample_weight: n weights of at least 0; the loss of an item is multiplied by its own,
                and they are scaled to a mean of one.

        Raises:
            DataError: X, y or the weights are not usable.
            ConfigError: A parameter is not usable, or training diverged.
            LanguageModelError: The model cannot be found, loaded or used.
        """
        settings, self.terms_ = self._settings(), fresh_terms(self.terms)
        items = texts(X)
        made = targets(len(items), y, sample_weight)
        device = pick_device(self.device)
        count = len(made.classes)
        self._prepare([items[i] for i in made.kept], made)
        with own_randomness(self._seed, device):
            network = self._network(made.classes, device)
            if count > 1:
                weights = np.ones(len(made.kept)) if made.weights is None else made.weights
                with training_bar(type(self).__name__, self.progress) as on_step:
                    self.history_ = train(
                        network,
                        [items[i] for i in made.kept],
                        made.table,
                        weights,
                        settings,
                        torch.Generator().manual_seed(self._seed),
                        classes=made.classes,
                        terms=self.terms_,
                        on_step=on_step,
                    )
            self._finish(network, [items[i] for i in made.kept], made)
        self.network_, self.classes_ = network, made.classes
        self.trained_on_ = class_counts(made)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities, shape (n, classes seen); columns in the order of `classes_`.

        Raises:
            DataError: Not fitted, or X is not a list of texts.
        """
        require_fitted(self)
        return self._probabilities(texts(X))

    def _probabilities(self, items: list[str], dropout: float = 0.0) -> NDArray[np.float64]:
        result = np.empty((len(items), len(self.classes_)))
        for rows, output in outputs(self.network_, items, self.batch_size, dropout):
            # In double precision, so that a row sums to one in the caller's arithmetic too.
            result[rows] = torch.softmax(output.scores.double().cpu(), dim=1).numpy()
        return result

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each text, shape (n,).

        Raises:
            DataError: Not fitted, or X is not a list of texts.
        """
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def embed(self, X: Any) -> NDArray[np.float32]:
        """The hidden states that the scores are read from, shape (n, hidden size).

        Raises:
            DataError: Not fitted, or X is not a list of texts.
        """
        require_fitted(self)
        return states(self.network_, texts(X), self.batch_size)

    def committee(self, members: int, seed: int) -> list[Callable[[Any], NDArray[np.float64]]]:
        """Dropout passes over the fitted network (Gal and Ghahramani, 2016).

        The network's own dropout is on, and a tenth of the entries of the input embeddings is
        dropped besides, as many decoders have no dropout of their own.

        Args:
            members: Number of passes.
            seed: Fixes what is dropped.

        Returns:
            For each pass a function that takes texts and gives probabilities, as `predict_proba`.

        Raises:
            DataError: Not fitted.
        """
        require_fitted(self)
        seeds = np.random.SeedSequence(seed).generate_state(members)
        return [partial(self._dropped_out, seed=int(one)) for one in seeds]

    def _dropped_out(self, X: Any, seed: int) -> NDArray[np.float64]:
        network = self.network_
        with own_randomness(seed, network.device):
            network.module.train()
            try:
                return self._probabilities(texts(X), DROPOUT)
            finally:
                network.module.eval()

    def save(self, directory: str | Path) -> None:
        """Write `learner.json` and what was trained, as safetensors; not the base model.

        Raises:
            DataError: Not fitted, or the disk is full or cannot be written to.
        """
        require_fitted(self)
        directory = Path(directory)
        with saving(directory):
            # Written last; an earlier one must not stand beside weights that are not its own.
            (directory / FILE).unlink(missing_ok=True)
            self.network_.save(directory)
        write_learner(
            directory,
            self.registered_as,
            {
                "parameters": self._plain_parameters(),
                "classes": classes_as_json(self.classes_),
                "base": self._base_hash(),
                "found": {name: getattr(self, name) for name in self.found_in_fit},
                "trained_on": self.trained_on_,
            },
        )

    def export(
        self,
        directory: str | Path,
        *,
        names: Sequence[str] | None = None,
        merge: bool = True,
        metrics: Mapping[str, Any] | None = None,
    ) -> None:
        """Write a folder that transformers or PEFT loads, with a model card that says how.

        Args:
            directory: An empty folder, or none yet.
            names: Names of the classes, in their order; by default the classes themselves.
            merge: Whether low-rank updates go with their model, as one; else a PEFT adapter alone.
            metrics: What the card says was measured.

        Raises:
            DataError: Not fitted, trained on a single class, or the folder holds something.
            UnsupportedError: No other library computes the same.
        """
        require_fitted(self)
        called = [str(one) for one in self.classes_] if names is None else list(names)
        if len(called) < 2:
            raise DataError(
                "the learner has seen a single class, and a classifier has two or more",
                fix="train it on items of several classes",
            )
        source = _source(self.model)
        base = Path(source).name if Path(source).is_dir() else source
        with whole_export(directory) as place:
            with quiet_loading():
                form = self.network_.export(place, called, merge=merge)
            card = Card(
                type(self).__name__,
                called,
                self.trained_on_,
                base,
                model_hash(source),
                {**self._plain_parameters(), "model": base},
                metrics or {},
            )
            write_card(place, card, form)

    def _plain_parameters(self) -> dict[str, Any]:
        given = {name: _plain(value) for name, value in self.get_params().items()}
        if "terms" in given:
            given["terms"] = terms_as_json(self.terms)
        return given

    def load(self, directory: str | Path) -> Self:
        """Read what `save` wrote, into this object; the base model is loaded from where it was.

        Raises:
            DataError: The directory holds no saved learner of this kind, or its base model has
                changed.
            LanguageModelError: The base model is gone.
        """
        directory = Path(directory)
        content = read_learner(directory, self.registered_as, ("parameters", "classes"))
        kept = present_parameters(content["parameters"], type(self))
        if "terms" in self.get_params(deep=False):
            kept["terms"] = NOISE_TERMS.make_part(kept.get("terms", ()))
        self.set_params(**{**dict.fromkeys(self.former_names), **kept})
        classes = np.asarray(content["classes"])
        check_base(content, self.model, directory)
        for name in self.found_in_fit:
            if name in content.get("found", {}):
                setattr(self, name, content["found"][name])
        device = pick_device(self.device)
        with own_randomness(self._seed, device):
            network = self._saved_network(directory, classes, device)
        network.module.eval()
        self.network_, self.classes_ = network, classes
        self.trained_on_ = content.get("trained_on")
        return self

    def _base_hash(self) -> str:
        """A hash of the base model that the weights belong to; empty if they need none."""
        return model_hash(_source(self.model))

    def _saved_network(
        self, directory: Path, classes: NDArray[Any], device: torch.device
    ) -> Network:
        """The network that `save` wrote."""
        network = self._network(classes, device)
        network.load(directory)
        return network


def check_base(content: Mapping[str, Any], model: str | Path, directory: Path) -> None:
    """Refuse a base model that is another than a learner was trained with.

    Args:
        content: What the learner's file holds.
        model: The base model as it is found now.
        directory: The learner's folder, for the message.

    Raises:
        DataError: Their hashes differ.
    """
    base = content.get("base")
    if base and (found := model_hash(_source(model))) and found != base:
        raise DataError(
            f"the learner was trained with another model than {str(model)!r} is now",
            where=str(directory),
            fix="put the model back that it was trained with, or fit it again",
        )


def _source(model: str | Path) -> str:
    """The folder of a model, or its name where it is in none on this machine."""
    return str(local_directory(str(model)) or model)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
