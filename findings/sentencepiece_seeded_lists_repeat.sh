#!/usr/bin/env bash
# sentencepiece 0.2.3: with a seed set, each epoch samples the same pieces of a list of lines.
# Guessed: set_random_generator_seed makes a run repeatable: the second call of encode(lines, enable_sampling=True)
# draws on, as calls with one line do. Found: a call with a list starts new threads, and each thread starts from the
# seed. So whoever sets a seed and samples by batch or by epoch (subword regularisation, BPE-dropout) trains on one
# segmentation of each line for ever, and nothing tells. Encode line by line, or set another seed before each call.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sentencepiece==0.2.3
"$folder/venv/bin/python" - <<'PY'
import io
import random

import sentencepiece

draw = random.Random(1)
syllables = [onset + vowel for onset in "bdfgklmnprst" for vowel in "aeiou"]
words = ["".join(draw.choices(syllables, k=draw.randint(1, 4))) for _ in range(900)]
text = [" ".join(draw.choices(words, k=8)) for _ in range(800)]
model = io.BytesIO()
sentencepiece.SentencePieceTrainer.train(
    sentence_iterator=iter(text), model_writer=model, model_type="unigram", vocab_size=500, minloglevel=2
)
pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
lines, sampling = text[:200], {"enable_sampling": True, "alpha": 0.1, "nbest_size": -1}


def a_list():
    return pieces.encode(lines, num_threads=1, **sampling)


def line_by_line():
    return [pieces.encode(line, **sampling) for line in lines]


def repeated(encode):
    return sum(first == second for first, second in zip(encode(), encode()))


found = {"list, no seed": repeated(a_list)}
sentencepiece.set_random_generator_seed(1)
found |= {"list, seed": repeated(a_list), "line by line, seed": repeated(line_by_line)}
print(f"sentencepiece {sentencepiece.__version__}: of {len(lines)} lines the second epoch repeats: {found}")
if found["list, seed"] != len(lines) or max(found["list, no seed"], found["line by line, seed"]) > 20:
    raise SystemExit("it has changed")
PY
