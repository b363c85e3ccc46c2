// How a kernel goes over the rows of a step: threads share them in chunks.

enum { MOST_OPERANDS = 40 };

// One step's inputs, outputs and sums, in the order that nmt/kernels/steps.py gives.
struct Operand {
    char *base;
    int64_t step, layer, row;  // bytes from one to the next; of a sum `step` is from chunk to chunk
};

struct Plan {
    int64_t rows, rows_per_layer, units, chunks;
    struct Operand operands[MOST_OPERANDS];
};

typedef void row_kernel(const struct Plan *, int64_t t, int64_t chunk, int64_t first, int64_t last);
typedef void parallel_call(void (*)(void *), void *, unsigned threads, unsigned flags);

static parallel_call *run_in_parallel;  // OpenMP's own, whose threads are torch's too

void nmt_threads(void *call) { run_in_parallel = (parallel_call *)call; }

// A part of some work, from `first` to before `last`.
typedef void part_of_work(const void *of, int64_t first, int64_t last);

struct Work {
    part_of_work *part;
    const void *of;
    int64_t count, size, next;
};

static void take_parts(void *data) {
    struct Work *work = data;
    for (int64_t i; (i = __atomic_fetch_add(&work->next, work->size, __ATOMIC_RELAXED)) < work->count;)
        work->part(work->of, i, i + work->size < work->count ? i + work->size : work->count);
}

// Threads share `count` pieces of work, a few parts each, so that none waits long for another.
static void share(part_of_work *part, const void *of, int64_t count, int64_t threads) {
    struct Work work = {part, of, count, threads > 1 ? (count + 4 * threads - 1) / (4 * threads) : count, 0};
    if (threads > 1 && run_in_parallel)
        run_in_parallel(take_parts, &work, threads, 0);
    else
        take_parts(&work);
}

struct Step {
    const struct Plan *plan;
    row_kernel *kernel;
    int64_t t;
};

static void some_chunks(const void *of, int64_t first, int64_t last) {
    const struct Step *step = of;
    const struct Plan *p = step->plan;
    for (int64_t c = first; c < last; c++)
        step->kernel(p, step->t, c, p->rows * c / p->chunks, p->rows * (c + 1) / p->chunks);
}

static void run(const struct Plan *p, int64_t t, row_kernel *kernel) {
    const struct Step step = {p, kernel, t};
    share(some_chunks, &step, p->chunks, p->chunks);
}

static inline void *at(const struct Operand *o, int64_t step, int64_t layer, int64_t row) {
    return o->base + step * o->step + layer * o->layer + row * o->row;
}
