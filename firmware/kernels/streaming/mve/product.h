/*
 * What the matrix product's C and assembly share. The assembly has these offsets as numbers; the assertions hold both
 * together.
 */
#ifndef SIXFOLD_STREAMING_MVE_PRODUCT_H
#define SIXFOLD_STREAMING_MVE_PRODUCT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Matrix product of pairs of output channels with a panel. output and packed are changed.
 *
 * packed: for each pair of outputs chunks x [2 channels][16] weights, then the numbers of its requantisation.
 */
typedef struct {
    const int8_t *panel;
    int32_t group_step; /* bytes from a group's outputs to those of the next */
    const uint8_t *packed;
    int8_t *output;
    int32_t groups;     /* of four pixels */
    int32_t pair_bytes; /* of packed */
    int32_t pair_step;  /* bytes from a pair's outputs to those of the next */
    const uint8_t *packed_end;
    int32_t rest;        /* pixels beyond the groups, 0..3 */
    int32_t chunks;      /* of the sum */
    uint16_t offsets[8]; /* of the outputs of a group and a pair: [pixel][channel] */
    uint32_t scratch[4]; /* the assembly's */
} mve_product;

_Static_assert(offsetof(mve_product, group_step) == 4 && offsetof(mve_product, packed) == 8, "product.S");
_Static_assert(offsetof(mve_product, output) == 12 && offsetof(mve_product, groups) == 16, "product.S");
_Static_assert(offsetof(mve_product, pair_bytes) == 20 && offsetof(mve_product, pair_step) == 24, "product.S");
_Static_assert(offsetof(mve_product, packed_end) == 28 && offsetof(mve_product, rest) == 32, "product.S");
_Static_assert(offsetof(mve_product, chunks) == 36 && offsetof(mve_product, offsets) == 40, "product.S");
_Static_assert(offsetof(mve_product, scratch) == 56, "product.S");

/*
 * Requantisation for outputs that saturate at -128 (no suffix), for shifts to the right, or for any. Any number of
 * chunks, or one or two: then the weights of a pair stay in registers.
 */
typedef void mve_multiply(mve_product *product);
mve_multiply sixfold_mve_product, sixfold_mve_product_1, sixfold_mve_product_2;
mve_multiply sixfold_mve_product_rounding, sixfold_mve_product_rounding_1, sixfold_mve_product_rounding_2;
mve_multiply sixfold_mve_product_exact;

#endif
