// Vectors of as many floats as a register of the machine holds, and what cells need of them. Written for GCC's and
// clang's vector extensions, so that one source serves AVX-512, AVX2 and NEON.
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__AVX__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif

typedef float vector __attribute__((vector_size(4 * LANES)));
typedef int32_t integers __attribute__((vector_size(4 * LANES)));
typedef uint32_t bits __attribute__((vector_size(4 * LANES)));
typedef uint16_t halves __attribute__((vector_size(2 * LANES)));
typedef uint16_t bfloat16;

#define INLINE static inline __attribute__((always_inline, unused))

INLINE vector all(float x) { return (vector){0} + x; }
INLINE vector choose(integers mask, vector a, vector b) { return (vector)((mask & (integers)a) | (~mask & (integers)b)); }

// Of the lanes only the first `left`; the others are 0.
INLINE vector keep(vector x, int left) {
    integers number;
    for (int i = 0; i < LANES; i++) number[i] = i;
    return (vector)((integers)x & (number < left));
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

#define PARTS(type) \
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
PARTS(float)
PARTS(bfloat16)

INLINE vector load_up_to(const float *p, int64_t left) { return left < LANES ? load_part_float(p, left) : load_float(p); }

INLINE vector maximum(vector a, vector b) { return choose((a > b) | (a != a), a, b); }
INLINE vector minimum(vector a, vector b) { return choose((a < b) | (a != a), a, b); }
INLINE vector absolute(vector x) { return (vector)((integers)x & 0x7fffffff); }
INLINE vector truth(integers mask) { return (vector)(mask & (integers)all(1)); }

// From -most to most; what is no number stays none.
INLINE vector within(vector x, float most) {
#if defined(__AVX512F__)
    return (vector)_mm512_max_ps((__m512)all(-most), _mm512_min_ps((__m512)all(most), (__m512)x));
#elif defined(__AVX__)
    return (vector)_mm256_max_ps((__m256)all(-most), _mm256_min_ps((__m256)all(most), (__m256)x));
#else
    x = choose(x > most, all(most), x);
    return choose(x < -most, all(-most), x);
#endif
}

// 1 / x for x from 1 to 2^126: where the machine has a fast estimate, it and a step of Newton's.
INLINE vector reciprocal(vector x) {
#if defined(__AVX512F__)
    vector y = (vector)_mm512_rcp14_ps((__m512)x);
    return y * (2 - x * y);
#else
    return 1 / x;
#endif
}

// 2^n e^r with |r| <= ln 2 / 2, by a polynomial; what is too large or too small for a normal number stays just inside.
INLINE vector exponential(vector x) {
    const float magic = 12582912;  // 1.5 * 2^23: what is added to it is rounded to a whole number
    x = within(x, 87.33f);
    vector shifted = x * 1.44269504f + magic, n = shifted - magic;
    vector r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    vector p = r * 1.9875691e-4f + 1.3981999e-3f;
    p = p * r + 8.3334519e-3f;
    p = p * r + 4.1665796e-2f;
    p = p * r + 1.6666665e-1f;
    p = p * r + 5.0000001e-1f;
    p = p * (r * r) + r + 1;
    return p * (vector)(((integers)shifted - 0x4b400000 + 127) << 23);
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
