/*
 * The layouts of the build for the DSP extension (Armv7E-M; Armv8-M mainline with DSP), and its assembly.
 *
 * SXTB16 widens bytes 0 and 2 of a word into a pair of int16; with a rotation by 8 bits, bytes 1 and 3. Everything here
 * is ordered so that these two and SMLAD (two products and a sum) need nothing else.
 *
 *   panel      pairs of int16 in tiles of DSP_TILE pixels, the last tile with what is left:
 *              [tile][pair of channels][pixel of the tile][2 channels]; an even number of pairs.
 *              From sixfold_stream_pack: twice the code; of every four channels 0 and 2 make a pair, then 1 and 3.
 *              From sixfold_stream_depthwise: the code; with n pairs, channels i and n + i make pair i.
 *              Where there are no such channels, weights are zero and codes whatever was there.
 *   ring       int8 [channel][slot][pitch], the pitch being width + 2 rounded up to words. Position 0 is the left
 *              padding column; positions 1 and 2 of every word are exchanged, so that SXTB16 gives neighbours.
 *   packed     pipeline/backends/cortex_m/streaming/layouts/dsp.py.
 */
#ifndef SIXFOLD_STREAMING_DSP_LAYOUT_H
#define SIXFOLD_STREAMING_DSP_LAYOUT_H

#define DSP_TILE 3
#define DSP_UNROLL 13 /* groups of 4 input channels between two looks at the end of the panel */

#ifndef __ASSEMBLER__

#include <stdint.h>

#include "sixfold/streaming.h"

/* Forms of a product's constants: the first word of them. */
enum { DSP_EXACT, DSP_SCALED, DSP_PLAIN };

/* Where product.S puts its codes; to a ring with scaled or with plain constants. */
enum { DSP_TO_RING, DSP_TO_RING_PLAIN, DSP_TO_PIXELS };

/* Where the codes of a tile's second and third pixel lie, from the first one's; and the next tile's first one. */
typedef struct dsp_place {
    const struct dsp_place *next;
    int32_t advance, second, third;
} dsp_place;

typedef struct {
    int8_t *output;       /* of the first pixel */
    int32_t step;         /* ring: bytes from a channel to the next; pixels: not used */
    const int16_t *panel; /* the first tile */
    int32_t tile_bytes;
    int32_t entry;       /* groups in the first round: those after the first group, less whole rounds if there are any */
    int32_t pixels;      /* of a tile, 1..DSP_TILE */
    int32_t destination;
    int32_t loops; /* whether there are more than DSP_UNROLL groups after the first */
    int32_t tiles; /* at least 1 */
    const dsp_place *place; /* of the first tile */
} dsp_product;

/* All outputs of some tiles; constants: those that dsp.py calls fast. */
void sixfold_dsp_product(const dsp_product *job, const void *constants);

enum { DSP_STRIDE_1_EVEN, DSP_STRIDE_1_ODD, DSP_STRIDE_2, DSP_WINDOWS = 2 * DSP_TILE };

typedef struct {
    const int8_t *window; /* the word in the upper row where the first window begins, or in whose middle */
    int16_t *output[2];   /* the first pair's first pixel in two tiles */
    int32_t steps[3];     /* bytes from upper to middle row, to the lower one, to the next channel's upper row */
    int32_t pixels;       /* 1..DSP_WINDOWS */
    int32_t kind;         /* odd: the windows begin in the middle of a word */
} dsp_window;

/* All channels of two tiles; constants: those that dsp.py calls fast. */
void sixfold_dsp_window(const dsp_window *job, const void *constants);

/* Bytes of one row of one channel. */
static inline int32_t dsp_pitch(int32_t width)
{
    return (width + 2 + 3) & ~3;
}

/* A channel's row. */
static inline int8_t *dsp_row(const sixfold_ring *ring, int32_t channel, int32_t slot)
{
    return ring->data + (channel * ring->slots + slot) * dsp_pitch(ring->width);
}

/* Where the byte of a position lies in its row. */
static inline int32_t dsp_byte(int32_t position)
{
    const int32_t within = position & 3;
    return (position & ~3) + (within == 1 ? 2 : within == 2 ? 1 : within);
}

/* Pairs of channels in a panel. */
static inline int32_t dsp_pairs(int32_t channels)
{
    return (channels + 3) / 4 * 2;
}

#endif
#endif
