/* Matrix products: two outputs of two pixels at a time, so that what is loaded serves twice. */
#include <string.h>

#include "layout.h"
#include "sixfold/requantize.h"

typedef struct {
    const portable_requantization *requantization;
    const int8_t *weights;
} operands;

static operands unpack(const sixfold_pointwise *params)
{
    const portable_requantization *requantization = params->packed;
    return (operands){requantization, (const int8_t *)(requantization + params->outputs)};
}

/*
 * One output channel of all pixels, or two neighbours. Inlined with a constant `rows`, which removes the loops over it.
 * Code (output, pixel) is written to codes[output * output_step + pixel * pixel_step].
 */
static inline __attribute__((always_inline)) void multiply_rows(const sixfold_pointwise *params, int32_t output,
                                                                int32_t rows, const int8_t *pixels, int32_t count,
                                                                int8_t *codes, int32_t output_step, int32_t pixel_step)
{
    const operands from = unpack(params);
    const int32_t inputs = params->inputs;
    const int8_t *weights = from.weights + output * inputs;
    const portable_requantization *requantization = from.requantization + output;
    for (int32_t pixel = 0; pixel < count; pixel += 2) {
        const int32_t columns = count - pixel < 2 ? 1 : 2;
        const int8_t *x = pixels + pixel * inputs;
        const int8_t *other = x + (columns - 1) * inputs;
        int32_t sums[2][2];
#pragma GCC unroll 2
        for (int32_t row = 0; row < rows; ++row) {
            sums[row][0] = sums[row][1] = requantization[row].bias;
        }
        for (int32_t input = 0; input < inputs; ++input) {
#pragma GCC unroll 2
            for (int32_t row = 0; row < rows; ++row) {
                const int32_t weight = weights[row * inputs + input];
                sums[row][0] += x[input] * weight;
                sums[row][1] += other[input] * weight;
            }
        }
#pragma GCC unroll 2
        for (int32_t row = 0; row < rows; ++row) {
            for (int32_t column = 0; column < columns; ++column) {
                codes[(output + row) * output_step + (pixel + column) * pixel_step] =
                    sixfold_requantize(sums[row][column], requantization[row].multiplier, requantization[row].shift,
                                       params->output_zero_point);
            }
        }
    }
}

static void multiply(const sixfold_pointwise *params, const int8_t *pixels, int32_t count, int8_t *codes,
                     int32_t output_step, int32_t pixel_step)
{
    int32_t output = 0;
    for (; output + 2 <= params->outputs; output += 2) {
        multiply_rows(params, output, 2, pixels, count, codes, output_step, pixel_step);
    }
    if (output < params->outputs) {
        multiply_rows(params, output, 1, pixels, count, codes, output_step, pixel_step);
    }
}

void sixfold_stream_pack(const int8_t *pixels, int32_t channels, int32_t count, void *panel)
{
    memcpy(panel, pixels, (size_t)(channels * count));
}

void sixfold_stream_expand(const sixfold_pointwise *params, const void *panel, int32_t first, int32_t count,
                           const sixfold_ring *ring, int32_t slot)
{
    multiply(params, panel, count, portable_row(ring, 0, slot) + 1 + first, ring->slots * portable_row_bytes(ring), 1);
}

void sixfold_stream_project(const sixfold_pointwise *params, const void *panel, int32_t count, int8_t *pixels)
{
    multiply(params, panel, count, pixels, 1, params->outputs);
}

void sixfold_stream_classify(const sixfold_pointwise *params, const int8_t *features, int8_t *output)
{
    multiply(params, features, 1, output, 1, 0);
}
