"""The loss to minimise: label-smoothed cross-entropy, and the terms that the settings of `optim` add."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from nmt.config import OptimConfig
from nmt.data.batching import Batch, without_filling
from nmt.data.datamodule import is_copied_ahead
from nmt.data.directions import Direction
from nmt.data.preparation import Prepared
from nmt.metrics.measure import Measure
from nmt.model.seq2seq import Seq2Seq
from nmt.training.graphed import GraphedLoss
from nmt.training.guidance import Guide
from nmt.training.risk import candidates, costs, expected_cost
from nmt.translation.searcher import Searcher


class Objective:
    """The loss for a model and its training text."""

    def __init__(self, optim: OptimConfig, model: Seq2Seq, prepared: Prepared) -> None:
        self.optim = optim
        self.model = model
        self.prepared = prepared
        self.graphed_loss = GraphedLoss(model)
        self.guide: Guide | None = None

    def __call__(
        self, batch: Batch, remaining: float, measures: Mapping[Direction, Measure]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss in nats, summed over the batch, and the values to log. `remaining` is the share of the run's
        updates still to come; `measures` measure risk."""
        optim, tokens = self.optim, batch.tgt_len.sum()
        alignment = self.alignment(batch, remaining) if optim.guided_alignment else None
        loss, nll = self.graphed_loss(batch, alignment, smoothing=optim.label_smoothing, r_drop=optim.r_drop)
        logged = {"train/nll": nll / tokens}
        if optim.risk:
            risk = self._risk(batch, measures)
            loss = loss + optim.risk * tokens * risk
            logged["train/risk"] = risk.detach()
        return loss, logged

    def alignment(self, batch: Batch, remaining: float) -> Tensor:
        """The target of attention at this update."""
        if self.guide is None:  # made when first needed, as it takes seconds
            self.guide = Guide(self.prepared.train, self.prepared.tokenizer.tgt_vocab_size)
        return self.optim.guided_alignment * remaining * self.guide(batch)

    def _risk(self, batch: Batch, measures: Mapping[Direction, Measure]) -> Tensor:
        """The mean risk of the sentences."""
        device = batch.src.device
        if is_copied_ahead(device):
            batch = without_filling(batch)
        self.model.eval()
        found = candidates(Searcher([self.model], device, self.prepared.lexicon), batch, self.optim.candidates)
        self.model.train()
        cost = costs(self._measures_of(batch, measures), self.prepared.tokenizer, batch, found)
        return expected_cost(self.model, batch, found, cost)

    def _measures_of(self, batch: Batch, measures: Mapping[Direction, Measure]) -> list[Measure]:
        """The measure for each sentence's target language. With several directions the first piece tells the
        language."""
        directions, tokenizer = self.prepared.directions, self.prepared.tokenizer
        if not directions.tags:
            return [next(iter(measures.values()))] * len(batch.src)
        by_tag = {tokenizer.control_ids(directions.tags_of(one))[0]: measure for one, measure in measures.items()}
        return [by_tag[tag] for tag in batch.src[:, 0].tolist()]
