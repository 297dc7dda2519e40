/* Depthwise 3x3 convolution: channel by channel along a row, so that nine weights stay where they are. */
#include "layout.h"
#include "sixfold/requantize.h"

void sixfold_stream_depthwise(const sixfold_depthwise *params, const sixfold_ring *ring, int32_t top, int32_t first,
                              int32_t count, void *panel)
{
    const portable_filter *filters = params->packed;
    int8_t *codes = panel;
    const int32_t middle = top == 2 ? 0 : top + 1;
    const int32_t bottom = middle == 2 ? 0 : middle + 1;
    const int32_t slots[3] = {top, middle, bottom};
    for (int32_t channel = 0; channel < params->channels; ++channel) {
        const portable_filter filter = filters[channel]; /* a copy cannot alias the panel */
        const int8_t *rows[3];
        for (int32_t row = 0; row < 3; ++row) {
            rows[row] = portable_row(ring, channel, slots[row]) + first * params->stride;
        }
        for (int32_t pixel = 0; pixel < count; ++pixel) {
            int32_t sum = filter.requantization.bias;
#pragma GCC unroll 3
            for (int32_t row = 0; row < 3; ++row) {
                const int8_t *x = rows[row] + pixel * params->stride;
                const int8_t *weights = filter.weights + 3 * row;
                sum += x[0] * weights[0] + x[1] * weights[1] + x[2] * weights[2];
            }
            codes[pixel * params->channels + channel] = sixfold_requantize(
                sum, filter.requantization.multiplier, filter.requantization.shift, params->output_zero_point);
        }
    }
}
