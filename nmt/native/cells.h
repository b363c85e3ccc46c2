// The gradient of a step of each cell, and both for many rows, as scripts/write_kernels.py writes it: change the cells instead.

static void NAME(GRU_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(GRU_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(GRU_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_GRU_forward_operands[] = "gates x h =hidden =new_h";
#endif

void NAME(nmt_GRU_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(GRU_forward_rows)); }

INLINE void NAME(GRU_backward_row)(int64_t units, float *kept, const narrow *gates_at, const narrow *x_at, const float *h_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_h_at, narrow *grad_gates_at, narrow *grad_x_at, float *grad_h_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(x_at + 0 * units + i);
        const vector x4 = load_float(h_at + 0 * units + i);
        const vector x5 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x6 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x7 = load_float(grad_new_h_at + 0 * units + i);
        const vector x8 = x5 + x6;
        const vector x9 = x8 + x7;
        const vector x10 = sigmoid(x0);
        const vector x11 = sigmoid(x1);
        const vector x12 = x10 * x2;
        const vector x13 = x3 + x12;
        const vector x14 = hyperbolic_tangent(x13);
        const vector x15 = x4 - x14;
        const vector x18 = x9 * x11;
        const vector x21 = 1.0f - x11;
        const vector x22 = x9 * x21;
        const vector x23 = x9 * x15;
        const vector x24 = x14 * x14;
        const vector x25 = 1.0f - x24;
        const vector x26 = x22 * x25;
        const vector x27 = x26 * x2;
        const vector x28 = x26 * x10;
        const vector x29 = 1.0f - x10;
        const vector x30 = x10 * x29;
        const vector x31 = x11 * x21;
        const vector x32 = x27 * x30;
        const vector x33 = x23 * x31;
        NAME(store)(grad_gates_at + 0 * units + i, x32);
        NAME(store)(grad_gates_at + 1 * units + i, x33);
        NAME(store)(grad_gates_at + 2 * units + i, x28);
        NAME(store)(grad_x_at + 0 * units + i, x26);
        store_float(grad_h_at + 0 * units + i, x18);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x4 = load_part_float(h_at + 0 * units + i, left);
        const vector x5 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x6 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x7 = load_part_float(grad_new_h_at + 0 * units + i, left);
        const vector x8 = x5 + x6;
        const vector x9 = x8 + x7;
        const vector x10 = sigmoid(x0);
        const vector x11 = sigmoid(x1);
        const vector x12 = x10 * x2;
        const vector x13 = x3 + x12;
        const vector x14 = hyperbolic_tangent(x13);
        const vector x15 = x4 - x14;
        const vector x18 = x9 * x11;
        const vector x21 = 1.0f - x11;
        const vector x22 = x9 * x21;
        const vector x23 = x9 * x15;
        const vector x24 = x14 * x14;
        const vector x25 = 1.0f - x24;
        const vector x26 = x22 * x25;
        const vector x27 = x26 * x2;
        const vector x28 = x26 * x10;
        const vector x29 = 1.0f - x10;
        const vector x30 = x10 * x29;
        const vector x31 = x11 * x21;
        const vector x32 = x27 * x30;
        const vector x33 = x23 * x31;
        NAME(store_part)(grad_gates_at + 0 * units + i, x32, left);
        NAME(store_part)(grad_gates_at + 1 * units + i, x33, left);
        NAME(store_part)(grad_gates_at + 2 * units + i, x28, left);
        NAME(store_part)(grad_x_at + 0 * units + i, x26, left);
        store_part_float(grad_h_at + 0 * units + i, x18, left);
    }
}
enum { NAME(GRU_backward_kept) = 0 };
static void NAME(GRU_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(GRU_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(GRU_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row), at(&p->operands[7], t, layer, row), at(&p->operands[8], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_GRU_backward_operands[] = "gates x h grad_output grad_product grad_new_h =grad_gates =grad_x =grad_h";
#endif

void NAME(nmt_GRU_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(GRU_backward_rows)); }

static void NAME(LayerNormGRU_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(LayerNormGRU_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(LayerNormGRU_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_LayerNormGRU_forward_operands[] = "gates x h gain bias =hidden =new_h";
#endif

void NAME(nmt_LayerNormGRU_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(LayerNormGRU_forward_rows)); }

INLINE void NAME(LayerNormGRU_backward_row)(int64_t units, float *kept, const narrow *gates_at, const narrow *x_at, const float *h_at, const float *gain_at, const float *bias_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_h_at, narrow *grad_gates_at, narrow *grad_x_at, float *grad_h_at, float *grad_gain_at, float *grad_bias_at) {
    const int64_t room = room_of(units);
    struct sums sum18 = {0};
    struct sums sum19 = {0};
    struct sums sum20 = {0};
    struct sums sum21 = {0};
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(x_at + 0 * units + i);
        sum18.part[i / LANES % PARTS] += x0;
        sum19.part[i / LANES % PARTS] += x1;
        sum20.part[i / LANES % PARTS] += x2;
        sum21.part[i / LANES % PARTS] += x3;
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(x_at + 0 * units + i, left);
        sum18.part[i / LANES % PARTS] += keep(x0, left);
        sum19.part[i / LANES % PARTS] += keep(x1, left);
        sum20.part[i / LANES % PARTS] += keep(x2, left);
        sum21.part[i / LANES % PARTS] += keep(x3, left);
    }
    const float x18 = total_of(sum18);
    const float x19 = total_of(sum19);
    const float x20 = total_of(sum20);
    const float x21 = total_of(sum21);
    const float x22 = units;
    const float x23 = x18 / x22;
    const float x24 = x19 / x22;
    const float x25 = x20 / x22;
    const float x26 = x21 / x22;
    struct sums sum35 = {0};
    struct sums sum36 = {0};
    struct sums sum37 = {0};
    struct sums sum38 = {0};
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(x_at + 0 * units + i);
        const vector x27 = x0 - x23;
        const vector x28 = x1 - x24;
        const vector x29 = x2 - x25;
        const vector x30 = x3 - x26;
        const vector x31 = x27 * x27;
        const vector x32 = x28 * x28;
        const vector x33 = x29 * x29;
        const vector x34 = x30 * x30;
        sum35.part[i / LANES % PARTS] += x31;
        sum36.part[i / LANES % PARTS] += x32;
        sum37.part[i / LANES % PARTS] += x33;
        sum38.part[i / LANES % PARTS] += x34;
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x27 = x0 - x23;
        const vector x28 = x1 - x24;
        const vector x29 = x2 - x25;
        const vector x30 = x3 - x26;
        const vector x31 = x27 * x27;
        const vector x32 = x28 * x28;
        const vector x33 = x29 * x29;
        const vector x34 = x30 * x30;
        sum35.part[i / LANES % PARTS] += keep(x31, left);
        sum36.part[i / LANES % PARTS] += keep(x32, left);
        sum37.part[i / LANES % PARTS] += keep(x33, left);
        sum38.part[i / LANES % PARTS] += keep(x34, left);
    }
    const float x35 = total_of(sum35);
    const float x36 = total_of(sum36);
    const float x37 = total_of(sum37);
    const float x38 = total_of(sum38);
    const float x39 = x35 / x22;
    const float x40 = x36 / x22;
    const float x41 = x37 / x22;
    const float x42 = x38 / x22;
    const float x44 = x39 + 1e-05f;
    const float x45 = x40 + 1e-05f;
    const float x46 = x41 + 1e-05f;
    const float x47 = x42 + 1e-05f;
    const float x48 = (inverse_root(all(x44)))[0];
    const float x49 = (inverse_root(all(x45)))[0];
    const float x50 = (inverse_root(all(x46)))[0];
    const float x51 = (inverse_root(all(x47)))[0];
    struct sums sum100 = {0};
    struct sums sum101 = {0};
    struct sums sum102 = {0};
    struct sums sum103 = {0};
    struct sums sum112 = {0};
    struct sums sum113 = {0};
    struct sums sum114 = {0};
    struct sums sum115 = {0};
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
        const vector x13 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x14 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x15 = load_float(grad_new_h_at + 0 * units + i);
        const vector x16 = x13 + x14;
        const vector x17 = x16 + x15;
        const vector x27 = x0 - x23;
        const vector x28 = x1 - x24;
        const vector x29 = x2 - x25;
        const vector x30 = x3 - x26;
        const vector x52 = x27 * x48;
        const vector x53 = x28 * x49;
        const vector x54 = x29 * x50;
        const vector x55 = x30 * x51;
        const vector x56 = x52 * x5;
        const vector x57 = x53 * x6;
        const vector x58 = x54 * x7;
        const vector x59 = x55 * x8;
        const vector x60 = x9 + x56;
        const vector x61 = x10 + x57;
        const vector x62 = x11 + x58;
        const vector x63 = x12 + x59;
        const vector x64 = sigmoid(x60);
        const vector x65 = sigmoid(x61);
        const vector x66 = x64 * x62;
        const vector x67 = x63 + x66;
        const vector x68 = hyperbolic_tangent(x67);
        const vector x69 = x4 - x68;
        const vector x72 = x17 * x65;
        const vector x75 = 1.0f - x65;
        const vector x76 = x17 * x75;
        const vector x77 = x17 * x69;
        const vector x78 = x68 * x68;
        const vector x79 = 1.0f - x78;
        const vector x80 = x76 * x79;
        const vector x81 = x80 * x62;
        const vector x82 = x80 * x64;
        const vector x83 = 1.0f - x64;
        const vector x84 = x64 * x83;
        const vector x85 = x65 * x75;
        const vector x86 = x81 * x84;
        const vector x87 = x77 * x85;
        const vector x88 = x86 * x5;
        store_float(kept + 0 * room + i, x88);
        const vector x89 = x87 * x6;
        store_float(kept + 1 * room + i, x89);
        const vector x90 = x82 * x7;
        store_float(kept + 2 * room + i, x90);
        const vector x91 = x80 * x8;
        store_float(kept + 3 * room + i, x91);
        const vector x92 = x86 * x52;
        const vector x93 = x87 * x53;
        const vector x94 = x82 * x54;
        const vector x95 = x80 * x55;
        const vector x96 = x88 * x52;
        const vector x97 = x89 * x53;
        const vector x98 = x90 * x54;
        const vector x99 = x91 * x55;
        sum100.part[i / LANES % PARTS] += x96;
        sum101.part[i / LANES % PARTS] += x97;
        sum102.part[i / LANES % PARTS] += x98;
        sum103.part[i / LANES % PARTS] += x99;
        sum112.part[i / LANES % PARTS] += x88;
        sum113.part[i / LANES % PARTS] += x89;
        sum114.part[i / LANES % PARTS] += x90;
        sum115.part[i / LANES % PARTS] += x91;
        store_float(grad_h_at + 0 * units + i, x72);
        store_float(grad_gain_at + 0 * units + i, load_float(grad_gain_at + 0 * units + i) + x92);
        store_float(grad_gain_at + 1 * units + i, load_float(grad_gain_at + 1 * units + i) + x93);
        store_float(grad_gain_at + 2 * units + i, load_float(grad_gain_at + 2 * units + i) + x94);
        store_float(grad_gain_at + 3 * units + i, load_float(grad_gain_at + 3 * units + i) + x95);
        store_float(grad_bias_at + 0 * units + i, load_float(grad_bias_at + 0 * units + i) + x86);
        store_float(grad_bias_at + 1 * units + i, load_float(grad_bias_at + 1 * units + i) + x87);
        store_float(grad_bias_at + 2 * units + i, load_float(grad_bias_at + 2 * units + i) + x82);
        store_float(grad_bias_at + 3 * units + i, load_float(grad_bias_at + 3 * units + i) + x80);
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
        const vector x13 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x14 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x15 = load_part_float(grad_new_h_at + 0 * units + i, left);
        const vector x16 = x13 + x14;
        const vector x17 = x16 + x15;
        const vector x27 = x0 - x23;
        const vector x28 = x1 - x24;
        const vector x29 = x2 - x25;
        const vector x30 = x3 - x26;
        const vector x52 = x27 * x48;
        const vector x53 = x28 * x49;
        const vector x54 = x29 * x50;
        const vector x55 = x30 * x51;
        const vector x56 = x52 * x5;
        const vector x57 = x53 * x6;
        const vector x58 = x54 * x7;
        const vector x59 = x55 * x8;
        const vector x60 = x9 + x56;
        const vector x61 = x10 + x57;
        const vector x62 = x11 + x58;
        const vector x63 = x12 + x59;
        const vector x64 = sigmoid(x60);
        const vector x65 = sigmoid(x61);
        const vector x66 = x64 * x62;
        const vector x67 = x63 + x66;
        const vector x68 = hyperbolic_tangent(x67);
        const vector x69 = x4 - x68;
        const vector x72 = x17 * x65;
        const vector x75 = 1.0f - x65;
        const vector x76 = x17 * x75;
        const vector x77 = x17 * x69;
        const vector x78 = x68 * x68;
        const vector x79 = 1.0f - x78;
        const vector x80 = x76 * x79;
        const vector x81 = x80 * x62;
        const vector x82 = x80 * x64;
        const vector x83 = 1.0f - x64;
        const vector x84 = x64 * x83;
        const vector x85 = x65 * x75;
        const vector x86 = x81 * x84;
        const vector x87 = x77 * x85;
        const vector x88 = x86 * x5;
        store_float(kept + 0 * room + i, x88);
        const vector x89 = x87 * x6;
        store_float(kept + 1 * room + i, x89);
        const vector x90 = x82 * x7;
        store_float(kept + 2 * room + i, x90);
        const vector x91 = x80 * x8;
        store_float(kept + 3 * room + i, x91);
        const vector x92 = x86 * x52;
        const vector x93 = x87 * x53;
        const vector x94 = x82 * x54;
        const vector x95 = x80 * x55;
        const vector x96 = x88 * x52;
        const vector x97 = x89 * x53;
        const vector x98 = x90 * x54;
        const vector x99 = x91 * x55;
        sum100.part[i / LANES % PARTS] += keep(x96, left);
        sum101.part[i / LANES % PARTS] += keep(x97, left);
        sum102.part[i / LANES % PARTS] += keep(x98, left);
        sum103.part[i / LANES % PARTS] += keep(x99, left);
        sum112.part[i / LANES % PARTS] += keep(x88, left);
        sum113.part[i / LANES % PARTS] += keep(x89, left);
        sum114.part[i / LANES % PARTS] += keep(x90, left);
        sum115.part[i / LANES % PARTS] += keep(x91, left);
        store_part_float(grad_h_at + 0 * units + i, x72, left);
        store_part_float(grad_gain_at + 0 * units + i, load_part_float(grad_gain_at + 0 * units + i, left) + x92, left);
        store_part_float(grad_gain_at + 1 * units + i, load_part_float(grad_gain_at + 1 * units + i, left) + x93, left);
        store_part_float(grad_gain_at + 2 * units + i, load_part_float(grad_gain_at + 2 * units + i, left) + x94, left);
        store_part_float(grad_gain_at + 3 * units + i, load_part_float(grad_gain_at + 3 * units + i, left) + x95, left);
        store_part_float(grad_bias_at + 0 * units + i, load_part_float(grad_bias_at + 0 * units + i, left) + x86, left);
        store_part_float(grad_bias_at + 1 * units + i, load_part_float(grad_bias_at + 1 * units + i, left) + x87, left);
        store_part_float(grad_bias_at + 2 * units + i, load_part_float(grad_bias_at + 2 * units + i, left) + x82, left);
        store_part_float(grad_bias_at + 3 * units + i, load_part_float(grad_bias_at + 3 * units + i, left) + x80, left);
    }
    const float x100 = total_of(sum100);
    const float x101 = total_of(sum101);
    const float x102 = total_of(sum102);
    const float x103 = total_of(sum103);
    const float x112 = total_of(sum112);
    const float x113 = total_of(sum113);
    const float x114 = total_of(sum114);
    const float x115 = total_of(sum115);
    const float x104 = x100 / x22;
    const float x105 = x101 / x22;
    const float x106 = x102 / x22;
    const float x107 = x103 / x22;
    const float x116 = x112 / x22;
    const float x117 = x113 / x22;
    const float x118 = x114 / x22;
    const float x119 = x115 / x22;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(x_at + 0 * units + i);
        const vector x27 = x0 - x23;
        const vector x28 = x1 - x24;
        const vector x29 = x2 - x25;
        const vector x30 = x3 - x26;
        const vector x52 = x27 * x48;
        const vector x53 = x28 * x49;
        const vector x54 = x29 * x50;
        const vector x55 = x30 * x51;
        const vector x88 = load_float(kept + 0 * room + i);
        const vector x89 = load_float(kept + 1 * room + i);
        const vector x90 = load_float(kept + 2 * room + i);
        const vector x91 = load_float(kept + 3 * room + i);
        const vector x108 = x52 * x104;
        const vector x109 = x53 * x105;
        const vector x110 = x54 * x106;
        const vector x111 = x55 * x107;
        const vector x120 = x88 - x116;
        const vector x121 = x89 - x117;
        const vector x122 = x90 - x118;
        const vector x123 = x91 - x119;
        const vector x124 = x120 - x108;
        const vector x125 = x121 - x109;
        const vector x126 = x122 - x110;
        const vector x127 = x123 - x111;
        const vector x128 = x124 * x48;
        const vector x129 = x125 * x49;
        const vector x130 = x126 * x50;
        const vector x131 = x127 * x51;
        NAME(store)(grad_gates_at + 0 * units + i, x128);
        NAME(store)(grad_gates_at + 1 * units + i, x129);
        NAME(store)(grad_gates_at + 2 * units + i, x130);
        NAME(store)(grad_x_at + 0 * units + i, x131);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x27 = x0 - x23;
        const vector x28 = x1 - x24;
        const vector x29 = x2 - x25;
        const vector x30 = x3 - x26;
        const vector x52 = x27 * x48;
        const vector x53 = x28 * x49;
        const vector x54 = x29 * x50;
        const vector x55 = x30 * x51;
        const vector x88 = load_float(kept + 0 * room + i);
        const vector x89 = load_float(kept + 1 * room + i);
        const vector x90 = load_float(kept + 2 * room + i);
        const vector x91 = load_float(kept + 3 * room + i);
        const vector x108 = x52 * x104;
        const vector x109 = x53 * x105;
        const vector x110 = x54 * x106;
        const vector x111 = x55 * x107;
        const vector x120 = x88 - x116;
        const vector x121 = x89 - x117;
        const vector x122 = x90 - x118;
        const vector x123 = x91 - x119;
        const vector x124 = x120 - x108;
        const vector x125 = x121 - x109;
        const vector x126 = x122 - x110;
        const vector x127 = x123 - x111;
        const vector x128 = x124 * x48;
        const vector x129 = x125 * x49;
        const vector x130 = x126 * x50;
        const vector x131 = x127 * x51;
        NAME(store_part)(grad_gates_at + 0 * units + i, x128, left);
        NAME(store_part)(grad_gates_at + 1 * units + i, x129, left);
        NAME(store_part)(grad_gates_at + 2 * units + i, x130, left);
        NAME(store_part)(grad_x_at + 0 * units + i, x131, left);
    }
}
enum { NAME(LayerNormGRU_backward_kept) = 4 };
static void NAME(LayerNormGRU_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(LayerNormGRU_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(LayerNormGRU_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row), at(&p->operands[7], t, layer, row), at(&p->operands[8], t, layer, row), at(&p->operands[9], t, layer, row), at(&p->operands[10], t, layer, row), at(&p->operands[11], chunk, layer, row), at(&p->operands[12], chunk, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_LayerNormGRU_backward_operands[] = "gates x h gain bias grad_output grad_product grad_new_h =grad_gates =grad_x =grad_h +grad_gain +grad_bias";
#endif

void NAME(nmt_LayerNormGRU_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(LayerNormGRU_backward_rows)); }

static void NAME(IndRNN_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(IndRNN_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(IndRNN_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_IndRNN_forward_operands[] = "x h recurrent =hidden =new_h";
#endif

void NAME(nmt_IndRNN_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(IndRNN_forward_rows)); }

INLINE void NAME(IndRNN_backward_row)(int64_t units, float *kept, const narrow *x_at, const float *h_at, const float *recurrent_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_h_at, narrow *grad_x_at, float *grad_h_at, float *grad_recurrent_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(x_at + 0 * units + i);
        const vector x1 = load_float(h_at + 0 * units + i);
        const vector x2 = load_float(recurrent_at + 0 * units + i);
        const vector x3 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x4 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x5 = load_float(grad_new_h_at + 0 * units + i);
        const vector x6 = x3 + x4;
        const vector x7 = x6 + x5;
        const vector x8 = x2 * x1;
        const vector x9 = x0 + x8;
        const vector x11 = maximum(x9, all(0.0f));
        const vector x12 = truth(all(0.0f) >= x11);
        const vector x13 = choose(x12 != 0, all(0.0f), x7);
        const vector x15 = x13 * x1;
        const vector x16 = x13 * x2;
        NAME(store)(grad_x_at + 0 * units + i, x13);
        store_float(grad_h_at + 0 * units + i, x16);
        store_float(grad_recurrent_at + 0 * units + i, load_float(grad_recurrent_at + 0 * units + i) + x15);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x1 = load_part_float(h_at + 0 * units + i, left);
        const vector x2 = load_part_float(recurrent_at + 0 * units + i, left);
        const vector x3 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x4 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x5 = load_part_float(grad_new_h_at + 0 * units + i, left);
        const vector x6 = x3 + x4;
        const vector x7 = x6 + x5;
        const vector x8 = x2 * x1;
        const vector x9 = x0 + x8;
        const vector x11 = maximum(x9, all(0.0f));
        const vector x12 = truth(all(0.0f) >= x11);
        const vector x13 = choose(x12 != 0, all(0.0f), x7);
        const vector x15 = x13 * x1;
        const vector x16 = x13 * x2;
        NAME(store_part)(grad_x_at + 0 * units + i, x13, left);
        store_part_float(grad_h_at + 0 * units + i, x16, left);
        store_part_float(grad_recurrent_at + 0 * units + i, load_part_float(grad_recurrent_at + 0 * units + i, left) + x15, left);
    }
}
enum { NAME(IndRNN_backward_kept) = 0 };
static void NAME(IndRNN_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(IndRNN_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(IndRNN_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row), at(&p->operands[7], t, layer, row), at(&p->operands[8], chunk, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_IndRNN_backward_operands[] = "x h recurrent grad_output grad_product grad_new_h =grad_x =grad_h +grad_recurrent";
#endif

void NAME(nmt_IndRNN_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(IndRNN_backward_rows)); }

static void NAME(LSTM_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(LSTM_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(LSTM_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_LSTM_forward_operands[] = "gates c =hidden =new_c";
#endif

void NAME(nmt_LSTM_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(LSTM_forward_rows)); }

INLINE void NAME(LSTM_backward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_c_at, narrow *grad_gates_at, float *grad_c_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        const vector x5 = load_float(c_at + 0 * units + i);
        const vector x6 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x7 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x8 = load_float(grad_new_c_at + 0 * units + i);
        const vector x9 = x6 + x7;
        const vector x10 = sigmoid(x1);
        const vector x11 = x10 * x5;
        const vector x12 = sigmoid(x0);
        const vector x13 = hyperbolic_tangent(x2);
        const vector x14 = x12 * x13;
        const vector x15 = x11 + x14;
        const vector x16 = sigmoid(x3);
        const vector x17 = hyperbolic_tangent(x15);
        const vector x19 = x9 * x16;
        const vector x20 = x9 * x17;
        const vector x21 = x17 * x17;
        const vector x23 = 1.0f - x21;
        const vector x24 = x19 * x23;
        const vector x25 = x8 + x24;
        const vector x26 = 1.0f - x16;
        const vector x27 = x16 * x26;
        const vector x28 = x20 * x27;
        const vector x29 = x25 * x13;
        const vector x30 = x25 * x12;
        const vector x31 = x13 * x13;
        const vector x32 = 1.0f - x31;
        const vector x33 = x30 * x32;
        const vector x34 = 1.0f - x12;
        const vector x35 = x12 * x34;
        const vector x36 = x29 * x35;
        const vector x37 = x25 * x10;
        const vector x38 = x25 * x5;
        const vector x39 = 1.0f - x10;
        const vector x40 = x10 * x39;
        const vector x41 = x38 * x40;
        NAME(store)(grad_gates_at + 0 * units + i, x36);
        NAME(store)(grad_gates_at + 1 * units + i, x41);
        NAME(store)(grad_gates_at + 2 * units + i, x33);
        NAME(store)(grad_gates_at + 3 * units + i, x28);
        store_float(grad_c_at + 0 * units + i, x37);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(gates_at + 3 * units + i, left);
        const vector x5 = load_part_float(c_at + 0 * units + i, left);
        const vector x6 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x7 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x8 = load_part_float(grad_new_c_at + 0 * units + i, left);
        const vector x9 = x6 + x7;
        const vector x10 = sigmoid(x1);
        const vector x11 = x10 * x5;
        const vector x12 = sigmoid(x0);
        const vector x13 = hyperbolic_tangent(x2);
        const vector x14 = x12 * x13;
        const vector x15 = x11 + x14;
        const vector x16 = sigmoid(x3);
        const vector x17 = hyperbolic_tangent(x15);
        const vector x19 = x9 * x16;
        const vector x20 = x9 * x17;
        const vector x21 = x17 * x17;
        const vector x23 = 1.0f - x21;
        const vector x24 = x19 * x23;
        const vector x25 = x8 + x24;
        const vector x26 = 1.0f - x16;
        const vector x27 = x16 * x26;
        const vector x28 = x20 * x27;
        const vector x29 = x25 * x13;
        const vector x30 = x25 * x12;
        const vector x31 = x13 * x13;
        const vector x32 = 1.0f - x31;
        const vector x33 = x30 * x32;
        const vector x34 = 1.0f - x12;
        const vector x35 = x12 * x34;
        const vector x36 = x29 * x35;
        const vector x37 = x25 * x10;
        const vector x38 = x25 * x5;
        const vector x39 = 1.0f - x10;
        const vector x40 = x10 * x39;
        const vector x41 = x38 * x40;
        NAME(store_part)(grad_gates_at + 0 * units + i, x36, left);
        NAME(store_part)(grad_gates_at + 1 * units + i, x41, left);
        NAME(store_part)(grad_gates_at + 2 * units + i, x33, left);
        NAME(store_part)(grad_gates_at + 3 * units + i, x28, left);
        store_part_float(grad_c_at + 0 * units + i, x37, left);
    }
}
enum { NAME(LSTM_backward_kept) = 0 };
static void NAME(LSTM_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(LSTM_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(LSTM_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_LSTM_backward_operands[] = "gates c grad_output grad_product grad_new_c =grad_gates =grad_c";
#endif

void NAME(nmt_LSTM_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(LSTM_backward_rows)); }

static void NAME(OdysseyLSTM_forget_gate_False_peepholes_False_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_forget_gate_False_peepholes_False_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_forget_gate_False_peepholes_False_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_forget_gate_False_peepholes_False_forward_operands[] = "gates c =hidden =new_c";
#endif

void NAME(nmt_OdysseyLSTM_forget_gate_False_peepholes_False_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_forget_gate_False_peepholes_False_forward_rows)); }

INLINE void NAME(OdysseyLSTM_forget_gate_False_peepholes_False_backward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_c_at, narrow *grad_gates_at, float *grad_c_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x4 = load_float(c_at + 0 * units + i);
        const vector x5 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x6 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x7 = load_float(grad_new_c_at + 0 * units + i);
        const vector x8 = x5 + x6;
        const vector x9 = sigmoid(x0);
        const vector x10 = hyperbolic_tangent(x1);
        const vector x11 = x9 * x10;
        const vector x12 = x4 + x11;
        const vector x13 = hyperbolic_tangent(x12);
        const vector x14 = sigmoid(x2);
        const vector x16 = x8 * x14;
        const vector x17 = x8 * x13;
        const vector x19 = 1.0f - x14;
        const vector x20 = x14 * x19;
        const vector x21 = x17 * x20;
        const vector x22 = x13 * x13;
        const vector x23 = 1.0f - x22;
        const vector x24 = x16 * x23;
        const vector x25 = x7 + x24;
        const vector x26 = x25 * x9;
        const vector x27 = x25 * x10;
        const vector x28 = x10 * x10;
        const vector x29 = 1.0f - x28;
        const vector x30 = x26 * x29;
        const vector x31 = 1.0f - x9;
        const vector x32 = x9 * x31;
        const vector x33 = x27 * x32;
        NAME(store)(grad_gates_at + 0 * units + i, x33);
        NAME(store)(grad_gates_at + 1 * units + i, x30);
        NAME(store)(grad_gates_at + 2 * units + i, x21);
        store_float(grad_c_at + 0 * units + i, x25);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x4 = load_part_float(c_at + 0 * units + i, left);
        const vector x5 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x6 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x7 = load_part_float(grad_new_c_at + 0 * units + i, left);
        const vector x8 = x5 + x6;
        const vector x9 = sigmoid(x0);
        const vector x10 = hyperbolic_tangent(x1);
        const vector x11 = x9 * x10;
        const vector x12 = x4 + x11;
        const vector x13 = hyperbolic_tangent(x12);
        const vector x14 = sigmoid(x2);
        const vector x16 = x8 * x14;
        const vector x17 = x8 * x13;
        const vector x19 = 1.0f - x14;
        const vector x20 = x14 * x19;
        const vector x21 = x17 * x20;
        const vector x22 = x13 * x13;
        const vector x23 = 1.0f - x22;
        const vector x24 = x16 * x23;
        const vector x25 = x7 + x24;
        const vector x26 = x25 * x9;
        const vector x27 = x25 * x10;
        const vector x28 = x10 * x10;
        const vector x29 = 1.0f - x28;
        const vector x30 = x26 * x29;
        const vector x31 = 1.0f - x9;
        const vector x32 = x9 * x31;
        const vector x33 = x27 * x32;
        NAME(store_part)(grad_gates_at + 0 * units + i, x33, left);
        NAME(store_part)(grad_gates_at + 1 * units + i, x30, left);
        NAME(store_part)(grad_gates_at + 2 * units + i, x21, left);
        store_part_float(grad_c_at + 0 * units + i, x25, left);
    }
}
enum { NAME(OdysseyLSTM_forget_gate_False_peepholes_False_backward_kept) = 0 };
static void NAME(OdysseyLSTM_forget_gate_False_peepholes_False_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_forget_gate_False_peepholes_False_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_forget_gate_False_peepholes_False_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_forget_gate_False_peepholes_False_backward_operands[] = "gates c grad_output grad_product grad_new_c =grad_gates =grad_c";
#endif

void NAME(nmt_OdysseyLSTM_forget_gate_False_peepholes_False_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_forget_gate_False_peepholes_False_backward_rows)); }

static void NAME(OdysseyLSTM_coupled_True_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_coupled_True_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_coupled_True_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_coupled_True_forward_operands[] = "gates c peephole =hidden =new_c";
#endif

void NAME(nmt_OdysseyLSTM_coupled_True_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_coupled_True_forward_rows)); }

INLINE void NAME(OdysseyLSTM_coupled_True_backward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *peephole_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_c_at, narrow *grad_gates_at, float *grad_c_at, float *grad_peephole_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x4 = load_float(c_at + 0 * units + i);
        const vector x5 = load_float(peephole_at + 0 * units + i);
        const vector x6 = load_float(peephole_at + 1 * units + i);
        const vector x7 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x8 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x9 = load_float(grad_new_c_at + 0 * units + i);
        const vector x10 = x7 + x8;
        const vector x11 = x5 * x4;
        const vector x12 = x0 + x11;
        const vector x13 = sigmoid(x12);
        const vector x14 = hyperbolic_tangent(x1);
        const vector x15 = x13 * x14;
        const vector x17 = 1.0f - x13;
        const vector x18 = x17 * x4;
        const vector x19 = x18 + x15;
        const vector x20 = hyperbolic_tangent(x19);
        const vector x21 = x6 * x19;
        const vector x22 = x2 + x21;
        const vector x23 = sigmoid(x22);
        const vector x25 = x10 * x23;
        const vector x26 = x10 * x20;
        const vector x27 = 1.0f - x23;
        const vector x28 = x23 * x27;
        const vector x29 = x26 * x28;
        const vector x30 = x29 * x6;
        const vector x31 = x29 * x19;
        const vector x32 = x9 + x30;
        const vector x33 = x20 * x20;
        const vector x34 = 1.0f - x33;
        const vector x35 = x25 * x34;
        const vector x36 = x32 + x35;
        const vector x37 = x36 * x17;
        const vector x38 = x36 * x4;
        const vector x39 = -x38;
        const vector x40 = x36 * x13;
        const vector x41 = x36 * x14;
        const vector x42 = x39 + x41;
        const vector x43 = x14 * x14;
        const vector x44 = 1.0f - x43;
        const vector x45 = x40 * x44;
        const vector x46 = x13 * x17;
        const vector x47 = x42 * x46;
        const vector x48 = x47 * x5;
        const vector x49 = x47 * x4;
        const vector x50 = x37 + x48;
        NAME(store)(grad_gates_at + 0 * units + i, x47);
        NAME(store)(grad_gates_at + 1 * units + i, x45);
        NAME(store)(grad_gates_at + 2 * units + i, x29);
        store_float(grad_c_at + 0 * units + i, x50);
        store_float(grad_peephole_at + 0 * units + i, load_float(grad_peephole_at + 0 * units + i) + x49);
        store_float(grad_peephole_at + 1 * units + i, load_float(grad_peephole_at + 1 * units + i) + x31);
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
        const vector x7 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x8 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x9 = load_part_float(grad_new_c_at + 0 * units + i, left);
        const vector x10 = x7 + x8;
        const vector x11 = x5 * x4;
        const vector x12 = x0 + x11;
        const vector x13 = sigmoid(x12);
        const vector x14 = hyperbolic_tangent(x1);
        const vector x15 = x13 * x14;
        const vector x17 = 1.0f - x13;
        const vector x18 = x17 * x4;
        const vector x19 = x18 + x15;
        const vector x20 = hyperbolic_tangent(x19);
        const vector x21 = x6 * x19;
        const vector x22 = x2 + x21;
        const vector x23 = sigmoid(x22);
        const vector x25 = x10 * x23;
        const vector x26 = x10 * x20;
        const vector x27 = 1.0f - x23;
        const vector x28 = x23 * x27;
        const vector x29 = x26 * x28;
        const vector x30 = x29 * x6;
        const vector x31 = x29 * x19;
        const vector x32 = x9 + x30;
        const vector x33 = x20 * x20;
        const vector x34 = 1.0f - x33;
        const vector x35 = x25 * x34;
        const vector x36 = x32 + x35;
        const vector x37 = x36 * x17;
        const vector x38 = x36 * x4;
        const vector x39 = -x38;
        const vector x40 = x36 * x13;
        const vector x41 = x36 * x14;
        const vector x42 = x39 + x41;
        const vector x43 = x14 * x14;
        const vector x44 = 1.0f - x43;
        const vector x45 = x40 * x44;
        const vector x46 = x13 * x17;
        const vector x47 = x42 * x46;
        const vector x48 = x47 * x5;
        const vector x49 = x47 * x4;
        const vector x50 = x37 + x48;
        NAME(store_part)(grad_gates_at + 0 * units + i, x47, left);
        NAME(store_part)(grad_gates_at + 1 * units + i, x45, left);
        NAME(store_part)(grad_gates_at + 2 * units + i, x29, left);
        store_part_float(grad_c_at + 0 * units + i, x50, left);
        store_part_float(grad_peephole_at + 0 * units + i, load_part_float(grad_peephole_at + 0 * units + i, left) + x49, left);
        store_part_float(grad_peephole_at + 1 * units + i, load_part_float(grad_peephole_at + 1 * units + i, left) + x31, left);
    }
}
enum { NAME(OdysseyLSTM_coupled_True_backward_kept) = 0 };
static void NAME(OdysseyLSTM_coupled_True_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_coupled_True_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_coupled_True_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row), at(&p->operands[7], t, layer, row), at(&p->operands[8], chunk, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_coupled_True_backward_operands[] = "gates c peephole grad_output grad_product grad_new_c =grad_gates =grad_c +grad_peephole";
#endif

void NAME(nmt_OdysseyLSTM_coupled_True_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_coupled_True_backward_rows)); }

static void NAME(LayerNormLSTM_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(LayerNormLSTM_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(LayerNormLSTM_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_LayerNormLSTM_forward_operands[] = "gates c gain bias =hidden =new_c";
#endif

void NAME(nmt_LayerNormLSTM_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(LayerNormLSTM_forward_rows)); }

INLINE void NAME(LayerNormLSTM_backward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *gain_at, const float *bias_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_c_at, narrow *grad_gates_at, float *grad_c_at, float *grad_gain_at, float *grad_bias_at) {
    const int64_t room = room_of(units);
    struct sums sum20 = {0};
    struct sums sum21 = {0};
    struct sums sum22 = {0};
    struct sums sum23 = {0};
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        sum20.part[i / LANES % PARTS] += x0;
        sum21.part[i / LANES % PARTS] += x1;
        sum22.part[i / LANES % PARTS] += x2;
        sum23.part[i / LANES % PARTS] += x3;
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(gates_at + 3 * units + i, left);
        sum20.part[i / LANES % PARTS] += keep(x0, left);
        sum21.part[i / LANES % PARTS] += keep(x1, left);
        sum22.part[i / LANES % PARTS] += keep(x2, left);
        sum23.part[i / LANES % PARTS] += keep(x3, left);
    }
    const float x20 = total_of(sum20);
    const float x21 = total_of(sum21);
    const float x22 = total_of(sum22);
    const float x23 = total_of(sum23);
    const float x24 = units;
    const float x25 = x20 / x24;
    const float x26 = x21 / x24;
    const float x27 = x22 / x24;
    const float x28 = x23 / x24;
    struct sums sum37 = {0};
    struct sums sum38 = {0};
    struct sums sum39 = {0};
    struct sums sum40 = {0};
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        const vector x29 = x0 - x25;
        const vector x30 = x1 - x26;
        const vector x31 = x2 - x27;
        const vector x32 = x3 - x28;
        const vector x33 = x29 * x29;
        const vector x34 = x30 * x30;
        const vector x35 = x31 * x31;
        const vector x36 = x32 * x32;
        sum37.part[i / LANES % PARTS] += x33;
        sum38.part[i / LANES % PARTS] += x34;
        sum39.part[i / LANES % PARTS] += x35;
        sum40.part[i / LANES % PARTS] += x36;
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(gates_at + 3 * units + i, left);
        const vector x29 = x0 - x25;
        const vector x30 = x1 - x26;
        const vector x31 = x2 - x27;
        const vector x32 = x3 - x28;
        const vector x33 = x29 * x29;
        const vector x34 = x30 * x30;
        const vector x35 = x31 * x31;
        const vector x36 = x32 * x32;
        sum37.part[i / LANES % PARTS] += keep(x33, left);
        sum38.part[i / LANES % PARTS] += keep(x34, left);
        sum39.part[i / LANES % PARTS] += keep(x35, left);
        sum40.part[i / LANES % PARTS] += keep(x36, left);
    }
    const float x37 = total_of(sum37);
    const float x38 = total_of(sum38);
    const float x39 = total_of(sum39);
    const float x40 = total_of(sum40);
    const float x41 = x37 / x24;
    const float x42 = x38 / x24;
    const float x43 = x39 / x24;
    const float x46 = x41 + 1e-05f;
    const float x47 = x42 + 1e-05f;
    const float x48 = x43 + 1e-05f;
    const float x50 = (inverse_root(all(x46)))[0];
    const float x51 = (inverse_root(all(x47)))[0];
    const float x52 = (inverse_root(all(x48)))[0];
    struct sums sum72 = {0};
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
        const vector x29 = x0 - x25;
        const vector x30 = x1 - x26;
        const vector x31 = x2 - x27;
        const vector x54 = x29 * x50;
        const vector x55 = x30 * x51;
        const vector x56 = x31 * x52;
        const vector x58 = x54 * x6;
        const vector x59 = x55 * x7;
        const vector x60 = x56 * x8;
        const vector x62 = x11 + x58;
        const vector x63 = x12 + x59;
        const vector x64 = x13 + x60;
        const vector x66 = sigmoid(x63);
        store_float(kept + 0 * room + i, x66);
        const vector x67 = x66 * x5;
        const vector x68 = sigmoid(x62);
        store_float(kept + 1 * room + i, x68);
        const vector x69 = hyperbolic_tangent(x64);
        store_float(kept + 2 * room + i, x69);
        const vector x70 = x68 * x69;
        const vector x71 = x67 + x70;
        store_float(kept + 3 * room + i, x71);
        sum72.part[i / LANES % PARTS] += x71;
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
        const vector x29 = x0 - x25;
        const vector x30 = x1 - x26;
        const vector x31 = x2 - x27;
        const vector x54 = x29 * x50;
        const vector x55 = x30 * x51;
        const vector x56 = x31 * x52;
        const vector x58 = x54 * x6;
        const vector x59 = x55 * x7;
        const vector x60 = x56 * x8;
        const vector x62 = x11 + x58;
        const vector x63 = x12 + x59;
        const vector x64 = x13 + x60;
        const vector x66 = sigmoid(x63);
        store_float(kept + 0 * room + i, x66);
        const vector x67 = x66 * x5;
        const vector x68 = sigmoid(x62);
        store_float(kept + 1 * room + i, x68);
        const vector x69 = hyperbolic_tangent(x64);
        store_float(kept + 2 * room + i, x69);
        const vector x70 = x68 * x69;
        const vector x71 = x67 + x70;
        store_float(kept + 3 * room + i, x71);
        sum72.part[i / LANES % PARTS] += keep(x71, left);
    }
    const float x72 = total_of(sum72);
    const float x73 = x72 / x24;
    struct sums sum76 = {0};
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x71 = load_float(kept + 3 * room + i);
        const vector x74 = x71 - x73;
        const vector x75 = x74 * x74;
        sum76.part[i / LANES % PARTS] += x75;
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x71 = load_float(kept + 3 * room + i);
        const vector x74 = x71 - x73;
        const vector x75 = x74 * x74;
        sum76.part[i / LANES % PARTS] += keep(x75, left);
    }
    const float x76 = total_of(sum76);
    const float x44 = x40 / x24;
    const float x49 = x44 + 1e-05f;
    const float x53 = (inverse_root(all(x49)))[0];
    const float x77 = x76 / x24;
    const float x78 = x77 + 1e-05f;
    const float x79 = (inverse_root(all(x78)))[0];
    struct sums sum99 = {0};
    struct sums sum102 = {0};
    struct sums sum136 = {0};
    struct sums sum148 = {0};
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        const vector x9 = load_float(gain_at + 3 * units + i);
        const vector x10 = load_float(gain_at + 4 * units + i);
        const vector x14 = load_float(bias_at + 3 * units + i);
        const vector x15 = load_float(bias_at + 4 * units + i);
        const vector x16 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x17 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x19 = x16 + x17;
        const vector x32 = x3 - x28;
        const vector x57 = x32 * x53;
        const vector x61 = x57 * x9;
        const vector x65 = x14 + x61;
        const vector x71 = load_float(kept + 3 * room + i);
        const vector x74 = x71 - x73;
        const vector x80 = x74 * x79;
        const vector x81 = sigmoid(x65);
        const vector x82 = x80 * x10;
        const vector x83 = x15 + x82;
        const vector x84 = hyperbolic_tangent(x83);
        const vector x86 = x19 * x81;
        const vector x87 = x19 * x84;
        const vector x88 = x84 * x84;
        const vector x90 = 1.0f - x88;
        const vector x91 = x86 * x90;
        const vector x93 = x91 * x10;
        store_float(kept + 4 * room + i, x93);
        const vector x94 = x91 * x80;
        const vector x95 = 1.0f - x81;
        const vector x96 = x81 * x95;
        const vector x97 = x87 * x96;
        const vector x98 = x93 * x80;
        const vector x124 = x97 * x9;
        store_float(kept + 5 * room + i, x124);
        const vector x128 = x97 * x57;
        const vector x132 = x124 * x57;
        sum99.part[i / LANES % PARTS] += x98;
        sum102.part[i / LANES % PARTS] += x93;
        sum136.part[i / LANES % PARTS] += x132;
        sum148.part[i / LANES % PARTS] += x124;
        store_float(grad_gain_at + 3 * units + i, load_float(grad_gain_at + 3 * units + i) + x128);
        store_float(grad_gain_at + 4 * units + i, load_float(grad_gain_at + 4 * units + i) + x94);
        store_float(grad_bias_at + 3 * units + i, load_float(grad_bias_at + 3 * units + i) + x97);
        store_float(grad_bias_at + 4 * units + i, load_float(grad_bias_at + 4 * units + i) + x91);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x3 = NAME(load_part)(gates_at + 3 * units + i, left);
        const vector x9 = load_part_float(gain_at + 3 * units + i, left);
        const vector x10 = load_part_float(gain_at + 4 * units + i, left);
        const vector x14 = load_part_float(bias_at + 3 * units + i, left);
        const vector x15 = load_part_float(bias_at + 4 * units + i, left);
        const vector x16 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x17 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x19 = x16 + x17;
        const vector x32 = x3 - x28;
        const vector x57 = x32 * x53;
        const vector x61 = x57 * x9;
        const vector x65 = x14 + x61;
        const vector x71 = load_float(kept + 3 * room + i);
        const vector x74 = x71 - x73;
        const vector x80 = x74 * x79;
        const vector x81 = sigmoid(x65);
        const vector x82 = x80 * x10;
        const vector x83 = x15 + x82;
        const vector x84 = hyperbolic_tangent(x83);
        const vector x86 = x19 * x81;
        const vector x87 = x19 * x84;
        const vector x88 = x84 * x84;
        const vector x90 = 1.0f - x88;
        const vector x91 = x86 * x90;
        const vector x93 = x91 * x10;
        store_float(kept + 4 * room + i, x93);
        const vector x94 = x91 * x80;
        const vector x95 = 1.0f - x81;
        const vector x96 = x81 * x95;
        const vector x97 = x87 * x96;
        const vector x98 = x93 * x80;
        const vector x124 = x97 * x9;
        store_float(kept + 5 * room + i, x124);
        const vector x128 = x97 * x57;
        const vector x132 = x124 * x57;
        sum99.part[i / LANES % PARTS] += keep(x98, left);
        sum102.part[i / LANES % PARTS] += keep(x93, left);
        sum136.part[i / LANES % PARTS] += keep(x132, left);
        sum148.part[i / LANES % PARTS] += keep(x124, left);
        store_part_float(grad_gain_at + 3 * units + i, load_part_float(grad_gain_at + 3 * units + i, left) + x128, left);
        store_part_float(grad_gain_at + 4 * units + i, load_part_float(grad_gain_at + 4 * units + i, left) + x94, left);
        store_part_float(grad_bias_at + 3 * units + i, load_part_float(grad_bias_at + 3 * units + i, left) + x97, left);
        store_part_float(grad_bias_at + 4 * units + i, load_part_float(grad_bias_at + 4 * units + i, left) + x91, left);
    }
    const float x99 = total_of(sum99);
    const float x102 = total_of(sum102);
    const float x136 = total_of(sum136);
    const float x148 = total_of(sum148);
    const float x100 = x99 / x24;
    const float x103 = x102 / x24;
    const float x140 = x136 / x24;
    const float x152 = x148 / x24;
    struct sums sum133 = {0};
    struct sums sum134 = {0};
    struct sums sum135 = {0};
    struct sums sum145 = {0};
    struct sums sum146 = {0};
    struct sums sum147 = {0};
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        const vector x5 = load_float(c_at + 0 * units + i);
        const vector x6 = load_float(gain_at + 0 * units + i);
        const vector x7 = load_float(gain_at + 1 * units + i);
        const vector x8 = load_float(gain_at + 2 * units + i);
        const vector x18 = load_float(grad_new_c_at + 0 * units + i);
        const vector x29 = x0 - x25;
        const vector x30 = x1 - x26;
        const vector x31 = x2 - x27;
        const vector x32 = x3 - x28;
        const vector x54 = x29 * x50;
        const vector x55 = x30 * x51;
        const vector x56 = x31 * x52;
        const vector x57 = x32 * x53;
        const vector x66 = load_float(kept + 0 * room + i);
        const vector x68 = load_float(kept + 1 * room + i);
        const vector x69 = load_float(kept + 2 * room + i);
        const vector x71 = load_float(kept + 3 * room + i);
        const vector x74 = x71 - x73;
        const vector x80 = x74 * x79;
        const vector x93 = load_float(kept + 4 * room + i);
        const vector x101 = x80 * x100;
        const vector x104 = x93 - x103;
        const vector x105 = x104 - x101;
        const vector x106 = x105 * x79;
        const vector x107 = x18 + x106;
        const vector x108 = x107 * x69;
        const vector x109 = x107 * x68;
        const vector x110 = x69 * x69;
        const vector x111 = 1.0f - x110;
        const vector x112 = x109 * x111;
        const vector x113 = 1.0f - x68;
        const vector x114 = x68 * x113;
        const vector x115 = x108 * x114;
        const vector x116 = x107 * x66;
        const vector x117 = x107 * x5;
        const vector x118 = 1.0f - x66;
        const vector x119 = x66 * x118;
        const vector x120 = x117 * x119;
        const vector x121 = x115 * x6;
        store_float(kept + 6 * room + i, x121);
        const vector x122 = x120 * x7;
        store_float(kept + 7 * room + i, x122);
        const vector x123 = x112 * x8;
        store_float(kept + 8 * room + i, x123);
        const vector x124 = load_float(kept + 5 * room + i);
        const vector x125 = x115 * x54;
        const vector x126 = x120 * x55;
        const vector x127 = x112 * x56;
        const vector x129 = x121 * x54;
        const vector x130 = x122 * x55;
        const vector x131 = x123 * x56;
        const vector x144 = x57 * x140;
        const vector x156 = x124 - x152;
        const vector x160 = x156 - x144;
        const vector x164 = x160 * x53;
        sum133.part[i / LANES % PARTS] += x129;
        sum134.part[i / LANES % PARTS] += x130;
        sum135.part[i / LANES % PARTS] += x131;
        sum145.part[i / LANES % PARTS] += x121;
        sum146.part[i / LANES % PARTS] += x122;
        sum147.part[i / LANES % PARTS] += x123;
        NAME(store)(grad_gates_at + 3 * units + i, x164);
        store_float(grad_c_at + 0 * units + i, x116);
        store_float(grad_gain_at + 0 * units + i, load_float(grad_gain_at + 0 * units + i) + x125);
        store_float(grad_gain_at + 1 * units + i, load_float(grad_gain_at + 1 * units + i) + x126);
        store_float(grad_gain_at + 2 * units + i, load_float(grad_gain_at + 2 * units + i) + x127);
        store_float(grad_bias_at + 0 * units + i, load_float(grad_bias_at + 0 * units + i) + x115);
        store_float(grad_bias_at + 1 * units + i, load_float(grad_bias_at + 1 * units + i) + x120);
        store_float(grad_bias_at + 2 * units + i, load_float(grad_bias_at + 2 * units + i) + x112);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(gates_at + 3 * units + i, left);
        const vector x5 = load_part_float(c_at + 0 * units + i, left);
        const vector x6 = load_part_float(gain_at + 0 * units + i, left);
        const vector x7 = load_part_float(gain_at + 1 * units + i, left);
        const vector x8 = load_part_float(gain_at + 2 * units + i, left);
        const vector x18 = load_part_float(grad_new_c_at + 0 * units + i, left);
        const vector x29 = x0 - x25;
        const vector x30 = x1 - x26;
        const vector x31 = x2 - x27;
        const vector x32 = x3 - x28;
        const vector x54 = x29 * x50;
        const vector x55 = x30 * x51;
        const vector x56 = x31 * x52;
        const vector x57 = x32 * x53;
        const vector x66 = load_float(kept + 0 * room + i);
        const vector x68 = load_float(kept + 1 * room + i);
        const vector x69 = load_float(kept + 2 * room + i);
        const vector x71 = load_float(kept + 3 * room + i);
        const vector x74 = x71 - x73;
        const vector x80 = x74 * x79;
        const vector x93 = load_float(kept + 4 * room + i);
        const vector x101 = x80 * x100;
        const vector x104 = x93 - x103;
        const vector x105 = x104 - x101;
        const vector x106 = x105 * x79;
        const vector x107 = x18 + x106;
        const vector x108 = x107 * x69;
        const vector x109 = x107 * x68;
        const vector x110 = x69 * x69;
        const vector x111 = 1.0f - x110;
        const vector x112 = x109 * x111;
        const vector x113 = 1.0f - x68;
        const vector x114 = x68 * x113;
        const vector x115 = x108 * x114;
        const vector x116 = x107 * x66;
        const vector x117 = x107 * x5;
        const vector x118 = 1.0f - x66;
        const vector x119 = x66 * x118;
        const vector x120 = x117 * x119;
        const vector x121 = x115 * x6;
        store_float(kept + 6 * room + i, x121);
        const vector x122 = x120 * x7;
        store_float(kept + 7 * room + i, x122);
        const vector x123 = x112 * x8;
        store_float(kept + 8 * room + i, x123);
        const vector x124 = load_float(kept + 5 * room + i);
        const vector x125 = x115 * x54;
        const vector x126 = x120 * x55;
        const vector x127 = x112 * x56;
        const vector x129 = x121 * x54;
        const vector x130 = x122 * x55;
        const vector x131 = x123 * x56;
        const vector x144 = x57 * x140;
        const vector x156 = x124 - x152;
        const vector x160 = x156 - x144;
        const vector x164 = x160 * x53;
        sum133.part[i / LANES % PARTS] += keep(x129, left);
        sum134.part[i / LANES % PARTS] += keep(x130, left);
        sum135.part[i / LANES % PARTS] += keep(x131, left);
        sum145.part[i / LANES % PARTS] += keep(x121, left);
        sum146.part[i / LANES % PARTS] += keep(x122, left);
        sum147.part[i / LANES % PARTS] += keep(x123, left);
        NAME(store_part)(grad_gates_at + 3 * units + i, x164, left);
        store_part_float(grad_c_at + 0 * units + i, x116, left);
        store_part_float(grad_gain_at + 0 * units + i, load_part_float(grad_gain_at + 0 * units + i, left) + x125, left);
        store_part_float(grad_gain_at + 1 * units + i, load_part_float(grad_gain_at + 1 * units + i, left) + x126, left);
        store_part_float(grad_gain_at + 2 * units + i, load_part_float(grad_gain_at + 2 * units + i, left) + x127, left);
        store_part_float(grad_bias_at + 0 * units + i, load_part_float(grad_bias_at + 0 * units + i, left) + x115, left);
        store_part_float(grad_bias_at + 1 * units + i, load_part_float(grad_bias_at + 1 * units + i, left) + x120, left);
        store_part_float(grad_bias_at + 2 * units + i, load_part_float(grad_bias_at + 2 * units + i, left) + x112, left);
    }
    const float x133 = total_of(sum133);
    const float x134 = total_of(sum134);
    const float x135 = total_of(sum135);
    const float x145 = total_of(sum145);
    const float x146 = total_of(sum146);
    const float x147 = total_of(sum147);
    const float x137 = x133 / x24;
    const float x138 = x134 / x24;
    const float x139 = x135 / x24;
    const float x149 = x145 / x24;
    const float x150 = x146 / x24;
    const float x151 = x147 / x24;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x29 = x0 - x25;
        const vector x30 = x1 - x26;
        const vector x31 = x2 - x27;
        const vector x54 = x29 * x50;
        const vector x55 = x30 * x51;
        const vector x56 = x31 * x52;
        const vector x121 = load_float(kept + 6 * room + i);
        const vector x122 = load_float(kept + 7 * room + i);
        const vector x123 = load_float(kept + 8 * room + i);
        const vector x141 = x54 * x137;
        const vector x142 = x55 * x138;
        const vector x143 = x56 * x139;
        const vector x153 = x121 - x149;
        const vector x154 = x122 - x150;
        const vector x155 = x123 - x151;
        const vector x157 = x153 - x141;
        const vector x158 = x154 - x142;
        const vector x159 = x155 - x143;
        const vector x161 = x157 * x50;
        const vector x162 = x158 * x51;
        const vector x163 = x159 * x52;
        NAME(store)(grad_gates_at + 0 * units + i, x161);
        NAME(store)(grad_gates_at + 1 * units + i, x162);
        NAME(store)(grad_gates_at + 2 * units + i, x163);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x29 = x0 - x25;
        const vector x30 = x1 - x26;
        const vector x31 = x2 - x27;
        const vector x54 = x29 * x50;
        const vector x55 = x30 * x51;
        const vector x56 = x31 * x52;
        const vector x121 = load_float(kept + 6 * room + i);
        const vector x122 = load_float(kept + 7 * room + i);
        const vector x123 = load_float(kept + 8 * room + i);
        const vector x141 = x54 * x137;
        const vector x142 = x55 * x138;
        const vector x143 = x56 * x139;
        const vector x153 = x121 - x149;
        const vector x154 = x122 - x150;
        const vector x155 = x123 - x151;
        const vector x157 = x153 - x141;
        const vector x158 = x154 - x142;
        const vector x159 = x155 - x143;
        const vector x161 = x157 * x50;
        const vector x162 = x158 * x51;
        const vector x163 = x159 * x52;
        NAME(store_part)(grad_gates_at + 0 * units + i, x161, left);
        NAME(store_part)(grad_gates_at + 1 * units + i, x162, left);
        NAME(store_part)(grad_gates_at + 2 * units + i, x163, left);
    }
}
enum { NAME(LayerNormLSTM_backward_kept) = 9 };
static void NAME(LayerNormLSTM_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(LayerNormLSTM_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(LayerNormLSTM_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row), at(&p->operands[7], t, layer, row), at(&p->operands[8], t, layer, row), at(&p->operands[9], chunk, layer, row), at(&p->operands[10], chunk, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_LayerNormLSTM_backward_operands[] = "gates c gain bias grad_output grad_product grad_new_c =grad_gates =grad_c +grad_gain +grad_bias";
#endif

void NAME(nmt_LayerNormLSTM_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(LayerNormLSTM_backward_rows)); }

static void NAME(OdysseyLSTM_forget_gate_False_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_forget_gate_False_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_forget_gate_False_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_forget_gate_False_forward_operands[] = "gates c peephole =hidden =new_c";
#endif

void NAME(nmt_OdysseyLSTM_forget_gate_False_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_forget_gate_False_forward_rows)); }

INLINE void NAME(OdysseyLSTM_forget_gate_False_backward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *peephole_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_c_at, narrow *grad_gates_at, float *grad_c_at, float *grad_peephole_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x4 = load_float(c_at + 0 * units + i);
        const vector x5 = load_float(peephole_at + 0 * units + i);
        const vector x6 = load_float(peephole_at + 1 * units + i);
        const vector x7 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x8 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x9 = load_float(grad_new_c_at + 0 * units + i);
        const vector x10 = x7 + x8;
        const vector x11 = x5 * x4;
        const vector x12 = x0 + x11;
        const vector x13 = sigmoid(x12);
        const vector x14 = hyperbolic_tangent(x1);
        const vector x15 = x13 * x14;
        const vector x16 = x4 + x15;
        const vector x17 = hyperbolic_tangent(x16);
        const vector x18 = x6 * x16;
        const vector x19 = x2 + x18;
        const vector x20 = sigmoid(x19);
        const vector x22 = x10 * x20;
        const vector x23 = x10 * x17;
        const vector x25 = 1.0f - x20;
        const vector x26 = x20 * x25;
        const vector x27 = x23 * x26;
        const vector x28 = x27 * x6;
        const vector x29 = x27 * x16;
        const vector x30 = x9 + x28;
        const vector x31 = x17 * x17;
        const vector x32 = 1.0f - x31;
        const vector x33 = x22 * x32;
        const vector x34 = x30 + x33;
        const vector x35 = x34 * x13;
        const vector x36 = x34 * x14;
        const vector x37 = x14 * x14;
        const vector x38 = 1.0f - x37;
        const vector x39 = x35 * x38;
        const vector x40 = 1.0f - x13;
        const vector x41 = x13 * x40;
        const vector x42 = x36 * x41;
        const vector x43 = x42 * x5;
        const vector x44 = x42 * x4;
        const vector x45 = x34 + x43;
        NAME(store)(grad_gates_at + 0 * units + i, x42);
        NAME(store)(grad_gates_at + 1 * units + i, x39);
        NAME(store)(grad_gates_at + 2 * units + i, x27);
        store_float(grad_c_at + 0 * units + i, x45);
        store_float(grad_peephole_at + 0 * units + i, load_float(grad_peephole_at + 0 * units + i) + x44);
        store_float(grad_peephole_at + 1 * units + i, load_float(grad_peephole_at + 1 * units + i) + x29);
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
        const vector x7 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x8 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x9 = load_part_float(grad_new_c_at + 0 * units + i, left);
        const vector x10 = x7 + x8;
        const vector x11 = x5 * x4;
        const vector x12 = x0 + x11;
        const vector x13 = sigmoid(x12);
        const vector x14 = hyperbolic_tangent(x1);
        const vector x15 = x13 * x14;
        const vector x16 = x4 + x15;
        const vector x17 = hyperbolic_tangent(x16);
        const vector x18 = x6 * x16;
        const vector x19 = x2 + x18;
        const vector x20 = sigmoid(x19);
        const vector x22 = x10 * x20;
        const vector x23 = x10 * x17;
        const vector x25 = 1.0f - x20;
        const vector x26 = x20 * x25;
        const vector x27 = x23 * x26;
        const vector x28 = x27 * x6;
        const vector x29 = x27 * x16;
        const vector x30 = x9 + x28;
        const vector x31 = x17 * x17;
        const vector x32 = 1.0f - x31;
        const vector x33 = x22 * x32;
        const vector x34 = x30 + x33;
        const vector x35 = x34 * x13;
        const vector x36 = x34 * x14;
        const vector x37 = x14 * x14;
        const vector x38 = 1.0f - x37;
        const vector x39 = x35 * x38;
        const vector x40 = 1.0f - x13;
        const vector x41 = x13 * x40;
        const vector x42 = x36 * x41;
        const vector x43 = x42 * x5;
        const vector x44 = x42 * x4;
        const vector x45 = x34 + x43;
        NAME(store_part)(grad_gates_at + 0 * units + i, x42, left);
        NAME(store_part)(grad_gates_at + 1 * units + i, x39, left);
        NAME(store_part)(grad_gates_at + 2 * units + i, x27, left);
        store_part_float(grad_c_at + 0 * units + i, x45, left);
        store_part_float(grad_peephole_at + 0 * units + i, load_part_float(grad_peephole_at + 0 * units + i, left) + x44, left);
        store_part_float(grad_peephole_at + 1 * units + i, load_part_float(grad_peephole_at + 1 * units + i, left) + x29, left);
    }
}
enum { NAME(OdysseyLSTM_forget_gate_False_backward_kept) = 0 };
static void NAME(OdysseyLSTM_forget_gate_False_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_forget_gate_False_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_forget_gate_False_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row), at(&p->operands[7], t, layer, row), at(&p->operands[8], chunk, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_forget_gate_False_backward_operands[] = "gates c peephole grad_output grad_product grad_new_c =grad_gates =grad_c +grad_peephole";
#endif

void NAME(nmt_OdysseyLSTM_forget_gate_False_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_forget_gate_False_backward_rows)); }

static void NAME(OdysseyLSTM_input_activation_False_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_input_activation_False_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_input_activation_False_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_input_activation_False_forward_operands[] = "gates c peephole =hidden =new_c";
#endif

void NAME(nmt_OdysseyLSTM_input_activation_False_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_input_activation_False_forward_rows)); }

INLINE void NAME(OdysseyLSTM_input_activation_False_backward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *peephole_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_c_at, narrow *grad_gates_at, float *grad_c_at, float *grad_peephole_at) {
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
        const vector x9 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x10 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x11 = load_float(grad_new_c_at + 0 * units + i);
        const vector x12 = x9 + x10;
        const vector x13 = x6 * x5;
        const vector x14 = x0 + x13;
        const vector x15 = sigmoid(x14);
        const vector x16 = x7 * x5;
        const vector x17 = x1 + x16;
        const vector x18 = sigmoid(x17);
        const vector x19 = x15 * x2;
        const vector x20 = x18 * x5;
        const vector x21 = x20 + x19;
        const vector x22 = hyperbolic_tangent(x21);
        const vector x23 = x8 * x21;
        const vector x24 = x3 + x23;
        const vector x25 = sigmoid(x24);
        const vector x27 = x12 * x25;
        const vector x28 = x12 * x22;
        const vector x30 = 1.0f - x25;
        const vector x31 = x25 * x30;
        const vector x32 = x28 * x31;
        const vector x33 = x32 * x8;
        const vector x34 = x32 * x21;
        const vector x35 = x11 + x33;
        const vector x36 = x22 * x22;
        const vector x37 = 1.0f - x36;
        const vector x38 = x27 * x37;
        const vector x39 = x35 + x38;
        const vector x40 = x39 * x18;
        const vector x41 = x39 * x5;
        const vector x42 = x39 * x15;
        const vector x43 = x39 * x2;
        const vector x44 = 1.0f - x18;
        const vector x45 = x18 * x44;
        const vector x46 = x41 * x45;
        const vector x47 = x46 * x7;
        const vector x48 = x46 * x5;
        const vector x49 = x40 + x47;
        const vector x50 = 1.0f - x15;
        const vector x51 = x15 * x50;
        const vector x52 = x43 * x51;
        const vector x53 = x52 * x6;
        const vector x54 = x52 * x5;
        const vector x55 = x49 + x53;
        NAME(store)(grad_gates_at + 0 * units + i, x52);
        NAME(store)(grad_gates_at + 1 * units + i, x46);
        NAME(store)(grad_gates_at + 2 * units + i, x42);
        NAME(store)(grad_gates_at + 3 * units + i, x32);
        store_float(grad_c_at + 0 * units + i, x55);
        store_float(grad_peephole_at + 0 * units + i, load_float(grad_peephole_at + 0 * units + i) + x54);
        store_float(grad_peephole_at + 1 * units + i, load_float(grad_peephole_at + 1 * units + i) + x48);
        store_float(grad_peephole_at + 2 * units + i, load_float(grad_peephole_at + 2 * units + i) + x34);
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
        const vector x9 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x10 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x11 = load_part_float(grad_new_c_at + 0 * units + i, left);
        const vector x12 = x9 + x10;
        const vector x13 = x6 * x5;
        const vector x14 = x0 + x13;
        const vector x15 = sigmoid(x14);
        const vector x16 = x7 * x5;
        const vector x17 = x1 + x16;
        const vector x18 = sigmoid(x17);
        const vector x19 = x15 * x2;
        const vector x20 = x18 * x5;
        const vector x21 = x20 + x19;
        const vector x22 = hyperbolic_tangent(x21);
        const vector x23 = x8 * x21;
        const vector x24 = x3 + x23;
        const vector x25 = sigmoid(x24);
        const vector x27 = x12 * x25;
        const vector x28 = x12 * x22;
        const vector x30 = 1.0f - x25;
        const vector x31 = x25 * x30;
        const vector x32 = x28 * x31;
        const vector x33 = x32 * x8;
        const vector x34 = x32 * x21;
        const vector x35 = x11 + x33;
        const vector x36 = x22 * x22;
        const vector x37 = 1.0f - x36;
        const vector x38 = x27 * x37;
        const vector x39 = x35 + x38;
        const vector x40 = x39 * x18;
        const vector x41 = x39 * x5;
        const vector x42 = x39 * x15;
        const vector x43 = x39 * x2;
        const vector x44 = 1.0f - x18;
        const vector x45 = x18 * x44;
        const vector x46 = x41 * x45;
        const vector x47 = x46 * x7;
        const vector x48 = x46 * x5;
        const vector x49 = x40 + x47;
        const vector x50 = 1.0f - x15;
        const vector x51 = x15 * x50;
        const vector x52 = x43 * x51;
        const vector x53 = x52 * x6;
        const vector x54 = x52 * x5;
        const vector x55 = x49 + x53;
        NAME(store_part)(grad_gates_at + 0 * units + i, x52, left);
        NAME(store_part)(grad_gates_at + 1 * units + i, x46, left);
        NAME(store_part)(grad_gates_at + 2 * units + i, x42, left);
        NAME(store_part)(grad_gates_at + 3 * units + i, x32, left);
        store_part_float(grad_c_at + 0 * units + i, x55, left);
        store_part_float(grad_peephole_at + 0 * units + i, load_part_float(grad_peephole_at + 0 * units + i, left) + x54, left);
        store_part_float(grad_peephole_at + 1 * units + i, load_part_float(grad_peephole_at + 1 * units + i, left) + x48, left);
        store_part_float(grad_peephole_at + 2 * units + i, load_part_float(grad_peephole_at + 2 * units + i, left) + x34, left);
    }
}
enum { NAME(OdysseyLSTM_input_activation_False_backward_kept) = 0 };
static void NAME(OdysseyLSTM_input_activation_False_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_input_activation_False_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_input_activation_False_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row), at(&p->operands[7], t, layer, row), at(&p->operands[8], chunk, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_input_activation_False_backward_operands[] = "gates c peephole grad_output grad_product grad_new_c =grad_gates =grad_c +grad_peephole";
#endif

void NAME(nmt_OdysseyLSTM_input_activation_False_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_input_activation_False_backward_rows)); }

static void NAME(OdysseyLSTM_input_gate_False_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_input_gate_False_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_input_gate_False_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_input_gate_False_forward_operands[] = "gates c peephole =hidden =new_c";
#endif

void NAME(nmt_OdysseyLSTM_input_gate_False_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_input_gate_False_forward_rows)); }

INLINE void NAME(OdysseyLSTM_input_gate_False_backward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *peephole_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_c_at, narrow *grad_gates_at, float *grad_c_at, float *grad_peephole_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x4 = load_float(c_at + 0 * units + i);
        const vector x5 = load_float(peephole_at + 0 * units + i);
        const vector x6 = load_float(peephole_at + 1 * units + i);
        const vector x7 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x8 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x9 = load_float(grad_new_c_at + 0 * units + i);
        const vector x10 = x7 + x8;
        const vector x11 = x5 * x4;
        const vector x12 = x0 + x11;
        const vector x13 = sigmoid(x12);
        const vector x14 = hyperbolic_tangent(x1);
        const vector x15 = x13 * x4;
        const vector x16 = x15 + x14;
        const vector x17 = hyperbolic_tangent(x16);
        const vector x18 = x6 * x16;
        const vector x19 = x2 + x18;
        const vector x20 = sigmoid(x19);
        const vector x22 = x10 * x20;
        const vector x23 = x10 * x17;
        const vector x25 = 1.0f - x20;
        const vector x26 = x20 * x25;
        const vector x27 = x23 * x26;
        const vector x28 = x27 * x6;
        const vector x29 = x27 * x16;
        const vector x30 = x9 + x28;
        const vector x31 = x17 * x17;
        const vector x32 = 1.0f - x31;
        const vector x33 = x22 * x32;
        const vector x34 = x30 + x33;
        const vector x35 = x34 * x13;
        const vector x36 = x34 * x4;
        const vector x37 = x14 * x14;
        const vector x38 = 1.0f - x37;
        const vector x39 = x34 * x38;
        const vector x40 = 1.0f - x13;
        const vector x41 = x13 * x40;
        const vector x42 = x36 * x41;
        const vector x43 = x42 * x5;
        const vector x44 = x42 * x4;
        const vector x45 = x35 + x43;
        NAME(store)(grad_gates_at + 0 * units + i, x42);
        NAME(store)(grad_gates_at + 1 * units + i, x39);
        NAME(store)(grad_gates_at + 2 * units + i, x27);
        store_float(grad_c_at + 0 * units + i, x45);
        store_float(grad_peephole_at + 0 * units + i, load_float(grad_peephole_at + 0 * units + i) + x44);
        store_float(grad_peephole_at + 1 * units + i, load_float(grad_peephole_at + 1 * units + i) + x29);
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
        const vector x7 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x8 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x9 = load_part_float(grad_new_c_at + 0 * units + i, left);
        const vector x10 = x7 + x8;
        const vector x11 = x5 * x4;
        const vector x12 = x0 + x11;
        const vector x13 = sigmoid(x12);
        const vector x14 = hyperbolic_tangent(x1);
        const vector x15 = x13 * x4;
        const vector x16 = x15 + x14;
        const vector x17 = hyperbolic_tangent(x16);
        const vector x18 = x6 * x16;
        const vector x19 = x2 + x18;
        const vector x20 = sigmoid(x19);
        const vector x22 = x10 * x20;
        const vector x23 = x10 * x17;
        const vector x25 = 1.0f - x20;
        const vector x26 = x20 * x25;
        const vector x27 = x23 * x26;
        const vector x28 = x27 * x6;
        const vector x29 = x27 * x16;
        const vector x30 = x9 + x28;
        const vector x31 = x17 * x17;
        const vector x32 = 1.0f - x31;
        const vector x33 = x22 * x32;
        const vector x34 = x30 + x33;
        const vector x35 = x34 * x13;
        const vector x36 = x34 * x4;
        const vector x37 = x14 * x14;
        const vector x38 = 1.0f - x37;
        const vector x39 = x34 * x38;
        const vector x40 = 1.0f - x13;
        const vector x41 = x13 * x40;
        const vector x42 = x36 * x41;
        const vector x43 = x42 * x5;
        const vector x44 = x42 * x4;
        const vector x45 = x35 + x43;
        NAME(store_part)(grad_gates_at + 0 * units + i, x42, left);
        NAME(store_part)(grad_gates_at + 1 * units + i, x39, left);
        NAME(store_part)(grad_gates_at + 2 * units + i, x27, left);
        store_part_float(grad_c_at + 0 * units + i, x45, left);
        store_part_float(grad_peephole_at + 0 * units + i, load_part_float(grad_peephole_at + 0 * units + i, left) + x44, left);
        store_part_float(grad_peephole_at + 1 * units + i, load_part_float(grad_peephole_at + 1 * units + i, left) + x29, left);
    }
}
enum { NAME(OdysseyLSTM_input_gate_False_backward_kept) = 0 };
static void NAME(OdysseyLSTM_input_gate_False_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_input_gate_False_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_input_gate_False_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row), at(&p->operands[7], t, layer, row), at(&p->operands[8], chunk, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_input_gate_False_backward_operands[] = "gates c peephole grad_output grad_product grad_new_c =grad_gates =grad_c +grad_peephole";
#endif

void NAME(nmt_OdysseyLSTM_input_gate_False_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_input_gate_False_backward_rows)); }

static void NAME(OdysseyLSTM_output_activation_False_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_output_activation_False_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_output_activation_False_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_output_activation_False_forward_operands[] = "gates c peephole =hidden =new_c";
#endif

void NAME(nmt_OdysseyLSTM_output_activation_False_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_output_activation_False_forward_rows)); }

INLINE void NAME(OdysseyLSTM_output_activation_False_backward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *peephole_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_c_at, narrow *grad_gates_at, float *grad_c_at, float *grad_peephole_at) {
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
        const vector x9 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x10 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x11 = load_float(grad_new_c_at + 0 * units + i);
        const vector x12 = x9 + x10;
        const vector x13 = x6 * x5;
        const vector x14 = x0 + x13;
        const vector x15 = sigmoid(x14);
        const vector x16 = x7 * x5;
        const vector x17 = x1 + x16;
        const vector x18 = sigmoid(x17);
        const vector x19 = hyperbolic_tangent(x2);
        const vector x20 = x15 * x19;
        const vector x21 = x18 * x5;
        const vector x22 = x21 + x20;
        const vector x23 = x8 * x22;
        const vector x24 = x3 + x23;
        const vector x25 = sigmoid(x24);
        const vector x27 = x12 * x25;
        const vector x28 = x12 * x22;
        const vector x29 = x11 + x27;
        const vector x31 = 1.0f - x25;
        const vector x32 = x25 * x31;
        const vector x33 = x28 * x32;
        const vector x34 = x33 * x8;
        const vector x35 = x33 * x22;
        const vector x36 = x29 + x34;
        const vector x37 = x36 * x18;
        const vector x38 = x36 * x5;
        const vector x39 = x36 * x15;
        const vector x40 = x36 * x19;
        const vector x41 = x19 * x19;
        const vector x42 = 1.0f - x41;
        const vector x43 = x39 * x42;
        const vector x44 = 1.0f - x18;
        const vector x45 = x18 * x44;
        const vector x46 = x38 * x45;
        const vector x47 = x46 * x7;
        const vector x48 = x46 * x5;
        const vector x49 = x37 + x47;
        const vector x50 = 1.0f - x15;
        const vector x51 = x15 * x50;
        const vector x52 = x40 * x51;
        const vector x53 = x52 * x6;
        const vector x54 = x52 * x5;
        const vector x55 = x49 + x53;
        NAME(store)(grad_gates_at + 0 * units + i, x52);
        NAME(store)(grad_gates_at + 1 * units + i, x46);
        NAME(store)(grad_gates_at + 2 * units + i, x43);
        NAME(store)(grad_gates_at + 3 * units + i, x33);
        store_float(grad_c_at + 0 * units + i, x55);
        store_float(grad_peephole_at + 0 * units + i, load_float(grad_peephole_at + 0 * units + i) + x54);
        store_float(grad_peephole_at + 1 * units + i, load_float(grad_peephole_at + 1 * units + i) + x48);
        store_float(grad_peephole_at + 2 * units + i, load_float(grad_peephole_at + 2 * units + i) + x35);
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
        const vector x9 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x10 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x11 = load_part_float(grad_new_c_at + 0 * units + i, left);
        const vector x12 = x9 + x10;
        const vector x13 = x6 * x5;
        const vector x14 = x0 + x13;
        const vector x15 = sigmoid(x14);
        const vector x16 = x7 * x5;
        const vector x17 = x1 + x16;
        const vector x18 = sigmoid(x17);
        const vector x19 = hyperbolic_tangent(x2);
        const vector x20 = x15 * x19;
        const vector x21 = x18 * x5;
        const vector x22 = x21 + x20;
        const vector x23 = x8 * x22;
        const vector x24 = x3 + x23;
        const vector x25 = sigmoid(x24);
        const vector x27 = x12 * x25;
        const vector x28 = x12 * x22;
        const vector x29 = x11 + x27;
        const vector x31 = 1.0f - x25;
        const vector x32 = x25 * x31;
        const vector x33 = x28 * x32;
        const vector x34 = x33 * x8;
        const vector x35 = x33 * x22;
        const vector x36 = x29 + x34;
        const vector x37 = x36 * x18;
        const vector x38 = x36 * x5;
        const vector x39 = x36 * x15;
        const vector x40 = x36 * x19;
        const vector x41 = x19 * x19;
        const vector x42 = 1.0f - x41;
        const vector x43 = x39 * x42;
        const vector x44 = 1.0f - x18;
        const vector x45 = x18 * x44;
        const vector x46 = x38 * x45;
        const vector x47 = x46 * x7;
        const vector x48 = x46 * x5;
        const vector x49 = x37 + x47;
        const vector x50 = 1.0f - x15;
        const vector x51 = x15 * x50;
        const vector x52 = x40 * x51;
        const vector x53 = x52 * x6;
        const vector x54 = x52 * x5;
        const vector x55 = x49 + x53;
        NAME(store_part)(grad_gates_at + 0 * units + i, x52, left);
        NAME(store_part)(grad_gates_at + 1 * units + i, x46, left);
        NAME(store_part)(grad_gates_at + 2 * units + i, x43, left);
        NAME(store_part)(grad_gates_at + 3 * units + i, x33, left);
        store_part_float(grad_c_at + 0 * units + i, x55, left);
        store_part_float(grad_peephole_at + 0 * units + i, load_part_float(grad_peephole_at + 0 * units + i, left) + x54, left);
        store_part_float(grad_peephole_at + 1 * units + i, load_part_float(grad_peephole_at + 1 * units + i, left) + x48, left);
        store_part_float(grad_peephole_at + 2 * units + i, load_part_float(grad_peephole_at + 2 * units + i, left) + x35, left);
    }
}
enum { NAME(OdysseyLSTM_output_activation_False_backward_kept) = 0 };
static void NAME(OdysseyLSTM_output_activation_False_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_output_activation_False_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_output_activation_False_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row), at(&p->operands[7], t, layer, row), at(&p->operands[8], chunk, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_output_activation_False_backward_operands[] = "gates c peephole grad_output grad_product grad_new_c =grad_gates =grad_c +grad_peephole";
#endif

void NAME(nmt_OdysseyLSTM_output_activation_False_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_output_activation_False_backward_rows)); }

static void NAME(OdysseyLSTM_output_gate_False_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_output_gate_False_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_output_gate_False_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_output_gate_False_forward_operands[] = "gates c peephole =hidden =new_c";
#endif

void NAME(nmt_OdysseyLSTM_output_gate_False_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_output_gate_False_forward_rows)); }

INLINE void NAME(OdysseyLSTM_output_gate_False_backward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *peephole_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_c_at, narrow *grad_gates_at, float *grad_c_at, float *grad_peephole_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x4 = load_float(c_at + 0 * units + i);
        const vector x5 = load_float(peephole_at + 0 * units + i);
        const vector x6 = load_float(peephole_at + 1 * units + i);
        const vector x7 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x8 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x9 = load_float(grad_new_c_at + 0 * units + i);
        const vector x10 = x7 + x8;
        const vector x11 = x5 * x4;
        const vector x12 = x0 + x11;
        const vector x13 = sigmoid(x12);
        const vector x14 = x6 * x4;
        const vector x15 = x1 + x14;
        const vector x16 = sigmoid(x15);
        const vector x17 = hyperbolic_tangent(x2);
        const vector x18 = x13 * x17;
        const vector x19 = x16 * x4;
        const vector x20 = x19 + x18;
        const vector x21 = hyperbolic_tangent(x20);
        const vector x22 = x21 * x21;
        const vector x24 = 1.0f - x22;
        const vector x25 = x10 * x24;
        const vector x26 = x9 + x25;
        const vector x27 = x26 * x16;
        const vector x28 = x26 * x4;
        const vector x29 = x26 * x13;
        const vector x30 = x26 * x17;
        const vector x31 = x17 * x17;
        const vector x32 = 1.0f - x31;
        const vector x33 = x29 * x32;
        const vector x34 = 1.0f - x16;
        const vector x35 = x16 * x34;
        const vector x36 = x28 * x35;
        const vector x37 = x36 * x6;
        const vector x38 = x36 * x4;
        const vector x39 = x27 + x37;
        const vector x40 = 1.0f - x13;
        const vector x41 = x13 * x40;
        const vector x42 = x30 * x41;
        const vector x43 = x42 * x5;
        const vector x44 = x42 * x4;
        const vector x45 = x39 + x43;
        NAME(store)(grad_gates_at + 0 * units + i, x42);
        NAME(store)(grad_gates_at + 1 * units + i, x36);
        NAME(store)(grad_gates_at + 2 * units + i, x33);
        store_float(grad_c_at + 0 * units + i, x45);
        store_float(grad_peephole_at + 0 * units + i, load_float(grad_peephole_at + 0 * units + i) + x44);
        store_float(grad_peephole_at + 1 * units + i, load_float(grad_peephole_at + 1 * units + i) + x38);
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
        const vector x7 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x8 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x9 = load_part_float(grad_new_c_at + 0 * units + i, left);
        const vector x10 = x7 + x8;
        const vector x11 = x5 * x4;
        const vector x12 = x0 + x11;
        const vector x13 = sigmoid(x12);
        const vector x14 = x6 * x4;
        const vector x15 = x1 + x14;
        const vector x16 = sigmoid(x15);
        const vector x17 = hyperbolic_tangent(x2);
        const vector x18 = x13 * x17;
        const vector x19 = x16 * x4;
        const vector x20 = x19 + x18;
        const vector x21 = hyperbolic_tangent(x20);
        const vector x22 = x21 * x21;
        const vector x24 = 1.0f - x22;
        const vector x25 = x10 * x24;
        const vector x26 = x9 + x25;
        const vector x27 = x26 * x16;
        const vector x28 = x26 * x4;
        const vector x29 = x26 * x13;
        const vector x30 = x26 * x17;
        const vector x31 = x17 * x17;
        const vector x32 = 1.0f - x31;
        const vector x33 = x29 * x32;
        const vector x34 = 1.0f - x16;
        const vector x35 = x16 * x34;
        const vector x36 = x28 * x35;
        const vector x37 = x36 * x6;
        const vector x38 = x36 * x4;
        const vector x39 = x27 + x37;
        const vector x40 = 1.0f - x13;
        const vector x41 = x13 * x40;
        const vector x42 = x30 * x41;
        const vector x43 = x42 * x5;
        const vector x44 = x42 * x4;
        const vector x45 = x39 + x43;
        NAME(store_part)(grad_gates_at + 0 * units + i, x42, left);
        NAME(store_part)(grad_gates_at + 1 * units + i, x36, left);
        NAME(store_part)(grad_gates_at + 2 * units + i, x33, left);
        store_part_float(grad_c_at + 0 * units + i, x45, left);
        store_part_float(grad_peephole_at + 0 * units + i, load_part_float(grad_peephole_at + 0 * units + i, left) + x44, left);
        store_part_float(grad_peephole_at + 1 * units + i, load_part_float(grad_peephole_at + 1 * units + i, left) + x38, left);
    }
}
enum { NAME(OdysseyLSTM_output_gate_False_backward_kept) = 0 };
static void NAME(OdysseyLSTM_output_gate_False_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_output_gate_False_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_output_gate_False_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row), at(&p->operands[7], t, layer, row), at(&p->operands[8], chunk, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_output_gate_False_backward_operands[] = "gates c peephole grad_output grad_product grad_new_c =grad_gates =grad_c +grad_peephole";
#endif

void NAME(nmt_OdysseyLSTM_output_gate_False_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_output_gate_False_backward_rows)); }

static void NAME(OdysseyLSTM_peepholes_False_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_peepholes_False_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_peepholes_False_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_peepholes_False_forward_operands[] = "gates c =hidden =new_c";
#endif

void NAME(nmt_OdysseyLSTM_peepholes_False_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_peepholes_False_forward_rows)); }

INLINE void NAME(OdysseyLSTM_peepholes_False_backward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_c_at, narrow *grad_gates_at, float *grad_c_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        const vector x5 = load_float(c_at + 0 * units + i);
        const vector x6 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x7 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x8 = load_float(grad_new_c_at + 0 * units + i);
        const vector x9 = x6 + x7;
        const vector x10 = sigmoid(x0);
        const vector x11 = sigmoid(x1);
        const vector x12 = hyperbolic_tangent(x2);
        const vector x13 = x10 * x12;
        const vector x14 = x11 * x5;
        const vector x15 = x14 + x13;
        const vector x16 = hyperbolic_tangent(x15);
        const vector x17 = sigmoid(x3);
        const vector x19 = x9 * x17;
        const vector x20 = x9 * x16;
        const vector x22 = 1.0f - x17;
        const vector x23 = x17 * x22;
        const vector x24 = x20 * x23;
        const vector x25 = x16 * x16;
        const vector x26 = 1.0f - x25;
        const vector x27 = x19 * x26;
        const vector x28 = x8 + x27;
        const vector x29 = x28 * x11;
        const vector x30 = x28 * x5;
        const vector x31 = x28 * x10;
        const vector x32 = x28 * x12;
        const vector x33 = x12 * x12;
        const vector x34 = 1.0f - x33;
        const vector x35 = x31 * x34;
        const vector x36 = 1.0f - x11;
        const vector x37 = x11 * x36;
        const vector x38 = x30 * x37;
        const vector x39 = 1.0f - x10;
        const vector x40 = x10 * x39;
        const vector x41 = x32 * x40;
        NAME(store)(grad_gates_at + 0 * units + i, x41);
        NAME(store)(grad_gates_at + 1 * units + i, x38);
        NAME(store)(grad_gates_at + 2 * units + i, x35);
        NAME(store)(grad_gates_at + 3 * units + i, x24);
        store_float(grad_c_at + 0 * units + i, x29);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(gates_at + 2 * units + i, left);
        const vector x3 = NAME(load_part)(gates_at + 3 * units + i, left);
        const vector x5 = load_part_float(c_at + 0 * units + i, left);
        const vector x6 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x7 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x8 = load_part_float(grad_new_c_at + 0 * units + i, left);
        const vector x9 = x6 + x7;
        const vector x10 = sigmoid(x0);
        const vector x11 = sigmoid(x1);
        const vector x12 = hyperbolic_tangent(x2);
        const vector x13 = x10 * x12;
        const vector x14 = x11 * x5;
        const vector x15 = x14 + x13;
        const vector x16 = hyperbolic_tangent(x15);
        const vector x17 = sigmoid(x3);
        const vector x19 = x9 * x17;
        const vector x20 = x9 * x16;
        const vector x22 = 1.0f - x17;
        const vector x23 = x17 * x22;
        const vector x24 = x20 * x23;
        const vector x25 = x16 * x16;
        const vector x26 = 1.0f - x25;
        const vector x27 = x19 * x26;
        const vector x28 = x8 + x27;
        const vector x29 = x28 * x11;
        const vector x30 = x28 * x5;
        const vector x31 = x28 * x10;
        const vector x32 = x28 * x12;
        const vector x33 = x12 * x12;
        const vector x34 = 1.0f - x33;
        const vector x35 = x31 * x34;
        const vector x36 = 1.0f - x11;
        const vector x37 = x11 * x36;
        const vector x38 = x30 * x37;
        const vector x39 = 1.0f - x10;
        const vector x40 = x10 * x39;
        const vector x41 = x32 * x40;
        NAME(store_part)(grad_gates_at + 0 * units + i, x41, left);
        NAME(store_part)(grad_gates_at + 1 * units + i, x38, left);
        NAME(store_part)(grad_gates_at + 2 * units + i, x35, left);
        NAME(store_part)(grad_gates_at + 3 * units + i, x24, left);
        store_part_float(grad_c_at + 0 * units + i, x29, left);
    }
}
enum { NAME(OdysseyLSTM_peepholes_False_backward_kept) = 0 };
static void NAME(OdysseyLSTM_peepholes_False_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_peepholes_False_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_peepholes_False_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_peepholes_False_backward_operands[] = "gates c grad_output grad_product grad_new_c =grad_gates =grad_c";
#endif

void NAME(nmt_OdysseyLSTM_peepholes_False_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_peepholes_False_backward_rows)); }

static void NAME(OdysseyLSTM_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_forward_operands[] = "gates c peephole =hidden =new_c";
#endif

void NAME(nmt_OdysseyLSTM_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_forward_rows)); }

INLINE void NAME(OdysseyLSTM_backward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *peephole_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_c_at, narrow *grad_gates_at, float *grad_c_at, float *grad_peephole_at) {
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
        const vector x9 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x10 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x11 = load_float(grad_new_c_at + 0 * units + i);
        const vector x12 = x9 + x10;
        const vector x13 = x6 * x5;
        const vector x14 = x0 + x13;
        const vector x15 = sigmoid(x14);
        const vector x16 = x7 * x5;
        const vector x17 = x1 + x16;
        const vector x18 = sigmoid(x17);
        const vector x19 = hyperbolic_tangent(x2);
        const vector x20 = x15 * x19;
        const vector x21 = x18 * x5;
        const vector x22 = x21 + x20;
        const vector x23 = hyperbolic_tangent(x22);
        const vector x24 = x8 * x22;
        const vector x25 = x3 + x24;
        const vector x26 = sigmoid(x25);
        const vector x28 = x12 * x26;
        const vector x29 = x12 * x23;
        const vector x31 = 1.0f - x26;
        const vector x32 = x26 * x31;
        const vector x33 = x29 * x32;
        const vector x34 = x33 * x8;
        const vector x35 = x33 * x22;
        const vector x36 = x11 + x34;
        const vector x37 = x23 * x23;
        const vector x38 = 1.0f - x37;
        const vector x39 = x28 * x38;
        const vector x40 = x36 + x39;
        const vector x41 = x40 * x18;
        const vector x42 = x40 * x5;
        const vector x43 = x40 * x15;
        const vector x44 = x40 * x19;
        const vector x45 = x19 * x19;
        const vector x46 = 1.0f - x45;
        const vector x47 = x43 * x46;
        const vector x48 = 1.0f - x18;
        const vector x49 = x18 * x48;
        const vector x50 = x42 * x49;
        const vector x51 = x50 * x7;
        const vector x52 = x50 * x5;
        const vector x53 = x41 + x51;
        const vector x54 = 1.0f - x15;
        const vector x55 = x15 * x54;
        const vector x56 = x44 * x55;
        const vector x57 = x56 * x6;
        const vector x58 = x56 * x5;
        const vector x59 = x53 + x57;
        NAME(store)(grad_gates_at + 0 * units + i, x56);
        NAME(store)(grad_gates_at + 1 * units + i, x50);
        NAME(store)(grad_gates_at + 2 * units + i, x47);
        NAME(store)(grad_gates_at + 3 * units + i, x33);
        store_float(grad_c_at + 0 * units + i, x59);
        store_float(grad_peephole_at + 0 * units + i, load_float(grad_peephole_at + 0 * units + i) + x58);
        store_float(grad_peephole_at + 1 * units + i, load_float(grad_peephole_at + 1 * units + i) + x52);
        store_float(grad_peephole_at + 2 * units + i, load_float(grad_peephole_at + 2 * units + i) + x35);
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
        const vector x9 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x10 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x11 = load_part_float(grad_new_c_at + 0 * units + i, left);
        const vector x12 = x9 + x10;
        const vector x13 = x6 * x5;
        const vector x14 = x0 + x13;
        const vector x15 = sigmoid(x14);
        const vector x16 = x7 * x5;
        const vector x17 = x1 + x16;
        const vector x18 = sigmoid(x17);
        const vector x19 = hyperbolic_tangent(x2);
        const vector x20 = x15 * x19;
        const vector x21 = x18 * x5;
        const vector x22 = x21 + x20;
        const vector x23 = hyperbolic_tangent(x22);
        const vector x24 = x8 * x22;
        const vector x25 = x3 + x24;
        const vector x26 = sigmoid(x25);
        const vector x28 = x12 * x26;
        const vector x29 = x12 * x23;
        const vector x31 = 1.0f - x26;
        const vector x32 = x26 * x31;
        const vector x33 = x29 * x32;
        const vector x34 = x33 * x8;
        const vector x35 = x33 * x22;
        const vector x36 = x11 + x34;
        const vector x37 = x23 * x23;
        const vector x38 = 1.0f - x37;
        const vector x39 = x28 * x38;
        const vector x40 = x36 + x39;
        const vector x41 = x40 * x18;
        const vector x42 = x40 * x5;
        const vector x43 = x40 * x15;
        const vector x44 = x40 * x19;
        const vector x45 = x19 * x19;
        const vector x46 = 1.0f - x45;
        const vector x47 = x43 * x46;
        const vector x48 = 1.0f - x18;
        const vector x49 = x18 * x48;
        const vector x50 = x42 * x49;
        const vector x51 = x50 * x7;
        const vector x52 = x50 * x5;
        const vector x53 = x41 + x51;
        const vector x54 = 1.0f - x15;
        const vector x55 = x15 * x54;
        const vector x56 = x44 * x55;
        const vector x57 = x56 * x6;
        const vector x58 = x56 * x5;
        const vector x59 = x53 + x57;
        NAME(store_part)(grad_gates_at + 0 * units + i, x56, left);
        NAME(store_part)(grad_gates_at + 1 * units + i, x50, left);
        NAME(store_part)(grad_gates_at + 2 * units + i, x47, left);
        NAME(store_part)(grad_gates_at + 3 * units + i, x33, left);
        store_part_float(grad_c_at + 0 * units + i, x59, left);
        store_part_float(grad_peephole_at + 0 * units + i, load_part_float(grad_peephole_at + 0 * units + i, left) + x58, left);
        store_part_float(grad_peephole_at + 1 * units + i, load_part_float(grad_peephole_at + 1 * units + i, left) + x52, left);
        store_part_float(grad_peephole_at + 2 * units + i, load_part_float(grad_peephole_at + 2 * units + i, left) + x35, left);
    }
}
enum { NAME(OdysseyLSTM_backward_kept) = 0 };
static void NAME(OdysseyLSTM_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(OdysseyLSTM_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(OdysseyLSTM_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row), at(&p->operands[7], t, layer, row), at(&p->operands[8], chunk, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_OdysseyLSTM_backward_operands[] = "gates c peephole grad_output grad_product grad_new_c =grad_gates =grad_c +grad_peephole";
#endif

void NAME(nmt_OdysseyLSTM_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(OdysseyLSTM_backward_rows)); }

static void NAME(PeepholeLSTM_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(PeepholeLSTM_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(PeepholeLSTM_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_PeepholeLSTM_forward_operands[] = "gates c peephole =hidden =new_c";
#endif

void NAME(nmt_PeepholeLSTM_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(PeepholeLSTM_forward_rows)); }

INLINE void NAME(PeepholeLSTM_backward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *peephole_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_c_at, narrow *grad_gates_at, float *grad_c_at, float *grad_peephole_at) {
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
        const vector x9 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x10 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x11 = load_float(grad_new_c_at + 0 * units + i);
        const vector x12 = x9 + x10;
        const vector x13 = x7 * x5;
        const vector x14 = x1 + x13;
        const vector x15 = sigmoid(x14);
        const vector x16 = x6 * x5;
        const vector x17 = x0 + x16;
        const vector x18 = sigmoid(x17);
        const vector x19 = x15 * x5;
        const vector x20 = hyperbolic_tangent(x2);
        const vector x21 = x18 * x20;
        const vector x22 = x19 + x21;
        const vector x23 = x8 * x22;
        const vector x24 = x3 + x23;
        const vector x25 = sigmoid(x24);
        const vector x26 = hyperbolic_tangent(x22);
        const vector x28 = x12 * x25;
        const vector x29 = x12 * x26;
        const vector x30 = x26 * x26;
        const vector x32 = 1.0f - x30;
        const vector x33 = x28 * x32;
        const vector x34 = x11 + x33;
        const vector x35 = 1.0f - x25;
        const vector x36 = x25 * x35;
        const vector x37 = x29 * x36;
        const vector x38 = x37 * x22;
        const vector x39 = x37 * x8;
        const vector x40 = x34 + x39;
        const vector x41 = x40 * x20;
        const vector x42 = x40 * x18;
        const vector x43 = x20 * x20;
        const vector x44 = 1.0f - x43;
        const vector x45 = x42 * x44;
        const vector x46 = x40 * x15;
        const vector x47 = x40 * x5;
        const vector x48 = 1.0f - x18;
        const vector x49 = x18 * x48;
        const vector x50 = x41 * x49;
        const vector x51 = x50 * x5;
        const vector x52 = x50 * x6;
        const vector x53 = x46 + x52;
        const vector x54 = 1.0f - x15;
        const vector x55 = x15 * x54;
        const vector x56 = x47 * x55;
        const vector x57 = x56 * x5;
        const vector x58 = x56 * x7;
        const vector x59 = x53 + x58;
        NAME(store)(grad_gates_at + 0 * units + i, x50);
        NAME(store)(grad_gates_at + 1 * units + i, x56);
        NAME(store)(grad_gates_at + 2 * units + i, x45);
        NAME(store)(grad_gates_at + 3 * units + i, x37);
        store_float(grad_c_at + 0 * units + i, x59);
        store_float(grad_peephole_at + 0 * units + i, load_float(grad_peephole_at + 0 * units + i) + x51);
        store_float(grad_peephole_at + 1 * units + i, load_float(grad_peephole_at + 1 * units + i) + x57);
        store_float(grad_peephole_at + 2 * units + i, load_float(grad_peephole_at + 2 * units + i) + x38);
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
        const vector x9 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x10 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x11 = load_part_float(grad_new_c_at + 0 * units + i, left);
        const vector x12 = x9 + x10;
        const vector x13 = x7 * x5;
        const vector x14 = x1 + x13;
        const vector x15 = sigmoid(x14);
        const vector x16 = x6 * x5;
        const vector x17 = x0 + x16;
        const vector x18 = sigmoid(x17);
        const vector x19 = x15 * x5;
        const vector x20 = hyperbolic_tangent(x2);
        const vector x21 = x18 * x20;
        const vector x22 = x19 + x21;
        const vector x23 = x8 * x22;
        const vector x24 = x3 + x23;
        const vector x25 = sigmoid(x24);
        const vector x26 = hyperbolic_tangent(x22);
        const vector x28 = x12 * x25;
        const vector x29 = x12 * x26;
        const vector x30 = x26 * x26;
        const vector x32 = 1.0f - x30;
        const vector x33 = x28 * x32;
        const vector x34 = x11 + x33;
        const vector x35 = 1.0f - x25;
        const vector x36 = x25 * x35;
        const vector x37 = x29 * x36;
        const vector x38 = x37 * x22;
        const vector x39 = x37 * x8;
        const vector x40 = x34 + x39;
        const vector x41 = x40 * x20;
        const vector x42 = x40 * x18;
        const vector x43 = x20 * x20;
        const vector x44 = 1.0f - x43;
        const vector x45 = x42 * x44;
        const vector x46 = x40 * x15;
        const vector x47 = x40 * x5;
        const vector x48 = 1.0f - x18;
        const vector x49 = x18 * x48;
        const vector x50 = x41 * x49;
        const vector x51 = x50 * x5;
        const vector x52 = x50 * x6;
        const vector x53 = x46 + x52;
        const vector x54 = 1.0f - x15;
        const vector x55 = x15 * x54;
        const vector x56 = x47 * x55;
        const vector x57 = x56 * x5;
        const vector x58 = x56 * x7;
        const vector x59 = x53 + x58;
        NAME(store_part)(grad_gates_at + 0 * units + i, x50, left);
        NAME(store_part)(grad_gates_at + 1 * units + i, x56, left);
        NAME(store_part)(grad_gates_at + 2 * units + i, x45, left);
        NAME(store_part)(grad_gates_at + 3 * units + i, x37, left);
        store_part_float(grad_c_at + 0 * units + i, x59, left);
        store_part_float(grad_peephole_at + 0 * units + i, load_part_float(grad_peephole_at + 0 * units + i, left) + x51, left);
        store_part_float(grad_peephole_at + 1 * units + i, load_part_float(grad_peephole_at + 1 * units + i, left) + x57, left);
        store_part_float(grad_peephole_at + 2 * units + i, load_part_float(grad_peephole_at + 2 * units + i, left) + x38, left);
    }
}
enum { NAME(PeepholeLSTM_backward_kept) = 0 };
static void NAME(PeepholeLSTM_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(PeepholeLSTM_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(PeepholeLSTM_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row), at(&p->operands[7], t, layer, row), at(&p->operands[8], chunk, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_PeepholeLSTM_backward_operands[] = "gates c peephole grad_output grad_product grad_new_c =grad_gates =grad_c +grad_peephole";
#endif

void NAME(nmt_PeepholeLSTM_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(PeepholeLSTM_backward_rows)); }

static void NAME(MinGRU_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(MinGRU_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(MinGRU_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_MinGRU_forward_operands[] = "x h =hidden =new_h";
#endif

void NAME(nmt_MinGRU_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(MinGRU_forward_rows)); }

INLINE void NAME(MinGRU_backward_row)(int64_t units, float *kept, const narrow *x_at, const float *h_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_h_at, narrow *grad_x_at, float *grad_h_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(x_at + 0 * units + i);
        const vector x1 = NAME(load)(x_at + 1 * units + i);
        const vector x2 = load_float(h_at + 0 * units + i);
        const vector x3 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x4 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x5 = load_float(grad_new_h_at + 0 * units + i);
        const vector x6 = x3 + x4;
        const vector x7 = x6 + x5;
        const vector x8 = -x0;
        const vector x9 = sigmoid(x8);
        const vector x10 = x2 - x1;
        const vector x13 = x7 * x9;
        const vector x16 = 1.0f - x9;
        const vector x17 = x7 * x16;
        const vector x18 = x7 * x10;
        const vector x19 = x9 * x16;
        const vector x20 = x18 * x19;
        const vector x21 = -x20;
        NAME(store)(grad_x_at + 0 * units + i, x21);
        NAME(store)(grad_x_at + 1 * units + i, x17);
        store_float(grad_h_at + 0 * units + i, x13);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(x_at + 1 * units + i, left);
        const vector x2 = load_part_float(h_at + 0 * units + i, left);
        const vector x3 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x4 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x5 = load_part_float(grad_new_h_at + 0 * units + i, left);
        const vector x6 = x3 + x4;
        const vector x7 = x6 + x5;
        const vector x8 = -x0;
        const vector x9 = sigmoid(x8);
        const vector x10 = x2 - x1;
        const vector x13 = x7 * x9;
        const vector x16 = 1.0f - x9;
        const vector x17 = x7 * x16;
        const vector x18 = x7 * x10;
        const vector x19 = x9 * x16;
        const vector x20 = x18 * x19;
        const vector x21 = -x20;
        NAME(store_part)(grad_x_at + 0 * units + i, x21, left);
        NAME(store_part)(grad_x_at + 1 * units + i, x17, left);
        store_part_float(grad_h_at + 0 * units + i, x13, left);
    }
}
enum { NAME(MinGRU_backward_kept) = 0 };
static void NAME(MinGRU_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(MinGRU_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(MinGRU_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_MinGRU_backward_operands[] = "x h grad_output grad_product grad_new_h =grad_x =grad_h";
#endif

void NAME(nmt_MinGRU_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(MinGRU_backward_rows)); }

static void NAME(MinimalGated_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(MinimalGated_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(MinimalGated_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_MinimalGated_forward_operands[] = "gates x h =hidden =new_h";
#endif

void NAME(nmt_MinimalGated_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(MinimalGated_forward_rows)); }

INLINE void NAME(MinimalGated_backward_row)(int64_t units, float *kept, const narrow *gates_at, const narrow *x_at, const float *h_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_h_at, narrow *grad_gates_at, narrow *grad_x_at, float *grad_h_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(x_at + 0 * units + i);
        const vector x3 = load_float(h_at + 0 * units + i);
        const vector x4 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x5 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x6 = load_float(grad_new_h_at + 0 * units + i);
        const vector x7 = x4 + x5;
        const vector x8 = x7 + x6;
        const vector x9 = sigmoid(x0);
        const vector x10 = x9 * x1;
        const vector x11 = x2 + x10;
        const vector x12 = hyperbolic_tangent(x11);
        const vector x13 = x12 - x3;
        const vector x16 = x8 * x9;
        const vector x19 = 1.0f - x9;
        const vector x20 = x8 * x19;
        const vector x21 = x8 * x13;
        const vector x22 = x12 * x12;
        const vector x23 = 1.0f - x22;
        const vector x24 = x16 * x23;
        const vector x25 = x24 * x1;
        const vector x26 = x24 * x9;
        const vector x27 = x21 + x25;
        const vector x28 = x9 * x19;
        const vector x29 = x27 * x28;
        NAME(store)(grad_gates_at + 0 * units + i, x29);
        NAME(store)(grad_gates_at + 1 * units + i, x26);
        NAME(store)(grad_x_at + 0 * units + i, x24);
        store_float(grad_h_at + 0 * units + i, x20);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(gates_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x3 = load_part_float(h_at + 0 * units + i, left);
        const vector x4 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x5 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x6 = load_part_float(grad_new_h_at + 0 * units + i, left);
        const vector x7 = x4 + x5;
        const vector x8 = x7 + x6;
        const vector x9 = sigmoid(x0);
        const vector x10 = x9 * x1;
        const vector x11 = x2 + x10;
        const vector x12 = hyperbolic_tangent(x11);
        const vector x13 = x12 - x3;
        const vector x16 = x8 * x9;
        const vector x19 = 1.0f - x9;
        const vector x20 = x8 * x19;
        const vector x21 = x8 * x13;
        const vector x22 = x12 * x12;
        const vector x23 = 1.0f - x22;
        const vector x24 = x16 * x23;
        const vector x25 = x24 * x1;
        const vector x26 = x24 * x9;
        const vector x27 = x21 + x25;
        const vector x28 = x9 * x19;
        const vector x29 = x27 * x28;
        NAME(store_part)(grad_gates_at + 0 * units + i, x29, left);
        NAME(store_part)(grad_gates_at + 1 * units + i, x26, left);
        NAME(store_part)(grad_x_at + 0 * units + i, x24, left);
        store_part_float(grad_h_at + 0 * units + i, x20, left);
    }
}
enum { NAME(MinimalGated_backward_kept) = 0 };
static void NAME(MinimalGated_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(MinimalGated_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(MinimalGated_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row), at(&p->operands[7], t, layer, row), at(&p->operands[8], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_MinimalGated_backward_operands[] = "gates x h grad_output grad_product grad_new_h =grad_gates =grad_x =grad_h";
#endif

void NAME(nmt_MinimalGated_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(MinimalGated_backward_rows)); }

static void NAME(MinLSTM_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(MinLSTM_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(MinLSTM_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_MinLSTM_forward_operands[] = "x h =hidden =new_h";
#endif

void NAME(nmt_MinLSTM_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(MinLSTM_forward_rows)); }

INLINE void NAME(MinLSTM_backward_row)(int64_t units, float *kept, const narrow *x_at, const float *h_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_h_at, narrow *grad_x_at, float *grad_h_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(x_at + 0 * units + i);
        const vector x1 = NAME(load)(x_at + 1 * units + i);
        const vector x2 = NAME(load)(x_at + 2 * units + i);
        const vector x3 = load_float(h_at + 0 * units + i);
        const vector x4 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x5 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x6 = load_float(grad_new_h_at + 0 * units + i);
        const vector x7 = x4 + x5;
        const vector x8 = x7 + x6;
        const vector x9 = sigmoid(x0);
        const vector x10 = sigmoid(x1);
        const vector x11 = x9 + x10;
        const vector x13 = maximum(x11, all(1.1754943508222875e-38f));
        const vector x14 = x9 / x13;
        const vector x15 = x3 - x2;
        const vector x18 = x8 * x14;
        const vector x21 = 1.0f - x14;
        const vector x22 = x8 * x21;
        const vector x23 = x8 * x15;
        const vector x24 = x14 / x13;
        const vector x25 = -x23;
        const vector x26 = x25 * x24;
        const vector x27 = x23 / x13;
        const vector x28 = truth(x11 >= all(1.1754943508222875e-38f));
        const vector x29 = choose(x28 != 0, x26, all(0.0f));
        const vector x30 = x27 + x29;
        const vector x31 = 1.0f - x9;
        const vector x32 = 1.0f - x10;
        const vector x33 = x9 * x31;
        const vector x34 = x10 * x32;
        const vector x35 = x30 * x33;
        const vector x36 = x29 * x34;
        NAME(store)(grad_x_at + 0 * units + i, x35);
        NAME(store)(grad_x_at + 1 * units + i, x36);
        NAME(store)(grad_x_at + 2 * units + i, x22);
        store_float(grad_h_at + 0 * units + i, x18);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(x_at + 1 * units + i, left);
        const vector x2 = NAME(load_part)(x_at + 2 * units + i, left);
        const vector x3 = load_part_float(h_at + 0 * units + i, left);
        const vector x4 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x5 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x6 = load_part_float(grad_new_h_at + 0 * units + i, left);
        const vector x7 = x4 + x5;
        const vector x8 = x7 + x6;
        const vector x9 = sigmoid(x0);
        const vector x10 = sigmoid(x1);
        const vector x11 = x9 + x10;
        const vector x13 = maximum(x11, all(1.1754943508222875e-38f));
        const vector x14 = x9 / x13;
        const vector x15 = x3 - x2;
        const vector x18 = x8 * x14;
        const vector x21 = 1.0f - x14;
        const vector x22 = x8 * x21;
        const vector x23 = x8 * x15;
        const vector x24 = x14 / x13;
        const vector x25 = -x23;
        const vector x26 = x25 * x24;
        const vector x27 = x23 / x13;
        const vector x28 = truth(x11 >= all(1.1754943508222875e-38f));
        const vector x29 = choose(x28 != 0, x26, all(0.0f));
        const vector x30 = x27 + x29;
        const vector x31 = 1.0f - x9;
        const vector x32 = 1.0f - x10;
        const vector x33 = x9 * x31;
        const vector x34 = x10 * x32;
        const vector x35 = x30 * x33;
        const vector x36 = x29 * x34;
        NAME(store_part)(grad_x_at + 0 * units + i, x35, left);
        NAME(store_part)(grad_x_at + 1 * units + i, x36, left);
        NAME(store_part)(grad_x_at + 2 * units + i, x22, left);
        store_part_float(grad_h_at + 0 * units + i, x18, left);
    }
}
enum { NAME(MinLSTM_backward_kept) = 0 };
static void NAME(MinLSTM_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(MinLSTM_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(MinLSTM_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_MinLSTM_backward_operands[] = "x h grad_output grad_product grad_new_h =grad_x =grad_h";
#endif

void NAME(nmt_MinLSTM_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(MinLSTM_backward_rows)); }

static void NAME(RNN_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(RNN_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(RNN_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_RNN_forward_operands[] = "gates =hidden";
#endif

void NAME(nmt_RNN_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(RNN_forward_rows)); }

INLINE void NAME(RNN_backward_row)(int64_t units, float *kept, const narrow *gates_at, const narrow *grad_output_at, const narrow *grad_product_at, narrow *grad_gates_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x2 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x3 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x4 = x2 + x3;
        const vector x5 = hyperbolic_tangent(x0);
        const vector x6 = x5 * x5;
        const vector x8 = 1.0f - x6;
        const vector x9 = x4 * x8;
        NAME(store)(grad_gates_at + 0 * units + i, x9);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x2 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x3 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x4 = x2 + x3;
        const vector x5 = hyperbolic_tangent(x0);
        const vector x6 = x5 * x5;
        const vector x8 = 1.0f - x6;
        const vector x9 = x4 * x8;
        NAME(store_part)(grad_gates_at + 0 * units + i, x9, left);
    }
}
enum { NAME(RNN_backward_kept) = 0 };
static void NAME(RNN_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(RNN_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(RNN_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_RNN_backward_operands[] = "gates grad_output grad_product =grad_gates";
#endif

void NAME(nmt_RNN_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(RNN_backward_rows)); }

static void NAME(ReluRNN_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(ReluRNN_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(ReluRNN_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_ReluRNN_forward_operands[] = "gates =hidden";
#endif

void NAME(nmt_ReluRNN_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(ReluRNN_forward_rows)); }

INLINE void NAME(ReluRNN_backward_row)(int64_t units, float *kept, const narrow *gates_at, const narrow *grad_output_at, const narrow *grad_product_at, narrow *grad_gates_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x2 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x3 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x4 = x2 + x3;
        const vector x6 = maximum(x0, all(0.0f));
        const vector x7 = truth(all(0.0f) >= x6);
        const vector x8 = choose(x7 != 0, all(0.0f), x4);
        NAME(store)(grad_gates_at + 0 * units + i, x8);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(gates_at + 0 * units + i, left);
        const vector x2 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x3 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x4 = x2 + x3;
        const vector x6 = maximum(x0, all(0.0f));
        const vector x7 = truth(all(0.0f) >= x6);
        const vector x8 = choose(x7 != 0, all(0.0f), x4);
        NAME(store_part)(grad_gates_at + 0 * units + i, x8, left);
    }
}
enum { NAME(ReluRNN_backward_kept) = 0 };
static void NAME(ReluRNN_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(ReluRNN_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(ReluRNN_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_ReluRNN_backward_operands[] = "gates grad_output grad_product =grad_gates";
#endif

void NAME(nmt_ReluRNN_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(ReluRNN_backward_rows)); }

static void NAME(SLSTM_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(SLSTM_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(SLSTM_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row), at(&p->operands[7], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_SLSTM_forward_operands[] = "gates c n m =hidden =new_c =new_n =new_m";
#endif

void NAME(nmt_SLSTM_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(SLSTM_forward_rows)); }

INLINE void NAME(SLSTM_backward_row)(int64_t units, float *kept, const narrow *gates_at, const float *c_at, const float *n_at, const float *m_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_c_at, const float *grad_new_n_at, const float *grad_new_m_at, narrow *grad_gates_at, float *grad_c_at, float *grad_n_at, float *grad_m_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(gates_at + 0 * units + i);
        const vector x1 = NAME(load)(gates_at + 1 * units + i);
        const vector x2 = NAME(load)(gates_at + 2 * units + i);
        const vector x3 = NAME(load)(gates_at + 3 * units + i);
        const vector x5 = load_float(c_at + 0 * units + i);
        const vector x6 = load_float(n_at + 0 * units + i);
        const vector x7 = load_float(m_at + 0 * units + i);
        const vector x8 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x9 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x10 = load_float(grad_new_c_at + 0 * units + i);
        const vector x11 = load_float(grad_new_n_at + 0 * units + i);
        const vector x12 = load_float(grad_new_m_at + 0 * units + i);
        const vector x13 = x8 + x9;
        const vector x14 = absolute(x1);
        const vector x15 = -x14;
        const vector x16 = exponential(x15);
        const vector x18 = minimum(x1, all(0.0f));
        const vector x19 = log_plus_one(x16);
        const vector x20 = x18 - x19;
        const vector x21 = x20 + x7;
        const vector x22 = maximum(x21, x0);
        const vector x23 = x0 - x22;
        const vector x24 = exponential(x23);
        const vector x25 = x21 - x22;
        const vector x26 = exponential(x25);
        const vector x27 = x26 * x5;
        const vector x28 = hyperbolic_tangent(x2);
        const vector x29 = x24 * x28;
        const vector x30 = x27 + x29;
        const vector x31 = x26 * x6;
        const vector x32 = x24 + x31;
        const vector x33 = sigmoid(x3);
        const vector x34 = x33 * x30;
        const vector x35 = x34 / x32;
        const vector x36 = x35 / x32;
        const vector x37 = -x13;
        const vector x38 = x37 * x36;
        const vector x39 = x13 / x32;
        const vector x40 = x11 + x38;
        const vector x41 = x39 * x33;
        const vector x42 = x39 * x30;
        const vector x43 = x10 + x41;
        const vector x45 = 1.0f - x33;
        const vector x46 = x33 * x45;
        const vector x47 = x42 * x46;
        const vector x48 = x40 * x6;
        const vector x49 = x40 * x26;
        const vector x50 = x43 * x28;
        const vector x51 = x43 * x24;
        const vector x52 = x40 + x50;
        const vector x53 = x28 * x28;
        const vector x54 = 1.0f - x53;
        const vector x55 = x51 * x54;
        const vector x56 = x43 * x26;
        const vector x57 = x43 * x5;
        const vector x58 = x48 + x57;
        const vector x59 = x58 * x26;
        const vector x60 = -x59;
        const vector x61 = x12 + x60;
        const vector x62 = x52 * x24;
        const vector x63 = -x62;
        const vector x64 = x61 + x63;
        const vector x66 = x64 / 2.0f;
        const vector x67 = truth(x21 == x0);
        const vector x68 = choose(x67 != 0, x66, x64);
        const vector x69 = truth(x21 > x0);
        const vector x70 = choose(x69 != 0, all(0.0f), x68);
        const vector x71 = truth(x0 > x21);
        const vector x72 = choose(x71 != 0, all(0.0f), x68);
        const vector x73 = x59 + x72;
        const vector x74 = x62 + x70;
        const vector x75 = -x1;
        const vector x76 = sigmoid(x75);
        const vector x77 = x73 * x76;
        NAME(store)(grad_gates_at + 0 * units + i, x74);
        NAME(store)(grad_gates_at + 1 * units + i, x77);
        NAME(store)(grad_gates_at + 2 * units + i, x55);
        NAME(store)(grad_gates_at + 3 * units + i, x47);
        store_float(grad_c_at + 0 * units + i, x56);
        store_float(grad_n_at + 0 * units + i, x49);
        store_float(grad_m_at + 0 * units + i, x73);
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
        const vector x8 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x9 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x10 = load_part_float(grad_new_c_at + 0 * units + i, left);
        const vector x11 = load_part_float(grad_new_n_at + 0 * units + i, left);
        const vector x12 = load_part_float(grad_new_m_at + 0 * units + i, left);
        const vector x13 = x8 + x9;
        const vector x14 = absolute(x1);
        const vector x15 = -x14;
        const vector x16 = exponential(x15);
        const vector x18 = minimum(x1, all(0.0f));
        const vector x19 = log_plus_one(x16);
        const vector x20 = x18 - x19;
        const vector x21 = x20 + x7;
        const vector x22 = maximum(x21, x0);
        const vector x23 = x0 - x22;
        const vector x24 = exponential(x23);
        const vector x25 = x21 - x22;
        const vector x26 = exponential(x25);
        const vector x27 = x26 * x5;
        const vector x28 = hyperbolic_tangent(x2);
        const vector x29 = x24 * x28;
        const vector x30 = x27 + x29;
        const vector x31 = x26 * x6;
        const vector x32 = x24 + x31;
        const vector x33 = sigmoid(x3);
        const vector x34 = x33 * x30;
        const vector x35 = x34 / x32;
        const vector x36 = x35 / x32;
        const vector x37 = -x13;
        const vector x38 = x37 * x36;
        const vector x39 = x13 / x32;
        const vector x40 = x11 + x38;
        const vector x41 = x39 * x33;
        const vector x42 = x39 * x30;
        const vector x43 = x10 + x41;
        const vector x45 = 1.0f - x33;
        const vector x46 = x33 * x45;
        const vector x47 = x42 * x46;
        const vector x48 = x40 * x6;
        const vector x49 = x40 * x26;
        const vector x50 = x43 * x28;
        const vector x51 = x43 * x24;
        const vector x52 = x40 + x50;
        const vector x53 = x28 * x28;
        const vector x54 = 1.0f - x53;
        const vector x55 = x51 * x54;
        const vector x56 = x43 * x26;
        const vector x57 = x43 * x5;
        const vector x58 = x48 + x57;
        const vector x59 = x58 * x26;
        const vector x60 = -x59;
        const vector x61 = x12 + x60;
        const vector x62 = x52 * x24;
        const vector x63 = -x62;
        const vector x64 = x61 + x63;
        const vector x66 = x64 / 2.0f;
        const vector x67 = truth(x21 == x0);
        const vector x68 = choose(x67 != 0, x66, x64);
        const vector x69 = truth(x21 > x0);
        const vector x70 = choose(x69 != 0, all(0.0f), x68);
        const vector x71 = truth(x0 > x21);
        const vector x72 = choose(x71 != 0, all(0.0f), x68);
        const vector x73 = x59 + x72;
        const vector x74 = x62 + x70;
        const vector x75 = -x1;
        const vector x76 = sigmoid(x75);
        const vector x77 = x73 * x76;
        NAME(store_part)(grad_gates_at + 0 * units + i, x74, left);
        NAME(store_part)(grad_gates_at + 1 * units + i, x77, left);
        NAME(store_part)(grad_gates_at + 2 * units + i, x55, left);
        NAME(store_part)(grad_gates_at + 3 * units + i, x47, left);
        store_part_float(grad_c_at + 0 * units + i, x56, left);
        store_part_float(grad_n_at + 0 * units + i, x49, left);
        store_part_float(grad_m_at + 0 * units + i, x73, left);
    }
}
enum { NAME(SLSTM_backward_kept) = 0 };
static void NAME(SLSTM_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(SLSTM_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(SLSTM_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row), at(&p->operands[7], t, layer, row), at(&p->operands[8], t, layer, row), at(&p->operands[9], t, layer, row), at(&p->operands[10], t, layer, row), at(&p->operands[11], t, layer, row), at(&p->operands[12], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_SLSTM_backward_operands[] = "gates c n m grad_output grad_product grad_new_c grad_new_n grad_new_m =grad_gates =grad_c =grad_n =grad_m";
#endif

void NAME(nmt_SLSTM_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(SLSTM_backward_rows)); }

static void NAME(SRU_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(SRU_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(SRU_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_SRU_forward_operands[] = "x c peephole =hidden =new_c";
#endif

void NAME(nmt_SRU_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(SRU_forward_rows)); }

INLINE void NAME(SRU_backward_row)(int64_t units, float *kept, const narrow *x_at, const float *c_at, const float *peephole_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_c_at, narrow *grad_x_at, float *grad_c_at, float *grad_peephole_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(x_at + 0 * units + i);
        const vector x1 = NAME(load)(x_at + 1 * units + i);
        const vector x2 = NAME(load)(x_at + 2 * units + i);
        const vector x3 = NAME(load)(x_at + 3 * units + i);
        const vector x5 = load_float(c_at + 0 * units + i);
        const vector x6 = load_float(peephole_at + 0 * units + i);
        const vector x7 = load_float(peephole_at + 1 * units + i);
        const vector x8 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x9 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x10 = load_float(grad_new_c_at + 0 * units + i);
        const vector x11 = x8 + x9;
        const vector x12 = x6 * x5;
        const vector x13 = x0 + x12;
        const vector x14 = sigmoid(x13);
        const vector x15 = x7 * x5;
        const vector x16 = x1 + x15;
        const vector x17 = sigmoid(x16);
        const vector x18 = x5 - x2;
        const vector x19 = x14 * x18;
        const vector x20 = x2 + x19;
        const vector x21 = x20 - x3;
        const vector x24 = x11 * x17;
        const vector x27 = 1.0f - x17;
        const vector x28 = x11 * x27;
        const vector x29 = x11 * x21;
        const vector x30 = x10 + x24;
        const vector x31 = x30 * x14;
        const vector x32 = 1.0f - x14;
        const vector x33 = x30 * x32;
        const vector x34 = x30 * x18;
        const vector x35 = x17 * x27;
        const vector x36 = x29 * x35;
        const vector x37 = x36 * x5;
        const vector x38 = x36 * x7;
        const vector x39 = x31 + x38;
        const vector x40 = x14 * x32;
        const vector x41 = x34 * x40;
        const vector x42 = x41 * x5;
        const vector x43 = x41 * x6;
        const vector x44 = x39 + x43;
        NAME(store)(grad_x_at + 0 * units + i, x41);
        NAME(store)(grad_x_at + 1 * units + i, x36);
        NAME(store)(grad_x_at + 2 * units + i, x33);
        NAME(store)(grad_x_at + 3 * units + i, x28);
        store_float(grad_c_at + 0 * units + i, x44);
        store_float(grad_peephole_at + 0 * units + i, load_float(grad_peephole_at + 0 * units + i) + x42);
        store_float(grad_peephole_at + 1 * units + i, load_float(grad_peephole_at + 1 * units + i) + x37);
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
        const vector x8 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x9 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x10 = load_part_float(grad_new_c_at + 0 * units + i, left);
        const vector x11 = x8 + x9;
        const vector x12 = x6 * x5;
        const vector x13 = x0 + x12;
        const vector x14 = sigmoid(x13);
        const vector x15 = x7 * x5;
        const vector x16 = x1 + x15;
        const vector x17 = sigmoid(x16);
        const vector x18 = x5 - x2;
        const vector x19 = x14 * x18;
        const vector x20 = x2 + x19;
        const vector x21 = x20 - x3;
        const vector x24 = x11 * x17;
        const vector x27 = 1.0f - x17;
        const vector x28 = x11 * x27;
        const vector x29 = x11 * x21;
        const vector x30 = x10 + x24;
        const vector x31 = x30 * x14;
        const vector x32 = 1.0f - x14;
        const vector x33 = x30 * x32;
        const vector x34 = x30 * x18;
        const vector x35 = x17 * x27;
        const vector x36 = x29 * x35;
        const vector x37 = x36 * x5;
        const vector x38 = x36 * x7;
        const vector x39 = x31 + x38;
        const vector x40 = x14 * x32;
        const vector x41 = x34 * x40;
        const vector x42 = x41 * x5;
        const vector x43 = x41 * x6;
        const vector x44 = x39 + x43;
        NAME(store_part)(grad_x_at + 0 * units + i, x41, left);
        NAME(store_part)(grad_x_at + 1 * units + i, x36, left);
        NAME(store_part)(grad_x_at + 2 * units + i, x33, left);
        NAME(store_part)(grad_x_at + 3 * units + i, x28, left);
        store_part_float(grad_c_at + 0 * units + i, x44, left);
        store_part_float(grad_peephole_at + 0 * units + i, load_part_float(grad_peephole_at + 0 * units + i, left) + x42, left);
        store_part_float(grad_peephole_at + 1 * units + i, load_part_float(grad_peephole_at + 1 * units + i, left) + x37, left);
    }
}
enum { NAME(SRU_backward_kept) = 0 };
static void NAME(SRU_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(SRU_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(SRU_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row), at(&p->operands[7], t, layer, row), at(&p->operands[8], chunk, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_SRU_backward_operands[] = "x c peephole grad_output grad_product grad_new_c =grad_x =grad_c +grad_peephole";
#endif

void NAME(nmt_SRU_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(SRU_backward_rows)); }

static void NAME(SSRU_forward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(SSRU_forward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(SSRU_forward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_SSRU_forward_operands[] = "x c =hidden =new_c";
#endif

void NAME(nmt_SSRU_forward)(const struct Plan *p, int64_t t) { run(p, t, NAME(SSRU_forward_rows)); }

INLINE void NAME(SSRU_backward_row)(int64_t units, float *kept, const narrow *x_at, const float *c_at, const narrow *grad_output_at, const narrow *grad_product_at, const float *grad_new_c_at, narrow *grad_x_at, float *grad_c_at) {
    (void)kept;
    for (int64_t i = 0; i + LANES <= units; i += LANES) {
        const vector x0 = NAME(load)(x_at + 0 * units + i);
        const vector x1 = NAME(load)(x_at + 1 * units + i);
        const vector x3 = load_float(c_at + 0 * units + i);
        const vector x4 = NAME(load)(grad_output_at + 0 * units + i);
        const vector x5 = NAME(load)(grad_product_at + 0 * units + i);
        const vector x6 = load_float(grad_new_c_at + 0 * units + i);
        const vector x7 = x4 + x5;
        const vector x8 = sigmoid(x0);
        const vector x9 = x3 - x1;
        const vector x10 = x8 * x9;
        const vector x11 = x1 + x10;
        const vector x13 = maximum(x11, all(0.0f));
        const vector x14 = truth(all(0.0f) >= x13);
        const vector x15 = choose(x14 != 0, all(0.0f), x7);
        const vector x16 = x6 + x15;
        const vector x17 = x16 * x8;
        const vector x19 = 1.0f - x8;
        const vector x20 = x16 * x19;
        const vector x21 = x16 * x9;
        const vector x22 = x8 * x19;
        const vector x23 = x21 * x22;
        NAME(store)(grad_x_at + 0 * units + i, x23);
        NAME(store)(grad_x_at + 1 * units + i, x20);
        store_float(grad_c_at + 0 * units + i, x17);
    }
    if (units % LANES) {
        const int64_t i = units / LANES * LANES;
        const int left = units - i;
        const vector x0 = NAME(load_part)(x_at + 0 * units + i, left);
        const vector x1 = NAME(load_part)(x_at + 1 * units + i, left);
        const vector x3 = load_part_float(c_at + 0 * units + i, left);
        const vector x4 = NAME(load_part)(grad_output_at + 0 * units + i, left);
        const vector x5 = NAME(load_part)(grad_product_at + 0 * units + i, left);
        const vector x6 = load_part_float(grad_new_c_at + 0 * units + i, left);
        const vector x7 = x4 + x5;
        const vector x8 = sigmoid(x0);
        const vector x9 = x3 - x1;
        const vector x10 = x8 * x9;
        const vector x11 = x1 + x10;
        const vector x13 = maximum(x11, all(0.0f));
        const vector x14 = truth(all(0.0f) >= x13);
        const vector x15 = choose(x14 != 0, all(0.0f), x7);
        const vector x16 = x6 + x15;
        const vector x17 = x16 * x8;
        const vector x19 = 1.0f - x8;
        const vector x20 = x16 * x19;
        const vector x21 = x16 * x9;
        const vector x22 = x8 * x19;
        const vector x23 = x21 * x22;
        NAME(store_part)(grad_x_at + 0 * units + i, x23, left);
        NAME(store_part)(grad_x_at + 1 * units + i, x20, left);
        store_part_float(grad_c_at + 0 * units + i, x17, left);
    }
}
enum { NAME(SSRU_backward_kept) = 0 };
static void NAME(SSRU_backward_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first, int64_t last) {
    float *kept = kept_numbers(NAME(SSRU_backward_kept) * room_of(p->units));
    for (int64_t r = first; r < last; r++) {
        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;
        NAME(SSRU_backward_row)(p->units, kept, at(&p->operands[0], t, layer, row), at(&p->operands[1], t, layer, row), at(&p->operands[2], t, layer, row), at(&p->operands[3], t, layer, row), at(&p->operands[4], t, layer, row), at(&p->operands[5], t, layer, row), at(&p->operands[6], t, layer, row));
    }
    (void)chunk;
}
#ifndef SECOND_TIME
const char nmt_SSRU_backward_operands[] = "x c grad_output grad_product grad_new_c =grad_x =grad_c";
#endif

void NAME(nmt_SSRU_backward)(const struct Plan *p, int64_t t) { run(p, t, NAME(SSRU_backward_rows)); }
