// Extensions of hypotheses (search/beam.py)

// The log-sum-exp of a row.
static float normaliser(const float *x, int count) {
    __m512 most = all(-INFINITY), sum = _mm512_setzero_ps();
    for (int i = 0; i < count; i += LANES)
        most = _mm512_max_ps(most, _mm512_mask_loadu_ps(most, lanes(count - i), x + i));
    float largest = _mm512_reduce_max_ps(most);
    for (int i = 0; i < count; i += LANES) {
        __m512 e = exponential(_mm512_sub_ps(load(x + i, count - i), all(largest)));
        sum = _mm512_mask_add_ps(sum, lanes(count - i), sum, e);
    }
    return largest + logf(_mm512_reduce_add_ps(sum));
}

// Of b sentences, k rows of logits (b*k,pieces) each, whose hypotheses have log_probs (b*k,): the `wanted` likeliest
// extensions, by what is likeliest and then by what comes first -> their log-probabilities (b,wanted), and their places
// in a sentence's rows joined (b,wanted). Piece 0 counts, but is none of them; where there are too few, -infinity.
void nmt_extend(const float *logits, const float *log_probs, int b, int k, int pieces, int wanted, float *totals,
                int64_t *places) {
    for (int sentence = 0; sentence < b; sentence++, totals += wanted, places += wanted) {
        for (int i = 0; i < wanted; i++) totals[i] = -INFINITY, places[i] = 0;
        for (int row = 0; row < k; row++) {
            const float *x = logits + (size_t)(sentence * k + row) * pieces;
            float before = log_probs[sentence * k + row], sum;
            if (before == -INFINITY) continue;
            sum = normaliser(x, pieces);
            for (int i = 0; i < pieces; i += LANES) {
                __m512 total = _mm512_add_ps(_mm512_sub_ps(load(x + i, pieces - i), all(sum)), all(before));
                __mmask16 some = i ? lanes(pieces - i) : lanes(pieces - i) & ~1;
                some = _mm512_mask_cmp_ps_mask(some, total, all(totals[wanted - 1]), _CMP_GT_OQ);
                for (; some; some &= some - 1) {
                    float own[LANES];
                    _mm512_storeu_ps(own, total);
                    int lane = __builtin_ctz(some), at = wanted - 1;
                    if (own[lane] <= totals[at]) continue;
                    for (; at && own[lane] > totals[at - 1]; at--) totals[at] = totals[at - 1], places[at] = places[at - 1];
                    totals[at] = own[lane], places[at] = (int64_t)row * pieces + i + lane;
                }
            }
        }
    }
}
