// The scores of additive attention (nmt/kernels/additive.py), and their gradient.
//
// tanh(q + k) = 1 - 2 r with r = 1 / (1 + exp(2q) exp(2k)): exponentials of each side alone, and then but a product and
// a reciprocal for each pair. With q and k within +-20 the product is finite.

struct Scores {
    const narrow *q, *k;           // (B,T,A*D), (B,S,A*D)
    const float *v;                // (A,D)
    float *scores;                 // (B,A,T,S)
    const float *grad;             // (B,A,T,S)
    narrow *grad_q, *grad_k;       // as q and k
    float *grad_v;                 // (B,A,D)
    int64_t tokens, sources, heads, size;
};

#define LIMIT 20.0f

// exp(2x) of rows of `width` numbers; rows begin `room` apart, and what is left of it is read along with a last head.
static void NAME(exponentials)(const narrow *x, int64_t rows, int64_t width, int64_t room, float *y) {
    const vector none = {0};
    for (int64_t r = 0; r < rows; r++, x += width, y += room) {
        int64_t i = 0;
        for (; i < width; i += LANES) {
            const int left = width - i < LANES ? width - i : LANES;
            const vector a = left < LANES ? NAME(load_part)(x + i, left) : NAME(load)(x + i);
            store_float(y + i, exponential(2 * within(a, LIMIT)));
        }
        for (; i < room; i += LANES) store_float(y + i, none);
    }
}

static void NAME(scores_of_a_sentence)(const struct Scores *s, int64_t b) {
    const int64_t width = s->heads * s->size, room = (width + LANES) / LANES * LANES + LANES;
    float *q = kept_numbers((s->tokens + s->sources) * room), *k = q + s->tokens * room;
    NAME(exponentials)(s->q + b * s->tokens * width, s->tokens, width, room, q);
    NAME(exponentials)(s->k + b * s->sources * width, s->sources, width, room, k);
    for (int64_t a = 0; a < s->heads; a++) {
        const float *v = s->v + a * s->size;
        vector sum = {0};
        for (int64_t i = 0; i < s->size; i += LANES) sum += load_up_to(v + i, s->size - i);
        const float most = total(sum);
        float *scores = s->scores + (b * s->heads + a) * s->tokens * s->sources;
        for (int64_t t = 0; t < s->tokens; t++) {
            const float *of_q = q + t * room + a * s->size;
            for (int64_t j = 0; j < s->sources; j++) {
                const float *of_k = k + j * room + a * s->size;
                vector x = {0};
                int64_t i = 0;
                for (; i + LANES <= s->size; i += LANES)
                    x += load_float(v + i) * reciprocal(1 + load_float(of_q + i) * load_float(of_k + i));
                if (i < s->size)
                    x += load_part_float(v + i, s->size - i) * reciprocal(1 + load_float(of_q + i) * load_float(of_k + i));
                scores[t * s->sources + j] = most - 2 * total(x);
            }
        }
    }
}

// 1 - tanh^2 = 4 (r - r^2); beyond the limit nothing moves.
static void NAME(gradient_of_a_sentence)(const struct Scores *s, int64_t b) {
    const int64_t width = s->heads * s->size, room = (width + LANES) / LANES * LANES + LANES;
    float *q = kept_numbers((s->tokens + s->sources) * room + s->sources * LANES), *k = q + s->tokens * room;
    float *of_k = k + s->sources * room;
    const narrow *all_q = s->q + b * s->tokens * width, *all_k = s->k + b * s->sources * width;
    NAME(exponentials)(all_q, s->tokens, width, room, q);
    NAME(exponentials)(all_k, s->sources, width, room, k);
    for (int64_t a = 0; a < s->heads; a++) {
        const float *grad = s->grad + (b * s->heads + a) * s->tokens * s->sources;
        float whole = 0;
        for (int64_t i = 0; i < s->tokens * s->sources; i++) whole += grad[i];
        for (int64_t i = 0; i < s->size; i += LANES) {
            const int left = s->size - i < LANES ? s->size - i : LANES;
            const int64_t at = a * s->size + i;
            const vector v = 4 * load_up_to(s->v + at, left);
            vector weighted = {0};
            memset(of_k, 0, s->sources * LANES * sizeof *of_k);
            for (int64_t t = 0; t < s->tokens; t++) {
                const vector x = load_float(q + t * room + at);
                vector sum = {0};
                for (int64_t j = 0; j < s->sources; j++) {
                    const vector r = reciprocal(1 + x * load_float(k + j * room + at));
                    const vector g = grad[t * s->sources + j] * r, w = g - g * r;
                    weighted += g;
                    sum += w;
                    store_float(of_k + j * LANES, load_float(of_k + j * LANES) + w);
                }
                const vector own = NAME(load_part)(all_q + t * width + at, left);
                const vector moved = (vector)((integers)(sum * v) & (absolute(own) <= LIMIT));
                NAME(store_part)(s->grad_q + (b * s->tokens + t) * width + at, moved, left);
            }
            for (int64_t j = 0; j < s->sources; j++) {
                const vector own = NAME(load_part)(all_k + j * width + at, left);
                const vector moved = (vector)((integers)(load_float(of_k + j * LANES) * v) & (absolute(own) <= LIMIT));
                NAME(store_part)(s->grad_k + (b * s->sources + j) * width + at, moved, left);
            }
            store_part_float(s->grad_v + b * width + at, whole - 2 * weighted, left);
        }
    }
}

static void NAME(some_scores)(const void *s, int64_t first, int64_t last) {
    for (int64_t b = first; b < last; b++) NAME(scores_of_a_sentence)(s, b);
}

static void NAME(some_gradients)(const void *s, int64_t first, int64_t last) {
    for (int64_t b = first; b < last; b++) NAME(gradient_of_a_sentence)(s, b);
}

void NAME(nmt_scores)(const struct Scores *s, int64_t sentences, int64_t threads) {
    share(NAME(some_scores), s, sentences, threads);
}

void NAME(nmt_scores_gradient)(const struct Scores *s, int64_t sentences, int64_t threads) {
    share(NAME(some_gradients), s, sentences, threads);
}
