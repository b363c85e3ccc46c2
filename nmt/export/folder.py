"""A folder that translates without nmt: ONNX graphs, pieces, a description, and two programs that use them, a Python
script and a web page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

import nmt
from nmt.bundle import Bundle, load_bundle
from nmt.common.files import check_output, write_folder
from nmt.common.json_text import to_json
from nmt.data.normalization import WITHOUT_RULE
from nmt.data.tokenizer import BOS_ID, EOS_ID, JOINT, PAD_ID, SRC, TGT, UNK_ID
from nmt.export.graph import IR_VERSION, OPSET
from nmt.export.network import ExportedModel, Exporter
from nmt.export.products import Float32, Int8
from nmt.pictures.theme import theme
from nmt.search import Beam, Greedy, Search
from nmt.translation.sources import MAX_CHARS, MAX_PIECES

DESCRIPTION, PROGRAM, CASING = "model.json", "translate.py", "casing.py"
PAGE, SCRIPTS = "translate.html", ("page.js", "translate.js", "pieces.js", "casing.js")
FORMAT = 1  # of the description
RUNTIME = "1.14"  # the first onnxruntime that reads OPSET and IR_VERSION


def export_onnx(model_dir: str | Path, output: Path, int8: bool = False) -> dict[str, int]:
    """Write the folder; returns its files with their sizes in bytes. Raises ValueError for a model that is damaged or
    cannot be exported."""
    bundle = load_bundle(model_dir)
    search = exportable(bundle)
    check_output(output, DESCRIPTION)
    exported = Exporter(bundle.model, Int8() if int8 else Float32()).export()
    pieces = dict(zip(("src", "tgt"), (JOINT, JOINT) if bundle.config.joint else (SRC, TGT), strict=True))
    about = description(bundle, search, exported, pieces) | {"products": "int8" if int8 else "float32"}
    contents = {
        "encoder.onnx": exported.encoder.SerializeToString(),
        "decoder.onnx": exported.decoder.SerializeToString(),
        **tokenizers(bundle),
        PROGRAM: program(),
        CASING: _source("text", CASING),
        PAGE: page(),
        **{name: _source("export/page", name) for name in SCRIPTS},
        DESCRIPTION: (to_json(about, 2) + "\n").encode(),
    }
    return write_folder(output, contents)


def exportable(bundle: Bundle) -> Beam | Greedy:
    """The model's own search. Raises ValueError if the model needs something that the exported program cannot do."""
    search, rules = bundle.config.search, bundle.tokenizer.rules
    if rules.protect or rules.keep:
        raise ValueError(
            "the model copies protected text by symbols (tokenizer.protect or keep), which an export does not put "
            "in; translate with nmt-translate"
        )
    if not isinstance(search, Beam | Greedy):
        raise ValueError(
            "the model's own search draws samples, which an export does not; save another with nmt-evaluate"
        )
    for name, off in (("coverage", 0), ("no_repeat_ngram", 0), ("repetition_penalty", 1)):
        if getattr(search, name) != off:
            raise ValueError(
                f"the model's own search has {name} {getattr(search, name)}, which an export does not know"
            )
    return search


def description(bundle: Bundle, search: Search, exported: ExportedModel, pieces: Mapping[str, str]) -> dict[str, Any]:
    """The content of model.json."""
    config, tokenizer = bundle.config, bundle.tokenizer
    own = {name: getattr(search, name) for name in ("normalisation", "alpha", "max_ratio", "max_extra")}
    return {
        "format": FORMAT,
        "nmt_version": nmt.__version__,
        "opset": OPSET,
        "ir_version": IR_VERSION,
        "needs": {"onnxruntime": RUNTIME},
        "onnx_version": onnx.__version__,
        "src": config.src,
        "tgt": config.tgt,
        "directions": [
            {"src": one.src, "tgt": one.tgt, "leading": tokenizer.control_ids(config.every_direction.tags_of(one))}
            for one in config.every_direction.every
        ],
        "ids": {"pad": PAD_ID, "unk": UNK_ID, "bos": BOS_ID, "eos": EOS_ID},
        "pieces": dict(pieces),
        "text": {
            "nfc": config.src_normalization == "nfc",
            "casing": tokenizer.rules.casing,
            "copy_letterless": config.copy_letterless,
            "max_chars": MAX_CHARS,
            "max_pieces": MAX_PIECES,
        },
        "search": own | {"beam_size": search.width, "patience": getattr(search, "patience", Beam.patience)},
        "memory": list(exported.memory),
        "states": list(exported.states),
        "shapes": {graph.graph.name: _shapes(graph) for graph in (exported.encoder, exported.decoder)},
    }


def tokenizers(bundle: Bundle) -> dict[str, bytes]:
    """The sides' .model files, each with its text's normalization rule."""
    own = bundle.config.src_normalization, bundle.config.tgt_normalization
    names = (JOINT,) if bundle.config.joint else (SRC, TGT)
    return {
        name: bundle.tokenizer.models[name] + (WITHOUT_RULE if outside else b"")
        for name, outside in zip(names, own, strict=False)
    }


def program() -> bytes:
    """translate.py beside casing.py."""
    return _source("export", PROGRAM).replace(b"from nmt.text.casing", b"from casing")


def page() -> bytes:
    """translate.html; its policy allows only files beside it and its own style."""
    text = _source("export/page", PAGE).replace(b"/*THEME*/", theme().encode())
    style = text.partition(b"<style>")[2].partition(b"</style>")[0]
    return text.replace(b"STYLE", b"sha256-" + base64.b64encode(hashlib.sha256(style).digest()), 1)


def _source(room: str, name: str) -> bytes:
    return (Path(nmt.__file__).parent / room / name).read_bytes()


def _shapes(model: onnx.ModelProto) -> dict[str, dict[str, list[str | int]]]:
    return {
        side: {one.name: [dim.dim_param or dim.dim_value for dim in one.type.tensor_type.shape.dim] for one in values}
        for side, values in (("inputs", model.graph.input), ("outputs", model.graph.output))
    }
