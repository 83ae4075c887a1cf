"""Which labels are right, by how the losses of the items fall apart."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from llmal.learners.noisy.checks import check_least, check_share
from llmal.learners.training.terms import Batch, Course, Term
from llmal.learners.training.trainer import losses_of

_ITERATIONS, _STOPS_BELOW, _LEAST_VARIANCE = 100, 1e-3, 5e-4

logger = logging.getLogger("llmal.learners")


@dataclass
class GaussianMixtureSplit(Term):
    """Only items whose label seems right are learnt from (FreeAL, 2023, after DivideMix, 2020).

    A network learns right labels before it learns wrong ones by heart. Before each pass from
    `from_epoch` on, the items' losses are scaled to 0 to 1, and a mixture of two Gaussians is
    fitted to them; an item is clean where the one of the lower mean is likelier than
    `clean_above`. The loss on labels is then the mean over the clean items of a batch, and other
    terms are told which they are. It takes more than `from_epoch` passes to act, so give the
    learner enough of them, and mind that it may stop early before. Of a label that is not learnt
    yet all items seem wrong, and if none were kept it never would be: so of each label a share of
    its items is kept in any case, those of the lowest losses. FreeAL has no such share.

    Args:
        clean_above: The least probability of the lower Gaussian.
        from_epoch: The first pass, from 0 on, that it acts in.
        least_kept: The least share of the items of each label that counts as clean; with 0, as
            published, a label of which nothing is left is told of in the log.

    Attributes:
        probabilities: Shape (n,): that of the lower Gaussian for each item, as of the last split,
            in the order of the items trained on; None before the first.
        kept: Shape (n,): which items count as clean, likewise.
    """

    registered_as: ClassVar[str] = "gaussian_mixture_split"

    clean_above: float = 0.7
    from_epoch: int = 4
    least_kept: float = 0.7
    probabilities: NDArray[np.float64] | None = field(
        default=None, init=False, repr=False, compare=False
    )
    kept: NDArray[np.bool_] | None = field(default=None, init=False, repr=False, compare=False)
    _random: np.random.Generator | None = field(default=None, init=False, repr=False, compare=False)
    _warned: bool = field(default=False, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_share("clean_above", self.clean_above)
        check_least("from_epoch", self.from_epoch)
        check_share("least_kept", self.least_kept)

    def begin(self, course: Course) -> None:
        """Nothing is judged yet."""
        self.probabilities, self.kept, self._random = None, None, course.numpy_generator()
        self._warned = False

    def begin_epoch(self, course: Course) -> None:
        """Split the items by their losses without dropout."""
        if course.epoch < self.from_epoch:
            return
        assert self._random is not None
        losses = losses_of(course.network, course.readings, course.targets, course.batch_size)
        judged = losses.cpu().double().numpy()
        columns = course.targets.argmax(dim=1).cpu().numpy()
        self.probabilities = low_loss_probabilities(judged, self._random)
        self.kept = self.probabilities > self.clean_above
        self.kept |= lowest_of_each(judged, columns, self.least_kept)
        course.clean = torch.as_tensor(self.kept, device=course.network.device)
        self._warn_of_lost_classes(course, np.setdiff1d(columns, columns[self.kept]))

    def _warn_of_lost_classes(self, course: Course, lost: NDArray[np.int64]) -> None:
        if len(lost) and not self._warned:
            self._warned = True
            logger.warning(
                "before pass %d the split takes every label %s for wrong, so that it is not learnt "
                "any more. Raise least_kept (now %g), from_epoch (now %d) or the learning rate",
                course.epoch + 1,
                " and every label ".join(repr(course.classes[one].item()) for one in lost),
                self.least_kept,
                self.from_epoch,
            )

    def weigh(self, course: Course, batch: Batch) -> Tensor | None:
        """All weight of the batch to its clean items; none where it has none."""
        if course.clean is None:
            return None
        kept = batch.weights * course.clean[torch.from_numpy(batch.rows).to(batch.weights.device)]
        total = kept.sum()
        return kept if total == 0 else kept * (batch.weights.sum() / total)


def low_loss_probabilities(
    losses: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """The probability that each loss, shape (n,), is of the lower of two Gaussians.

    Losses that do not differ are all of the lower one, as nothing speaks against any label; so are
    those of a network that diverges, which the trainer tells of.
    """
    from sklearn.mixture import GaussianMixture

    spread = losses.max() - losses.min() if len(losses) else 0.0
    if len(losses) < 2 or not np.isfinite(spread) or spread <= 0:
        return np.ones(len(losses))
    column = ((losses - losses.min()) / spread)[:, None]
    mixture = GaussianMixture(
        2,
        max_iter=_ITERATIONS,
        tol=_STOPS_BELOW,
        reg_covar=_LEAST_VARIANCE,
        random_state=int(random.integers(2**31)),
    ).fit(column)
    lower = int(mixture.means_.ravel().argmin())
    return np.asarray(mixture.predict_proba(column)[:, lower])


def lowest_of_each(
    losses: NDArray[np.float64], columns: NDArray[np.int64], share: float
) -> NDArray[np.bool_]:
    """Which items are among that share of the lowest losses of those with the same label.

    Args:
        losses: Shape (n,).
        columns: Shape (n,): the items' labels.
        share: 0 to 1; a part of an item counts as one.
    """
    found = np.zeros(len(losses), dtype=bool)
    for column in np.unique(columns):
        mine = np.flatnonzero(columns == column)
        count = int(np.ceil(share * len(mine)))
        found[mine[np.argsort(losses[mine], kind="stable")[:count]]] = True
    return found
