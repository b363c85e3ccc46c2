// What a step of search computes, for processors with AVX-512 and its products of bytes (VNNI), and AMX where it is.
//
// Matrices lie row by row, without gaps. Nothing is kept between calls, so threads and forks need no care.
// Dims: n rows of one step, k of a sentence side by side, in and out features, h hidden units, s source tokens, a heads,
// d features of a query and m of a value of one head, b sentences.

#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int has_amx;

// Whether this processor can do what follows, with AMX if it may; to be called first.
int nmt_begin(int may_use_amx) {
    if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512bw")
        || !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl")
        || !__builtin_cpu_supports("bmi2"))
        return 0;
    const unsigned tiles = 1 << 24, tiles_of_bytes = 1 << 25;  // of leaf 7
    const long ask = 0x1023, tile_data = 18;                   // Linux lends the tiles to those who ask
    unsigned a = 7, b, c = 0, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    has_amx = may_use_amx && (d & tiles) && (d & tiles_of_bytes) && !syscall(SYS_arch_prctl, ask, tile_data);
    return 1;
}

#pragma GCC target("arch=x86-64-v4,avx512vnni")

#include "vector.h"
#include "product.h"
#include "lstm.h"
#include "attention.h"
#include "beam.h"
