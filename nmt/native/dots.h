// Sums of products of bytes, by the best that an instruction set has for them: of 4 inputs of a row of x with 4 weights of
// each of OUTPUTS outputs, which stand together. They are the same whole numbers everywhere.
//
// A number of x becomes a digit: a whole number within +-127, plus OFFSET where the bytes of x have no sign.

enum { FOR_ONE_ROW = 4 };  // sums, each of OUTPUTS; for more rows there are ROWS times ACROSS

// Else GCC multiplies first for all rows, and has no registers left for sums.
#if defined(__AVX512F__)
#define STAY_IN_A_REGISTER(x) __asm__ volatile("" : "+v"(x))
#elif defined(__AVX__)
#define STAY_IN_A_REGISTER(x) __asm__ volatile("" : "+x"(x))
#else
#define STAY_IN_A_REGISTER(x) __asm__ volatile("" : "+w"(x))
#endif

#if LANES == 16

typedef uint8_t digit;
typedef __m512i dots, inputs, weights;
enum { OFFSET = 128, OUTPUTS = 16, ROWS = 6, ACROSS = 4 };

INLINE weights load_weights(const int8_t *p) { return _mm512_loadu_si512(p); }

INLINE inputs load_inputs(const digit *p) {
    int32_t four;
    memcpy(&four, p, 4);
    return _mm512_set1_epi32(four);
}

INLINE dots add_products(dots sum, inputs x, weights w) { return _mm512_dpbusd_epi32(sum, x, w); }

INLINE void store_two(int32_t *to, dots a, dots b) {
    _mm512_storeu_si512(to, a);
    _mm512_storeu_si512(to + OUTPUTS, b);
}

INLINE void store_digits(digit *to, integers x) { _mm_storeu_si128((__m128i *)to, _mm512_cvtepi32_epi8((__m512i)x)); }

#elif LANES == 8 && (defined(__AVXVNNI__) || defined(__AVX512VNNI__))

typedef uint8_t digit;
typedef __m256i dots, inputs, weights;
enum { OFFSET = 128, OUTPUTS = 8, ROWS = 6, ACROSS = 2 };

INLINE weights load_weights(const int8_t *p) { return _mm256_loadu_si256((const __m256i *)p); }

INLINE inputs load_inputs(const digit *p) {
    int32_t four;
    memcpy(&four, p, 4);
    return _mm256_set1_epi32(four);
}

INLINE dots add_products(dots sum, inputs x, weights w) {
#if defined(__AVXVNNI__)
    return _mm256_dpbusd_avx_epi32(sum, x, w);
#else
    return _mm256_dpbusd_epi32(sum, x, w);
#endif
}

INLINE void store_two(int32_t *to, dots a, dots b) {
    _mm256_storeu_si256((__m256i *)to, a);
    _mm256_storeu_si256((__m256i *)(to + OUTPUTS), b);
}

INLINE void store_digits(digit *to, integers x) {
    const __m128i low = _mm256_castsi256_si128((__m256i)x), high = _mm256_extracti128_si256((__m256i)x, 1);
    const __m128i wide = _mm_packs_epi32(low, high);
    _mm_storel_epi64((__m128i *)to, _mm_packus_epi16(wide, wide));
}

#elif LANES == 8

// Its products of bytes are sums of two that saturate. Of 16 bits they are exact, and take as many instructions as to
// keep from that.
typedef int16_t digit;
typedef __m256i dots, inputs, weights;  // two sums of each output
enum { OFFSET = 0, OUTPUTS = 4, ROWS = 6, ACROSS = 2 };

INLINE weights load_weights(const int8_t *p) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p)); }

INLINE inputs load_inputs(const digit *p) {
    int64_t four;
    memcpy(&four, p, 8);
    return _mm256_set1_epi64x(four);
}

INLINE dots add_products(dots sum, inputs x, weights w) { return _mm256_add_epi32(sum, _mm256_madd_epi16(x, w)); }

INLINE void store_two(int32_t *to, dots a, dots b) {
    const __m256i sums = _mm256_permute4x64_epi64(_mm256_hadd_epi32(a, b), 0xd8);
    _mm256_storeu_si256((__m256i *)to, sums);
}

INLINE void store_digits(digit *to, integers x) {
    const __m128i low = _mm256_castsi256_si128((__m256i)x), high = _mm256_extracti128_si256((__m256i)x, 1);
    _mm_storeu_si128((__m128i *)to, _mm_packs_epi32(low, high));
}

#else  // NEON

typedef int8_t digit;
typedef int32x4_t dots;
typedef int8x16_t inputs, weights;
enum { OFFSET = 0, OUTPUTS = 4, ROWS = 6, ACROSS = 4 };

INLINE weights load_weights(const int8_t *p) { return vld1q_s8(p); }

INLINE inputs load_inputs(const digit *p) {
    int32_t four;
    memcpy(&four, p, 4);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
}

INLINE dots add_products(dots sum, inputs x, weights w) {
#if defined(__ARM_FEATURE_DOTPROD)
    return vdotq_s32(sum, w, x);
#else
    const int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(x)), high = vmull_high_s8(w, x);
    return vpadalq_s16(sum, vpaddq_s16(low, high));  // 2 * 127 * 127 still fits
#endif
}

INLINE void store_two(int32_t *to, dots a, dots b) {
    vst1q_s32(to, a);
    vst1q_s32(to + OUTPUTS, b);
}

INLINE void store_digits(digit *to, integers x) {
    const int16x4_t narrow = vmovn_s32((int32x4_t)x);
    const int32_t four = vget_lane_s32(vreinterpret_s32_s8(vmovn_s16(vcombine_s16(narrow, narrow))), 0);
    memcpy(to, &four, 4);
}

#endif
