/* What the depthwise convolution's C and assembly share; see product.h. */
#ifndef SIXFOLD_STREAMING_MVE_DEPTHWISE_H
#define SIXFOLD_STREAMING_MVE_DEPTHWISE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Windows over a row of each channel.
 *
 * packed: for each channel the numbers of its requantisation, then the nine taps as they lie in the ring, column by
 * column, for each of the three slots that the upper row can be in, and a byte of padding.
 */
typedef struct {
    int32_t next_window; /* bytes from behind a channel's last window to the next channel's first, */
    int32_t next_output; /* and from behind its last group of outputs to the next's first */
    int32_t loops;       /* over a channel's groups: two groups at a time, or one if exact */
    int32_t channels;
    const int8_t *data; /* the first window of the first channel */
    int8_t *panel;
    const uint8_t *packed;
    int32_t turn;       /* bytes to the taps of this upper row */
    int32_t group_bytes; /* of the panel */
} mve_windows;

_Static_assert(offsetof(mve_windows, loops) == 8 && offsetof(mve_windows, channels) == 12, "depthwise.S");
_Static_assert(offsetof(mve_windows, data) == 16 && offsetof(mve_windows, panel) == 20, "depthwise.S");
_Static_assert(offsetof(mve_windows, packed) == 24 && offsetof(mve_windows, turn) == 28, "depthwise.S");
_Static_assert(offsetof(mve_windows, group_bytes) == 32, "depthwise.S");

/*
 * Stride 1 and 2; an even or odd number of groups; requantisation for outputs that saturate at -128, or any (then the
 * parity does not matter).
 */
typedef void mve_depthwise(const mve_windows *windows);
mve_depthwise sixfold_mve_depthwise_1_even, sixfold_mve_depthwise_1_odd;
mve_depthwise sixfold_mve_depthwise_2_even, sixfold_mve_depthwise_2_odd;
mve_depthwise sixfold_mve_depthwise_1_exact, sixfold_mve_depthwise_2_exact;

#endif
