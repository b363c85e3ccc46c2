"""The README.md of a model directory."""

from __future__ import annotations

import shlex

import yaml

from nmt.common.json_text import to_json
from nmt.metrics.config import METRICS
from nmt.model.seq2seq import num_parameters
from nmt.plain_data import to_dict
from nmt.training.module import TrainingModule
from nmt.training.origin import origin, recipe


def model_card(module: TrainingModule) -> str:
    """A description of the model, its validation scores, how to use it, and its origin."""
    config, directions = module.config, module.prepared.directions
    titles = ", ".join(f"{src} to {tgt}" for src, tgt in directions.every)
    translate = shlex.join(["nmt-translate", ".", *directions.needed(directions.every[0])])
    made_of = origin(config, module.valid.measures.values(), module.prepared.fingerprints)
    return f"""# {titles}

A recurrent translation model of {num_parameters(module.model):,} parameters, trained with nmt on
`{to_dict(config.data)["name"]}` data.

{_parts(module)}

{_validation(module)}

    {translate} < source.txt > translation.txt

What it was made of:

```json
{to_json(made_of, 2)}
```

```yaml
{yaml.safe_dump(recipe(config), sort_keys=False).rstrip()}
```
"""


def _parts(module: TrainingModule) -> str:
    model, tokenizer = module.config.model, module.config.tokenizer
    scripts = ", ".join(f"{language} ({script})" for language, script in module.valid.scripts.items())
    return f"""| part | choice |
|---|---|
| cell | {to_dict(model.cell)["name"]} |
| encoder | {model.encoder.num_layers} layer(s), {model.encoder.direction} |
| attention | {model.attention.name}, {model.attention.heads} head(s) |
| decoder | {model.decoder.name}, {model.decoder.num_layers} layer(s) |
| sizes | embedding {model.embedding_size}, hidden {model.hidden_size} |
| pieces | {tokenizer.vocab_size} ({tokenizer.kind}) |
| languages | {scripts or ", ".join(module.prepared.directions.languages)} |"""


def _validation(module: TrainingModule) -> str:
    validation, several = module.validation, module.validation.by_direction
    rows = "\n".join(
        f"| {f'{METRICS[name].label} {direction}'.strip()} | {one.score:.2f} | `{one.signature}` |"
        for direction, scores in (several or {"": validation.scores}).items()
        for name, one in scores.items()
    )
    label = module.measure.label + (" (the mean of the directions)" if several else "")
    return f"""Validation text, by whose {label} this is the best model of its training:

| metric | score | signature |
|---|---|---|
{rows}
| nll | {validation.nll:.3f} | nats per token |"""
