/*
 * The layouts of the build for the DSP extension (Armv7E-M; Armv8-M mainline with DSP), and its assembly.
 *
 * SXTB16 widens bytes 0 and 2 of a word into a pair of int16; with a rotation by 8 bits, bytes 1 and 3. Everything here
 * is ordered so that these two and SMLAD (two products and a sum) need nothing else.
 *
 *   panel      int16 in tiles of DSP_TILE pixels, the last tile with what is left:
 *              [tile][group of 4 channels][pixel of the tile][4 channels].
 *              From sixfold_stream_pack: twice the code, channels of a group in the order 0 2 1 3.
 *              From sixfold_stream_depthwise: the code, channels in their order.
 *              Channels that fill up the last group have weights of zero; their codes are whatever was there.
 *   ring       int8 [channel][slot][pitch], the pitch being width + 2 rounded up to words. Position 0 is the left
 *              padding column; positions 1 and 2 of every word are exchanged, so that SXTB16 gives neighbours.
 *   packed     pipeline/backends/cortex_m/streaming/layouts/dsp.py.
 */
#ifndef SIXFOLD_STREAMING_DSP_LAYOUT_H
#define SIXFOLD_STREAMING_DSP_LAYOUT_H

#define DSP_TILE 6
#define DSP_UNROLL 6 /* groups of 4 channels between two looks at the end of the panel */

/* Where product.S puts its codes. */
#define DSP_TO_RING_EVEN 0 /* a tile that begins at the first byte of a word */
#define DSP_TO_RING_ODD 1  /* a tile that begins in its middle */
#define DSP_TO_PIXELS 2

#ifndef __ASSEMBLER__

#include <stdint.h>

#include "sixfold/streaming.h"

typedef struct {
    const int16_t *panel; /* the tile */
    int8_t *output;       /* ring: the word of position 0 of the pair of tiles; pixels: the first pixel */
    int32_t step;         /* ring: bytes from a channel to the next; pixels: bytes from a pixel to the next */
    const int16_t *end;   /* of the tile */
    int32_t entry;        /* groups after the first, modulo DSP_UNROLL */
    int32_t pixels;       /* of the tile, 1..DSP_TILE */
    int32_t destination;
} dsp_product;

/* All outputs of one tile; constants: those that dsp.py calls fast. */
void sixfold_dsp_product(const dsp_product *job, const void *constants);

typedef struct {
    const int8_t *window; /* the word in the upper row where the tile's windows begin */
    int16_t *output;      /* the first channel's first pixel */
    int32_t group_step;   /* bytes from a group's end of one pixel to the next group */
    int32_t steps[3];     /* bytes from upper to middle row, to the lower one, to the next channel's upper row */
    int32_t pixels;       /* 1..DSP_TILE */
    int32_t kind;         /* 0: stride 1; 1: stride 1, windows begin in the middle of the word; 2: stride 2 */
} dsp_window;

/* All channels of one tile; constants: those that dsp.py calls fast. */
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

/* Groups of four channels. */
static inline int32_t dsp_groups(int32_t channels)
{
    return (channels + 3) / 4;
}

#endif
#endif
