// A step of beam search (search/beam.py, which tells the rule)

// The log-sum-exp of a row.
static float normaliser(const float *x, int count) {
    vector most = all(-INFINITY);
    int i = 0;
    for (; i + LANES <= count; i += LANES) most = larger(most, load_float(x + i));
    float largest = largest_of(most);
    for (; i < count; i++) largest = x[i] > largest ? x[i] : largest;
    struct sums sum = {0};
    for (i = 0; i < count; i += 16) EACH_PART
        sum.part[part] += keep(exponential(load_up_to(x + at, count - at) - largest), count - at);
    return largest + logf(total_of(sum));
}

// Of a sentence with k rows of logits (k,pieces), whose hypotheses have log_probs (k,): the `wanted` likeliest
// extensions, by what is likeliest and then by what comes first -> their log-probabilities (wanted,), and their places
// in its rows joined (wanted,). Piece 0 counts, but is none of them; where there are too few, -infinity.
static void extend(const float *logits, const float *log_probs, int k, int pieces, int wanted, float *totals,
                   int64_t *places) {
    for (int i = 0; i < wanted; i++) totals[i] = -INFINITY, places[i] = 0;
    for (int row = 0; row < k; row++) {
        const float *x = logits + (size_t)row * pieces;
        const float before = log_probs[row];
        if (before == -INFINITY) continue;
        const float sum = normaliser(x, pieces);
        for (int i = 0; i < pieces; i += LANES) {
            const vector total = load_up_to(x + i, pieces - i) - sum + before;
            unsigned some = where_more(total, all(totals[wanted - 1]));
            if (pieces - i < LANES) some &= (1u << (pieces - i)) - 1;
            if (!i) some &= ~1u;
            for (; some; some &= some - 1) {
                const int lane = __builtin_ctz(some);
                const float own = total[lane];
                int at = wanted - 1;
                if (own <= totals[at]) continue;
                for (; at && own > totals[at - 1]; at--) totals[at] = totals[at - 1], places[at] = places[at - 1];
                totals[at] = own, places[at] = (int64_t)row * pieces + i + lane;
            }
        }
    }
}

// The same of b sentences side by side.
void nmt_extend(const float *logits, const float *log_probs, int b, int k, int pieces, int wanted, float *totals,
                int64_t *places) {
    for (int i = 0; i < b; i++)
        extend(logits + (size_t)i * k * pieces, log_probs + i * k, k, pieces, wanted, totals + i * wanted,
               places + i * wanted);
}

struct Ended {
    float log_prob, coverage;
    int length, token;  // EOS, or at the limit another one,
    int64_t row;        // after which row of the step before
};

struct Sentence {
    double best;  // the greatest mean log-probability of those that have ended
    int64_t limit;
    int ended, done;
};

// What is known of all sentences of a search. It lies in one piece of memory, with room for the others after it.
struct Beams {
    double patience;
    int beam, eos, length;
    struct Sentence *sentences;
    struct Ended *ended;  // (sentences,beam)
    int64_t *places;      // (beam,) of a sentence's best extensions, and
    float *totals;        // their log-probabilities
    float *log_probs;     // (sentences,beam) of what lives; -infinity where one only fills the beam
};

// The bytes of the beams of so many sentences.
int64_t nmt_beams_size(int64_t sentences, int64_t beam) {
    const int64_t places = sentences * beam;
    return sizeof(struct Beams) + sentences * sizeof(struct Sentence) + places * sizeof(struct Ended) +
           beam * (sizeof(int64_t) + sizeof(float)) + places * sizeof(float);
}

// Before the first step: the limits of lengths (sentences,), and the log-probabilities (sentences,) before, or 0.
void nmt_begin(struct Beams *of, int sentences, int beam, int eos, double patience, const int64_t *limits,
               const float *start) {
    of->beam = beam, of->eos = eos, of->patience = patience, of->length = 0;
    of->sentences = (struct Sentence *)(of + 1);
    of->ended = (struct Ended *)(of->sentences + sentences);
    of->places = (int64_t *)(of->ended + (int64_t)sentences * beam);
    of->totals = (float *)(of->places + beam), of->log_probs = of->totals + beam;
    for (int i = 0; i < sentences; i++) {
        of->sentences[i] = (struct Sentence){-INFINITY, limits[i], 0, 0};
        of->log_probs[(int64_t)i * beam] = start ? start[i] : 0;
    }
}

// A sentence, k rows from `first` on -> what is in its beam: ids (beam,) and rows (beam,). Whether any lives.
static int advance(struct Beams *of, int64_t number, const float *logits, int k, int pieces, const float *covered,
                   int64_t first, int64_t *ids, int64_t *rows) {
    struct Sentence *sentence = of->sentences + number;
    struct Ended *ended = of->ended + number * of->beam;
    float *log_probs = of->log_probs + number * of->beam;
    int living = 0;
    if (!sentence->done) {
        extend(logits, log_probs, k, pieces, of->beam, of->totals, of->places);
        const int free = of->beam - sentence->ended;
        for (int c = 0; c < free && of->totals[c] > -INFINITY; c++) {
            const float log_prob = of->totals[c];
            const int64_t row = of->places[c] / pieces, token = of->places[c] % pieces;
            if (token != of->eos && of->length < sentence->limit) {
                ids[living] = token, rows[living] = first + row, log_probs[living++] = log_prob;
                continue;
            }
            ended[sentence->ended++] =
                (struct Ended){log_prob, covered ? covered[row] : 0, of->length, token, first + row};
            const double mean = (double)log_prob / of->length;
            if (mean > sentence->best) sentence->best = mean;
        }
        if (!living && !sentence->ended)  // numbers of the model overflow, and nothing is likely
            ended[sentence->ended++] = (struct Ended){-INFINITY, 0, of->length, of->eos, first};
        const double least = sentence->best * (of->length + of->patience);
        while (living && log_probs[living - 1] < least) living--;
        sentence->done = !living;
    }
    for (int place = living; place < of->beam; place++)
        ids[place] = of->eos, rows[place] = first, log_probs[place] = -INFINITY;
    return living > 0;
}

// A step of the b sentences with these numbers (b,), k rows each, which have `covered` the source (b*k,), if not 0 ->
// what is in their beams, (b,beam) each: ids, and which rows they extend; which sentences live (b,), and how many.
int nmt_advance(struct Beams *of, const int64_t *numbers, int b, int k, const float *logits, int pieces,
                const float *covered, int64_t *ids, int64_t *rows, uint8_t *lives) {
    int living = 0;
    of->length++;
    for (int64_t i = 0; i < b; i++) {
        lives[i] = advance(of, numbers[i], logits + (size_t)i * k * pieces, k, pieces, covered ? covered + i * k : 0,
                           i * k, ids + i * of->beam, rows + i * of->beam);
        living += lives[i];
    }
    return living;
}

// What has ended, sentence by sentence, at most (sentences*beam,): its sentence, length, and tokens without EOS,
// log-probability and coverage, and its ids (length of the longest,). Of each step the ids and rows that went on.
int nmt_ended(const struct Beams *of, int sentences, int64_t *const *ids, int64_t *const *rows, int64_t *numbers,
              double *scores, int64_t *found) {
    int count = 0;
    for (int i = 0; i < sentences; i++)
        for (int place = 0; place < of->sentences[i].ended; place++, count++, found += of->length) {
            const struct Ended one = of->ended[(int64_t)i * of->beam + place];
            *numbers++ = i, *numbers++ = one.length, *numbers++ = one.length - (one.token == of->eos);
            *scores++ = one.log_prob, *scores++ = one.coverage;
            found[one.length - 1] = one.token;
            int64_t row = one.row;
            for (int t = one.length - 2; t >= 0; t--) found[t] = ids[t][row], row = rows[t][row];
        }
    return count;
}
