// A step of each cell, as scripts/write_kernels.py writes it: change the cells instead.

#ifndef SECOND_TIME
const char nmt_cells[] = "a7979d62b1d005a3";
#endif

INLINE void NAME(GRU_forward_row)(int64_t units, float *kept, const narrow *gates_at, const narrow *x_at, const float *h_at, narrow *hidden_at, float *new_h_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(x_at + 0 * units + i);
        const vector x4 = load_float(h_at + 0 * units + i);
        const vector x5 = sigmoid(x0);
        const vector x6 = sigmoid(x1);
        const vector x7 = x5 * x2;
        const vector x8 = x3 + x7;
        const vector x9 = hyperbolic_tangent(x8);
        const vector x10 = x4 - x9;
        const vector x11 = x6 * x10;
        const vector x12 = x9 + x11;
        NAME(store)(hidden_at + 0 * units + i, x12);
        store_float(new_h_at + 0 * units + i, x12);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x4 = load_part_float(h_at + 0 * units + i, left);
        const vector x5 = sigmoid(x0);
        const vector x6 = sigmoid(x1);
        const vector x7 = x5 * x2;
        const vector x8 = x3 + x7;
        const vector x9 = hyperbolic_tangent(x8);
        const vector x10 = x4 - x9;
        const vector x11 = x6 * x10;
        const vector x12 = x9 + x11;
        NAME(store_part)(hidden_at + 0 * units + i, x12, left);
        store_part_float(new_h_at + 0 * units + i, x12, left);
    }
}
enum { NAME(GRU_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_GRU[] = "";
void nmt_step_GRU_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(GRU_forward_kept) * room_of(units));
    NAME(GRU_forward_row)(units, kept, gates, x, state + 0 * far, after, after + 0 * far_after);
}
#endif

INLINE void NAME(LayerNormGRU_forward_row)(int64_t units, float *kept, const narrow *gates_at, const narrow *x_at, const float *h_at, const float *gain_at, const float *bias_at, narrow *hidden_at, float *new_h_at) {
    (void)kept;
    struct sums sum13 = {0};
    struct sums sum14 = {0};
    struct sums sum15 = {0};
    struct sums sum16 = {0};
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(x_at + 0 * units + i);
        sum13.part[i / LANES % PARTS] += x0;
        sum14.part[i / LANES % PARTS] += x1;
        sum15.part[i / LANES % PARTS] += x2;
        sum16.part[i / LANES % PARTS] += x3;
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(x_at + 0 * units + i, left);
        sum13.part[i / LANES % PARTS] += keep(x0, left);
        sum14.part[i / LANES % PARTS] += keep(x1, left);
        sum15.part[i / LANES % PARTS] += keep(x2, left);
        sum16.part[i / LANES % PARTS] += keep(x3, left);
    }
    const float x13 = total_of(sum13);
    const float x14 = total_of(sum14);
    const float x15 = total_of(sum15);
    const float x16 = total_of(sum16);
    const float x17 = units;
    const float x18 = x13 / x17;
    const float x19 = x14 / x17;
    const float x20 = x15 / x17;
    const float x21 = x16 / x17;
    struct sums sum30 = {0};
    struct sums sum31 = {0};
    struct sums sum32 = {0};
    struct sums sum33 = {0};
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(x_at + 0 * units + i);
        const vector x22 = x0 - x18;
        const vector x23 = x1 - x19;
        const vector x24 = x2 - x20;
        const vector x25 = x3 - x21;
        const vector x26 = x22 * x22;
        const vector x27 = x23 * x23;
        const vector x28 = x24 * x24;
        const vector x29 = x25 * x25;
        sum30.part[i / LANES % PARTS] += x26;
        sum31.part[i / LANES % PARTS] += x27;
        sum32.part[i / LANES % PARTS] += x28;
        sum33.part[i / LANES % PARTS] += x29;
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x22 = x0 - x18;
        const vector x23 = x1 - x19;
        const vector x24 = x2 - x20;
        const vector x25 = x3 - x21;
        const vector x26 = x22 * x22;
        const vector x27 = x23 * x23;
        const vector x28 = x24 * x24;
        const vector x29 = x25 * x25;
        sum30.part[i / LANES % PARTS] += keep(x26, left);
        sum31.part[i / LANES % PARTS] += keep(x27, left);
        sum32.part[i / LANES % PARTS] += keep(x28, left);
        sum33.part[i / LANES % PARTS] += keep(x29, left);
    }
    const float x30 = total_of(sum30);
    const float x31 = total_of(sum31);
    const float x32 = total_of(sum32);
    const float x33 = total_of(sum33);
    const float x34 = x30 / x17;
    const float x35 = x31 / x17;
    const float x36 = x32 / x17;
    const float x37 = x33 / x17;
    const float x39 = x34 + 1e-05f;
    const float x40 = x35 + 1e-05f;
    const float x41 = x36 + 1e-05f;
    const float x42 = x37 + 1e-05f;
    const float x43 = (inverse_root(all(x39)))[0];
    const float x44 = (inverse_root(all(x40)))[0];
    const float x45 = (inverse_root(all(x41)))[0];
    const float x46 = (inverse_root(all(x42)))[0];
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(x_at + 0 * units + i);
        const vector x4 = load_float(h_at + 0 * units + i);
        const vector x5 = load_float(gain_at + 0 * units + i);
        const vector x6 = load_float(gain_at + 1 * units + i);
        const vector x7 = load_float(gain_at + 2 * units + i);
        const vector x8 = load_float(gain_at + 3 * units + i);
        const vector x9 = load_float(bias_at + 0 * units + i);
        const vector x10 = load_float(bias_at + 1 * units + i);
        const vector x11 = load_float(bias_at + 2 * units + i);
        const vector x12 = load_float(bias_at + 3 * units + i);
        const vector x22 = x0 - x18;
        const vector x23 = x1 - x19;
        const vector x24 = x2 - x20;
        const vector x25 = x3 - x21;
        const vector x47 = x22 * x43;
        const vector x48 = x23 * x44;
        const vector x49 = x24 * x45;
        const vector x50 = x25 * x46;
        const vector x51 = x47 * x5;
        const vector x52 = x48 * x6;
        const vector x53 = x49 * x7;
        const vector x54 = x50 * x8;
        const vector x55 = x9 + x51;
        const vector x56 = x10 + x52;
        const vector x57 = x11 + x53;
        const vector x58 = x12 + x54;
        const vector x59 = sigmoid(x55);
        const vector x60 = sigmoid(x56);
        const vector x61 = x59 * x57;
        const vector x62 = x58 + x61;
        const vector x63 = hyperbolic_tangent(x62);
        const vector x64 = x4 - x63;
        const vector x65 = x60 * x64;
        const vector x66 = x63 + x65;
        NAME(store)(hidden_at + 0 * units + i, x66);
        store_float(new_h_at + 0 * units + i, x66);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x4 = load_part_float(h_at + 0 * units + i, left);
        const vector x5 = load_part_float(gain_at + 0 * units + i, left);
        const vector x6 = load_part_float(gain_at + 1 * units + i, left);
        const vector x7 = load_part_float(gain_at + 2 * units + i, left);
        const vector x8 = load_part_float(gain_at + 3 * units + i, left);
        const vector x9 = load_part_float(bias_at + 0 * units + i, left);
        const vector x10 = load_part_float(bias_at + 1 * units + i, left);
        const vector x11 = load_part_float(bias_at + 2 * units + i, left);
        const vector x12 = load_part_float(bias_at + 3 * units + i, left);
        const vector x22 = x0 - x18;
        const vector x23 = x1 - x19;
        const vector x24 = x2 - x20;
        const vector x25 = x3 - x21;
        const vector x47 = x22 * x43;
        const vector x48 = x23 * x44;
        const vector x49 = x24 * x45;
        const vector x50 = x25 * x46;
        const vector x51 = x47 * x5;
        const vector x52 = x48 * x6;
        const vector x53 = x49 * x7;
        const vector x54 = x50 * x8;
        const vector x55 = x9 + x51;
        const vector x56 = x10 + x52;
        const vector x57 = x11 + x53;
        const vector x58 = x12 + x54;
        const vector x59 = sigmoid(x55);
        const vector x60 = sigmoid(x56);
        const vector x61 = x59 * x57;
        const vector x62 = x58 + x61;
        const vector x63 = hyperbolic_tangent(x62);
        const vector x64 = x4 - x63;
        const vector x65 = x60 * x64;
        const vector x66 = x63 + x65;
        NAME(store_part)(hidden_at + 0 * units + i, x66, left);
        store_part_float(new_h_at + 0 * units + i, x66, left);
    }
}
enum { NAME(LayerNormGRU_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_LayerNormGRU[] = "";
void nmt_step_LayerNormGRU_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(LayerNormGRU_forward_kept) * room_of(units));
    NAME(LayerNormGRU_forward_row)(units, kept, gates, x, state + 0 * far, own + 0 * units, own + 4 * units, after, after + 0 * far_after);
}
#endif

INLINE void NAME(ResetBeforeGRU_phase_0_row)(int64_t units, float *kept, const narrow *gates_at, const float *h_at, float *multiplied_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x3 = load_float(h_at + 0 * units + i);
        const vector x4 = sigmoid(x0);
        const vector x6 = x4 * x3;
        store_float(multiplied_at + 0 * units + i, x6);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x3 = load_part_float(h_at + 0 * units + i, left);
        const vector x4 = sigmoid(x0);
        const vector x6 = x4 * x3;
        store_part_float(multiplied_at + 0 * units + i, x6, left);
    }
}
enum { NAME(ResetBeforeGRU_phase_0_kept) = 0 };

INLINE void NAME(ResetBeforeGRU_phase_1_row)(int64_t units, float *kept, const narrow *gates_at, const narrow *x_at, const float *h_at, const float *product_0_at, narrow *hidden_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(x_at + 0 * units + i);
        const vector x3 = load_float(h_at + 0 * units + i);
        const vector x4 = load_float(product_0_at + 0 * units + i);
        const vector x6 = sigmoid(x1);
        const vector x8 = x2 + x4;
        const vector x9 = hyperbolic_tangent(x8);
        const vector x10 = x3 - x9;
        const vector x11 = x6 * x10;
        const vector x12 = x9 + x11;
        NAME(store)(hidden_at + 0 * units + i, x12);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x3 = load_part_float(h_at + 0 * units + i, left);
        const vector x4 = load_part_float(product_0_at + 0 * units + i, left);
        const vector x6 = sigmoid(x1);
        const vector x8 = x2 + x4;
        const vector x9 = hyperbolic_tangent(x8);
        const vector x10 = x3 - x9;
        const vector x11 = x6 * x10;
        const vector x12 = x9 + x11;
        NAME(store_part)(hidden_at + 0 * units + i, x12, left);
    }
}
enum { NAME(ResetBeforeGRU_phase_1_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_ResetBeforeGRU[] = "reset";
void nmt_step_ResetBeforeGRU_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(ResetBeforeGRU_phase_0_kept) * room_of(units));
    NAME(ResetBeforeGRU_phase_0_row)(units, kept, gates, state + 0 * far, after);
}
void nmt_step_ResetBeforeGRU_1(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(ResetBeforeGRU_phase_1_kept) * room_of(units));
    NAME(ResetBeforeGRU_phase_1_row)(units, kept, gates, x, state + 0 * far, products[0], after);
}
#endif

INLINE void NAME(IndRNN_forward_row)(int64_t units, float *kept, const narrow *x_at, const float *h_at, const float *recurrent_at, narrow *hidden_at, float *new_h_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(x_at + 0 * units + i);
        const vector x1 = load_float(h_at + 0 * units + i);
        const vector x2 = load_float(recurrent_at + 0 * units + i);
        const vector x3 = x2 * x1;
        const vector x4 = x0 + x3;
        const vector x6 = maximum(x4, all(0.0f));
        NAME(store)(hidden_at + 0 * units + i, x6);
        store_float(new_h_at + 0 * units + i, x6);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x1 = load_part_float(h_at + 0 * units + i, left);
        const vector x2 = load_part_float(recurrent_at + 0 * units + i, left);
        const vector x3 = x2 * x1;
        const vector x4 = x0 + x3;
        const vector x6 = maximum(x4, all(0.0f));
        NAME(store_part)(hidden_at + 0 * units + i, x6, left);
        store_part_float(new_h_at + 0 * units + i, x6, left);
    }
}
enum { NAME(IndRNN_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_IndRNN[] = "";
void nmt_step_IndRNN_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(IndRNN_forward_kept) * room_of(units));
    NAME(IndRNN_forward_row)(units, kept, x, state + 0 * far, own + 0 * units, after, after + 0 * far_after);
}
#endif

INLINE void NAME(LSTM_forward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, narrow *hidden_at, float *new_c_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        const vector x5 = load_float(c_at + 0 * units + i);
        const vector x6 = sigmoid(x1);
        const vector x7 = x6 * x5;
        const vector x8 = sigmoid(x0);
        const vector x9 = hyperbolic_tangent(x2);
        const vector x10 = x8 * x9;
        const vector x11 = x7 + x10;
        const vector x12 = sigmoid(x3);
        const vector x13 = hyperbolic_tangent(x11);
        const vector x14 = x12 * x13;
        NAME(store)(hidden_at + 0 * units + i, x14);
        store_float(new_c_at + 0 * units + i, x11);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(gates_at + 3 * units + i, left);
        const vector x5 = load_part_float(c_at + 0 * units + i, left);
        const vector x6 = sigmoid(x1);
        const vector x7 = x6 * x5;
        const vector x8 = sigmoid(x0);
        const vector x9 = hyperbolic_tangent(x2);
        const vector x10 = x8 * x9;
        const vector x11 = x7 + x10;
        const vector x12 = sigmoid(x3);
        const vector x13 = hyperbolic_tangent(x11);
        const vector x14 = x12 * x13;
        NAME(store_part)(hidden_at + 0 * units + i, x14, left);
        store_part_float(new_c_at + 0 * units + i, x11, left);
    }
}
enum { NAME(LSTM_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_LSTM[] = "";
void nmt_step_LSTM_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(LSTM_forward_kept) * room_of(units));
    NAME(LSTM_forward_row)(units, kept, gates, state + 1 * far, after, after + 1 * far_after);
}
#endif

INLINE void NAME(OdysseyLSTM_forget_gate_False_peepholes_False_forward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, narrow *hidden_at, float *new_c_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x4 = load_float(c_at + 0 * units + i);
        const vector x5 = sigmoid(x0);
        const vector x6 = hyperbolic_tangent(x1);
        const vector x7 = x5 * x6;
        const vector x8 = x4 + x7;
        const vector x9 = hyperbolic_tangent(x8);
        const vector x10 = sigmoid(x2);
        const vector x11 = x10 * x9;
        NAME(store)(hidden_at + 0 * units + i, x11);
        store_float(new_c_at + 0 * units + i, x8);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x4 = load_part_float(c_at + 0 * units + i, left);
        const vector x5 = sigmoid(x0);
        const vector x6 = hyperbolic_tangent(x1);
        const vector x7 = x5 * x6;
        const vector x8 = x4 + x7;
        const vector x9 = hyperbolic_tangent(x8);
        const vector x10 = sigmoid(x2);
        const vector x11 = x10 * x9;
        NAME(store_part)(hidden_at + 0 * units + i, x11, left);
        store_part_float(new_c_at + 0 * units + i, x8, left);
    }
}
enum { NAME(OdysseyLSTM_forget_gate_False_peepholes_False_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_OdysseyLSTM_forget_gate_False_peepholes_False[] = "";
void nmt_step_OdysseyLSTM_forget_gate_False_peepholes_False_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(OdysseyLSTM_forget_gate_False_peepholes_False_forward_kept) * room_of(units));
    NAME(OdysseyLSTM_forget_gate_False_peepholes_False_forward_row)(units, kept, gates, state + 1 * far, after, after + 1 * far_after);
}
#endif

INLINE void NAME(OdysseyLSTM_coupled_True_forward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *peephole_at, narrow *hidden_at, float *new_c_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x4 = load_float(c_at + 0 * units + i);
        const vector x5 = load_float(peephole_at + 0 * units + i);
        const vector x6 = load_float(peephole_at + 1 * units + i);
        const vector x7 = x5 * x4;
        const vector x8 = x0 + x7;
        const vector x9 = sigmoid(x8);
        const vector x10 = hyperbolic_tangent(x1);
        const vector x11 = x9 * x10;
        const vector x13 = 1.0f - x9;
        const vector x14 = x13 * x4;
        const vector x15 = x14 + x11;
        const vector x16 = hyperbolic_tangent(x15);
        const vector x17 = x6 * x15;
        const vector x18 = x2 + x17;
        const vector x19 = sigmoid(x18);
        const vector x20 = x19 * x16;
        NAME(store)(hidden_at + 0 * units + i, x20);
        store_float(new_c_at + 0 * units + i, x15);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x4 = load_part_float(c_at + 0 * units + i, left);
        const vector x5 = load_part_float(peephole_at + 0 * units + i, left);
        const vector x6 = load_part_float(peephole_at + 1 * units + i, left);
        const vector x7 = x5 * x4;
        const vector x8 = x0 + x7;
        const vector x9 = sigmoid(x8);
        const vector x10 = hyperbolic_tangent(x1);
        const vector x11 = x9 * x10;
        const vector x13 = 1.0f - x9;
        const vector x14 = x13 * x4;
        const vector x15 = x14 + x11;
        const vector x16 = hyperbolic_tangent(x15);
        const vector x17 = x6 * x15;
        const vector x18 = x2 + x17;
        const vector x19 = sigmoid(x18);
        const vector x20 = x19 * x16;
        NAME(store_part)(hidden_at + 0 * units + i, x20, left);
        store_part_float(new_c_at + 0 * units + i, x15, left);
    }
}
enum { NAME(OdysseyLSTM_coupled_True_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_OdysseyLSTM_coupled_True[] = "";
void nmt_step_OdysseyLSTM_coupled_True_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(OdysseyLSTM_coupled_True_forward_kept) * room_of(units));
    NAME(OdysseyLSTM_coupled_True_forward_row)(units, kept, gates, state + 1 * far, own + 0 * units, after, after + 1 * far_after);
}
#endif

INLINE void NAME(OdysseyLSTM_gate_recurrence_True_phase_0_row)(int64_t units, float *kept, const float *i_at, float *multiplied_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x6 = load_float(i_at + 0 * units + i);
        store_float(multiplied_at + 0 * units + i, x6);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x6 = load_part_float(i_at + 0 * units + i, left);
        store_part_float(multiplied_at + 0 * units + i, x6, left);
    }
}
enum { NAME(OdysseyLSTM_gate_recurrence_True_phase_0_kept) = 0 };

INLINE void NAME(OdysseyLSTM_gate_recurrence_True_phase_1_row)(int64_t units, float *kept, const float *f_at, float *multiplied_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x7 = load_float(f_at + 0 * units + i);
        store_float(multiplied_at + 0 * units + i, x7);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x7 = load_part_float(f_at + 0 * units + i, left);
        store_part_float(multiplied_at + 0 * units + i, x7, left);
    }
}
enum { NAME(OdysseyLSTM_gate_recurrence_True_phase_1_kept) = 0 };

INLINE void NAME(OdysseyLSTM_gate_recurrence_True_phase_2_row)(int64_t units, float *kept, const float *o_at, float *multiplied_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x8 = load_float(o_at + 0 * units + i);
        store_float(multiplied_at + 0 * units + i, x8);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x8 = load_part_float(o_at + 0 * units + i, left);
        store_part_float(multiplied_at + 0 * units + i, x8, left);
    }
}
enum { NAME(OdysseyLSTM_gate_recurrence_True_phase_2_kept) = 0 };

INLINE void NAME(OdysseyLSTM_gate_recurrence_True_phase_3_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *peephole_at, const float *product_0_at, const float *product_1_at, const float *product_2_at, narrow *hidden_at, float *new_c_at, float *new_i_at, float *new_f_at, float *new_o_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        const vector x5 = load_float(c_at + 0 * units + i);
        const vector x9 = load_float(peephole_at + 0 * units + i);
        const vector x10 = load_float(peephole_at + 1 * units + i);
        const vector x11 = load_float(peephole_at + 2 * units + i);
        const vector x12 = load_float(product_0_at + 0 * units + i);
        const vector x13 = load_float(product_0_at + 1 * units + i);
        const vector x14 = load_float(product_0_at + 2 * units + i);
        const vector x15 = load_float(product_1_at + 0 * units + i);
        const vector x16 = load_float(product_1_at + 1 * units + i);
        const vector x17 = load_float(product_1_at + 2 * units + i);
        const vector x18 = load_float(product_2_at + 0 * units + i);
        const vector x19 = load_float(product_2_at + 1 * units + i);
        const vector x20 = load_float(product_2_at + 2 * units + i);
        const vector x21 = x0 + x12;
        const vector x22 = x1 + x13;
        const vector x23 = x3 + x14;
        const vector x24 = x21 + x15;
        const vector x25 = x22 + x16;
        const vector x26 = x23 + x17;
        const vector x27 = x24 + x18;
        const vector x28 = x25 + x19;
        const vector x29 = x26 + x20;
        const vector x30 = x9 * x5;
        const vector x31 = x27 + x30;
        const vector x32 = sigmoid(x31);
        const vector x33 = x10 * x5;
        const vector x34 = x28 + x33;
        const vector x35 = sigmoid(x34);
        const vector x36 = hyperbolic_tangent(x2);
        const vector x37 = x32 * x36;
        const vector x38 = x35 * x5;
        const vector x39 = x38 + x37;
        const vector x40 = hyperbolic_tangent(x39);
        const vector x41 = x11 * x39;
        const vector x42 = x29 + x41;
        const vector x43 = sigmoid(x42);
        const vector x44 = x43 * x40;
        NAME(store)(hidden_at + 0 * units + i, x44);
        store_float(new_c_at + 0 * units + i, x39);
        store_float(new_i_at + 0 * units + i, x32);
        store_float(new_f_at + 0 * units + i, x35);
        store_float(new_o_at + 0 * units + i, x43);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(gates_at + 3 * units + i, left);
        const vector x5 = load_part_float(c_at + 0 * units + i, left);
        const vector x9 = load_part_float(peephole_at + 0 * units + i, left);
        const vector x10 = load_part_float(peephole_at + 1 * units + i, left);
        const vector x11 = load_part_float(peephole_at + 2 * units + i, left);
        const vector x12 = load_part_float(product_0_at + 0 * units + i, left);
        const vector x13 = load_part_float(product_0_at + 1 * units + i, left);
        const vector x14 = load_part_float(product_0_at + 2 * units + i, left);
        const vector x15 = load_part_float(product_1_at + 0 * units + i, left);
        const vector x16 = load_part_float(product_1_at + 1 * units + i, left);
        const vector x17 = load_part_float(product_1_at + 2 * units + i, left);
        const vector x18 = load_part_float(product_2_at + 0 * units + i, left);
        const vector x19 = load_part_float(product_2_at + 1 * units + i, left);
        const vector x20 = load_part_float(product_2_at + 2 * units + i, left);
        const vector x21 = x0 + x12;
        const vector x22 = x1 + x13;
        const vector x23 = x3 + x14;
        const vector x24 = x21 + x15;
        const vector x25 = x22 + x16;
        const vector x26 = x23 + x17;
        const vector x27 = x24 + x18;
        const vector x28 = x25 + x19;
        const vector x29 = x26 + x20;
        const vector x30 = x9 * x5;
        const vector x31 = x27 + x30;
        const vector x32 = sigmoid(x31);
        const vector x33 = x10 * x5;
        const vector x34 = x28 + x33;
        const vector x35 = sigmoid(x34);
        const vector x36 = hyperbolic_tangent(x2);
        const vector x37 = x32 * x36;
        const vector x38 = x35 * x5;
        const vector x39 = x38 + x37;
        const vector x40 = hyperbolic_tangent(x39);
        const vector x41 = x11 * x39;
        const vector x42 = x29 + x41;
        const vector x43 = sigmoid(x42);
        const vector x44 = x43 * x40;
        NAME(store_part)(hidden_at + 0 * units + i, x44, left);
        store_part_float(new_c_at + 0 * units + i, x39, left);
        store_part_float(new_i_at + 0 * units + i, x32, left);
        store_part_float(new_f_at + 0 * units + i, x35, left);
        store_part_float(new_o_at + 0 * units + i, x43, left);
    }
}
enum { NAME(OdysseyLSTM_gate_recurrence_True_phase_3_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_OdysseyLSTM_gate_recurrence_True[] = "from_i from_f from_o";
void nmt_step_OdysseyLSTM_gate_recurrence_True_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(OdysseyLSTM_gate_recurrence_True_phase_0_kept) * room_of(units));
    NAME(OdysseyLSTM_gate_recurrence_True_phase_0_row)(units, kept, state + 2 * far, after);
}
void nmt_step_OdysseyLSTM_gate_recurrence_True_1(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(OdysseyLSTM_gate_recurrence_True_phase_1_kept) * room_of(units));
    NAME(OdysseyLSTM_gate_recurrence_True_phase_1_row)(units, kept, state + 3 * far, after);
}
void nmt_step_OdysseyLSTM_gate_recurrence_True_2(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(OdysseyLSTM_gate_recurrence_True_phase_2_kept) * room_of(units));
    NAME(OdysseyLSTM_gate_recurrence_True_phase_2_row)(units, kept, state + 4 * far, after);
}
void nmt_step_OdysseyLSTM_gate_recurrence_True_3(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(OdysseyLSTM_gate_recurrence_True_phase_3_kept) * room_of(units));
    NAME(OdysseyLSTM_gate_recurrence_True_phase_3_row)(units, kept, gates, state + 1 * far, own + 0 * units, products[0], products[1], products[2], after, after + 1 * far_after, after + 2 * far_after, after + 3 * far_after, after + 4 * far_after);
}
#endif

INLINE void NAME(LayerNormLSTM_forward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *gain_at, const float *bias_at, narrow *hidden_at, float *new_c_at) {
    const int64_t room = room_of(units);
    struct sums sum16 = {0};
    struct sums sum17 = {0};
    struct sums sum18 = {0};
    struct sums sum19 = {0};
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        sum16.part[i / LANES % PARTS] += x0;
        sum17.part[i / LANES % PARTS] += x1;
        sum18.part[i / LANES % PARTS] += x2;
        sum19.part[i / LANES % PARTS] += x3;
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(gates_at + 3 * units + i, left);
        sum16.part[i / LANES % PARTS] += keep(x0, left);
        sum17.part[i / LANES % PARTS] += keep(x1, left);
        sum18.part[i / LANES % PARTS] += keep(x2, left);
        sum19.part[i / LANES % PARTS] += keep(x3, left);
    }
    const float x16 = total_of(sum16);
    const float x17 = total_of(sum17);
    const float x18 = total_of(sum18);
    const float x19 = total_of(sum19);
    const float x20 = units;
    const float x21 = x16 / x20;
    const float x22 = x17 / x20;
    const float x23 = x18 / x20;
    const float x24 = x19 / x20;
    struct sums sum33 = {0};
    struct sums sum34 = {0};
    struct sums sum35 = {0};
    struct sums sum36 = {0};
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        const vector x25 = x0 - x21;
        const vector x26 = x1 - x22;
        const vector x27 = x2 - x23;
        const vector x28 = x3 - x24;
        const vector x29 = x25 * x25;
        const vector x30 = x26 * x26;
        const vector x31 = x27 * x27;
        const vector x32 = x28 * x28;
        sum33.part[i / LANES % PARTS] += x29;
        sum34.part[i / LANES % PARTS] += x30;
        sum35.part[i / LANES % PARTS] += x31;
        sum36.part[i / LANES % PARTS] += x32;
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(gates_at + 3 * units + i, left);
        const vector x25 = x0 - x21;
        const vector x26 = x1 - x22;
        const vector x27 = x2 - x23;
        const vector x28 = x3 - x24;
        const vector x29 = x25 * x25;
        const vector x30 = x26 * x26;
        const vector x31 = x27 * x27;
        const vector x32 = x28 * x28;
        sum33.part[i / LANES % PARTS] += keep(x29, left);
        sum34.part[i / LANES % PARTS] += keep(x30, left);
        sum35.part[i / LANES % PARTS] += keep(x31, left);
        sum36.part[i / LANES % PARTS] += keep(x32, left);
    }
    const float x33 = total_of(sum33);
    const float x34 = total_of(sum34);
    const float x35 = total_of(sum35);
    const float x36 = total_of(sum36);
    const float x37 = x33 / x20;
    const float x38 = x34 / x20;
    const float x39 = x35 / x20;
    const float x42 = x37 + 1e-05f;
    const float x43 = x38 + 1e-05f;
    const float x44 = x39 + 1e-05f;
    const float x46 = (inverse_root(all(x42)))[0];
    const float x47 = (inverse_root(all(x43)))[0];
    const float x48 = (inverse_root(all(x44)))[0];
    struct sums sum68 = {0};
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x5 = load_float(c_at + 0 * units + i);
        const vector x6 = load_float(gain_at + 0 * units + i);
        const vector x7 = load_float(gain_at + 1 * units + i);
        const vector x8 = load_float(gain_at + 2 * units + i);
        const vector x11 = load_float(bias_at + 0 * units + i);
        const vector x12 = load_float(bias_at + 1 * units + i);
        const vector x13 = load_float(bias_at + 2 * units + i);
        const vector x25 = x0 - x21;
        const vector x26 = x1 - x22;
        const vector x27 = x2 - x23;
        const vector x50 = x25 * x46;
        const vector x51 = x26 * x47;
        const vector x52 = x27 * x48;
        const vector x54 = x50 * x6;
        const vector x55 = x51 * x7;
        const vector x56 = x52 * x8;
        const vector x58 = x11 + x54;
        const vector x59 = x12 + x55;
        const vector x60 = x13 + x56;
        const vector x62 = sigmoid(x59);
        const vector x63 = x62 * x5;
        const vector x64 = sigmoid(x58);
        const vector x65 = hyperbolic_tangent(x60);
        const vector x66 = x64 * x65;
        const vector x67 = x63 + x66;
        store_float(kept + 0 * room + i, x67);
        sum68.part[i / LANES % PARTS] += x67;
        store_float(new_c_at + 0 * units + i, x67);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x5 = load_part_float(c_at + 0 * units + i, left);
        const vector x6 = load_part_float(gain_at + 0 * units + i, left);
        const vector x7 = load_part_float(gain_at + 1 * units + i, left);
        const vector x8 = load_part_float(gain_at + 2 * units + i, left);
        const vector x11 = load_part_float(bias_at + 0 * units + i, left);
        const vector x12 = load_part_float(bias_at + 1 * units + i, left);
        const vector x13 = load_part_float(bias_at + 2 * units + i, left);
        const vector x25 = x0 - x21;
        const vector x26 = x1 - x22;
        const vector x27 = x2 - x23;
        const vector x50 = x25 * x46;
        const vector x51 = x26 * x47;
        const vector x52 = x27 * x48;
        const vector x54 = x50 * x6;
        const vector x55 = x51 * x7;
        const vector x56 = x52 * x8;
        const vector x58 = x11 + x54;
        const vector x59 = x12 + x55;
        const vector x60 = x13 + x56;
        const vector x62 = sigmoid(x59);
        const vector x63 = x62 * x5;
        const vector x64 = sigmoid(x58);
        const vector x65 = hyperbolic_tangent(x60);
        const vector x66 = x64 * x65;
        const vector x67 = x63 + x66;
        store_float(kept + 0 * room + i, x67);
        sum68.part[i / LANES % PARTS] += keep(x67, left);
        store_part_float(new_c_at + 0 * units + i, x67, left);
    }
    const float x68 = total_of(sum68);
    const float x69 = x68 / x20;
    struct sums sum72 = {0};
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x67 = load_float(kept + 0 * room + i);
        const vector x70 = x67 - x69;
        const vector x71 = x70 * x70;
        sum72.part[i / LANES % PARTS] += x71;
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x67 = load_float(kept + 0 * room + i);
        const vector x70 = x67 - x69;
        const vector x71 = x70 * x70;
        sum72.part[i / LANES % PARTS] += keep(x71, left);
    }
    const float x72 = total_of(sum72);
    const float x40 = x36 / x20;
    const float x45 = x40 + 1e-05f;
    const float x49 = (inverse_root(all(x45)))[0];
    const float x73 = x72 / x20;
    const float x74 = x73 + 1e-05f;
    const float x75 = (inverse_root(all(x74)))[0];
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        const vector x9 = load_float(gain_at + 3 * units + i);
        const vector x10 = load_float(gain_at + 4 * units + i);
        const vector x14 = load_float(bias_at + 3 * units + i);
        const vector x15 = load_float(bias_at + 4 * units + i);
        const vector x28 = x3 - x24;
        const vector x53 = x28 * x49;
        const vector x57 = x53 * x9;
        const vector x61 = x14 + x57;
        const vector x67 = load_float(kept + 0 * room + i);
        const vector x70 = x67 - x69;
        const vector x76 = x70 * x75;
        const vector x77 = sigmoid(x61);
        const vector x78 = x76 * x10;
        const vector x79 = x15 + x78;
        const vector x80 = hyperbolic_tangent(x79);
        const vector x81 = x77 * x80;
        NAME(store)(hidden_at + 0 * units + i, x81);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x3 = NAME(load_part)(gates_at + 3 * units + i, left);
        const vector x9 = load_part_float(gain_at + 3 * units + i, left);
        const vector x10 = load_part_float(gain_at + 4 * units + i, left);
        const vector x14 = load_part_float(bias_at + 3 * units + i, left);
        const vector x15 = load_part_float(bias_at + 4 * units + i, left);
        const vector x28 = x3 - x24;
        const vector x53 = x28 * x49;
        const vector x57 = x53 * x9;
        const vector x61 = x14 + x57;
        const vector x67 = load_float(kept + 0 * room + i);
        const vector x70 = x67 - x69;
        const vector x76 = x70 * x75;
        const vector x77 = sigmoid(x61);
        const vector x78 = x76 * x10;
        const vector x79 = x15 + x78;
        const vector x80 = hyperbolic_tangent(x79);
        const vector x81 = x77 * x80;
        NAME(store_part)(hidden_at + 0 * units + i, x81, left);
    }
}
enum { NAME(LayerNormLSTM_forward_kept) = 1 };

#ifndef SECOND_TIME
const char nmt_step_LayerNormLSTM[] = "";
void nmt_step_LayerNormLSTM_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(LayerNormLSTM_forward_kept) * room_of(units));
    NAME(LayerNormLSTM_forward_row)(units, kept, gates, state + 1 * far, own + 0 * units, own + 5 * units, after, after + 1 * far_after);
}
#endif

INLINE void NAME(OdysseyLSTM_forget_gate_False_forward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *peephole_at, narrow *hidden_at, float *new_c_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x4 = load_float(c_at + 0 * units + i);
        const vector x5 = load_float(peephole_at + 0 * units + i);
        const vector x6 = load_float(peephole_at + 1 * units + i);
        const vector x7 = x5 * x4;
        const vector x8 = x0 + x7;
        const vector x9 = sigmoid(x8);
        const vector x10 = hyperbolic_tangent(x1);
        const vector x11 = x9 * x10;
        const vector x12 = x4 + x11;
        const vector x13 = hyperbolic_tangent(x12);
        const vector x14 = x6 * x12;
        const vector x15 = x2 + x14;
        const vector x16 = sigmoid(x15);
        const vector x17 = x16 * x13;
        NAME(store)(hidden_at + 0 * units + i, x17);
        store_float(new_c_at + 0 * units + i, x12);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x4 = load_part_float(c_at + 0 * units + i, left);
        const vector x5 = load_part_float(peephole_at + 0 * units + i, left);
        const vector x6 = load_part_float(peephole_at + 1 * units + i, left);
        const vector x7 = x5 * x4;
        const vector x8 = x0 + x7;
        const vector x9 = sigmoid(x8);
        const vector x10 = hyperbolic_tangent(x1);
        const vector x11 = x9 * x10;
        const vector x12 = x4 + x11;
        const vector x13 = hyperbolic_tangent(x12);
        const vector x14 = x6 * x12;
        const vector x15 = x2 + x14;
        const vector x16 = sigmoid(x15);
        const vector x17 = x16 * x13;
        NAME(store_part)(hidden_at + 0 * units + i, x17, left);
        store_part_float(new_c_at + 0 * units + i, x12, left);
    }
}
enum { NAME(OdysseyLSTM_forget_gate_False_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_OdysseyLSTM_forget_gate_False[] = "";
void nmt_step_OdysseyLSTM_forget_gate_False_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(OdysseyLSTM_forget_gate_False_forward_kept) * room_of(units));
    NAME(OdysseyLSTM_forget_gate_False_forward_row)(units, kept, gates, state + 1 * far, own + 0 * units, after, after + 1 * far_after);
}
#endif

INLINE void NAME(OdysseyLSTM_input_activation_False_forward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *peephole_at, narrow *hidden_at, float *new_c_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        const vector x5 = load_float(c_at + 0 * units + i);
        const vector x6 = load_float(peephole_at + 0 * units + i);
        const vector x7 = load_float(peephole_at + 1 * units + i);
        const vector x8 = load_float(peephole_at + 2 * units + i);
        const vector x9 = x6 * x5;
        const vector x10 = x0 + x9;
        const vector x11 = sigmoid(x10);
        const vector x12 = x7 * x5;
        const vector x13 = x1 + x12;
        const vector x14 = sigmoid(x13);
        const vector x15 = x11 * x2;
        const vector x16 = x14 * x5;
        const vector x17 = x16 + x15;
        const vector x18 = hyperbolic_tangent(x17);
        const vector x19 = x8 * x17;
        const vector x20 = x3 + x19;
        const vector x21 = sigmoid(x20);
        const vector x22 = x21 * x18;
        NAME(store)(hidden_at + 0 * units + i, x22);
        store_float(new_c_at + 0 * units + i, x17);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(gates_at + 3 * units + i, left);
        const vector x5 = load_part_float(c_at + 0 * units + i, left);
        const vector x6 = load_part_float(peephole_at + 0 * units + i, left);
        const vector x7 = load_part_float(peephole_at + 1 * units + i, left);
        const vector x8 = load_part_float(peephole_at + 2 * units + i, left);
        const vector x9 = x6 * x5;
        const vector x10 = x0 + x9;
        const vector x11 = sigmoid(x10);
        const vector x12 = x7 * x5;
        const vector x13 = x1 + x12;
        const vector x14 = sigmoid(x13);
        const vector x15 = x11 * x2;
        const vector x16 = x14 * x5;
        const vector x17 = x16 + x15;
        const vector x18 = hyperbolic_tangent(x17);
        const vector x19 = x8 * x17;
        const vector x20 = x3 + x19;
        const vector x21 = sigmoid(x20);
        const vector x22 = x21 * x18;
        NAME(store_part)(hidden_at + 0 * units + i, x22, left);
        store_part_float(new_c_at + 0 * units + i, x17, left);
    }
}
enum { NAME(OdysseyLSTM_input_activation_False_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_OdysseyLSTM_input_activation_False[] = "";
void nmt_step_OdysseyLSTM_input_activation_False_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(OdysseyLSTM_input_activation_False_forward_kept) * room_of(units));
    NAME(OdysseyLSTM_input_activation_False_forward_row)(units, kept, gates, state + 1 * far, own + 0 * units, after, after + 1 * far_after);
}
#endif

INLINE void NAME(OdysseyLSTM_input_gate_False_forward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *peephole_at, narrow *hidden_at, float *new_c_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x4 = load_float(c_at + 0 * units + i);
        const vector x5 = load_float(peephole_at + 0 * units + i);
        const vector x6 = load_float(peephole_at + 1 * units + i);
        const vector x7 = x5 * x4;
        const vector x8 = x0 + x7;
        const vector x9 = sigmoid(x8);
        const vector x10 = hyperbolic_tangent(x1);
        const vector x11 = x9 * x4;
        const vector x12 = x11 + x10;
        const vector x13 = hyperbolic_tangent(x12);
        const vector x14 = x6 * x12;
        const vector x15 = x2 + x14;
        const vector x16 = sigmoid(x15);
        const vector x17 = x16 * x13;
        NAME(store)(hidden_at + 0 * units + i, x17);
        store_float(new_c_at + 0 * units + i, x12);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x4 = load_part_float(c_at + 0 * units + i, left);
        const vector x5 = load_part_float(peephole_at + 0 * units + i, left);
        const vector x6 = load_part_float(peephole_at + 1 * units + i, left);
        const vector x7 = x5 * x4;
        const vector x8 = x0 + x7;
        const vector x9 = sigmoid(x8);
        const vector x10 = hyperbolic_tangent(x1);
        const vector x11 = x9 * x4;
        const vector x12 = x11 + x10;
        const vector x13 = hyperbolic_tangent(x12);
        const vector x14 = x6 * x12;
        const vector x15 = x2 + x14;
        const vector x16 = sigmoid(x15);
        const vector x17 = x16 * x13;
        NAME(store_part)(hidden_at + 0 * units + i, x17, left);
        store_part_float(new_c_at + 0 * units + i, x12, left);
    }
}
enum { NAME(OdysseyLSTM_input_gate_False_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_OdysseyLSTM_input_gate_False[] = "";
void nmt_step_OdysseyLSTM_input_gate_False_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(OdysseyLSTM_input_gate_False_forward_kept) * room_of(units));
    NAME(OdysseyLSTM_input_gate_False_forward_row)(units, kept, gates, state + 1 * far, own + 0 * units, after, after + 1 * far_after);
}
#endif

INLINE void NAME(OdysseyLSTM_output_activation_False_forward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *peephole_at, narrow *hidden_at, float *new_c_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        const vector x5 = load_float(c_at + 0 * units + i);
        const vector x6 = load_float(peephole_at + 0 * units + i);
        const vector x7 = load_float(peephole_at + 1 * units + i);
        const vector x8 = load_float(peephole_at + 2 * units + i);
        const vector x9 = x6 * x5;
        const vector x10 = x0 + x9;
        const vector x11 = sigmoid(x10);
        const vector x12 = x7 * x5;
        const vector x13 = x1 + x12;
        const vector x14 = sigmoid(x13);
        const vector x15 = hyperbolic_tangent(x2);
        const vector x16 = x11 * x15;
        const vector x17 = x14 * x5;
        const vector x18 = x17 + x16;
        const vector x19 = x8 * x18;
        const vector x20 = x3 + x19;
        const vector x21 = sigmoid(x20);
        const vector x22 = x21 * x18;
        NAME(store)(hidden_at + 0 * units + i, x22);
        store_float(new_c_at + 0 * units + i, x18);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(gates_at + 3 * units + i, left);
        const vector x5 = load_part_float(c_at + 0 * units + i, left);
        const vector x6 = load_part_float(peephole_at + 0 * units + i, left);
        const vector x7 = load_part_float(peephole_at + 1 * units + i, left);
        const vector x8 = load_part_float(peephole_at + 2 * units + i, left);
        const vector x9 = x6 * x5;
        const vector x10 = x0 + x9;
        const vector x11 = sigmoid(x10);
        const vector x12 = x7 * x5;
        const vector x13 = x1 + x12;
        const vector x14 = sigmoid(x13);
        const vector x15 = hyperbolic_tangent(x2);
        const vector x16 = x11 * x15;
        const vector x17 = x14 * x5;
        const vector x18 = x17 + x16;
        const vector x19 = x8 * x18;
        const vector x20 = x3 + x19;
        const vector x21 = sigmoid(x20);
        const vector x22 = x21 * x18;
        NAME(store_part)(hidden_at + 0 * units + i, x22, left);
        store_part_float(new_c_at + 0 * units + i, x18, left);
    }
}
enum { NAME(OdysseyLSTM_output_activation_False_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_OdysseyLSTM_output_activation_False[] = "";
void nmt_step_OdysseyLSTM_output_activation_False_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(OdysseyLSTM_output_activation_False_forward_kept) * room_of(units));
    NAME(OdysseyLSTM_output_activation_False_forward_row)(units, kept, gates, state + 1 * far, own + 0 * units, after, after + 1 * far_after);
}
#endif

INLINE void NAME(OdysseyLSTM_output_gate_False_forward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *peephole_at, narrow *hidden_at, float *new_c_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x4 = load_float(c_at + 0 * units + i);
        const vector x5 = load_float(peephole_at + 0 * units + i);
        const vector x6 = load_float(peephole_at + 1 * units + i);
        const vector x7 = x5 * x4;
        const vector x8 = x0 + x7;
        const vector x9 = sigmoid(x8);
        const vector x10 = x6 * x4;
        const vector x11 = x1 + x10;
        const vector x12 = sigmoid(x11);
        const vector x13 = hyperbolic_tangent(x2);
        const vector x14 = x9 * x13;
        const vector x15 = x12 * x4;
        const vector x16 = x15 + x14;
        const vector x17 = hyperbolic_tangent(x16);
        NAME(store)(hidden_at + 0 * units + i, x17);
        store_float(new_c_at + 0 * units + i, x16);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x4 = load_part_float(c_at + 0 * units + i, left);
        const vector x5 = load_part_float(peephole_at + 0 * units + i, left);
        const vector x6 = load_part_float(peephole_at + 1 * units + i, left);
        const vector x7 = x5 * x4;
        const vector x8 = x0 + x7;
        const vector x9 = sigmoid(x8);
        const vector x10 = x6 * x4;
        const vector x11 = x1 + x10;
        const vector x12 = sigmoid(x11);
        const vector x13 = hyperbolic_tangent(x2);
        const vector x14 = x9 * x13;
        const vector x15 = x12 * x4;
        const vector x16 = x15 + x14;
        const vector x17 = hyperbolic_tangent(x16);
        NAME(store_part)(hidden_at + 0 * units + i, x17, left);
        store_part_float(new_c_at + 0 * units + i, x16, left);
    }
}
enum { NAME(OdysseyLSTM_output_gate_False_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_OdysseyLSTM_output_gate_False[] = "";
void nmt_step_OdysseyLSTM_output_gate_False_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(OdysseyLSTM_output_gate_False_forward_kept) * room_of(units));
    NAME(OdysseyLSTM_output_gate_False_forward_row)(units, kept, gates, state + 1 * far, own + 0 * units, after, after + 1 * far_after);
}
#endif

INLINE void NAME(OdysseyLSTM_peepholes_False_forward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, narrow *hidden_at, float *new_c_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        const vector x5 = load_float(c_at + 0 * units + i);
        const vector x6 = sigmoid(x0);
        const vector x7 = sigmoid(x1);
        const vector x8 = hyperbolic_tangent(x2);
        const vector x9 = x6 * x8;
        const vector x10 = x7 * x5;
        const vector x11 = x10 + x9;
        const vector x12 = hyperbolic_tangent(x11);
        const vector x13 = sigmoid(x3);
        const vector x14 = x13 * x12;
        NAME(store)(hidden_at + 0 * units + i, x14);
        store_float(new_c_at + 0 * units + i, x11);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(gates_at + 3 * units + i, left);
        const vector x5 = load_part_float(c_at + 0 * units + i, left);
        const vector x6 = sigmoid(x0);
        const vector x7 = sigmoid(x1);
        const vector x8 = hyperbolic_tangent(x2);
        const vector x9 = x6 * x8;
        const vector x10 = x7 * x5;
        const vector x11 = x10 + x9;
        const vector x12 = hyperbolic_tangent(x11);
        const vector x13 = sigmoid(x3);
        const vector x14 = x13 * x12;
        NAME(store_part)(hidden_at + 0 * units + i, x14, left);
        store_part_float(new_c_at + 0 * units + i, x11, left);
    }
}
enum { NAME(OdysseyLSTM_peepholes_False_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_OdysseyLSTM_peepholes_False[] = "";
void nmt_step_OdysseyLSTM_peepholes_False_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(OdysseyLSTM_peepholes_False_forward_kept) * room_of(units));
    NAME(OdysseyLSTM_peepholes_False_forward_row)(units, kept, gates, state + 1 * far, after, after + 1 * far_after);
}
#endif

INLINE void NAME(OdysseyLSTM_forward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *peephole_at, narrow *hidden_at, float *new_c_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        const vector x5 = load_float(c_at + 0 * units + i);
        const vector x6 = load_float(peephole_at + 0 * units + i);
        const vector x7 = load_float(peephole_at + 1 * units + i);
        const vector x8 = load_float(peephole_at + 2 * units + i);
        const vector x9 = x6 * x5;
        const vector x10 = x0 + x9;
        const vector x11 = sigmoid(x10);
        const vector x12 = x7 * x5;
        const vector x13 = x1 + x12;
        const vector x14 = sigmoid(x13);
        const vector x15 = hyperbolic_tangent(x2);
        const vector x16 = x11 * x15;
        const vector x17 = x14 * x5;
        const vector x18 = x17 + x16;
        const vector x19 = hyperbolic_tangent(x18);
        const vector x20 = x8 * x18;
        const vector x21 = x3 + x20;
        const vector x22 = sigmoid(x21);
        const vector x23 = x22 * x19;
        NAME(store)(hidden_at + 0 * units + i, x23);
        store_float(new_c_at + 0 * units + i, x18);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(gates_at + 3 * units + i, left);
        const vector x5 = load_part_float(c_at + 0 * units + i, left);
        const vector x6 = load_part_float(peephole_at + 0 * units + i, left);
        const vector x7 = load_part_float(peephole_at + 1 * units + i, left);
        const vector x8 = load_part_float(peephole_at + 2 * units + i, left);
        const vector x9 = x6 * x5;
        const vector x10 = x0 + x9;
        const vector x11 = sigmoid(x10);
        const vector x12 = x7 * x5;
        const vector x13 = x1 + x12;
        const vector x14 = sigmoid(x13);
        const vector x15 = hyperbolic_tangent(x2);
        const vector x16 = x11 * x15;
        const vector x17 = x14 * x5;
        const vector x18 = x17 + x16;
        const vector x19 = hyperbolic_tangent(x18);
        const vector x20 = x8 * x18;
        const vector x21 = x3 + x20;
        const vector x22 = sigmoid(x21);
        const vector x23 = x22 * x19;
        NAME(store_part)(hidden_at + 0 * units + i, x23, left);
        store_part_float(new_c_at + 0 * units + i, x18, left);
    }
}
enum { NAME(OdysseyLSTM_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_OdysseyLSTM[] = "";
void nmt_step_OdysseyLSTM_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(OdysseyLSTM_forward_kept) * room_of(units));
    NAME(OdysseyLSTM_forward_row)(units, kept, gates, state + 1 * far, own + 0 * units, after, after + 1 * far_after);
}
#endif

INLINE void NAME(PeepholeLSTM_forward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *peephole_at, narrow *hidden_at, float *new_c_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        const vector x5 = load_float(c_at + 0 * units + i);
        const vector x6 = load_float(peephole_at + 0 * units + i);
        const vector x7 = load_float(peephole_at + 1 * units + i);
        const vector x8 = load_float(peephole_at + 2 * units + i);
        const vector x9 = x7 * x5;
        const vector x10 = x1 + x9;
        const vector x11 = sigmoid(x10);
        const vector x12 = x6 * x5;
        const vector x13 = x0 + x12;
        const vector x14 = sigmoid(x13);
        const vector x15 = x11 * x5;
        const vector x16 = hyperbolic_tangent(x2);
        const vector x17 = x14 * x16;
        const vector x18 = x15 + x17;
        const vector x19 = x8 * x18;
        const vector x20 = x3 + x19;
        const vector x21 = sigmoid(x20);
        const vector x22 = hyperbolic_tangent(x18);
        const vector x23 = x21 * x22;
        NAME(store)(hidden_at + 0 * units + i, x23);
        store_float(new_c_at + 0 * units + i, x18);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(gates_at + 3 * units + i, left);
        const vector x5 = load_part_float(c_at + 0 * units + i, left);
        const vector x6 = load_part_float(peephole_at + 0 * units + i, left);
        const vector x7 = load_part_float(peephole_at + 1 * units + i, left);
        const vector x8 = load_part_float(peephole_at + 2 * units + i, left);
        const vector x9 = x7 * x5;
        const vector x10 = x1 + x9;
        const vector x11 = sigmoid(x10);
        const vector x12 = x6 * x5;
        const vector x13 = x0 + x12;
        const vector x14 = sigmoid(x13);
        const vector x15 = x11 * x5;
        const vector x16 = hyperbolic_tangent(x2);
        const vector x17 = x14 * x16;
        const vector x18 = x15 + x17;
        const vector x19 = x8 * x18;
        const vector x20 = x3 + x19;
        const vector x21 = sigmoid(x20);
        const vector x22 = hyperbolic_tangent(x18);
        const vector x23 = x21 * x22;
        NAME(store_part)(hidden_at + 0 * units + i, x23, left);
        store_part_float(new_c_at + 0 * units + i, x18, left);
    }
}
enum { NAME(PeepholeLSTM_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_PeepholeLSTM[] = "";
void nmt_step_PeepholeLSTM_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(PeepholeLSTM_forward_kept) * room_of(units));
    NAME(PeepholeLSTM_forward_row)(units, kept, gates, state + 1 * far, own + 0 * units, after, after + 1 * far_after);
}
#endif

INLINE void NAME(MinGRU_forward_row)(int64_t units, float *kept, const narrow *x_at, const float *h_at, narrow *hidden_at, float *new_h_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(x_at + 0 * units + i);
        const vector x1 = NAME(load)(x_at + 1 * units + i);
        const vector x2 = load_float(h_at + 0 * units + i);
        const vector x3 = -x0;
        const vector x4 = sigmoid(x3);
        const vector x5 = x2 - x1;
        const vector x6 = x4 * x5;
        const vector x7 = x1 + x6;
        NAME(store)(hidden_at + 0 * units + i, x7);
        store_float(new_h_at + 0 * units + i, x7);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(x_at + 1 * units + i, left);
        const vector x2 = load_part_float(h_at + 0 * units + i, left);
        const vector x3 = -x0;
        const vector x4 = sigmoid(x3);
        const vector x5 = x2 - x1;
        const vector x6 = x4 * x5;
        const vector x7 = x1 + x6;
        NAME(store_part)(hidden_at + 0 * units + i, x7, left);
        store_part_float(new_h_at + 0 * units + i, x7, left);
    }
}
enum { NAME(MinGRU_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_MinGRU[] = "";
void nmt_step_MinGRU_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(MinGRU_forward_kept) * room_of(units));
    NAME(MinGRU_forward_row)(units, kept, x, state + 0 * far, after, after + 0 * far_after);
}
#endif

INLINE void NAME(MinimalGated_forward_row)(int64_t units, float *kept, const narrow *gates_at, const narrow *x_at, const float *h_at, narrow *hidden_at, float *new_h_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(x_at + 0 * units + i);
        const vector x3 = load_float(h_at + 0 * units + i);
        const vector x4 = sigmoid(x0);
        const vector x5 = x4 * x1;
        const vector x6 = x2 + x5;
        const vector x7 = hyperbolic_tangent(x6);
        const vector x8 = x7 - x3;
        const vector x9 = x4 * x8;
        const vector x10 = x3 + x9;
        NAME(store)(hidden_at + 0 * units + i, x10);
        store_float(new_h_at + 0 * units + i, x10);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x3 = load_part_float(h_at + 0 * units + i, left);
        const vector x4 = sigmoid(x0);
        const vector x5 = x4 * x1;
        const vector x6 = x2 + x5;
        const vector x7 = hyperbolic_tangent(x6);
        const vector x8 = x7 - x3;
        const vector x9 = x4 * x8;
        const vector x10 = x3 + x9;
        NAME(store_part)(hidden_at + 0 * units + i, x10, left);
        store_part_float(new_h_at + 0 * units + i, x10, left);
    }
}
enum { NAME(MinimalGated_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_MinimalGated[] = "";
void nmt_step_MinimalGated_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(MinimalGated_forward_kept) * room_of(units));
    NAME(MinimalGated_forward_row)(units, kept, gates, x, state + 0 * far, after, after + 0 * far_after);
}
#endif

INLINE void NAME(MinLSTM_forward_row)(int64_t units, float *kept, const narrow *x_at, const float *h_at, narrow *hidden_at, float *new_h_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(x_at + 0 * units + i);
        const vector x1 = NAME(load)(x_at + 1 * units + i);
        const vector x2 = NAME(load)(x_at + 2 * units + i);
        const vector x3 = load_float(h_at + 0 * units + i);
        const vector x4 = sigmoid(x0);
        const vector x5 = sigmoid(x1);
        const vector x6 = x4 + x5;
        const vector x8 = maximum(x6, all(1.1754943508222875e-38f));
        const vector x9 = x4 / x8;
        const vector x10 = x3 - x2;
        const vector x11 = x9 * x10;
        const vector x12 = x2 + x11;
        NAME(store)(hidden_at + 0 * units + i, x12);
        store_float(new_h_at + 0 * units + i, x12);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(x_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(x_at + 2 * units + i, left);
        const vector x3 = load_part_float(h_at + 0 * units + i, left);
        const vector x4 = sigmoid(x0);
        const vector x5 = sigmoid(x1);
        const vector x6 = x4 + x5;
        const vector x8 = maximum(x6, all(1.1754943508222875e-38f));
        const vector x9 = x4 / x8;
        const vector x10 = x3 - x2;
        const vector x11 = x9 * x10;
        const vector x12 = x2 + x11;
        NAME(store_part)(hidden_at + 0 * units + i, x12, left);
        store_part_float(new_h_at + 0 * units + i, x12, left);
    }
}
enum { NAME(MinLSTM_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_MinLSTM[] = "";
void nmt_step_MinLSTM_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(MinLSTM_forward_kept) * room_of(units));
    NAME(MinLSTM_forward_row)(units, kept, x, state + 0 * far, after, after + 0 * far_after);
}
#endif

INLINE void NAME(RNN_forward_row)(int64_t units, float *kept, const narrow *gates_at, narrow *hidden_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x2 = hyperbolic_tangent(x0);
        NAME(store)(hidden_at + 0 * units + i, x2);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x2 = hyperbolic_tangent(x0);
        NAME(store_part)(hidden_at + 0 * units + i, x2, left);
    }
}
enum { NAME(RNN_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_RNN[] = "";
void nmt_step_RNN_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(RNN_forward_kept) * room_of(units));
    NAME(RNN_forward_row)(units, kept, gates, after);
}
#endif

INLINE void NAME(ReluRNN_forward_row)(int64_t units, float *kept, const narrow *gates_at, narrow *hidden_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x3 = maximum(x0, all(0.0f));
        NAME(store)(hidden_at + 0 * units + i, x3);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x3 = maximum(x0, all(0.0f));
        NAME(store_part)(hidden_at + 0 * units + i, x3, left);
    }
}
enum { NAME(ReluRNN_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_ReluRNN[] = "";
void nmt_step_ReluRNN_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(ReluRNN_forward_kept) * room_of(units));
    NAME(ReluRNN_forward_row)(units, kept, gates, after);
}
#endif

INLINE void NAME(SLSTM_forward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *n_at, const float *m_at, narrow *hidden_at, float *new_c_at, float *new_n_at, float *new_m_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        const vector x5 = load_float(c_at + 0 * units + i);
        const vector x6 = load_float(n_at + 0 * units + i);
        const vector x7 = load_float(m_at + 0 * units + i);
        const vector x8 = absolute(x1);
        const vector x9 = -x8;
        const vector x10 = exponential(x9);
        const vector x12 = minimum(x1, all(0.0f));
        const vector x13 = log_plus_one(x10);
        const vector x14 = x12 - x13;
        const vector x15 = x14 + x7;
        const vector x16 = maximum(x15, x0);
        const vector x17 = x0 - x16;
        const vector x18 = exponential(x17);
        const vector x19 = x15 - x16;
        const vector x20 = exponential(x19);
        const vector x21 = x20 * x5;
        const vector x22 = hyperbolic_tangent(x2);
        const vector x23 = x18 * x22;
        const vector x24 = x21 + x23;
        const vector x25 = x20 * x6;
        const vector x26 = x18 + x25;
        const vector x27 = sigmoid(x3);
        const vector x28 = x27 * x24;
        const vector x29 = x28 / x26;
        NAME(store)(hidden_at + 0 * units + i, x29);
        store_float(new_c_at + 0 * units + i, x24);
        store_float(new_n_at + 0 * units + i, x26);
        store_float(new_m_at + 0 * units + i, x16);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(gates_at + 3 * units + i, left);
        const vector x5 = load_part_float(c_at + 0 * units + i, left);
        const vector x6 = load_part_float(n_at + 0 * units + i, left);
        const vector x7 = load_part_float(m_at + 0 * units + i, left);
        const vector x8 = absolute(x1);
        const vector x9 = -x8;
        const vector x10 = exponential(x9);
        const vector x12 = minimum(x1, all(0.0f));
        const vector x13 = log_plus_one(x10);
        const vector x14 = x12 - x13;
        const vector x15 = x14 + x7;
        const vector x16 = maximum(x15, x0);
        const vector x17 = x0 - x16;
        const vector x18 = exponential(x17);
        const vector x19 = x15 - x16;
        const vector x20 = exponential(x19);
        const vector x21 = x20 * x5;
        const vector x22 = hyperbolic_tangent(x2);
        const vector x23 = x18 * x22;
        const vector x24 = x21 + x23;
        const vector x25 = x20 * x6;
        const vector x26 = x18 + x25;
        const vector x27 = sigmoid(x3);
        const vector x28 = x27 * x24;
        const vector x29 = x28 / x26;
        NAME(store_part)(hidden_at + 0 * units + i, x29, left);
        store_part_float(new_c_at + 0 * units + i, x24, left);
        store_part_float(new_n_at + 0 * units + i, x26, left);
        store_part_float(new_m_at + 0 * units + i, x16, left);
    }
}
enum { NAME(SLSTM_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_SLSTM[] = "";
void nmt_step_SLSTM_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(SLSTM_forward_kept) * room_of(units));
    NAME(SLSTM_forward_row)(units, kept, gates, state + 1 * far, state + 2 * far, state + 3 * far, after, after + 1 * far_after, after + 2 * far_after, after + 3 * far_after);
}
#endif

INLINE void NAME(SRU_forward_row)(int64_t units, float *kept, const narrow *x_at, const float *c_at, const float *peephole_at, narrow *hidden_at, float *new_c_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(x_at + 0 * units + i);
        const vector x1 = NAME(load)(x_at + 1 * units + i);
        const vector x2 = NAME(load)(x_at + 2 * units + i);
        const vector x3 = NAME(load)(x_at + 3 * units + i);
        const vector x5 = load_float(c_at + 0 * units + i);
        const vector x6 = load_float(peephole_at + 0 * units + i);
        const vector x7 = load_float(peephole_at + 1 * units + i);
        const vector x8 = x6 * x5;
        const vector x9 = x0 + x8;
        const vector x10 = sigmoid(x9);
        const vector x11 = x7 * x5;
        const vector x12 = x1 + x11;
        const vector x13 = sigmoid(x12);
        const vector x14 = x5 - x2;
        const vector x15 = x10 * x14;
        const vector x16 = x2 + x15;
        const vector x17 = x16 - x3;
        const vector x18 = x13 * x17;
        const vector x19 = x3 + x18;
        NAME(store)(hidden_at + 0 * units + i, x19);
        store_float(new_c_at + 0 * units + i, x16);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(x_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(x_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(x_at + 3 * units + i, left);
        const vector x5 = load_part_float(c_at + 0 * units + i, left);
        const vector x6 = load_part_float(peephole_at + 0 * units + i, left);
        const vector x7 = load_part_float(peephole_at + 1 * units + i, left);
        const vector x8 = x6 * x5;
        const vector x9 = x0 + x8;
        const vector x10 = sigmoid(x9);
        const vector x11 = x7 * x5;
        const vector x12 = x1 + x11;
        const vector x13 = sigmoid(x12);
        const vector x14 = x5 - x2;
        const vector x15 = x10 * x14;
        const vector x16 = x2 + x15;
        const vector x17 = x16 - x3;
        const vector x18 = x13 * x17;
        const vector x19 = x3 + x18;
        NAME(store_part)(hidden_at + 0 * units + i, x19, left);
        store_part_float(new_c_at + 0 * units + i, x16, left);
    }
}
enum { NAME(SRU_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_SRU[] = "";
void nmt_step_SRU_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(SRU_forward_kept) * room_of(units));
    NAME(SRU_forward_row)(units, kept, x, state + 1 * far, own + 0 * units, after, after + 1 * far_after);
}
#endif

INLINE void NAME(SSRU_forward_row)(int64_t units, float *kept, const narrow *x_at, const float *c_at, narrow *hidden_at, float *new_c_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(x_at + 0 * units + i);
        const vector x1 = NAME(load)(x_at + 1 * units + i);
        const vector x3 = load_float(c_at + 0 * units + i);
        const vector x4 = sigmoid(x0);
        const vector x5 = x3 - x1;
        const vector x6 = x4 * x5;
        const vector x7 = x1 + x6;
        const vector x9 = maximum(x7, all(0.0f));
        NAME(store)(hidden_at + 0 * units + i, x9);
        store_float(new_c_at + 0 * units + i, x7);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(x_at + 1 * units + i, left);
        const vector x3 = load_part_float(c_at + 0 * units + i, left);
        const vector x4 = sigmoid(x0);
        const vector x5 = x3 - x1;
        const vector x6 = x4 * x5;
        const vector x7 = x1 + x6;
        const vector x9 = maximum(x7, all(0.0f));
        NAME(store_part)(hidden_at + 0 * units + i, x9, left);
        store_part_float(new_c_at + 0 * units + i, x7, left);
    }
}
enum { NAME(SSRU_forward_kept) = 0 };

#ifndef SECOND_TIME
const char nmt_step_SSRU[] = "";
void nmt_step_SSRU_0(int64_t units, const float *gates, const float *x, const float *own, const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {
    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;
    float *kept = kept_numbers(NAME(SSRU_forward_kept) * room_of(units));
    NAME(SSRU_forward_row)(units, kept, x, state + 1 * far, after, after + 1 * far_after);
}
#endif
