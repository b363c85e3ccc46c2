#!/usr/bin/env bash
# onnx 1.23.2: ReferenceEvaluator, the specification as code, ignores sequence_lens, clip and input_forget of LSTM & co.
# Guessed: the reference computes what the operator's description says, or refuses it. Found: LSTM, GRU and RNN run each
# sentence through its padding to the batch's end; the last state of a shorter one is that after the padding. So an
# export that is right fails against the reference, and one that forgets the lengths passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

TIME, BATCH, UNITS = 6, 2, 4
draw = np.random.default_rng(1)
inputs = {"X": draw.normal(size=(TIME, BATCH, UNITS)).astype(np.float32), "lens": np.array([TIME, 2], np.int32)}


def differences(op, gates, **attributes):
    """Of the last states of the full and of the short sentence, between the two runtimes."""
    shape = (1, gates * UNITS, UNITS)
    weights = [numpy_helper.from_array(draw.normal(size=shape).astype(np.float32), name) for name in "WR"]
    node = helper.make_node(op, ["X", "W", "R", "", "lens"], ["Y", "last"], hidden_size=UNITS, **attributes)
    graph = helper.make_graph(
        [node], op,
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [TIME, BATCH, UNITS]),
         helper.make_tensor_value_info("lens", TensorProto.INT32, [BATCH])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("Y", "last")],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    ours, reference = session.run(None, inputs)[1], ReferenceEvaluator(model).run(None, inputs)[1]
    return [float(value) for value in np.abs(ours - reference).max(axis=(0, 2)).round(3)]


print(f"onnx {version('onnx')} against onnxruntime {version('onnxruntime')}: difference of a full and a short sentence")
found = {op: differences(op, gates) for op, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1))}
found["LSTM, clip=0.5"] = differences("LSTM", 4, clip=0.5)
found["LSTM, input_forget=1"] = differences("LSTM", 4, input_forget=1)
for name, (full, short) in found.items():
    print(f"{name:20} {full:5} {short:5}")
plain = list(found.values())[:3]
if any(full > 0.001 or short < 0.01 for full, short in plain) or any(full < 0.01 for full, _ in list(found.values())[3:]):
    raise SystemExit("it has changed")
PY
