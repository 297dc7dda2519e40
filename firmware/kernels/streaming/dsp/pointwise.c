/* Matrix products. */
#include "layout.h"
#include "simd.h"
#include "sixfold/requantize.h"

/* Constants that every requantisation suits; behind it the weights, four to a group, zeros behind the last. */
typedef struct {
    int32_t bias, multiplier, shift;
} exact_constants;

void sixfold_stream_pack(const int8_t *pixels, int32_t channels, int32_t count, void *panel)
{
    const int32_t whole = channels / 4;
    const int32_t rest = channels % 4;
    uint32_t *tile = panel;
    for (int32_t first = 0; first < count; first += DSP_TILE) {
        const int32_t columns = count - first < DSP_TILE ? count - first : DSP_TILE;
        for (int32_t column = 0; column < columns; ++column) {
            uint32_t *pairs = tile + 2 * column;
            for (int32_t group = whole; group > 0; --group) {
                const uint32_t word = simd_load(pixels);
                const uint32_t even = simd_sxtb16(word);
                const uint32_t odd = simd_sxtb16_odd(word);
                pairs[0] = simd_sadd16(even, even);
                pairs[1] = simd_sadd16(odd, odd);
                pixels += 4;
                pairs += 2 * columns;
            }
            if (rest > 0) {
                const uint32_t word = simd_load_some(pixels, rest);
                const uint32_t even = simd_sxtb16(word);
                const uint32_t odd = simd_sxtb16_odd(word);
                pairs[0] = simd_sadd16(even, even);
                pairs[1] = simd_sadd16(odd, odd);
                pixels += rest;
            }
        }
        tile += 2 * columns * dsp_groups(channels);
    }
}

/* All outputs of a tile, with a requantisation that the assembly cannot do; `expands`: panel from pack. */
static void multiply_exactly(const sixfold_pointwise *params, const exact_constants *constants, const dsp_product *job,
                             int32_t expands, int32_t position)
{
    const int32_t groups = dsp_groups(params->inputs);
    for (int32_t output = 0; output < params->outputs; ++output) {
        const int8_t *weights = (const int8_t *)(constants + 1);
        for (int32_t pixel = 0; pixel < job->pixels; ++pixel) {
            int32_t sum = constants->bias;
            for (int32_t input = 0; input < params->inputs; ++input) {
                const int16_t *lanes = job->panel + 4 * ((input / 4) * job->pixels + pixel);
                const int32_t lane = input % 4;
                sum += weights[input] * (expands ? lanes[lane == 1 ? 2 : lane == 2 ? 1 : lane] / 2 : lanes[lane]);
            }
            const int8_t code =
                sixfold_requantize(sum, constants->multiplier, constants->shift, params->output_zero_point);
            if (expands) {
                job->output[output * job->step + dsp_byte(position + pixel)] = code;
            } else {
                job->output[output + pixel * job->step] = code;
            }
        }
        constants = (const exact_constants *)(const void *)(weights + 4 * groups);
    }
}

/* position: in the row of a ring, of the first pixel; 0 for pixels. */
static void multiply(const sixfold_pointwise *params, const void *panel, int32_t count, int8_t *output, int32_t step,
                     int32_t position)
{
    const int32_t *constants = params->packed;
    const int32_t fast = *constants++;
    const int32_t groups = dsp_groups(params->inputs);
    const int32_t expands = position > 0;
    dsp_product job = {panel, output, step, panel, (groups - 1) % DSP_UNROLL, DSP_TILE, DSP_TO_PIXELS};
    for (int32_t first = 0; first < count; first += DSP_TILE) {
        if (count - first < DSP_TILE) {
            job.pixels = count - first;
        }
        job.end = job.panel + 4 * groups * job.pixels;
        if (expands) {
            job.destination = (first / DSP_TILE) % 2 == 0 ? DSP_TO_RING_EVEN : DSP_TO_RING_ODD;
        }
        if (fast) {
            sixfold_dsp_product(&job, constants);
        } else {
            multiply_exactly(params, (const exact_constants *)constants, &job, expands, position);
        }
        job.panel = job.end;
        if (!expands) {
            job.output += DSP_TILE * step;
        } else if (!fast) {
            position += DSP_TILE;
        } else if (job.destination == DSP_TO_RING_ODD) {
            job.output += 2 * DSP_TILE;
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
