#!/usr/bin/env bash
# ctranslate2 4.8.5: set_random_seed between two calls of a translator changes nothing; samples are not repeatable.
# Guessed: after set_random_seed(1) the next samples are those that came after it before, as in torch. Found: a thread of
# a translator takes the seed when it first draws, and goes on from there whatever is set. So sampled translations
# (back-translation, MBR) depend on all that the process did before. A new Translator after each seed repeats them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ctranslate2==4.8.5 numpy==2.4.6
cd "$folder"
venv/bin/python -W ignore - <<'PY'
import os

import ctranslate2
import numpy as np
from ctranslate2.specs import TransformerSpec

SIZE, WORDS = 32, ["<unk>", "<s>", "</s>", *(f"w{number}" for number in range(40))]
draw = np.random.default_rng(0)


def fill(layer, rows, columns):
    layer.weight = draw.normal(size=(rows, columns)).astype(np.float32) * 0.6
    layer.bias = np.zeros(rows, np.float32)


def normalised(layer):
    layer.gamma, layer.beta = np.ones(SIZE, np.float32), np.zeros(SIZE, np.float32)


spec = TransformerSpec.from_config((1, 1), num_heads=2)  # with random weights
words = draw.normal(size=(len(WORDS), SIZE)).astype(np.float32)
positions = draw.normal(size=(64, SIZE)).astype(np.float32)
spec.encoder.embeddings[0].weight = spec.decoder.embeddings.weight = words
fill(spec.decoder.projection, len(WORDS), SIZE)
for side in (spec.encoder, spec.decoder):
    side.position_encodings.encodings = positions
    normalised(side.layer_norm)
    for layer in side.layer:
        for attention, rows in ((layer.self_attention, (3, 1)), (getattr(layer, "attention", None), (1, 2, 1))):
            if attention is not None:
                normalised(attention.layer_norm)
                for linear, count in zip(attention.linear, rows):
                    fill(linear, count * SIZE, SIZE)
        normalised(layer.ffn.layer_norm)
        fill(layer.ffn.linear_0, 2 * SIZE, SIZE)
        fill(layer.ffn.linear_1, SIZE, 2 * SIZE)
spec.register_source_vocabulary(WORDS)
spec.register_target_vocabulary(WORDS)
spec.validate()
os.mkdir("model")
spec.save("model")


def new():
    return ctranslate2.Translator("model", compute_type="float32", intra_threads=1)


def sampled(translator):
    ctranslate2.set_random_seed(1)
    found = translator.translate_batch([["w1", "w5"]] * 4, beam_size=1, sampling_topk=0, max_decoding_length=8)
    return [one.hypotheses[0] for one in found]


one = new()
same_translator, new_translators = sampled(one) == sampled(one), sampled(new()) == sampled(new())
print(f"ctranslate2 {ctranslate2.__version__}: equal samples after equal seeds: {same_translator} with one translator,"
      f" {new_translators} with new ones")
if same_translator or not new_translators:
    raise SystemExit("it has changed")
PY
