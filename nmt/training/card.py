"""The README.md of a model directory."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from nmt.config import RunConfig, to_dict
from nmt.json_text import to_json
from nmt.metrics.measure import LABELS, Measure, Score
from nmt.training.origin import origin, recipe


def model_card(
    config: RunConfig,
    measure: Measure,
    scores: Mapping[str, Score],
    nll: float,
    num_parameters: int,
    text: dict[str, str],
) -> str:
    """What the model is, how good it was on the validation text, how to use it, and what it was made of. `nll` is in
    nats a token; `text` are hashes of the splits."""
    model, data = config.model, to_dict(config.data)["name"]
    rows = "\n".join(f"| {LABELS[name]} | {one.score:.2f} | `{one.signature}` |" for name, one in scores.items())
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

Validation text, by whose {measure.label} this is the best model of its training:

| metric | score | signature |
|---|---|---|
{rows}
| nll | {nll:.3f} | nats a token |

    nmt-translate . < source.txt > translation.txt

What it was made of:

```json
{to_json(origin(config, measure, text), 2)}
```

```yaml
{yaml.safe_dump(recipe(config), sort_keys=False).rstrip()}
```
"""
