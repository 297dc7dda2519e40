/* Global average pooling, TensorFlow Lite's AVERAGE_POOL_2D over the whole map. */
#include "../arguments.h"
#include "sixfold/kernels.h"
#include "sixfold/requantize.h"

sixfold_status sixfold_global_average_pool(const sixfold_shape *shape, const int8_t *input, int8_t *output)
{
    if (!sixfold_pool_is_valid(shape) || input == NULL || output == NULL) {
        return SIXFOLD_BAD_ARGUMENT;
    }
    const int32_t pixels = shape->height * shape->width;
    for (int32_t channel = 0; channel < shape->channels; ++channel) {
        const int8_t *x = input + channel;
        int32_t sum = 0;
        for (int32_t pixel = 0; pixel < pixels; ++pixel) {
            sum += *x;
            x += shape->channels;
        }
        const int32_t half = sum > 0 ? pixels / 2 : -(pixels / 2);
        output[channel] = sixfold_saturate((sum + half) / pixels);
    }
    return SIXFOLD_OK;
}
