#!/usr/bin/env bash
# matplotlib 3.11.2: a chart with a bar for each word of a sentence has one bar for both its "the".
# Guessed: bar(words, values) draws as many bars as there are words, with the words below. Found: texts on an axis are
# names of places, and a name has one place: the bars of a repeated word stand on top of each other, of which the last
# or the higher is seen, and the sentence has a word less. plot joins such points by a line that goes back, and a
# second sentence in the same axes takes the places of the first. So charts of attention, of log probabilities or of
# saliency by token are wrong where a token comes twice, which no test sentence of three words shows. Give
# range(len(words)) as places, and the words as tick_label.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check matplotlib==3.11.2
"$folder/venv/bin/python" - <<'PY'
import matplotlib

matplotlib.use("agg")
from matplotlib import pyplot

words = "the cat saw the dog".split()
values = [0.5, 0.2, 0.1, 0.4, 0.3]


def drawn(places, **how):
    figure, axes = pyplot.subplots()
    bars = axes.bar(places, values, **how)
    figure.canvas.draw()
    return [bar.get_x() + bar.get_width() / 2 for bar in bars], [label.get_text() for label in axes.get_xticklabels()]


by_word, by_number = drawn(words), drawn(range(len(words)), tick_label=words)
print(f"matplotlib {matplotlib.__version__}: bars of {words} stand at {[float(x) for x in by_word[0]]}, {by_word[1]}")
print(f"with numbers as places {[float(x) for x in by_number[0]]}, {by_number[1]}")
if by_word != ([0, 1, 2, 0, 3], ["the", "cat", "saw", "dog"]) or by_number != ([0, 1, 2, 3, 4], words):
    raise SystemExit("it has changed")
PY
