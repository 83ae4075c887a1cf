"""Training on labels some of which are wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone

from llmal.errors import ConfigError, DataError, UnsupportedError
from llmal.learners import (
    REGISTRY,
    DynamicSoftPrompt,
    FineTuned,
    LinearHead,
    SoftLabels,
    load_learner,
)
from llmal.learners.networks.protocol import Output, Reading
from llmal.learners.noisy import (
    AgreementPartition,
    Consistency,
    CurriculumLoss,
    DiscrepancyWeights,
    GaussianMixtureSplit,
    Mixup,
    NegativeLearning,
    Pruned,
    Reweighting,
)
from llmal.learners.noisy.consistency import symmetric_divergence
from llmal.learners.noisy.curriculum_loss import divergence
from llmal.learners.noisy.gaussian_mixture_split import low_loss_probabilities, lowest_of_each
from llmal.learners.noisy.negative_learning import negative_loss
from llmal.learners.noisy.reweighting import gains
from llmal.learners.training.terms import Batch, Course, Term
from llmal.perturb import TfIdfReplacement
from tests.support.small_models import save_small_model

COLOURS, TASTES = ["red", "green", "blue"], ["sweet", "sour", "salty"]
FLIPPED = [3, 10, 17, 24, 31]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_small_model("llama", tmp_path_factory.mktemp("model"))


def _texts(count: int = 40) -> tuple[list[str], np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(count) % 2
    return [" ".join(["the", "is", *rng.choice((COLOURS, TASTES)[one], 3)]) for one in y], y


def _noisy() -> tuple[list[str], np.ndarray, np.ndarray]:
    texts, y = _texts()
    wrong = y.copy()
    wrong[FLIPPED] = 1 - y[FLIPPED]
    return texts, y, wrong


def _learner(model: Path, **options) -> FineTuned:
    given = {"epochs": 6, "learning_rate": 0.003, "max_length": 32, "device": "cpu"}
    return FineTuned(model, **{**given, **options})


class _Bag(torch.nn.Module):
    """A network of two words in two classes: the scores are a linear map of their counts."""

    device = torch.device("cpu")

    def __init__(self, weight: list[list[float]]) -> None:
        super().__init__()
        self.head = torch.nn.Linear(2, 2, bias=False)
        self.words = torch.nn.Embedding.from_pretrained(torch.eye(2))
        with torch.no_grad():
            self.head.weight.copy_(torch.tensor(weight))

    @property
    def module(self) -> torch.nn.Module:
        return self

    def embedding(self) -> torch.nn.Module:
        return self.words

    def read(self, texts):
        return [Reading(tuple("ab".index(one) for one in text)) for text in texts]

    def forward(self, readings, dropout=0.0):
        states = self.words(torch.tensor([one.ids for one in readings])).sum(dim=1)
        return Output(self.head(states), states)

    def scores_of(self, states):
        return self.head(states)

    def losses(self, output, targets):
        return -(targets * torch.log_softmax(output.scores, dim=1)).sum(dim=1)

    def groups(self, learning_rate):
        return [{"params": list(self.head.parameters()), "lr": learning_rate}]


def _course(texts: list[str], codes: list[int], weight=((1.0, 0.0), (0.0, 1.0))) -> Course:
    network = _Bag([list(row) for row in weight])
    return Course(
        network,
        texts,
        network.read(texts),
        torch.eye(2)[codes],
        torch.ones(len(texts)),
        np.array([0, 1]),
        10,
        4,
        torch.Generator().manual_seed(0),
    )


def _batch(course: Course, rows: list[int]) -> Batch:
    places = torch.tensor(rows)
    output = course.network.forward([course.readings[row] for row in rows])
    return Batch(np.array(rows), output, course.targets[places], course.weights[places])


def test_the_lower_losses_are_those_of_the_lower_gaussian():
    rng = np.random.default_rng(0)
    losses = np.concatenate([rng.normal(0.2, 0.05, 80), rng.normal(2.5, 0.3, 20)])

    probabilities = low_loss_probabilities(losses, rng)

    assert (probabilities[:80] > 0.7).all()
    assert (probabilities[80:] < 0.3).all()
    np.testing.assert_allclose(
        low_loss_probabilities(5 * losses - 1, np.random.default_rng(1)), probabilities, atol=1e-3
    )
    assert low_loss_probabilities(np.full(7, 0.4), rng).tolist() == [1.0] * 7


def test_the_clean_items_have_the_weight_of_their_batch():
    course, split = _course(["a", "b", "a", "b"], [0, 1, 0, 1]), GaussianMixtureSplit()
    batch = _batch(course, [0, 1, 2])

    assert split.weigh(course, batch) is None
    course.clean = torch.tensor([True, False, True, False])
    assert split.weigh(course, batch).tolist() == [1.5, 0.0, 1.5]
    course.clean = torch.zeros(4, dtype=torch.bool)
    assert split.weigh(course, batch).tolist() == [0.0, 0.0, 0.0]


def test_the_split_finds_the_flipped_labels(model: Path):
    texts, y = _texts(160)
    wrong, flipped = y.copy(), np.arange(0, 160, 9)
    wrong[flipped] = 1 - y[flipped]

    learner = _learner(
        model,
        terms=[GaussianMixtureSplit(from_epoch=2)],
        epochs=5,
        learning_rate=0.005,
        validation=0.0,
        random_state=1,
    ).fit(texts, wrong)

    kept = learner.terms_[0].kept
    assert (kept >= (learner.terms_[0].probabilities > 0.7)).all()
    assert kept[flipped].sum() <= 2
    assert np.delete(kept, flipped).mean() > 0.95
    assert (learner.predict(texts) == y).mean() > 0.95
    assert learner.terms[0].probabilities is None


def test_a_class_that_the_split_leaves_nothing_of_is_named(caplog):
    # Nothing but class 0 is ever said, as by a network that has not learnt class 1 yet.
    course = _course(["a", "a", "b", "b"], [0, 0, 1, 1], ((3.0, 3.0), (0.0, 0.0)))
    split = GaussianMixtureSplit(from_epoch=1, least_kept=0.0)
    split.begin(course)

    for course.epoch in (0, 1, 2):
        split.begin_epoch(course)

    assert course.clean.tolist() == [True, True, False, False]
    assert caplog.text.count("before pass 2 the split takes every label 1 for wrong") == 1
    assert caplog.text.count("for wrong") == 1


def test_of_each_label_the_lowest_losses_are_kept(caplog):
    losses, columns = np.array([0.1, 3.0, 2.0, 4.0, 2.5, 3.0]), np.array([0, 1, 1, 1, 1, 0])
    for share, kept in ((0.0, []), (0.2, [0, 2]), (0.5, [0, 2, 4]), (0.6, [0, 1, 2, 4, 5])):
        assert np.flatnonzero(lowest_of_each(losses, columns, share)).tolist() == kept
    # Nothing but class 0 is ever said, and class 1 is learnt from even so.
    course = _course(["a", "a", "b", "b"], [0, 0, 1, 1], ((3.0, 3.0), (0.0, 0.0)))
    split = GaussianMixtureSplit(from_epoch=0, least_kept=0.5)

    split.begin(course)
    split.begin_epoch(course)

    assert course.clean.tolist() == split.kept.tolist() == [True, True, True, False]
    assert split.probabilities[2] < 0.5
    assert "for wrong" not in caplog.text


def test_the_split_waits_for_its_pass(model: Path):
    texts, _, wrong = _noisy()
    late = _learner(model, epochs=2, terms=[GaussianMixtureSplit(from_epoch=2)])
    plain = _learner(model, epochs=2)

    late.fit(texts, wrong)

    assert late.terms_[0].probabilities is None
    np.testing.assert_allclose(late.history_.losses[0], plain.fit(texts, wrong).history_.losses[0],
                               rtol=0.2)  # fmt: skip


@pytest.mark.parametrize("mix", ["states", "embeddings"])
def test_mixed_items_have_mixed_labels(mix: str):
    # Scores of the mix of a, share 3/4, and b: (2·¾, 2·¼); the labels are mixed alike.
    course = _course(["a", "b"], [0, 1], ((2.0, 0.0), (0.0, 2.0)))
    batch, term = _batch(course, [0, 1]), Mixup(mix)
    term.begin(course)

    loss = term.mixed_loss(course, batch, 0.75, np.array([1, 0]))

    own = np.log(1 + np.exp(-1.0))
    theirs = own + 1.0
    np.testing.assert_allclose(loss.item(), 0.75 * own + 0.25 * theirs, rtol=1e-6)
    assert not course.network.words._forward_hooks


def test_an_item_without_weight_has_no_say_in_a_mix():
    course = _course(["a", "b"], [0, 0], ((2.0, 0.0), (0.0, 2.0)))
    course.weights = torch.tensor([1.0, 0.0])

    loss = Mixup("states").mixed_loss(course, _batch(course, [0, 1]), 0.75, np.array([1, 0]))

    # Item 0 itself with 3/4 of its label, and as the partner of item 1 with 1/4.
    first, second = np.log(1 + np.exp(-1.0)), np.log(1 + np.exp(1.0))
    np.testing.assert_allclose(loss.item(), (0.75 * first + 0.25 * second) / 2, rtol=1e-6)


def test_terms_rise_over_their_passes():
    course, term = _course(["a", "b"], [0, 1]), Mixup("states", ramp=10)
    term.begin(course)
    batch = _batch(course, [0, 1])

    assert term.loss(course, batch) is None
    course.epoch, term._random = 5, np.random.default_rng(0)
    half = term.loss(course, batch).item()
    course.epoch, term._random = 30, np.random.default_rng(0)
    np.testing.assert_allclose(term.loss(course, batch).item(), 2 * half, rtol=1e-6)


def test_states_of_a_network_without_a_head_cannot_be_mixed(tmp_path: Path):
    encoder = save_small_model("bert", tmp_path)
    texts, y = _texts(8)
    with pytest.raises(UnsupportedError, match='mix "embeddings"'):
        _learner(encoder, terms=[Mixup("states")]).fit(texts, y)
    _learner(encoder, epochs=1, terms=[Mixup(ramp=0)]).fit(texts, y)


def test_the_symmetric_divergence_is_that_of_its_formula():
    p, q, T = np.array([0.8, 0.2]), np.array([0.4, 0.6]), 0.85

    def cooled(row: np.ndarray) -> np.ndarray:
        return row ** (1 / T) / (row ** (1 / T)).sum()

    wanted = 0.5 * ((p * np.log(p / cooled(q))).sum() + (q * np.log(q / cooled(p))).sum())
    scores = [torch.tensor(np.log(row)[None] + 3) for row in (p, q)]
    np.testing.assert_allclose(float(symmetric_divergence(*scores, T)[0]), wanted, rtol=1e-5)
    np.testing.assert_allclose(float(divergence(*scores)[0]), (p * np.log(p / q)).sum(), rtol=1e-5)


def test_consistency_takes_the_label_of_clean_items_and_the_answer_of_others():
    course = _course(["a", "b"], [1, 1], ((2.0, 0.0), (0.0, 2.0)))
    term = Consistency(copies={"a": "b", "b": ["b"]}, ramp=0, temperature=1.0)
    term.begin(course)
    batch = _batch(course, [0, 1])
    high, low = 1 / (1 + np.exp(-2.0)), 1 / (1 + np.exp(2.0))
    apart = (high - low) * 2.0  # KL of (high, low) and (low, high), either way round

    np.testing.assert_allclose(term.loss(course, batch).item(), apart / 2, rtol=1e-5)
    course.clean = torch.tensor([True, False])
    # The copy of the clean item is "b", whose label 1 it takes.
    np.testing.assert_allclose(term.loss(course, batch).item(), -np.log(high) / 2, rtol=1e-5)


def test_a_text_without_a_copy_is_named():
    term = Consistency(copies={"a": "b"})
    with pytest.raises(DataError, match="no perturbed copy of the text 'b'"):
        term.begin(_course(["a", "b"], [0, 1]))


def test_the_curriculum_loss_trains_what_is_said_of_the_copy_alone():
    course = _course(["a"], [0], ((2.0, 0.0), (0.0, 2.0)))
    term = CurriculumLoss(pool=["a"], copies={"a": "b"}, alpha=0.01)
    term.begin(course)

    loss = term.loss(course, _batch(course, [0]))
    loss.backward()

    high, low = 1 / (1 + np.exp(-2.0)), 1 / (1 + np.exp(2.0))
    np.testing.assert_allclose(loss.item(), 0.01 * 2 * (high - low), rtol=1e-5)
    gradient = course.network.head.weight.grad
    assert gradient[:, 0].tolist() == [0.0, 0.0]
    # dKL/ds = q − p at the copy, whose q is (low, high) and p (high, low).
    np.testing.assert_allclose(gradient[:, 1], 0.01 * np.array([low - high, high - low]), rtol=1e-5)


def test_gains_are_products_of_gradients():
    course = _course(["a", "ab", "b"], [0, 1, 1], ((0.5, 0.2), (-0.3, 0.1)))
    network = course.network
    network.words.weight.requires_grad_(False)
    gold = network.read(["a", "b"])
    readings = [network.read([one])[0] for one in ("aa", "ab", "bb")]
    targets, gold_targets = torch.eye(2)[[0, 0, 0]], torch.eye(2)[[0, 1]]

    found = gains(network, readings, targets, gold, gold_targets)

    def gradient(batch, shares):
        loss = network.losses(network.forward(batch), shares).mean()
        return torch.autograd.grad(loss, [network.head.weight])[0]

    wanted = [
        (gradient([one], targets[:1]) * gradient(gold, gold_targets)).sum() for one in readings
    ]
    np.testing.assert_allclose(found, torch.stack(wanted), rtol=1e-5)
    assert found[0] > 0 > found[2]
    # The virtual step itself, with a small rate: the loss on gold falls as much.
    before = network.losses(network.forward(gold), gold_targets).mean()
    step = gradient([readings[2]], targets[:1])
    with torch.no_grad():
        network.head.weight -= 1e-3 * step
    after = network.losses(network.forward(gold), gold_targets).mean()
    np.testing.assert_allclose((before - after).item() / 1e-3, found[2].item(), rtol=1e-2)


def test_flipped_items_get_no_weight(model: Path):
    texts, _, wrong = _noisy()
    gold, labels = _texts(12)
    seen: dict[int, list[float]] = {row: [] for row in range(len(texts))}

    class Watch(Term):
        def loss(self, course, batch):
            for row, weight in zip(batch.rows.tolist(), batch.weights.tolist(), strict=True):
                seen[row].append(weight)

    terms = [Reweighting(gold, labels.tolist(), batch_size=0), Watch()]
    _learner(model, terms=terms, validation=0.0).fit(texts, wrong)

    last = np.array([weights[-1] for weights in seen.values()])
    assert (last[FLIPPED] == 0).all()
    assert np.delete(last, FLIPPED).mean() > 1
    totals = np.array([np.mean(weights) for weights in seen.values()])
    assert totals[FLIPPED].max() < np.median(np.delete(totals, FLIPPED))


def test_a_batch_without_weight_teaches_nothing(model: Path):
    class Silence(Term):
        def weigh(self, course, batch):
            return batch.weights * (course.epoch == 0)

    texts, y = _texts()
    silent = _learner(model, epochs=5, terms=[Silence()], validation=0.0).fit(texts, y)

    class Stop(Term):
        def begin_epoch(self, course):
            self.kept = [one.clone() for one in course.network.module.parameters()]

    last = _learner(model, epochs=5, terms=[Silence(), Stop()], validation=0.0).fit(texts, y)
    after = list(last.network_.module.parameters())
    assert all(torch.equal(a, b) for a, b in zip(last.terms_[1].kept, after, strict=True))
    assert silent.history_.losses[1:] == (0.0,) * 4


def test_gold_that_does_not_fit_is_refused(model: Path):
    texts, y = _texts(8)
    with pytest.raises(ConfigError, match="needs items whose labels are right"):
        Reweighting([], [])
    with pytest.raises(ConfigError, match="2 texts but 1 labels"):
        Reweighting(["a", "b"], [1])
    with pytest.raises(DataError, match=r"gold label 7 is none of the labels trained on; use 0, 1"):
        _learner(model, terms=[Reweighting(["red"], [7])]).fit(texts, y)


def test_negative_learning_is_its_formula():
    scores = torch.log(torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]))
    excluded = torch.tensor([[False, True, True], [False, False, False], [True, False, False]])

    wanted = ((-np.log(0.8) - np.log(0.9)) / 2 - np.log(0.9)) / 2

    np.testing.assert_allclose(float(negative_loss(scores, excluded)), wanted, rtol=1e-4)


def test_unlikely_classes_come_from_soft_labels_and_gold_has_none():
    course = _course(["a", "b", "a"], [0, 0, 0])
    course.targets = torch.tensor([[0.9995, 0.0005], [0.4, 0.6], [1.0, 0.0]])
    term = NegativeLearning()

    term.begin(course)

    assert term._excluded.tolist() == [[False, True], [False, False], [False, False]]
    assert course.targets.tolist() == [[1, 0], [0, 1], [1, 0]]
    with pytest.raises(DataError, match='fit on SoftLabels, or use complements "drawn"'):
        NegativeLearning().begin(_course(["a"], [0]))


def test_drawn_classes_are_never_the_label():
    course, term = _course(["a"] * 50, [0] * 50), NegativeLearning("drawn")
    course.targets = torch.eye(3)[[0] * 25 + [2] * 25]
    drawn = set()
    term.begin(course)
    for _ in range(3):
        term.begin_epoch(course)
        assert (term._excluded.sum(dim=1) == 1).all()
        assert not (term._excluded & (course.targets == 1)).any()
        drawn.add(str(term._excluded.tolist()))
    assert len(drawn) == 3


def test_contradicted_items_weigh_half():
    course = _course(["a", "b", "ab"], [0, 1, 1])
    DiscrepancyWeights({"a": 1, "b": 1}).begin(course)
    assert course.weights.tolist() == [0.5, 1.0, 1.0]
    with pytest.raises(DataError, match="none of the texts"):
        DiscrepancyWeights({"else": 1}).begin(course)


def test_agreement_splits_into_clean_hard_and_to_purify():
    first = [[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.3, 0.7]]
    second = [[0.8, 0.2], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9]]
    partition = AgreementPartition(momentum=0.5)

    found = partition.split(first, second, [0, 0, 0, 1])

    # Class 0 is agreed on with 0.85 and 0.65, class 1 with 0.8.
    np.testing.assert_allclose(partition.thresholds, [0.75, 0.8])
    assert found.clean.tolist() == [True, False, False, False]
    assert found.hard.tolist() == [False, True, False, True]
    assert found.to_purify.tolist() == [False, False, True, False]
    partition.split(first[:1], second[:1], [0])
    np.testing.assert_allclose(partition.thresholds, [0.8, 0.8])
    with pytest.raises(DataError, match="no column"):
        partition.split(first, second, [0, 0, 0, 2])


TERMS = [
    {"name": "gaussian_mixture_split", "from_epoch": 1},
    {"name": "mixup", "ramp": 0},
    {"name": "consistency", "perturbation": {"name": "tf-idf", "rate": 0.2}, "ramp": 0},
    "curriculum_loss",
    {"name": "negative_learning", "complements": "drawn"},
]


def test_all_together_is_the_same_for_the_same_seed(model: Path):
    texts, _, wrong = _noisy()
    learner = REGISTRY.make(
        "fine_tuned",
        {"model": str(model), "epochs": 2, "device": "cpu", "terms": TERMS},
    )
    assert learner.terms[2] == Consistency(perturbation=learner.terms[2].perturbation, ramp=0)
    assert learner.terms[2].perturbation.rate == 0.2

    first = clone(learner).fit(texts, wrong).predict_proba(texts)

    np.testing.assert_array_equal(clone(learner).fit(texts, wrong).predict_proba(texts), first)
    assert clone(learner).terms == learner.terms
    by_name = _learner(model, epochs=2, learning_rate=5e-5, max_length=128, terms=TERMS)
    np.testing.assert_array_equal(by_name.fit(texts, wrong).predict_proba(texts), first)
    plain = clone(learner).set_params(terms=()).fit(texts, wrong).predict_proba(texts)
    assert not np.array_equal(plain, first)


@pytest.mark.parametrize("kind", ["prompt_tuned", "lora", "causal", "masked", "encoder"])
def test_every_learner_over_texts_takes_terms(kind: str, model: Path, tmp_path: Path):
    texts, y = _texts(12)
    terms = [*TERMS, Reweighting(["the red", "the sour"], [0, 1])]
    common = {"epochs": 2, "device": "cpu", "terms": terms, "random_state": 3}
    if kind in ("prompt_tuned", "lora"):
        learner = REGISTRY.make(kind, {"model": str(model), **common})
    else:
        folder = model if kind == "causal" else save_small_model("bert", tmp_path)
        learner = DynamicSoftPrompt(
            folder, m=2, heads=2, verbalizers={0: "red", 1: "sweet"}, kind=kind, **common
        )

    first = clone(learner).fit(texts, y).predict_proba(texts)

    np.testing.assert_array_equal(clone(learner).fit(texts, y).predict_proba(texts), first)
    assert np.isfinite(first).all()


def test_terms_come_back_with_a_saved_learner(model: Path, tmp_path: Path, caplog):
    class Own(Term):
        pass

    texts, y = _texts(12)
    terms = [
        GaussianMixtureSplit(0.6),
        Reweighting(["red", "sour"], np.array([0, 1])),
        Consistency(perturbation=TfIdfReplacement(0.1)),
    ]
    _learner(model, epochs=1, terms=terms).fit(texts, y).save(tmp_path / "kept")

    written = json.loads((tmp_path / "kept" / "learner.json").read_text())["parameters"]["terms"]
    assert written[0] == {
        "name": "gaussian_mixture_split",
        "clean_above": 0.6,
        "from_epoch": 4,
        "least_kept": 0.7,
    }
    back = load_learner(tmp_path / "kept", labels=["colour", "taste"]).learner
    assert back.terms[0] == terms[0]
    assert back.terms[1] == terms[1]
    assert back.terms[2].perturbation.rate == 0.1
    clone(back).fit(texts, y)

    _learner(model, epochs=1, terms=[Own()]).fit(texts, y).save(tmp_path / "own")
    assert "the term Own cannot be saved" in caplog.text
    back = _learner(model).load(tmp_path / "own")
    assert back.predict(texts).shape == y.shape
    with pytest.raises(ConfigError, match="trained with Own, which could not be saved"):
        back.fit(texts, y)


def test_bad_terms_are_one_sentence(model: Path):
    texts, y = _texts(8)
    for terms, sentence in (
        ("mixup", "terms is no list"),
        ([3], "3 is no term; use one of consistency"),
        (["mix-up"], "did you mean 'mixup'"),
        ([{"name": "mixup", "alfa": 3}], "mixup has no option 'alfa'"),
        (["reweighting"], "reweighting lacks the option 'texts'"),
        ([{"name": "mixup", "alpha": 0}], "alpha is 0; it must be above 0"),
        ([{"name": "gaussian_mixture_split", "clean_above": 2}], "clean_above is 2"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            _learner(model, terms=terms).fit(texts, y)


def test_soft_labels_of_a_linear_head_are_weighted_copies():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 4))
    shares = rng.dirichlet([1, 1, 1], size=30)
    weights = rng.uniform(0.5, 2, size=30)

    soft = LinearHead(C=2.0).fit(X, SoftLabels(shares, ["c", "a", "b"]), weights)

    copies = np.repeat(X, 3, axis=0)
    plain = LinearHead(C=2.0).fit(copies, ["c", "a", "b"] * 30, (shares * weights[:, None]).ravel())
    assert soft.classes_.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(soft.predict_proba(X), plain.predict_proba(X), atol=1e-4)
    assert not soft.multilabel_


def test_a_class_that_is_never_the_likeliest_is_learnt():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = np.eye(3)[y] + 0.1 * rng.normal(size=(60, 3))
    shares = np.where(np.eye(3)[y] == 1, 0.7, 0.0)
    shares[:, 2] = 0.3

    learner = LinearHead().fit(X, SoftLabels(shares, ["a", "b", "c"]))

    assert learner.classes_.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(
        learner.predict_proba(X).mean(axis=0), shares.mean(axis=0), atol=0.01
    )
    one = np.eye(3)[np.zeros(40, int)]
    one[0] = [0.6, 0.4, 0.0]
    assert LinearHead().fit(X[:40], SoftLabels(one, [0, 1, 2])).classes_.tolist() == [0, 1]


def test_soft_labels_are_balanced_by_their_shares():
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = (np.arange(40) < 8).astype(int)
    plain = LinearHead(C=2.0, class_weight="balanced").fit(X, y)
    soft = LinearHead(C=2.0, class_weight="balanced").fit(X, SoftLabels(np.eye(2)[y], [0, 1]))
    np.testing.assert_allclose(soft.predict_proba(X), plain.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize(
    ("shares", "classes", "sentence"),
    [
        ([[0.5, 0.6]], ["a", "b"], r"row 0 of the shares is \[0.5, 0.6\]"),
        ([[1.5, -0.5]], ["a", "b"], "row 0 of the shares"),
        ([[np.nan, 1]], ["a", "b"], "row 0 of the shares"),
        ([[1.0, 0.0]], ["a", "a"], "the classes of soft labels"),
        ([[1.0, 0.0]], ["a", "b", "c"], r"shape \(1, 2\) for 3 classes"),
        ([["x", "y"]], ["a", "b"], "not a table of numbers"),
    ],
)
def test_soft_labels_that_are_none_are_refused(shares, classes, sentence: str):
    with pytest.raises(DataError, match=sentence):
        SoftLabels(shares, classes)


def test_pruning_finds_the_flipped_labels():
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    X = np.eye(3)[y] * 3 + rng.normal(size=(90, 3)) * 0.4
    wrong = y.copy()
    wrong[:9] = (y[:9] + 1) % 3
    names = np.array(["a", "b", "c"])

    pruned = Pruned("linear").fit(X, names[wrong])

    assert not pruned.kept_[:9].any()
    assert pruned.kept_[9:].sum() >= 75
    assert (pruned.predict(X) == names[y]).all()


def test_pruning_leaves_rare_classes_and_lone_ones_alone():
    X = np.random.default_rng(0).normal(size=(20, 2))
    y = np.array([0] * 18 + [1, 1])
    assert Pruned(LinearHead()).fit(X, y).kept_.all()


def test_pruning_refuses_what_it_cannot_do():
    X, y = np.eye(4), np.array([0, 1, 0, 1])
    with pytest.raises(ConfigError, match="folds is 1"):
        Pruned("linear", folds=1).fit(X, y)
    with pytest.raises(ConfigError, match="there is no rule 'all'"):
        Pruned("linear", rule="all").fit(X, y)
    with pytest.raises(ConfigError, match="is no learner"):
        Pruned(3).fit(X, y)
    with pytest.raises(DataError, match="takes several cannot be pruned"):
        Pruned("linear").fit(X, np.eye(4, dtype=int))
