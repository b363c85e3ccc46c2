// Which of the instruction sets that kernels.c is compiled for this processor has. Compiled for every processor.

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

// Their names, each before a space, the best first.
const char *nmt_instruction_sets(void) {
#if defined(__x86_64__)
    unsigned a, b, c, d, most = 0, has_vnni = 0, has_tiles = 0;
    if (__get_cpuid_count(7, 0, &most, &b, &c, &d)) has_tiles = d >> 24 & d >> 25 & 1;  // also of bytes
    if (most && __get_cpuid_count(7, 1, &a, &b, &c, &d)) has_vnni = a >> 4 & 1;
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2")) return "";
    const int has_avx512 = __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#if defined(__linux__)
    const long ask = 0x1023, tile_data = 18;  // Linux lends the tiles to those who ask
    has_tiles = has_tiles && has_avx512 && !syscall(SYS_arch_prctl, ask, tile_data);
#else
    has_tiles = 0;
#endif
    if (has_tiles) return has_vnni ? "amx avx512 avx_vnni avx2 " : "amx avx512 avx2 ";
    if (has_avx512) return has_vnni ? "avx512 avx_vnni avx2 " : "avx512 avx2 ";
    return has_vnni ? "avx_vnni avx2 " : "avx2 ";
#elif defined(__aarch64__) && defined(__linux__)
    const unsigned long dot_products = 1 << 20;
    return getauxval(AT_HWCAP) & dot_products ? "neon_dot neon " : "neon ";
#elif defined(__aarch64__)
    return "neon_dot neon ";  // since the first of Apple's for computers
#else
    return "";
#endif
}
