#!/usr/bin/env bash
# ctranslate2 4.8.5 with transformers 5.24.0: a Marian model trained in transformers starts otherwise after conversion.
# Guessed: a conversion in float32 gives the same probabilities. Found: the decoder of transformers starts with the
# embedding of <pad>, CTranslate2's with zeros. In Marian's own models that row is zero, but it is also the output
# layer's row of <pad>, so each step of training in transformers, fine-tuning too, moves it. From then on all words have
# other probabilities after conversion, and nothing warns. Keep the row at zero: with final_logits_bias of <pad> at -1e9
# while training it stays there, and both agree.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ctranslate2==4.8.5 transformers==5.24.0 \
    torch==2.13.0 numpy==2.4.6 sentencepiece==0.2.3
cd "$folder"
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" OMP_NUM_THREADS=1 venv/bin/python -W ignore - <<'PY'
import json
import random
from pathlib import Path

import ctranslate2
import sentencepiece
import torch
import transformers
from ctranslate2.converters import TransformersConverter
from transformers import MarianConfig, MarianMTModel, MarianTokenizer

transformers.logging.disable_progress_bar()
torch.set_num_threads(1)
draw = random.Random(1)
words = ["".join(draw.choices("bdfgklmn", k=1) + draw.choices("aeiou", k=1)) * draw.randint(1, 2) for _ in range(40)]
lines = [" ".join(draw.choices(words, k=draw.randint(2, 4))) for _ in range(1000)]
sentencepiece.SentencePieceTrainer.train(
    sentence_iterator=iter(lines), model_prefix="both", vocab_size=60, hard_vocab_limit=False, minloglevel=2
)
pieces = sentencepiece.SentencePieceProcessor(model_file="both.model")
names = ["</s>", "<unk>", *(pieces.id_to_piece(number) for number in range(3, len(pieces))), "<pad>"]
PAD = len(names) - 1
Path("vocab.json").write_text(json.dumps({name: number for number, name in enumerate(names)}))
tokenizer = MarianTokenizer("both.model", "both.model", "vocab.json")


def trained(bias_of_pad):
    torch.manual_seed(1)
    heads_and_layers = dict.fromkeys(
        ("encoder_layers", "decoder_layers", "encoder_attention_heads", "decoder_attention_heads"), 1
    )
    model = MarianMTModel(
        MarianConfig(
            vocab_size=len(names), d_model=32, encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=64,
            pad_token_id=PAD, eos_token_id=0, decoder_start_token_id=PAD, scale_embedding=True,
            **heads_and_layers,
        )
    )
    model.final_logits_bias[:, PAD] = bias_of_pad
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(150):  # a copy of the source is the translation
        batch = tokenizer(draw.choices(lines, k=16), padding=True, return_tensors="pt")
        labels = batch.input_ids.masked_fill(batch.input_ids == PAD, -100)
        model(**batch, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval()


def differences(model, folder):
    """The largest difference of log probabilities of the first piece, and of those after it."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    TransformersConverter(folder).convert(f"{folder}.converted")
    translator = ctranslate2.Translator(f"{folder}.converted", compute_type="float32", intra_threads=1)
    first, rest = [], []
    for line in lines[:20]:
        ids = tokenizer(line, return_tensors="pt").input_ids
        text = tokenizer.convert_ids_to_tokens(ids[0])
        start = torch.cat([torch.tensor([[PAD]]), ids[:, :-1]], 1)
        with torch.inference_mode():
            theirs = model(input_ids=ids, decoder_input_ids=start).logits[..., :PAD].log_softmax(-1)[0]
        ours = translator.score_batch([text], [text[:-1]])[0].log_probs
        apart = [abs(float(theirs[place, ids[0, place]]) - value) for place, value in enumerate(ours)]
        first.append(apart[0])
        rest.extend(apart[1:])
    return round(max(first), 3), round(max(rest), 3)


found = {"as usual": differences(trained(0.0), "usual"), "<pad> kept at zero": differences(trained(-1e9), "kept")}
versions = f"ctranslate2 {ctranslate2.__version__}, transformers {transformers.__version__}"
print(f"{versions}: log probabilities differ by up to (first piece, others) {found}")
if found["as usual"][0] < 0.1 or max(found["<pad> kept at zero"]) > 0.005:
    raise SystemExit("it has changed")
PY
