/* Matrix products. */
#include "layout.h"
#include "simd.h"
#include "sixfold/requantize.h"

/* Constants that every requantisation suits; behind it the weights, four to a group, zeros behind the last. */
typedef struct {
    int32_t bias, multiplier, shift;
} exact_constants;

/* Four channels of a pixel; the place of its next four. */
static inline uint32_t *put_group(uint32_t *pairs, int32_t columns, uint32_t word)
{
    const uint32_t even = simd_sxtb16(word);
    const uint32_t odd = simd_sxtb16_odd(word);
    pairs[0] = simd_sadd16(even, even);
    pairs[columns] = simd_sadd16(odd, odd);
    return pairs + 2 * columns;
}

void sixfold_stream_pack(const int8_t *pixels, int32_t channels, int32_t count, void *panel)
{
    const int32_t whole = channels / 4;
    const int32_t rest = channels % 4;
    uint32_t *tile = panel;
    for (int32_t first = 0; first < count; first += DSP_TILE) {
        const int32_t columns = count - first < DSP_TILE ? count - first : DSP_TILE;
        for (int32_t column = 0; column < columns; ++column) {
            uint32_t *pairs = tile + column;
            for (int32_t group = whole; group > 0; --group) {
                pairs = put_group(pairs, columns, simd_load(pixels));
                pixels += 4;
            }
            if (rest > 0) {
                (void)put_group(pairs, columns, simd_load_some(pixels, rest));
                pixels += rest;
            }
        }
        tile += columns * dsp_pairs(channels);
    }
}

/* The code of an input channel in a tile; `expands`: panel from pack. */
static int32_t panel_code(const dsp_product *job, int32_t channels, int32_t expands, int32_t channel, int32_t pixel)
{
    const int32_t pairs = dsp_pairs(channels);
    const int32_t pair = expands ? channel / 4 * 2 + channel % 2 : channel % pairs;
    const int32_t half = expands ? channel % 4 / 2 : channel / pairs;
    const int32_t value = job->panel[2 * (pair * job->pixels + pixel) + half];
    return expands ? value / 2 : value;
}

/* All outputs of a tile, with a requantisation that the assembly cannot do; position: in the ring's row, or 0. */
static void multiply_exactly(const sixfold_pointwise *params, const exact_constants *constants, const dsp_product *job,
                             int32_t position)
{
    const int32_t expands = position > 0;
    for (int32_t output = 0; output < params->outputs; ++output) {
        const int8_t *weights = (const int8_t *)(constants + 1);
        for (int32_t pixel = 0; pixel < job->pixels; ++pixel) {
            int32_t sum = constants->bias;
            for (int32_t input = 0; input < params->inputs; ++input) {
                sum += weights[input] * panel_code(job, params->inputs, expands, input, pixel);
            }
            const int8_t code =
                sixfold_requantize(sum, constants->multiplier, constants->shift, params->output_zero_point);
            if (expands) {
                job->output[output * job->step + dsp_byte(position + pixel)] = code;
            } else {
                job->output[output + pixel * job->step] = code;
            }
        }
        constants = (const exact_constants *)(const void *)(weights + 2 * dsp_pairs(params->inputs));
    }
}

/* position: in the row of a ring, of the first pixel; 0 for pixels. */
static void multiply(const sixfold_pointwise *params, const void *panel, int32_t count, int8_t *output, int32_t step,
                     int32_t position)
{
    const int32_t *constants = params->packed;
    const int32_t fast = *constants++;
    const int32_t pairs = dsp_pairs(params->inputs);
    const int32_t rounds = pairs / 2 - 1; /* groups after the first */
    dsp_product job = {
        .panel = panel,
        .output = output,
        .step = step,
        .entry = rounds > DSP_UNROLL ? rounds % DSP_UNROLL : rounds,
        .pixels = DSP_TILE,
        .destination = position > 0 ? 0 : DSP_TO_PIXELS,
        .loops = rounds > DSP_UNROLL,
    };
    for (; count > 0; count -= DSP_TILE) {
        if (count < DSP_TILE) {
            job.pixels = count;
        }
        job.end = job.panel + 2 * pairs * job.pixels;
        if (fast) {
            sixfold_dsp_product(&job, constants);
        } else {
            multiply_exactly(params, (const exact_constants *)constants, &job, position);
        }
        job.panel = job.end;
        if (job.destination == DSP_TO_PIXELS) {
            job.output += DSP_TILE * step;
        } else if (!fast) {
            position += DSP_TILE;
        } else if (++job.destination == DSP_RING_TILES) {
            job.destination = 0;
            job.output += DSP_RING_TILES * DSP_TILE;
        }
    }
}

void sixfold_stream_expand(const sixfold_pointwise *params, const void *panel, int32_t first, int32_t count,
                           const sixfold_ring *ring, int32_t slot)
{
    multiply(params, panel, count, dsp_row(ring, 0, slot) + first, ring->slots * dsp_pitch(ring->width), 1);
}

void sixfold_stream_project(const sixfold_pointwise *params, const void *panel, int32_t count, int8_t *pixels)
{
    multiply(params, panel, count, pixels, params->outputs, 0);
}

void sixfold_stream_classify(const sixfold_pointwise *params, const int8_t *features, int8_t *output)
{
    const int32_t whole = params->inputs / 4;
    const int32_t rest = params->inputs % 4;
    const uint32_t last = simd_load_some(features + 4 * whole, rest);
    const exact_constants *constants = params->packed;
    for (int32_t row = 0; row < params->outputs; ++row) {
        const uint32_t *weights = (const uint32_t *)(constants + 1);
        const int8_t *x = features;
        int32_t sum = constants->bias;
#pragma GCC unroll 4
        for (int32_t group = 0; group < whole; ++group) {
            const uint32_t word = simd_load(x);
            sum = simd_smlad(simd_sxtb16(word), simd_sxtb16(*weights), sum);
            sum = simd_smlad(simd_sxtb16_odd(word), simd_sxtb16_odd(*weights), sum);
            x += 4;
            ++weights;
        }
        if (rest > 0) {
            sum = simd_smlad(simd_sxtb16(last), simd_sxtb16(*weights), sum);
            sum = simd_smlad(simd_sxtb16_odd(last), simd_sxtb16_odd(*weights), sum);
            ++weights;
        }
        output[row] = sixfold_requantize(sum, constants->multiplier, constants->shift, params->output_zero_point);
        constants = (const exact_constants *)weights;
    }
}
