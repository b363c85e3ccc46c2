"""Translate a file with CTranslate2 in int8: MODEL TOKENIZER SRC HYP BEAM BATCH THREADS. Runs in the peer's
environment.

With a batch of 1 it translates one sentence at a time on all threads, as for a waiting user. Output is limited to
LONGEST pieces, for models that have not yet learned where a sentence ends.
"""

import sys
from pathlib import Path

import ctranslate2
import sentencepiece

LONGEST = 100

model, tokenizer, src, hyp = sys.argv[1:5]
beam, batch, threads = map(int, sys.argv[5:8])
pieces = sentencepiece.SentencePieceProcessor(model_file=tokenizer)
sources = pieces.encode(Path(src).read_text(encoding="utf-8").splitlines(), out_type=str)
parallel = {"inter_threads": threads, "intra_threads": 1} if batch > 1 else {"intra_threads": threads}
translator = ctranslate2.Translator(model, device="cpu", compute_type="int8", **parallel)
groups = [sources] if batch > 1 else [[source] for source in sources]
search = {"beam_size": beam, "max_batch_size": batch, "max_decoding_length": LONGEST}
with Path(hyp).open("w", encoding="utf-8") as output:
    for group in groups:
        for result in translator.translate_batch(group, **search):
            output.write(pieces.decode(result.hypotheses[0]) + "\n")
