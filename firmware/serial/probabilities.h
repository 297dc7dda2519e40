/* Softmax of int8 logits in integer arithmetic: the same digits on every machine. */
#ifndef SERIAL_PROBABILITIES_H
#define SERIAL_PROBABILITIES_H

#include <stdint.h>

/*
 * (decay / 2^31)^steps * 2^31, by repeated squaring with halves rounded up after each product.
 * decay: 0..2^31. steps: 0..255. At most 16 roundings, so the error stays below 2^-26 of one.
 */
uint32_t serial_power(uint32_t decay, uint32_t steps);

/* What all classes share. */
typedef struct {
    uint32_t decay;
    int32_t highest;
    uint64_t sum; /* of all weights, the most likely class's being 2^31 */
} serial_softmax;

/*
 * codes: int8 logits, at least one.
 * decay: exp(-scale of the logits) * 2^31.
 */
serial_softmax serial_softmax_of(const int8_t *codes, int32_t classes, uint32_t decay);

/* The probability of a class whose logit has this code, in thousandths, 0..1000, halves up. */
uint32_t serial_thousandths(const serial_softmax *softmax, int8_t code);

#endif
