#!/usr/bin/env bash
# tokenizers 0.23.3: a BPE tokenizer that is trained a second time encodes words that it had met by its first training.
# Guessed: train_from_iterator replaces the model, as it does for Unigram and WordPiece. Found: words that were encoded
# before stay in a cache of the thread, with the ids of the first training, which are other pieces now: "lower slow" is
# "st s ide". Another thread is right, and so is the tokenizer that is read from the saved file. So who looks for a
# size of vocabulary in a loop, and looks at the same sentences each time, sees pieces that nobody else gets. Make a
# new Tokenizer for each training.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tokenizers==0.23.3
"$folder/venv/bin/python" - <<'PY'
import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

alphabet = "abcdefghijklmnopqrstuvwxyz"
first = ["lower lowest low slower"] * 50 + [alphabet]
second = ["wider widest wide low old"] * 50 + [alphabet]
kinds = {
    "BPE": (models.BPE(), trainers.BpeTrainer(vocab_size=40, show_progress=False)),
    "Unigram": (models.Unigram(), trainers.UnigramTrainer(vocab_size=40, show_progress=False)),
}
same = {}
for kind, (model, trainer) in kinds.items():
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.train_from_iterator(first, trainer)
    before = tokenizer.encode("lower slow")
    tokenizer.train_from_iterator(second, trainer)
    again = tokenizer.encode("lower slow")
    saved = Tokenizer.from_str(tokenizer.to_str()).encode("lower slow")
    same[kind] = (again.ids == before.ids, again.tokens == saved.tokens)
    print(f"tokenizers {tokenizers.__version__}, {kind}: trained again {again.tokens}, saved {saved.tokens}")
if same != {"BPE": (True, False), "Unigram": (False, True)}:
    raise SystemExit("it has changed")
PY
