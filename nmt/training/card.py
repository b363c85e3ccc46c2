"""The README.md of a model directory."""

from __future__ import annotations

import json
from collections.abc import Mapping

import yaml

from nmt.config import RunConfig, to_dict
from nmt.metrics.measure import Score
from nmt.training.origin import origin, recipe


def model_card(config: RunConfig, scores: Mapping[str, Score], num_parameters: int, text: dict[str, str]) -> str:
    """What the model is, how good it was on the validation text, how to use it, and what it was made of. `text` are
    hashes of the splits."""
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

What it was made of:

```json
{json.dumps(origin(config, text), indent=2)}
```

```yaml
{yaml.safe_dump(recipe(config), sort_keys=False).rstrip()}
```
"""
