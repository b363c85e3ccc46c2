from __future__ import annotations

import pytest
import torch
import toy

from nmt.cells import CELLS
from nmt.model.encoder import Encoder, EncoderConfig, reversal_index, reverse_sequences

B, S, E, H = 3, 5, 4, 8
LENGTHS = torch.tensor([5, 2, 4])


PRECISIONS = {  # torch computes the first, kernels the others -> tolerance
    torch.float64: 1e-7,
    torch.float32: 1e-4,
    torch.bfloat16: 0.05,
}
precisions = pytest.mark.parametrize("precision", PRECISIONS, ids=str)


def encoder(cell="lstm", **settings):
    return Encoder(EncoderConfig(**settings), toy.CELL_KINDS[cell], E, H).double()


def skip_where_unknown(name, precision):
    if name == "lstm" and precision == torch.bfloat16 and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("the fused LSTM has no bfloat16 on this processor")


def autocast(precision):
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16)


def test_rows_are_reversed_within_their_length_and_back():
    x = torch.arange(B * S, dtype=torch.double).view(B, S, 1)
    mirror = reversal_index(LENGTHS, S)
    other = reverse_sequences(x, mirror)
    assert other[1, :, 0].tolist() == [6, 5, 7, 8, 9]
    assert torch.equal(reverse_sequences(other, mirror), x)


@pytest.mark.parametrize(
    ("direction", "precision"),
    [
        *((direction, torch.float64) for direction in ("bidirectional", "unidirectional", "alternating")),
        *(("bidirectional", precision) for precision in (torch.float32, torch.bfloat16)),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", sorted(toy.CELL_KINDS))
def test_padding_changes_nothing(name, direction, precision):
    skip_where_unknown(name, precision)
    made = encoder(name, num_layers=2, direction=direction, transparent=True)
    made, x = made.to(wide(precision)), torch.randn(B, S, E, dtype=wide(precision))
    near = {"rtol": PRECISIONS[precision], "atol": PRECISIONS[precision]}
    noisy = x.masked_fill((torch.arange(S) >= LENGTHS[:, None])[:, :, None], 1e3)
    with autocast(precision):
        values, final = made(x, LENGTHS)
        noisy_values, noisy_final = made(noisy, LENGTHS)
        torch.testing.assert_close(final, noisy_final, **near)
        for row, length in enumerate(LENGTHS.tolist()):
            alone, alone_final = made(x[row : row + 1, :length], LENGTHS[row : row + 1])
            torch.testing.assert_close(alone[0], values[row, :length], **near)
            torch.testing.assert_close(alone_final[0], final[row], **near)
            torch.testing.assert_close(noisy_values[row, :length], values[row, :length], **near)


def wide(precision):
    """Of weights and states."""
    return torch.float64 if precision == torch.float64 else torch.float32


@precisions
@pytest.mark.parametrize("name", sorted(toy.CELL_KINDS))
def test_padding_changes_no_gradient(name, precision):
    skip_where_unknown(name, precision)
    made = encoder(name).to(wide(precision))
    x = torch.randn(B, S, E, dtype=wide(precision))
    noisy = x.masked_fill((torch.arange(S) >= LENGTHS[:, None])[:, :, None], 50)
    found = []
    for given in (x, noisy):
        given.requires_grad_()
        made.zero_grad()
        with autocast(precision):
            values, final = made(given, LENGTHS)
        real = (torch.arange(S) < LENGTHS[:, None])[:, :, None]
        ((values * real).square().sum() + final.sum()).backward()
        found.append([given.grad, *(parameter.grad for parameter in made.parameters())])
    for one, other in zip(*found, strict=True):
        close = {"rtol": PRECISIONS[precision], "atol": PRECISIONS[precision] * one.abs().max().item()}
        torch.testing.assert_close(one, other, **close)


def test_the_final_output_is_the_last_forwards_and_the_first_backwards():
    made, x = encoder(), torch.randn(B, S, E, dtype=torch.double)
    values, final = made(x, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        torch.testing.assert_close(final[row, : H // 2], values[row, length - 1, : H // 2])
        torch.testing.assert_close(final[row, H // 2 :], values[row, 0, H // 2 :])


def test_layers_above_the_first_add_to_what_is_below():
    with_, without = encoder(num_layers=2), encoder(num_layers=2, residual=False)
    without.load_state_dict(with_.state_dict())
    x = torch.randn(B, S, E, dtype=torch.double)
    first = encoder(num_layers=1)
    first.load_state_dict({k: v for k, v in with_.state_dict().items() if k.startswith("layers.0.")})
    torch.testing.assert_close(with_(x, LENGTHS)[0], without(x, LENGTHS)[0] + first(x, LENGTHS)[0])


@pytest.mark.parametrize("direction", ["unidirectional", "alternating"])
def test_every_second_layer_of_an_alternating_encoder_alone_reads_backward(direction):
    made, x = encoder(num_layers=2, direction=direction, residual=False), torch.randn(1, S, E, dtype=torch.double)
    length = torch.tensor([S])
    changed = x.clone()
    changed[:, -1] += 1
    below = encoder(direction=direction)
    below.load_state_dict({k: v for k, v in made.state_dict().items() if k.startswith("layers.0.")})
    assert torch.equal(below(x, length)[0][:, :-1], below(changed, length)[0][:, :-1])
    sees_the_end = (made(x, length)[0] != made(changed, length)[0]).all(-1)[0].tolist()
    assert sees_the_end == [direction == "alternating"] * (S - 1) + [True]


def test_a_transparent_encoder_gives_a_mean_of_its_layers_and_begins_with_equal_weights():
    plain, mixed = encoder(num_layers=2), encoder(num_layers=2, transparent=True)
    assert mixed.mix.tolist() == [0, 0]
    mixed.load_state_dict(plain.state_dict() | {"mix": torch.tensor([0.25, 0.75]).log() + 1})
    first = encoder(num_layers=1)
    first.load_state_dict({k: v for k, v in plain.state_dict().items() if k.startswith("layers.0.")})
    x = torch.randn(B, S, E, dtype=torch.double)
    (top, final), (mean, final_of_mixed) = plain(x, LENGTHS), mixed(x, LENGTHS)
    torch.testing.assert_close(mean, 0.75 * top + 0.25 * first(x, LENGTHS)[0])
    assert torch.equal(final, final_of_mixed)


def test_an_odd_size_cannot_be_halved():
    with pytest.raises(ValueError, match="hidden_size is 7; .* must be even"):
        Encoder(EncoderConfig(), CELLS["gru"](), E, 7)
