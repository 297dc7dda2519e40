/* Instructions of the DSP extension that C does not reach; the names are the architecture's. */
#ifndef SIXFOLD_STREAMING_DSP_SIMD_H
#define SIXFOLD_STREAMING_DSP_SIMD_H

#include <stdint.h>
#include <string.h>

/* Four bytes from anywhere. */
static inline uint32_t simd_load(const int8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* The first `count` of at most four bytes, then zeros: nothing behind them is read. */
static inline uint32_t simd_load_some(const int8_t *bytes, int32_t count)
{
    uint32_t word = 0;
    for (int32_t i = 0; i < count; ++i) {
        word |= (uint32_t)(uint8_t)bytes[i] << (8 * i);
    }
    return word;
}

/* Bytes 0 and 2 as int16. */
static inline uint32_t simd_sxtb16(uint32_t word)
{
    uint32_t pair;
    __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(word));
    return pair;
}

/* Bytes 1 and 3 as int16. */
static inline uint32_t simd_sxtb16_odd(uint32_t word)
{
    uint32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
    return pair;
}

static inline uint32_t simd_sadd16(uint32_t one, uint32_t other)
{
    uint32_t pair;
    __asm__("sadd16 %0, %1, %2" : "=r"(pair) : "r"(one), "r"(other) : "cc");
    return pair;
}

static inline int32_t simd_smlad(uint32_t one, uint32_t other, int32_t sum)
{
    int32_t result;
    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(one), "r"(other), "r"(sum) : "cc");
    return result;
}

/* term + byte number `byte`, a constant, as int8. */
static inline __attribute__((always_inline)) int32_t simd_sxtab(int32_t term, uint32_t word, const int32_t byte)
{
    int32_t sum;
    if (byte == 0) {
        __asm__("sxtab %0, %1, %2" : "=r"(sum) : "r"(term), "r"(word));
    } else {
        __asm__("sxtab %0, %1, %2, ror %3" : "=r"(sum) : "r"(term), "r"(word), "i"(8 * byte));
    }
    return sum;
}

/* term + the upper half of one * other, rounded half up. */
static inline int32_t simd_smmlar(int32_t one, int32_t other, int32_t term)
{
    int32_t result;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(one), "r"(other), "r"(term));
    return result;
}

#endif
