"""The model directory: what people exchange.

    config.json  model.safetensors  tokenizer.model (or tokenizer.src.model, tokenizer.tgt.model)  README.md
    packed.safetensors (instead of model.safetensors: int8 weights, for translation only)
    lexicon.safetensors (which pieces translate which; optional for search)

It may come from a stranger. Loading opens only regular files of these names in the folder itself, runs no code,
allocates nothing that the files do not hold, and requires every weight to have the name, shape and type that the
config implies. Checksums in config.json reveal a file that was damaged or replaced. A file is read once, into memory:
later changes to it have no effect.
"""

from nmt.bundle.config import Bundle, BundleConfig, build_model
from nmt.bundle.files import CARD, CONFIG, LEXICON, PACKED, SCORES, WEIGHTS, load_config, model_folder, seal
from nmt.bundle.load import load_bundle
from nmt.bundle.save import check_search_can_be_saved, save_bundle, save_packed, save_search

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
    "check_search_can_be_saved",
    "load_bundle",
    "load_config",
    "model_folder",
    "save_bundle",
    "save_packed",
    "save_search",
    "seal",
]
