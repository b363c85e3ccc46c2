// Vectors of floats, loaded and stored but for what would stand outside, and functions of them: right to 1e-5 of the
// result, or of 1 for the hyperbolic tangent.

enum { LANES = 16 };

// Of a vector that `count` floats are left for.
static inline __mmask16 lanes(int count) { return count >= LANES ? 0xffff : (1u << count) - 1; }
static inline __m512 load(const float *x, int count) { return _mm512_maskz_loadu_ps(lanes(count), x); }
static inline void store(float *x, __m512 v, int count) { _mm512_mask_storeu_ps(x, lanes(count), v); }
static inline __m512 all(float x) { return _mm512_set1_ps(x); }

// Of bfloat16, the upper halves of floats.
static inline __m512 load_narrow(const uint16_t *x, int count) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes(count), x));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

static inline __m512 reciprocal(__m512 x) {
    __m512 r = _mm512_rcp14_ps(x);
    return _mm512_mul_ps(r, _mm512_fnmadd_ps(x, r, all(2)));
}

// e^x = 2^(n+f), n whole and |f| <= 1/2, by the polynomial that is nearest to 2^f there, off by 8e-8 of it. Of |x| > 80
// it is that of 80: beyond, reciprocals are denormal, which takes a hundred times as long.
static inline __m512 exponential(__m512 x) {
    x = _mm512_mul_ps(_mm512_max_ps(_mm512_min_ps(x, all(80)), all(-80)), all(1.44269504f));
    __m512 n = _mm512_roundscale_ps(x, 0), f = _mm512_sub_ps(x, n);
    __m512 sum = all(1.3276472e-3f);
    sum = _mm512_fmadd_ps(sum, f, all(9.6755415e-3f));
    sum = _mm512_fmadd_ps(sum, f, all(5.5507133e-2f));
    sum = _mm512_fmadd_ps(sum, f, all(0.24022120f));
    sum = _mm512_fmadd_ps(sum, f, all(0.69314697f));
    sum = _mm512_fmadd_ps(sum, f, all(1.0000001f));
    return _mm512_scalef_ps(sum, n);
}

static inline __m512 sigmoid(__m512 x) {
    return reciprocal(_mm512_add_ps(all(1), exponential(_mm512_sub_ps(_mm512_setzero_ps(), x))));
}

static inline __m512 hyperbolic_tangent(__m512 x) {
    return _mm512_fmsub_ps(all(2), sigmoid(_mm512_add_ps(x, x)), all(1));
}
