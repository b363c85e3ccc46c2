// Steps of a recurrent layer: products of bytes, what a table adds to them, and the cell (forward.h).

// The parts of a state are `far` numbers apart. All but the last of a cell's functions leave in `after` what is to be
// multiplied by a matrix of the cell's own; `products` are those that are there, of this row.
typedef void step_of_row(int64_t units, const float *gates, const float *x, const float *own,
                         const float *const *products, const float *state, int64_t far, float *after,
                         int64_t far_after);

enum { MOST_OWN = 4 };

// One of the transitions of a step. Its product's outputs are the gates that see h, and, of the first transition, x too
// where no table has all of it: where none sees h and a table has all, there is no product.
struct PackedTransition {
    struct Weight weight;
    struct Weight matrices[MOST_OWN];  // of the cell's own
    const float *own;                  // its vectors
    const float *x;                    // of the others than the first
};

struct Layer {
    step_of_row *steps[MOST_OWN + 1];
    int64_t matrices;
    int64_t units, states;       // the parts of a state, of so many numbers each
    int64_t hidden;              // of the first of them so many are h
    int64_t summed, recurrent, all;  // as GateRows in nmt/cells/base.py
    int64_t transitions;
    const struct PackedTransition *of;
};

// The inputs of n rows, one part beside the other, of in[0] and in[1] numbers, and, where the gates see it, h.
static void gather(const struct Layer *l, const float *const parts[2], const int in[2], const float *const *states,
                   int n, float *to) {
    for (int r = 0; r < n; r++) {
        for (int k = 0; k < 2; k++) {
            memcpy(to, parts[k] + (size_t)r * in[k], in[k] * sizeof *to);
            to += in[k];
        }
        if (!l->recurrent) continue;
        memcpy(to, states[r], l->hidden * sizeof *to);
        to += l->hidden;
    }
}

static void add_row(const bfloat16 *row, int64_t count, float *to) {
    for (int64_t i = 0; i < count; i += LANES)
        store_up_to(to + i, load_up_to(to + i, count - i) + load_bfloat16_up_to(row + i, count - i), count - i);
}

// The table's row goes to the gates of a row and to x; returns x.
static const float *looked_up(const struct Layer *l, const bfloat16 *row, float *gates, int multiplied, float *x) {
    const int64_t apart = l->all - l->summed;
    if (multiplied > l->recurrent) x = gates + l->recurrent;
    if (!row) return x;
    add_row(row, l->summed, gates);
    if (multiplied <= l->recurrent) memset(x, 0, apart * sizeof *x);
    add_row(row + l->summed, apart, x);
    return x;
}

// Parts of one piece of memory.
struct Room { size_t taken; };

static size_t take(struct Room *room, size_t count) {
    const size_t at = room->taken;
    room->taken += (count + 15) / 16 * 16;
    return at;
}

static int widest(const struct Layer *l) {
    int most = 0;
    for (int k = 0; k < l->transitions; k++) most = l->of[k].weight.out > most ? l->of[k].weight.out : most;
    return most;
}

static int deepest(const struct Layer *l) {
    int most = l->hidden;
    for (int k = 0; k < l->transitions; k++) most = l->of[k].weight.in > most ? l->of[k].weight.in : most;
    return most;
}

static int all_within(const int64_t *ids, size_t count, int64_t size) {
    for (size_t i = 0; ids && i < count; i++)
        if (ids[i] < 0 || ids[i] >= size) return 0;
    return 1;
}

// Steps of a layer for n rows, in which `rows` tells the place of each one's state before (states,places,units); without
// it they stand there in order. The inputs are two parts, x (n,in_x) and beside (n,in_beside), either of which may have
// no numbers, for one step; and row number ids (n,steps) of a table (size,all), or without ids the table's rows in order.
// Writes the states after the last step (states,n,units) or, without room for them, the outputs of all (n,steps,hidden).
// Returns whether all ids and rows are there; else nothing was computed.
int nmt_steps(const struct Layer *l, const float *x, int in_x, const float *beside, int in_beside,
              const bfloat16 *table, int64_t size, const int64_t *ids, const float *state, int64_t places,
              const int64_t *rows, int steps, int n, float *outputs, float *after) {
    if (!all_within(ids, (size_t)steps * n, size) || !all_within(rows, n, places)) return 0;
    const int64_t units = l->units;
    const int in[2] = {in_x, in_beside}, none[2] = {0, 0}, block = least(BLOCK, n);
    struct Room room = {0};
    const int has_between = steps * l->transitions > 1 || !after;
    const size_t inputs_at = take(&room, block * deepest(l)), gates_at = take(&room, block * widest(l));
    const size_t x_at = take(&room, (l->matrices ? block : 1) * (l->all - l->summed));
    const size_t multiplied_at = take(&room, l->matrices ? block * units : 0);
    size_t products_at[MOST_OWN], between_at[2];
    for (int p = 0; p < l->matrices; p++) products_at[p] = take(&room, block * l->of->matrices[p].out);
    const int one = up(block * units, 16);  // part of a state between two steps
    for (int k = 0; k < 2; k++) between_at[k] = take(&room, has_between * l->states * one);
    float *numbers = aligned_alloc(64, room.taken * sizeof *numbers), *gates = numbers + gates_at;
    digit *digits = room_for_digits(n, deepest(l));
    for (int row = 0; row < n; row += block) {
        const int count = least(block, n - row);
        const float *before[BLOCK], *apart[BLOCK];
        int64_t far = places * units;
        for (int r = 0; r < count; r++) before[r] = state + (rows ? rows[row + r] : row + r) * units;
        for (int t = 0, turn = 0; t < steps; t++) {
            for (int k = 0; k < l->transitions; k++, turn ^= 1) {
                const struct PackedTransition *of = &l->of[k];
                const float *const parts[2] = {k ? 0 : x + (size_t)row * in_x, k ? 0 : beside + (size_t)row * in_beside};
                if (of->weight.out) {
                    gather(l, parts, k ? none : in, before, count, numbers + inputs_at);
                    product(&of->weight, numbers + inputs_at, count, digits, 0, gates);
                }
                const int is_last = after && t == steps - 1 && k == l->transitions - 1;
                float *to = is_last ? after + (size_t)row * units : numbers + between_at[turn];
                const int64_t far_after = is_last ? (int64_t)n * units : one;
                for (int p = 0; p <= l->matrices; p++) {
                    float *left = p < l->matrices ? numbers + multiplied_at : to;
                    for (int r = 0; r < count; r++) {
                        float *own = gates + (size_t)r * of->weight.out;
                        const float *products[MOST_OWN];
                        for (int q = 0; q < p; q++) products[q] = numbers + products_at[q] + r * of->matrices[q].out;
                        if (!p) {
                            const size_t at = (size_t)(row + r) * steps + t;
                            const bfloat16 *added = table ? table + (ids ? ids[at] : (int64_t)at) * l->all : 0;
                            float *own_x = numbers + x_at + (l->matrices ? r * (l->all - l->summed) : 0);
                            apart[r] = k ? of->x : looked_up(l, added, own, of->weight.out, own_x);
                        }
                        l->steps[p](units, own, apart[r], of->own, products, before[r], far, left + r * units, far_after);
                        if (left == to) before[r] = to + r * units;
                    }
                    if (left != to) product(&of->matrices[p], left, count, digits, 0, numbers + products_at[p]);
                }
                far = far_after;
            }
            for (int r = 0; outputs && r < count; r++)
                memcpy(outputs + ((size_t)(row + r) * steps + t) * l->hidden, before[r], l->hidden * sizeof *outputs);
        }
    }
    free(numbers);
    free(digits);
    return 1;
}
