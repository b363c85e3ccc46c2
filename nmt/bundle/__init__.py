"""The model directory: what people exchange.

    config.json  model.safetensors  tokenizer.model (or tokenizer.src.model, tokenizer.tgt.model)  README.md
    packed.safetensors (in the place of model.safetensors: weights in bytes, which can be searched only)
    lexicon.safetensors (which pieces translate which: search may go without)

It may come from a stranger. Loading opens nothing but regular files of these names in the folder itself, runs no
code, allocates nothing that the files do not hold, and holds every weight to the name, shape and type that the config
says. Checksums in config.json tell a file that was damaged, or replaced, from the one that was saved. A file is read
once, into memory: what becomes of it afterwards changes nothing.
"""

from nmt.bundle.config import Bundle, BundleConfig, build_model
from nmt.bundle.files import CARD, CONFIG, LEXICON, PACKED, SCORES, WEIGHTS, load_config, model_folder, seal
from nmt.bundle.load import load_bundle
from nmt.bundle.save import save_bundle, save_packed, save_search

__all__ = [
    "CARD",
    "CONFIG",
    "LEXICON",
    "PACKED",
    "SCORES",
    "WEIGHTS",
    "Bundle",
    "BundleConfig",
    "build_model",
    "load_bundle",
    "load_config",
    "model_folder",
    "save_bundle",
    "save_packed",
    "save_search",
    "seal",
]
