#!/usr/bin/env bash
# ctranslate2 4.8.5: with no_repeat_ngram_size a translation's score is far above the model's log probability of it.
# Guessed: a score is the sum of the model's log probabilities of the words (with length_penalty=0), whatever is
# forbidden: a word taken against the model's will makes it worse. Found: forbidden words are taken out before the
# probabilities are made, and the others share theirs; repetition_penalty changes them, too. So where a model repeats
# itself and is forced to write something else, its score stays good, and filters of back-translations, rerankers and
# estimates of confidence by score keep such lines. Score what was found with score_batch.
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
translator = ctranslate2.Translator("model", compute_type="float32", intra_threads=1)
source = ["w1", "w5", "w9"]


def scores(**settings):
    """The score of a translation of twelve words, and the sum of its words' log probabilities."""
    found = translator.translate_batch(
        [source], beam_size=1, length_penalty=0, return_scores=True, max_decoding_length=12, **settings
    )
    words = found[0].hypotheses[0]
    assert len(words) == 12, "without an end"
    by_word = translator.score_batch([source], [words])[0].log_probs[:-1]
    return round(found[0].scores[0], 2), round(sum(by_word), 2)


found = {"free": scores(), "no repetition": scores(no_repeat_ngram_size=1), "penalty": scores(repetition_penalty=2)}
print(f"ctranslate2 {ctranslate2.__version__}: (score told, log probability of the words) {found}")
above = {how: score - model for how, (score, model) in found.items()}
if abs(above["free"]) > 0.02 or min(above["no repetition"], above["penalty"]) < 5:
    raise SystemExit("it has changed")
PY
