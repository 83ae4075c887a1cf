from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import llmal
from llmal.embed import HiddenStateEmbedder
from llmal.learners import LayerFusion
from llmal.learners.networks.layer_mix import LayerMix
from llmal.learners.networks.protocol import Reading
from tests.support.small_models import save_small_model

TEXTS = ["red green", "sweet sour", "blue", "salty the", "green is", "very sour"]
LABELS = ["colour", "taste"] * 3


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_small_model("llama", tmp_path_factory.mktemp("llama"))


def _learner(model: Path, **options: object) -> LayerFusion:
    return LayerFusion(model, **{"epochs": 20, "learning_rate": 0.1, "device": "cpu", **options})


def test_probabilities_are_those_of_the_mix_by_hand(model: Path):
    learner = _learner(model, pooling="last").fit(TEXTS, LABELS)
    layers = [
        HiddenStateEmbedder(model, layer=n, pooling="last", device="cpu", cache=False).embed(TEXTS)
        for n in range(3)
    ]
    network = learner.network_
    head = {name: one.detach().numpy() for name, one in network.module.head.named_parameters()}

    weights = learner.layer_weights_
    mixed = sum(weight * layer for weight, layer in zip(weights, layers, strict=True))
    scores = torch.tensor(mixed @ head["weight"].T + head["bias"])

    np.testing.assert_allclose(weights.sum(), 1, atol=1e-6)
    assert np.ptp(weights) > 0.01  # learnt, and no longer equal
    np.testing.assert_allclose(learner.embed(TEXTS), mixed, atol=1e-5)
    np.testing.assert_allclose(
        learner.predict_proba(TEXTS), torch.softmax(scores, dim=1).numpy(), atol=1e-5
    )


def test_the_layer_that_tells_classes_apart_gets_the_most_weight(model: Path):
    torch.manual_seed(0)
    states = torch.randn(40, 3, 16)
    states[::2, 1, 0] += 6
    readings = [Reading((), one) for one in torch.nn.functional.normalize(states, dim=2)]
    targets = torch.eye(2)[torch.arange(40) % 2]
    embedder = HiddenStateEmbedder(model, layer="all", device="cpu", cache=False)
    network = LayerMix(embedder, 2, device=torch.device("cpu"))
    optimizer = torch.optim.AdamW([dict(one) for one in network.groups(0.1)])

    for _ in range(60):
        optimizer.zero_grad()
        network.losses(network.forward(readings), targets).mean().backward()
        optimizer.step()

    assert network.layer_weights.argmax() == 1
    assert network.layer_weights[1] > 0.5


def test_it_is_loaded_by_name(model: Path, tmp_path: Path):
    learner = _learner(model).fit(TEXTS, LABELS)
    learner.save(tmp_path)

    loaded = llmal.load_learner(tmp_path)

    np.testing.assert_allclose(loaded.predict_proba(TEXTS), learner.predict_proba(TEXTS), atol=1e-6)
    np.testing.assert_array_equal(loaded.learner.layer_weights_, learner.layer_weights_)
