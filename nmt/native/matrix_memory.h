// A step of mLSTM (nmt/cells/xlstm.py), whose state is no vector of the units: h, the matrix of each head (d,d), n and
// m side by side. `own` are the numbers of units and of heads.

void nmt_step_of_matrix_memory(int64_t units, const float *gates, const float *x, const float *own,
                               const float *const *products, const float *state, int64_t far, float *after,
                               int64_t far_after) {
    (void)units, (void)gates, (void)products, (void)far, (void)far_after;
    const int64_t h = own[0], heads = own[1], d = h / heads, wide = h * d;
    const float *q = x, *k = q + h, *v = k + h, *o = v + h, *admit = o + h, *forget = admit + heads;
    const float *matrix = state + h, *n = matrix + wide, *m = n + h;
    float *new_matrix = after + h, *new_n = new_matrix + wide, *new_m = new_n + h;
    const float shrink = 1 / sqrtf(d);
    for (int64_t head = 0; head < heads; head++, q += d, k += d, n += d, new_n += d) {
        const vector f = all(forget[head]), i = all(admit[head]);
        const vector kept = minimum(f, all(0)) - log_plus_one(exponential(-absolute(f))) + m[head];
        const vector most = maximum(kept, i), floor = exponential(-most);
        const float by_i = exponential(i - most)[0], by_f = exponential(kept - most)[0];
        new_m[head] = most[0];
        struct sums along = {0};
        for (int64_t at_b = 0; at_b < d; at_b += LANES) {
            const vector key = load_up_to(k + at_b, d - at_b) * shrink;
            const vector new = load_up_to(n + at_b, d - at_b) * by_f + key * by_i;
            store_up_to(new_n + at_b, new, d - at_b);
            along.part[at_b / LANES % PARTS] += new * load_up_to(q + at_b, d - at_b);
        }
        const float weight = maximum(absolute(all(total_of(along))), floor)[0];
        for (int64_t a = head * d; a < (head + 1) * d; a++, matrix += d, new_matrix += d) {
            const float value = v[a] * by_i * shrink;
            struct sums found = {0};
            for (int64_t at_b = 0; at_b < d; at_b += LANES) {
                const vector key = load_up_to(k + at_b, d - at_b);
                const vector new = load_up_to(matrix + at_b, d - at_b) * by_f + key * value;
                store_up_to(new_matrix + at_b, new, d - at_b);
                found.part[at_b / LANES % PARTS] += new * load_up_to(q + at_b, d - at_b);
            }
            after[a] = total_of(found) / weight;
        }
    }
    for (int64_t a = 0; a < h; a += LANES)
        store_up_to(after + a, load_up_to(after + a, h - a) * sigmoid(load_up_to(o + a, h - a)), h - a);
}
