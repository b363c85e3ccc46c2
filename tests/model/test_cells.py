"""Every cell against an oracle that nobody here wrote, and against torch's own kernels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import toy
from equations import EQUATIONS, outputs_of_equation

from nmt.cells import CELLS, ParallelCell, matrix_memory, scan, tanh
from nmt.cells.linear import LinearCell
from nmt.kernels import steps as steps_module
from nmt.model.recurrent import FUSED, Dropout, Masks, Recurrent, fused_kernel, loop
from nmt.model.wirings import DECODERS, DecoderMasks

B, T, E, H = 2, 4, 3, 6
KINDS = toy.CELL_KINDS
kinds = pytest.mark.parametrize("name", sorted(KINDS))

# ONNX stacks gates in an order of its own: operator -> the places of its gates in ours.
ONNX_GATES = {"RNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 3, 1, 2]}  # z r h of r z n; i o f c of i f g o
ONNX_OPERATORS = {
    "rnn": ("RNN", {"activations": ["Tanh"]}),
    "rnn_relu": ("RNN", {"activations": ["Relu"]}),
    "gru": ("GRU", {"linear_before_reset": 1}),
    "lstm": ("LSTM", {}),
    "lstm_peephole": ("LSTM", {}),
}


def layer(name: str, seed: int) -> Recurrent:
    torch.manual_seed(seed)
    made = Recurrent(KINDS[name], E, H)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return made


def state_of(cell, **options):
    """A state as it may be on the way, in double precision."""
    started = cell.start(*torch.randn(cell.num_initial_vectors, B, H, dtype=torch.double))
    return tuple((part + torch.rand_like(part)).requires_grad_(**options) for part in started)


def inputs_of(cell, **options):
    rows = cell.gate_rows(H)
    return [torch.randn(B, n, dtype=torch.double, **options) for n in (rows.recurrent, rows.all - rows.summed)]


def onnx_outputs(name, layers, x, states, lengths):
    """Run both directions through onnxruntime: outputs (B,T,2H)."""
    operator, attributes = ONNX_OPERATORS[name]

    def reorder(weight):  # (G*H, ...) in our order -> in theirs
        gates = np.split(weight.detach().numpy(), len(ONNX_GATES[operator]))
        return np.concatenate([gates[i] for i in ONNX_GATES[operator]])

    feeds = {
        "X": x.transpose(0, 1).numpy(),
        "W": np.stack([reorder(one.weight_ih) for one in layers]),
        "R": np.stack([reorder(one.weight_hh) for one in layers]),
        "B": np.stack([np.concatenate([reorder(one.bias_ih), reorder(one.bias_hh)]) for one in layers]),
        "sequence_lens": lengths.int().numpy(),
        "initial_h": np.stack([state[0].numpy() for state in states]),
    }
    if operator == "LSTM":
        feeds["initial_c"] = np.stack([state[1].numpy() for state in states])
    if name == "lstm_peephole":  # ours: i, f, o; theirs: i, o, f
        feeds["P"] = np.stack([one.extra["peephole"].detach().numpy()[[0, 2, 1]].ravel() for one in layers])
    if "activations" in attributes:
        attributes = {"activations": attributes["activations"] * 2}
    node = onnx.helper.make_node(operator, list(feeds), ["Y"], hidden_size=H, direction="bidirectional", **attributes)
    kinds = {np.dtype("float32"): onnx.TensorProto.FLOAT, np.dtype("int32"): onnx.TensorProto.INT32}
    graph = onnx.helper.make_graph(
        [node],
        name,
        [onnx.helper.make_tensor_value_info(key, kinds[feed.dtype], feed.shape) for key, feed in feeds.items()],
        [onnx.helper.make_tensor_value_info("Y", onnx.TensorProto.FLOAT, (T, 2, B, H))],
    )
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
    (y,) = onnxruntime.InferenceSession(made.SerializeToString()).run(None, feeds)
    return torch.from_numpy(y).permute(2, 0, 1, 3).flatten(2)


@pytest.mark.parametrize("name", sorted(ONNX_OPERATORS))
def test_a_cell_equals_onnxruntimes_operator_in_both_directions(name):
    from nmt.model.encoder import reversal_index, reverse_sequences

    layers = [layer(name, seed) for seed in (1, 2)]
    x, lengths = torch.randn(B, T, E), torch.tensor([T, T - 1])
    states = [tuple(torch.randn(B, H) for _ in KINDS[name].states) for _ in layers]
    expected = onnx_outputs(name, layers, x, states, lengths)

    with torch.no_grad():
        forward = layers[0](x, states[0])
        mirror = reversal_index(lengths, x.shape[1])
        backward = reverse_sequences(layers[1](reverse_sequences(x, mirror), states[1]), mirror)
    outputs = torch.cat([forward, backward], -1)

    for row, length in enumerate(lengths):
        torch.testing.assert_close(outputs[row, :length], expected[row, :length], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", sorted(name for name in KINDS if name.split(",")[0] in EQUATIONS))
def test_a_cell_equals_its_equations(name):
    made, x = layer(name, 1).double(), torch.randn(B, T, E, dtype=torch.double)
    state = state_of(made.cell, requires_grad=False)
    expected = outputs_of_equation(EQUATIONS[name.split(",")[0]], made, x, state)
    with torch.no_grad():
        torch.testing.assert_close(made(x, state), torch.from_numpy(expected))


@kinds
def test_the_gradient_of_a_layer_is_the_slope_of_its_value(name):
    made = layer(name, 1).double()
    names, values = zip(*made.named_parameters(), strict=True)
    x = torch.randn(B, T, E, dtype=torch.double, requires_grad=True)
    state = state_of(made.cell)
    mask = torch.rand(B, H, dtype=torch.double)

    def outputs(x, *rest):
        state, weights = rest[: len(made.cell.states)], rest[len(made.cell.states) :]
        return torch.func.functional_call(made, dict(zip(names, weights, strict=True)), (x, state))

    made.masks = lambda rows: Masks(None, mask)
    assert torch.autograd.gradcheck(outputs, [x, *state, *values], fast_mode=True)


@pytest.mark.parametrize("name", sorted(name for name in CELLS if CELLS[name] in FUSED))
def test_the_fused_kernel_equals_the_loop_in_values_and_gradients(name):
    made = layer(name, 1).double()
    compare_with_the_loop(made, lambda x, state: made.fused(FUSED[CELLS[name]], x, state))


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_fused_kernel_has_one_transition_a_step(device):
    found = {name for name in KINDS if fused_kernel(KINDS[name], torch.device(device))}
    assert found == ({"lstm"} if device == "cpu" else {"rnn", "rnn_relu", "gru", "lstm"})
    assert not any(fused_kernel(CELLS[name](depth=2), torch.device(device)) for name in found)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", sorted(name for name in CELLS if CELLS[name] in FUSED))
def test_a_fused_kernel_computes_in_what_autocast_asks_for_and_sees_no_autocast(name, dtype):
    """Autocast would have cuDNN compute in float16 whatever was asked for."""
    made, x, seen = layer(name, 1), torch.randn(B, T, E), []

    def kernel(x, hx, weights, *settings):
        states = hx if isinstance(hx, tuple) else (hx,)
        seen.extend(part.dtype for part in (x, *states, *weights))
        assert not torch.is_autocast_enabled("cpu")
        return x @ weights[0].T, *states

    state = made.initial_state(B)
    with torch.autocast("cpu", dtype):
        outputs = made.fused(kernel, x, state)
    assert set(seen) == {outputs.dtype} == {dtype}
    outputs.sum().backward()
    assert made.weight_ih.grad.dtype == torch.float32
    made.fused(kernel, x, state)
    assert seen[-1] == torch.float32


def test_an_lstm_under_autocast_is_bfloat16_in_its_output_and_in_all_that_it_keeps():
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("this processor has no bfloat16 LSTM")
    made, saved = layer("lstm", 1), []
    hooks = torch.autograd.graph.saved_tensors_hooks(lambda x: saved.append(x.dtype) or x, lambda x: x)
    with torch.autocast("cpu", torch.bfloat16), hooks:
        outputs = made(torch.randn(B, T, E))
    assert outputs.dtype == torch.bfloat16
    assert set(saved) == {torch.bfloat16, torch.uint8}  # the latter oneDNN's own workspace


def test_an_lstm_of_many_units_keeps_fourteen_bytes_a_unit_and_step_where_onednn_keeps_forty():
    cell, units, steps = CELLS["lstm"](), steps_module.MANY_UNITS, 20
    if not steps_module.replaces_torch(cell, torch.device("cpu"), torch.bfloat16, torch.float32, units):
        pytest.skip("there are no kernels in C")
    made, saved = Recurrent(cell, E, units), {}
    hooks = torch.autograd.graph.saved_tensors_hooks(lambda x: saved.setdefault(x.data_ptr(), x), lambda x: x)
    with torch.autocast("cpu", torch.bfloat16), hooks:
        made(torch.randn(B, steps, E))
    of_weights = {part.data_ptr() for part in made.parameters()}
    kept = sum(part.untyped_storage().nbytes() for place, part in saved.items() if place not in of_weights)
    # Of each unit four gates and h in bfloat16, c in float32; h and c also before the first step; and the inputs.
    assert kept <= B * units * (14 * steps + 6) + B * steps * E * 2


@pytest.mark.parametrize("name", sorted(name for name in KINDS if isinstance(KINDS[name], ParallelCell)))
def test_all_steps_at_once_equal_the_loop_in_values_and_gradients(name):
    made = layer(name, 1).double()
    compare_with_the_loop(made, made.at_once)


@pytest.mark.parametrize("name", sorted(name for name in KINDS if isinstance(KINDS[name], ParallelCell)))
def test_under_autocast_all_steps_at_once_have_a_wide_state_whatever_they_are_given(name):
    made, x = layer(name, 1), torch.randn(B, T, E)
    narrow = tuple(part.detach().bfloat16() for part in state_of(made.cell))
    with torch.autocast("cpu", torch.bfloat16):
        outputs, expected = made.at_once(x, narrow), made.at_once(x, tuple(part.float() for part in narrow))
    assert outputs.dtype == torch.bfloat16
    assert outputs.equal(expected)


@pytest.mark.parametrize("numbers", [1, 3 * B * H])
@pytest.mark.parametrize("name", sorted(name for name in KINDS if isinstance(KINDS[name], LinearCell)))
def test_all_steps_at_once_equal_the_loop_where_the_cache_holds_one_or_three(name, numbers, monkeypatch):
    monkeypatch.setattr(scan, "IN_CACHE", numbers)
    made = layer(name, 1).double()
    compare_with_the_loop(made, made.at_once)


@pytest.mark.parametrize("name", sorted(name for name in KINDS if isinstance(KINDS[name], LinearCell)))
def test_a_scan_by_doubling_as_on_a_gpu_equals_the_loop(name, monkeypatch):
    monkeypatch.setattr(scan, "in_turn", lambda x: False)
    made = layer(name, 1).double()
    compare_with_the_loop(made, made.at_once)


def test_chunks_of_steps_equal_the_loop(monkeypatch):
    monkeypatch.setattr(matrix_memory, "CHUNK", 2)
    made = layer("mlstm", 1).double()
    compare_with_the_loop(made, made.at_once)


@pytest.mark.parametrize(("gate", "expected"), [(-200.0, 1), (-40.0, 0.5)])
def test_a_gated_mean_is_a_number_where_both_gates_vanish(gate, expected):
    cell = CELLS["minlstm"]()
    x = torch.cat([torch.full((1, 2 * H), gate), torch.ones(1, H)], -1)
    assert (cell.pointwise(x[:, :0], x, (torch.zeros(1, H),), {})[0] == expected).all()


@pytest.mark.parametrize("gates", [{"i": -200.0}, {"i": 200.0}, {"i": -300.0, "f": -200.0}], ids=str)
@pytest.mark.parametrize("name", ["slstm", "mlstm"])
def test_exponential_gates_of_any_size_overflow_nowhere(name, gates):
    """In float32, in which e^200 is infinite and e^-200 is 0; the equations have double precision."""
    cell = KINDS[name]
    sizes, state = cell.gate_sizes(H), cell.start(*torch.randn(cell.num_initial_vectors, B, H))
    parts = {gate: torch.randn(B, T, n) + gates.get(gate, 0.0) for gate, n in zip(cell.gates, sizes, strict=True)}
    inputs, exact, expected = torch.cat(list(parts.values()), -1), tuple(part.double().numpy() for part in state), []
    for t in range(T):
        a = {gate: part[:, t].double().numpy() for gate, part in parts.items()}
        exact = EQUATIONS[name](a, dict.fromkeys(cell.gates, 0.0), exact, {})
        expected.append(torch.from_numpy(exact[0]).float())
    if isinstance(cell, ParallelCell):
        torch.testing.assert_close(cell.over_time(inputs, state, {}), torch.stack(expected, 1), rtol=1e-4, atol=1e-5)
    for x, h in zip(inputs.unbind(1), expected, strict=True):
        given = (x[:, :0], x) if cell.input_only else (x, x[:, :0])
        state = cell.pointwise(*given, state, {})
        torch.testing.assert_close(state[0], h, rtol=1e-4, atol=1e-5)


def compare_with_the_loop(made, run):
    results, initial = [], state_of(made.cell, requires_grad=False)
    for way in (run, lambda x, state: loop([made], [x], [state], [None])[0]):
        made.zero_grad()
        state = tuple(part.clone().requires_grad_() for part in initial)
        x = torch.arange(B * T * E, dtype=torch.double).view(B, T, E).sin().requires_grad_()
        outputs = way(x, state)
        outputs.square().sum().backward()
        grads = [torch.zeros_like(part) if part.grad is None else part.grad for part in state]
        results.append([outputs, x.grad, *grads, *(parameter.grad.clone() for parameter in made.parameters())])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


@kinds
def test_the_gradient_of_a_cell_is_the_slope_of_its_value(name):
    cell = KINDS[name]
    inputs, state = inputs_of(cell, requires_grad=True), state_of(cell)
    own = cell.own_parameters(H)
    extra = [torch.randn_like(part, dtype=torch.double, requires_grad=True) for part in own.values()]

    def step(gates, x, *rest):
        parameters = dict(zip(own, rest[len(state) :], strict=True))
        return cell.pointwise(gates, x, rest[: len(state)], parameters)

    assert torch.autograd.gradcheck(step, [*inputs, *state, *extra])


def test_transitions_are_counted_from_one():
    for cell in CELLS.values():
        with pytest.raises(ValueError, match="depth is 0; it must be from 1 to 32"):
            cell(depth=0)


def test_a_forget_bias_out_of_range_is_refused():
    with pytest.raises(ValueError, match="forget_bias is 99; it must be from -10 to 10"):
        CELLS["lstm"](forget_bias=99)


def test_a_memory_has_at_least_one_head():
    with pytest.raises(ValueError, match="heads is 0; it must be from 1 to 1024"):
        CELLS["mlstm"](heads=0)


@kinds
def test_a_step_at_a_time_equals_all_steps_at_once(name):
    made, x = layer(name, 1).double(), torch.randn(B, T, E, dtype=torch.double)
    state, outputs = made.initial_state(B), []
    for t in range(T):
        state = made.step(x[:, t], state)
        outputs.append(state[0])
    torch.testing.assert_close(torch.stack(outputs, 1), made(x))


@kinds
def test_two_layers_side_by_side_equal_one_after_the_other(name):
    layers = [layer(name, seed).double() for seed in (1, 2)]
    states = [state_of(KINDS[name], requires_grad=False) for _ in layers]
    masks = list(torch.rand(2, B, H, dtype=torch.double))
    results = []
    for together in (True, False):
        inputs = list(torch.randn(2, B, T, E, dtype=torch.double, generator=torch.Generator().manual_seed(3)))
        for x in inputs:
            x.requires_grad_()
        if together:
            outputs = loop(layers, inputs, states, masks)
        else:
            outputs = [
                loop(*([part] for part in parts))[0] for parts in zip(layers, inputs, states, masks, strict=True)
            ]
        parameters = [parameter for made in layers for parameter in made.parameters()]
        loss = sum(out.square().sum() for out in outputs)
        results.append([*outputs, *torch.autograd.grad(loss, [*inputs, *parameters])])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


def test_recurrent_dropout_is_one_mask_for_the_whole_sequence():
    made = Recurrent(CELLS["lstm"](), E, H, recurrent_dropout=Dropout(0.5))  # without dropout by torch's kernel
    masks = made.masks(B)
    assert set(masks.hidden.unique().tolist()) <= {0.0, 2.0}
    assert masks.inputs is None
    assert made.eval().masks(B) == (None, None)

    made.train()
    torch.nn.init.ones_(made.weight_hh)
    x = torch.randn(B, T, E)
    torch.manual_seed(7)
    dropped = made(x)
    torch.manual_seed(7)
    assert torch.equal(dropped, loop([made], [x], [made.initial_state(B)], [made.masks(B).hidden])[0])
    assert not torch.allclose(dropped, made.eval()(x))


@pytest.mark.parametrize("name", ["gru", "gru, depth 3", "gru_reset_before", "lstm_ln", "lstm_peephole"])
def test_a_loop_under_autocast_is_narrow_and_the_same_but_for_rounding_also_with_dropout(name):
    made, mask = layer(name, 1), 2.0 * (torch.rand(B, H) < 0.5)
    x, results = torch.randn(B, T, E, requires_grad=True), []
    state = tuple(part.detach().bfloat16() for part in state_of(made.cell))
    for dtype in (torch.float32, torch.bfloat16):
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            (outputs,) = loop([made], [x], [tuple(part.to(dtype) for part in state)], [mask])
        assert outputs.dtype == dtype
        results.append(
            (outputs.float(), *torch.autograd.grad(outputs.float().square().sum(), [x, *made.parameters()]))
        )
    for exact, rough in zip(*results, strict=True):
        assert rough.dtype == torch.float32
        torch.testing.assert_close(rough, exact, rtol=0.05, atol=0.05 * exact.abs().max().item())


@kinds
def test_no_two_gradients_share_memory(name):
    """Else clipping, which is done in place, would scale both of them twice."""
    made = layer(name, 1)
    loop([made], [torch.randn(B, T, E)], [made.initial_state(B)], [None])[0].sum().backward()
    places = [parameter.grad.untyped_storage().data_ptr() for parameter in made.parameters()]
    assert len(set(places)) == len(places)


def assert_diagonal(jacobian):
    """(B,H,B,H): a unit of the new state sees its own h at most."""
    for row in range(B):
        own = jacobian[row, :, row]
        torch.testing.assert_close(own, torch.diag(own.diagonal()), rtol=0, atol=0)


@kinds
def test_where_h_is_dropped_no_matrix_product_sees_it(name):
    """Neither R h nor one of the cell's own, in a step as in training; what is unit by unit stays."""
    made, x = layer(name, 1).double(), torch.randn(B, T, E, dtype=torch.double)
    h, *rest = state_of(made.cell, requires_grad=False)
    nothing = torch.zeros(B, H, dtype=torch.double)

    def stepped(h):
        return tuple(part for part in made.step(x[:, 0], (h, *rest), Masks(None, nothing)) if part.ndim == 2)

    for jacobian in torch.autograd.functional.jacobian(stepped, h):
        assert jacobian.shape[-1] == H
        if jacobian.shape[1] == H:
            assert_diagonal(jacobian)
        else:  # one number a head
            assert not jacobian.any()
    trained = torch.autograd.functional.jacobian(lambda h: loop([made], [x], [(h, *rest)], [nothing])[0][:, -1], h)
    assert_diagonal(trained)


@kinds
def test_a_step_drops_of_h_what_training_drops(name):
    made, x = layer(name, 1).double(), torch.randn(B, T, E, dtype=torch.double)
    mask = torch.rand(B, H, dtype=torch.double)
    state, outputs = made.initial_state(B), []
    for t in range(T):
        state = made.step(x[:, t], state, Masks(None, mask))
        outputs.append(state[0])
    (expected,) = loop([made], [x], [made.initial_state(B)], [mask])
    torch.testing.assert_close(torch.stack(outputs, 1), expected)


def test_a_reset_before_the_product_is_dropped_with_h():
    made, x = layer("gru_reset_before", 1).double(), torch.randn(B, E, dtype=torch.double)
    h, mask = torch.randn(B, H, dtype=torch.double), 2.0 * torch.tensor([[1, 0, 1, 1, 0, 1], [0, 1, 0, 1, 1, 0]])
    w_r, w_z, w_n = (x @ made.weight_ih.T + made.bias_ih).chunk(3, -1)
    r_r, r_z = ((h * mask) @ made.weight_hh.T + made.bias_hh).chunk(2, -1)
    r, z = torch.sigmoid(w_r + r_r), torch.sigmoid(w_z + r_z)
    n = torch.tanh(w_n + (r * h * mask) @ made.extra["reset"].T)
    torch.testing.assert_close(made.step(x, (h,), Masks(None, mask))[0], (1 - z) * n + z * h)


@pytest.mark.parametrize("decoder", sorted(DECODERS))
@pytest.mark.parametrize("cell", ["gru_reset_before", "lstm_ln", "lstm_odyssey"])
def test_in_every_decoder_a_dropped_h_enters_no_matrix_product(cell, decoder):
    model = toy.model(cell, decoder, "none", num_layers=2)  # an attention asks by what a layer puts out
    memory = model.encode(*toy.sources([4]))
    state = model.decoder.initial_state(memory)
    size = model.config.hidden_size
    masks = DecoderMasks((Masks(None, torch.zeros(1, size, dtype=torch.double)),) * 2)
    token = torch.randn(1, model.config.embedding_size, dtype=torch.double)
    for depth in range(2):

        def stepped(h, depth=depth):
            layers = list(state.layers)
            layers[depth] = (h, *layers[depth][1:])
            before = replace(state, layers=tuple(layers))
            _, after, _ = model.decoder.wiring.step(model.decoder, token, before, memory, masks)
            return after.layers[depth][0]

        jacobian = torch.autograd.functional.jacobian(stepped, state.layers[depth][0].detach())[0, :, 0]
        torch.testing.assert_close(jacobian, torch.diag(jacobian.diagonal()), rtol=0, atol=0)


def test_every_cell_of_the_project_has_an_oracle():
    assert {*ONNX_OPERATORS, *EQUATIONS} >= {*CELLS, *(name for name in KINDS if "," not in name)}
    assert toy.VOCAB > toy.FIRST_ID


def test_the_fast_tanh_is_a_tanh(monkeypatch):
    monkeypatch.setattr("nmt.cells.base.has_amx", lambda: False)  # Intel's processors with it have a faster one
    x = torch.cat([torch.linspace(-100, 100, 4001), 1e-3 * torch.randn(99)])
    torch.testing.assert_close(tanh(x), torch.tanh(x), rtol=0, atol=3e-7)
    assert not torch.equal(tanh(x), torch.tanh(x))  # it is the fast one, which few numbers are too few for
    x = torch.randn(len(x), dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(tanh, x, fast_mode=True)


def test_what_goes_by_h_is_refused_where_no_gate_sees_it():
    with pytest.raises(ValueError, match="depth is 2; it must be 1 for a cell of which no gate sees h"):
        CELLS["ssru"](depth=2)
    with pytest.raises(ValueError, match="recurrent_dropout is 0.1, but no gate of this cell sees h; choose 0"):
        toy.model_config("ssru", recurrent_dropout=0.1)


def test_without_a_gate_there_is_nothing_to_peep_from():
    none = CELLS["lstm_odyssey"](input_gate=False, forget_gate=False, output_gate=False, gate_recurrence=True)
    assert (none.gates, none.states, none.own_parameters(H)) == (("g",), ("h", "c"), {})


def test_contradicting_switches_are_refused():
    with pytest.raises(ValueError, match="coupled joins the input and the forget gate; it needs both"):
        CELLS["lstm_odyssey"](coupled=True, forget_gate=False)
