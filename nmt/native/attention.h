// Attention (model/attention.py)

// Scores of one query over s keys, `far` floats apart, of which real tells: q . key, or with v the sum of
// v / (1 + q key); returns the largest.
static float scores_of_keys(const float *q, const float *keys, size_t far, const float *v, const uint8_t *real, int s,
                            int d, float *to) {
    float most = -3e38f;
    for (int t = 0; t < s; t++, keys += far) {
        to[t] = 0;
        if (!real[t]) continue;
        struct sums sum = {0};
        for (int i = 0; i < d; i += 16) EACH_PART {
            const vector of_query = load_up_to(q + at, d - at), of_key = load_up_to(keys + at, d - at);
            if (v) {
                const vector r = reciprocal(multiply_add(of_query, of_key, all(1)));
                sum.part[part] = multiply_add(load_up_to(v + at, d - at), r, sum.part[part]);
            } else {
                sum.part[part] = multiply_add(of_query, of_key, sum.part[part]);
            }
        }
        to[t] = total_of(sum);
        most = to[t] > most ? to[t] : most;
    }
    return most;
}

typedef uint8_t bytes __attribute__((vector_size(LANES)));

// Scores become weights, in place; those of what is not real 0.
static void softmax(float *x, const uint8_t *real, int s, float most) {
    struct sums sum = {0};
    for (int i = 0; i < s; i += 16) EACH_PART {
        bytes own = {0};
        memcpy(&own, real + at, at + LANES <= s ? LANES : at < s ? s - at : 0);
        const integers is_real = __builtin_convertvector(own, integers) != 0;
        const vector e = (vector)((integers)exponential(load_up_to(x + at, s - at) - most) & is_real);
        sum.part[part] += e;
        store_up_to(x + at, e, s - at);
    }
    const float scale = 1 / total_of(sum);
    for (int t = 0; t < s; t += LANES) store_up_to(x + t, load_up_to(x + t, s - t) * scale, s - t);
}

// The mean of s values, `far` floats apart, by their weights; what has none is not read.
static void mean_of_values(const float *weights, const float *values, size_t far, int s, int m, float *to) {
    enum { SIDE_BY_SIDE = 4 };
    for (int i = 0; i < m; i += SIDE_BY_SIDE * LANES) {
        vector sum[SIDE_BY_SIDE] = {{0}};
        for (int t = 0; t < s; t++) {
            if (weights[t] == 0) continue;
            const float *value = values + t * far;
            UNROLLED for (int p = 0; p < SIDE_BY_SIDE; p++) {
                const int at = i + p * LANES;
                sum[p] = multiply_add(all(weights[t]), load_up_to(value + at, m - at), sum[p]);
            }
        }
        UNROLLED for (int p = 0; p < SIDE_BY_SIDE; p++) store_up_to(to + i + p * LANES, sum[p], m - i - p * LANES);
    }
}

// q (n,a,d), keys (n/k,s,a,d), values (n/k,s,a,m), real (n/k,s) -> context (n,a,m) and weights (n,a,s). With v (a,d)
// the score is additive: keys are exponentials, and q is what is to be made one, within +-limit.
void nmt_attend(const float *q, const float *keys, const float *values, const uint8_t *real, const float *v, float limit,
                int n, int k, int s, int a, int d, int m, float *context, float *weights) {
    float *query = malloc(sizeof *query * d);
    for (int row = 0; row < n; row++) {
        const size_t sentence = row / k;
        for (int head = 0; head < a; head++) {
            const size_t at = (size_t)row * a + head;
            const float *own = q + at * d, *key = keys + (sentence * s * a + head) * d;
            float *to = weights + at * s;
            if (v) {
                for (int i = 0; i < d; i += LANES)
                    store_up_to(query + i, exponential(within(load_up_to(own + i, d - i), limit)), d - i);
                own = query;
            }
            const float most =
                scores_of_keys(own, key, (size_t)a * d, v ? v + head * d : 0, real + sentence * s, s, d, to);
            softmax(to, real + sentence * s, s, most);
            mean_of_values(to, values + (sentence * s * a + head) * m, (size_t)a * m, s, m, context + at * m);
        }
    }
    free(query);
}
