// Vectors of as many floats as a register of the machine holds, and what cells need of them. Written for GCC's and
// clang's vector extensions, so that one source serves AVX-512, AVX2 and NEON.
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__AVX__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#ifndef LANES
#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif
#endif

typedef float vector __attribute__((vector_size(4 * LANES)));
typedef int32_t integers __attribute__((vector_size(4 * LANES)));
typedef uint32_t bits __attribute__((vector_size(4 * LANES)));
typedef uint16_t halves __attribute__((vector_size(2 * LANES)));
typedef uint16_t bfloat16;

#define INLINE static inline __attribute__((always_inline, unused))
#define UNROLLED _Pragma("GCC unroll 32")

INLINE vector all(float x) { return (vector){0} + x; }
INLINE vector choose(integers mask, vector a, vector b) { return (vector)((mask & (integers)a) | (~mask & (integers)b)); }

INLINE integers first(int64_t left) {
    integers number;
    for (int i = 0; i < LANES; i++) number[i] = i;
    return number < (int32_t)left;
}

// Of the lanes only the first `left`; the others are 0.
INLINE vector keep(vector x, int left) { return (vector)((integers)x & first(left)); }

// a b + c, rounded but once where the machine can do that.
INLINE vector multiply_add(vector a, vector b, vector c) {
#if LANES == 16
    return (vector)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif LANES == 8 && defined(__FMA__)
    return (vector)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__ARM_NEON)
    return (vector)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

INLINE float total(vector x) {
    float sum = 0;
    for (int i = 0; i < LANES; i++) sum += x[i];
    return sum;
}

INLINE vector load_float(const float *p) {
    vector x;
    memcpy(&x, p, sizeof x);
    return x;
}

INLINE void store_float(float *p, vector x) { memcpy(p, &x, sizeof x); }

INLINE vector load_bfloat16(const bfloat16 *p) {
    halves x;
    memcpy(&x, p, sizeof x);
    return (vector)(__builtin_convertvector(x, bits) << 16);
}

// Rounded to the nearest, of two as near to the even one.
INLINE void store_bfloat16(bfloat16 *p, vector x) {
    bits b = (bits)x;
    halves h = __builtin_convertvector((b + 0x7fff + ((b >> 16) & 1)) >> 16, halves);
    memcpy(p, &h, sizeof h);
}

#define LOADED_IN_PART(type) \
    INLINE vector load_part_##type(const type *p, int left) { \
        type padded[LANES] = {0}; \
        memcpy(padded, p, left * sizeof *p); \
        return load_##type(padded); \
    } \
    INLINE void store_part_##type(type *p, vector x, int left) { \
        type padded[LANES]; \
        store_##type(padded, x); \
        memcpy(p, padded, left * sizeof *p); \
    }
LOADED_IN_PART(float)
LOADED_IN_PART(bfloat16)

// Of the floats at p the first `left`, which may be too many for a vector, or none; the other lanes are 0.
INLINE vector load_up_to(const float *p, int64_t left) {
#if LANES == 16
    return (vector)_mm512_maskz_loadu_ps(left >= LANES ? 0xffff : left > 0 ? (1u << left) - 1 : 0, p);
#elif LANES == 8
    return left >= LANES ? load_float(p) : (vector)_mm256_maskload_ps(p, (__m256i)first(left));
#else
    return left >= LANES ? load_float(p) : left > 0 ? load_part_float(p, left) : (vector){0};
#endif
}

INLINE void store_up_to(float *p, vector x, int64_t left) {
#if LANES == 16
    _mm512_mask_storeu_ps(p, left >= LANES ? 0xffff : left > 0 ? (1u << left) - 1 : 0, (__m512)x);
#else
    if (left >= LANES) store_float(p, x);
    else if (left > 0) store_part_float(p, x, left);
#endif
}

INLINE vector load_bfloat16_up_to(const bfloat16 *p, int64_t left) {
#if LANES == 16
    const __mmask16 some = left >= LANES ? 0xffff : left > 0 ? (1u << left) - 1 : 0;
    return (vector)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(some, p)), 16);
#else
    return left >= LANES ? load_bfloat16(p) : left > 0 ? load_part_bfloat16(p, left) : (vector){0};
#endif
}

// The same numbers on every machine, however many its vectors hold: those of a row are summed in 16 parts, of which one
// vector has LANES.
#define PARTS (16 / LANES)
#define EACH_PART UNROLLED for (int part = 0, at = i; part < PARTS; part++, at += LANES)  // of what is at i of a row

struct sums { vector part[PARTS]; };

INLINE float total_of(struct sums s) {
    typedef float four __attribute__((vector_size(16)));
#if LANES == 16
    const __m512 all_of_them = (__m512)s.part[0];
    const __m256 half = _mm512_castps512_ps256(all_of_them) + _mm512_extractf32x8_ps(all_of_them, 1);
    const four x = (four)(_mm256_castps256_ps128(half) + _mm256_extractf128_ps(half, 1));
#elif LANES == 8
    const __m256 half = (__m256)(s.part[0] + s.part[1]);
    const four x = (four)(_mm256_castps256_ps128(half) + _mm256_extractf128_ps(half, 1));
#else
    const four x = (four)((s.part[0] + s.part[2]) + (s.part[1] + s.part[3]));
#endif
    return (x[0] + x[2]) + (x[1] + x[3]);
}

// Without a thought for what is no number.
INLINE vector larger(vector a, vector b) {
#if LANES == 16
    return (vector)_mm512_max_ps((__m512)a, (__m512)b);
#elif LANES == 8
    return (vector)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__ARM_NEON)
    return (vector)vmaxq_f32((float32x4_t)a, (float32x4_t)b);
#else
    return choose(a > b, a, b);
#endif
}

// A bit for each lane in which a > b.
INLINE unsigned where_more(vector a, vector b) {
#if LANES == 16
    return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GT_OQ);
#elif LANES == 8
    return _mm256_movemask_ps((__m256)(vector)(a > b));
#else
    const integers more = a > b;
    unsigned found = 0;
    for (int i = 0; i < LANES; i++) found |= (more[i] & 1) << i;
    return found;
#endif
}

INLINE float largest_of(vector x) {
    float largest = x[0];
    for (int i = 1; i < LANES; i++) largest = x[i] > largest ? x[i] : largest;
    return largest;
}

INLINE vector maximum(vector a, vector b) { return choose((a > b) | (a != a), a, b); }
INLINE vector minimum(vector a, vector b) { return choose((a < b) | (a != a), a, b); }
INLINE vector absolute(vector x) { return (vector)((integers)x & 0x7fffffff); }
INLINE vector truth(integers mask) { return (vector)(mask & (integers)all(1)); }

// From -most to most; what is no number stays none.
INLINE vector within(vector x, float most) {
#if LANES == 16
    return (vector)_mm512_max_ps((__m512)all(-most), _mm512_min_ps((__m512)all(most), (__m512)x));
#elif LANES == 8
    return (vector)_mm256_max_ps((__m256)all(-most), _mm256_min_ps((__m256)all(most), (__m256)x));
#else
    x = choose(x > most, all(most), x);
    return choose(x < -most, all(-most), x);
#endif
}

// 1 / x for x from 1 to 2^126: where the machine has a fast estimate, it and a step of Newton's. What must be the same
// on every machine begins with an estimate that is right to 5 %.
INLINE vector reciprocal(vector x) {
#if defined(SAME_EVERYWHERE)
    vector y = (vector)(0x7ef311c7 - (integers)x);
    vector e = multiply_add(-x, y, all(1));  // 1 - x y, so 1 / x = y (1 + e + e^2 ...)
    y = multiply_add(y, multiply_add(e, e, e), y);
    e = multiply_add(-x, y, all(1));
    return multiply_add(y, e, y);
#elif LANES == 16
    vector y = (vector)_mm512_rcp14_ps((__m512)x);
    return y * (2 - x * y);
#else
    return 1 / x;
#endif
}

// e^x = 2^(n + f), n whole and |f| <= 1/2, by a polynomial that is off by 2e-9 of 2^f at most; what is too large or too
// small for a normal number stays just inside.
INLINE vector exponential(vector x) {
    const float magic = 12582912;  // 1.5 * 2^23: what is added to it is rounded to a whole number
    x = within(x, 87.33f);
    const vector shifted = multiply_add(x, all(1.44269504f), all(magic)), n = shifted - magic;
    const vector f = multiply_add(x, all(1.9259629e-8f), multiply_add(x, all(1.44269504f), -n));
    vector p = multiply_add(all(1.5353362e-4f), f, all(1.3398875e-3f));
    p = multiply_add(p, f, all(9.618437e-3f));
    p = multiply_add(p, f, all(5.5503324e-2f));
    p = multiply_add(p, f, all(0.24022648f));
    p = multiply_add(p, f, all(0.6931472f));
    p = multiply_add(p, f, all(1));
    return (vector)((integers)p + ((integers)shifted << 23));
}

INLINE vector sigmoid(vector x) { return reciprocal(1 + exponential(-x)); }
INLINE vector hyperbolic_tangent(vector x) { return 1 - 2 * reciprocal(1 + exponential(x + x)); }

// log(1 + x) for x > -1: 1 + x = 2^n m, log m = 2 artanh((m - 1) / (m + 1)), and what rounding took from 1 + x.
INLINE vector log_plus_one(vector x) {
    vector u = 1 + x;
    integers n = ((integers)u - 0x3f3504f3) >> 23;  // m from sqrt(1/2) on
    vector m = (vector)((integers)u - (n << 23)), s = (m - 1) / (m + 1), q = s * s;
    vector p = q * 0.22222222f + 0.28571429f;
    p = p * q + 0.4f;
    p = p * q + 0.66666667f;
    vector log = s * 2 + s * q * p + __builtin_convertvector(n, vector) * 0.69314718f;
    return choose(x == x, log + (x - (u - 1)) / u, x);
}

INLINE vector inverse_root(vector x) {
    vector y;
    for (int i = 0; i < LANES; i++) y[i] = 1 / __builtin_sqrtf(x[i]);
    return y;
}

// Numbers that a vector of every unit takes.
INLINE int64_t room_of(int64_t units) { return (units + LANES - 1) / LANES * LANES; }

// Room of a thread's own for what a row needs again; it stays, since asking for it anew takes longer than a row.
static inline float *kept_numbers(int64_t count) {
    static __thread float *kept;
    static __thread int64_t most;
    if (count > most) {
        free(kept);
        kept = aligned_alloc(64, (count * sizeof *kept + 63) / 64 * 64);
        if (!kept) abort();
        most = count;
    }
    return kept;
}
