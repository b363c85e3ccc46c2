// Attention (model/attention.py)

// Scores of one query over s keys, `far` floats apart, of which real tells: q . key, or with v the sum of
// v / (1 + q key); returns the largest.
static float scores(const float *q, const float *keys, size_t far, const float *v, const uint8_t *real, int s, int d,
                    float *to) {
    float most = -3e38f;
    for (int t = 0; t < s; t++, keys += far) {
        if (!real[t]) continue;
        __m512 sum = _mm512_setzero_ps();
        for (int i = 0; i < d; i += LANES) {
            __m512 of_query = load(q + i, d - i), of_key = load(keys + i, d - i);
            if (v) {
                __m512 r = reciprocal(_mm512_fmadd_ps(of_query, of_key, all(1)));
                sum = _mm512_fmadd_ps(load(v + i, d - i), r, sum);
            } else {
                sum = _mm512_fmadd_ps(of_query, of_key, sum);
            }
        }
        to[t] = _mm512_reduce_add_ps(sum);
        most = to[t] > most ? to[t] : most;
    }
    return most;
}

// Scores become weights, in place; those of what is not real 0.
static void softmax(float *x, const uint8_t *real, int s, float most) {
    __m512 sum = _mm512_setzero_ps();
    for (int t = 0; t < s; t += LANES) {
        __m128i is_real = _mm_maskz_loadu_epi8(lanes(s - t), real + t);
        __mmask16 kept = _mm_test_epi8_mask(is_real, is_real);
        __m512 e = exponential(_mm512_sub_ps(_mm512_maskz_loadu_ps(kept, x + t), all(most)));
        e = _mm512_maskz_mov_ps(kept, e);
        sum = _mm512_add_ps(sum, e);
        store(x + t, e, s - t);
    }
    __m512 scale = all(1 / _mm512_reduce_add_ps(sum));
    for (int t = 0; t < s; t += LANES) store(x + t, _mm512_mul_ps(load(x + t, s - t), scale), s - t);
}

// The mean of s values, `far` floats apart, by their weights; what has none is not read.
static void mean(const float *weights, const float *values, size_t far, int s, int m, float *to) {
    for (int i = 0; i < m; i += PANELS * LANES) {
        __m512 sum[PANELS];
        for (int p = 0; p < PANELS; p++) sum[p] = _mm512_setzero_ps();
        for (int t = 0; t < s; t++) {
            if (weights[t] == 0) continue;
            const float *value = values + t * far + i;
            for (int p = 0; p < PANELS && i + p * LANES < m; p++)
                sum[p] = _mm512_fmadd_ps(all(weights[t]), load(value + p * LANES, m - i - p * LANES), sum[p]);
        }
        for (int p = 0; p < PANELS && i + p * LANES < m; p++) store(to + i + p * LANES, sum[p], m - i - p * LANES);
    }
}

// q (n,a,d), keys (n/k,s,a,d), values (n/k,s,a,m), real (n/k,s) -> context (n,a,m) and weights (n,a,s). With v (a,d)
// the score is additive: keys are exponentials, and q is what is to be made one, within +-limit.
void nmt_attend(const float *q, const float *keys, const float *values, const uint8_t *real, const float *v, float limit,
                int n, int k, int s, int a, int d, int m, float *context, float *weights) {
    float *query = malloc(sizeof *query * d);
    for (int row = 0; row < n; row++) {
        size_t sentence = row / k;
        for (int head = 0; head < a; head++) {
            size_t at = (size_t)row * a + head;
            const float *own = q + at * d, *key = keys + (sentence * s * a + head) * d;
            float *to = weights + at * s;
            if (v) {
                for (int i = 0; i < d; i += LANES) {
                    __m512 x = _mm512_max_ps(_mm512_min_ps(load(own + i, d - i), all(limit)), all(-limit));
                    store(query + i, exponential(x), d - i);
                }
                own = query;
            }
            float most = scores(own, key, (size_t)a * d, v ? v + head * d : 0, real + sentence * s, s, d, to);
            softmax(to, real + sentence * s, s, most);
            mean(to, values + (sentence * s * a + head) * m, (size_t)a * m, s, m, context + at * m);
        }
    }
    free(query);
}
