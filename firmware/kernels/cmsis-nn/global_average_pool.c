/* Global average pooling: one window over the whole map. */
#include "../arguments.h"
#include "convert.h"
#include "sixfold/cmsis_nn.h"

sixfold_status sixfold_cmsis_nn_global_average_pool(const sixfold_shape *shape, const int8_t *input, int8_t *output)
{
    if (!sixfold_pool_is_valid(shape) || input == NULL || output == NULL ||
        arm_avgpool_s8_get_buffer_size(1, shape->channels) != 0) {
        return SIXFOLD_BAD_ARGUMENT;
    }
    const cmsis_nn_pool_params pool = {.stride = {.w = 1, .h = 1}, .activation = SIXFOLD_INT8_RANGE};
    const cmsis_nn_dims in = sixfold_dims(shape);
    const cmsis_nn_dims out = sixfold_channel_dims(shape->channels);
    const cmsis_nn_context no_scratch = {.buf = NULL, .size = 0};
    return sixfold_status_of(arm_avgpool_s8(&no_scratch, &pool, &in, input, &in, &out, output));
}
