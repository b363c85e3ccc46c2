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

struct Job {
    const struct Plan *plan;
    row_kernel *kernel;
    int64_t t, next;
};

static void work(void *data) {
    struct Job *job = data;
    const struct Plan *p = job->plan;
    for (int64_t c; (c = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED)) < p->chunks;)
        job->kernel(p, job->t, c, p->rows * c / p->chunks, p->rows * (c + 1) / p->chunks);
}

static void run(const struct Plan *p, int64_t t, row_kernel *kernel) {
    struct Job job = {p, kernel, t, 0};
    if (p->chunks > 1 && run_in_parallel)
        run_in_parallel(work, &job, p->chunks, 0);
    else
        work(&job);
}

static inline void *at(const struct Operand *o, int64_t step, int64_t layer, int64_t row) {
    return o->base + step * o->step + layer * o->layer + row * o->row;
}
