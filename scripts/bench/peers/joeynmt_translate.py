"""Translate a file with JoeyNMT: SETTINGS MODEL SRC HYP BEAM BATCH THREADS. Runs in the peer's environment.

JoeyNMT's command decodes a whole file and then fails to write it, so this script captures its standard output.
"""

import contextlib
import sys
from pathlib import Path

import torch
from joeynmt.config import load_config
from joeynmt.prediction import translate

settings, model, src, hyp = map(Path, sys.argv[1:5])
beam, batch, threads = map(int, sys.argv[5:8])
torch.set_num_threads(threads)
config = load_config(settings)
config["testing"] |= {"beam_size": beam, "batch_size": batch, "load_model": str(model)}
sys.stdin = src.open(encoding="utf-8")
with hyp.open("w", encoding="utf-8") as output, contextlib.redirect_stdout(output):
    translate(config)
