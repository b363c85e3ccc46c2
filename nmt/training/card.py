"""The README.md of a model directory."""

from __future__ import annotations

from collections.abc import Mapping

from nmt.config import RunConfig, to_dict
from nmt.metrics import Score


def model_card(config: RunConfig, scores: Mapping[str, Score], num_parameters: int) -> str:
    """What the model is, how good it was on the validation text, and how to use it."""
    model, data = config.model, to_dict(config.data)["name"]
    rows = "\n".join(f"| {name} | {score.score:.2f} | `{score.signature}` |" for name, score in scores.items())
    return f"""# {config.data.src} to {config.data.tgt}

A recurrent translation model of {num_parameters:,} parameters, trained with nmt on
`{data}` data.

| part | choice |
|---|---|
| cell | {to_dict(model.cell)["name"]} |
| encoder | {model.encoder.num_layers} layer(s), {model.encoder.direction} |
| attention | {model.attention.name}, {model.attention.heads} head(s) |
| decoder | {model.decoder.name}, {model.decoder.num_layers} layer(s) |
| sizes | embedding {model.embedding_size}, hidden {model.hidden_size} |
| pieces | {config.tokenizer.vocab_size} ({config.tokenizer.kind}) |

Validation text:

| metric | score | signature |
|---|---|---|
{rows}

    nmt-translate . < source.txt > translation.txt
"""
