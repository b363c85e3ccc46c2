"""The README.md of a model directory."""

from __future__ import annotations

import shlex

import yaml

from nmt.common.json_text import to_json
from nmt.metrics.measure import METRICS
from nmt.plain_data import to_dict
from nmt.training.module import TrainingModule
from nmt.training.origin import origin, recipe


def model_card(module: TrainingModule, num_parameters: int) -> str:
    """What the model is, how good it was on the validation text, how to use it, and what it was made of."""
    config, validation, directions = module.config, module.validation, module.directions
    model, data = config.model, to_dict(config.data)["name"]
    every = validation.by_direction or {"": validation.scores}
    rows = "\n".join(
        f"| {f'{METRICS[name].label} {direction}'.strip()} | {one.score:.2f} | `{one.signature}` |"
        for direction, scores in every.items()
        for name, one in scores.items()
    )
    titles = ", ".join(f"{src} to {tgt}" for src, tgt in directions.every)
    scripts = ", ".join(f"{language} ({script})" for language, script in module.valid.scripts.items())
    label = module.measure.label + " (the mean of the directions)" * bool(every.keys() - {""})
    translate = shlex.join(["nmt-translate", ".", *directions.needed(directions.every[0])])
    return f"""# {titles}

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
| languages | {scripts or ", ".join(directions.languages)} |

Validation text, by whose {label} this is the best model of its training:

| metric | score | signature |
|---|---|---|
{rows}
| nll | {validation.nll:.3f} | nats per token |

    {translate} < source.txt > translation.txt

What it was made of:

```json
{to_json(origin(config, module.valid.measures.values(), module.prepared.fingerprints), 2)}
```

```yaml
{yaml.safe_dump(recipe(config), sort_keys=False).rstrip()}
```
"""
