/*
 * Executes kernel cases for the Python tests: reads cases on stdin until it ends, answers each on stdout.
 *
 * A case is int32 words and arrays, little-endian, in the order in which run_*() read them. The answer is the status,
 * the number of output bytes, and these. Every array lies in an allocation of exactly its size, so that the address
 * sanitiser sees the first byte that a kernel reads or writes beyond it. Any disagreement with the protocol aborts.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sixfold/kernels.h"
#include "sixfold/requantize.h"

#if defined(KERNEL_PEER_CMSIS_NN)
#include "arm_nnfunctions.h"
#include "sixfold/cmsis_nn.h"
#endif

enum operation {
    CONV2D,
    DEPTHWISE_CONV2D,
    FULLY_CONNECTED,
    ADD,
    GLOBAL_AVERAGE_POOL,
    REQUANTIZE,
    CMSIS_NN_CONVOLVE,
    CMSIS_NN_CONVOLVE_1X1,
    CMSIS_NN_DEPTHWISE_3X3,
    CMSIS_NN_DEPTHWISE,
    CMSIS_NN_FULLY_CONNECTED,
    CMSIS_NN_ADD,
    CMSIS_NN_GLOBAL_AVERAGE_POOL,
    CMSIS_NN_SCRATCH,
};

static sixfold_status convolve(enum operation operation, const sixfold_convolution *params, const int8_t *input,
                               void *scratch, int8_t *output)
{
    switch (operation) {
    case CONV2D:
        return sixfold_conv2d(params, input, scratch, output);
    case DEPTHWISE_CONV2D:
        return sixfold_depthwise_conv2d(params, input, scratch, output);
#if defined(KERNEL_PEER_CMSIS_NN)
    case CMSIS_NN_CONVOLVE:
        return sixfold_cmsis_nn_convolve(params, input, scratch, output);
    case CMSIS_NN_CONVOLVE_1X1:
        return sixfold_cmsis_nn_convolve_1x1(params, input, scratch, output);
    case CMSIS_NN_DEPTHWISE_3X3:
        return sixfold_cmsis_nn_depthwise_3x3(params, input, scratch, output);
    case CMSIS_NN_DEPTHWISE:
        return sixfold_cmsis_nn_depthwise(params, input, scratch, output);
#endif
    default:
        abort();
    }
}

static sixfold_status fully_connected(enum operation operation, const sixfold_dense *params, const int8_t *input,
                                      int8_t *output)
{
#if defined(KERNEL_PEER_CMSIS_NN)
    if (operation == CMSIS_NN_FULLY_CONNECTED) {
        return sixfold_cmsis_nn_fully_connected(params, input, output);
    }
#endif
    (void)operation;
    return sixfold_fully_connected(params, input, output);
}

static sixfold_status add(enum operation operation, const sixfold_addition *params, const int8_t *left,
                          const int8_t *right, int8_t *output)
{
#if defined(KERNEL_PEER_CMSIS_NN)
    if (operation == CMSIS_NN_ADD) {
        return sixfold_cmsis_nn_add(params, left, right, output);
    }
#endif
    (void)operation;
    return sixfold_add(params, left, right, output);
}

static sixfold_status global_average_pool(enum operation operation, const sixfold_shape *shape, const int8_t *input,
                                          int8_t *output)
{
#if defined(KERNEL_PEER_CMSIS_NN)
    if (operation == CMSIS_NN_GLOBAL_AVERAGE_POOL) {
        return sixfold_cmsis_nn_global_average_pool(shape, input, output);
    }
#endif
    (void)operation;
    return sixfold_global_average_pool(shape, input, output);
}

static bool is_depthwise(enum operation operation)
{
    return operation == DEPTHWISE_CONV2D || operation == CMSIS_NN_DEPTHWISE || operation == CMSIS_NN_DEPTHWISE_3X3;
}

static void *take(size_t bytes)
{
    void *data = malloc(bytes);
    if (bytes > 0 && (data == NULL || fread(data, 1, bytes, stdin) != bytes)) {
        fputs("kernel_peer: the case is cut short\n", stderr);
        abort();
    }
    return data;
}

static int8_t *take_codes(int32_t count)
{
    return take((size_t)count);
}

static int32_t *take_words(int32_t count)
{
    return take((size_t)count * sizeof(int32_t));
}

static void answer(sixfold_status status, const void *output, size_t bytes)
{
    const int32_t header[2] = {(int32_t)status, (int32_t)bytes};
    fwrite(header, sizeof header, 1, stdout);
    fwrite(output, 1, bytes, stdout);
    fflush(stdout);
}

/*
 * Words: sixfold_convolution up to the zero points, the scratch bytes that the code generator plans, and by how many
 * bytes the output starts before the input in the same memory, or -1 to keep them apart.
 */
static void run_convolution(enum operation operation)
{
    int32_t *words = take_words(16);
    sixfold_convolution params;
    memcpy(&params.input, words, 3 * sizeof *words);
    memcpy(&params.output, words + 3, 3 * sizeof *words);
    memcpy(&params.window, words + 6, 6 * sizeof *words);
    params.input_zero_point = words[12];
    params.output_zero_point = words[13];
    const size_t scratch_bytes = (size_t)words[14];
    params.scratch_bytes = scratch_bytes;
    const int32_t lead = words[15];
    free(words);
    const int32_t outputs = params.output.channels;
    const int32_t taps = params.window.height * params.window.width * params.input.channels;
    int8_t *weights = take_codes(is_depthwise(operation) ? taps : outputs * taps);
    int32_t *bias = take_words(outputs);
    int32_t *multipliers = take_words(outputs);
    int32_t *shifts = take_words(outputs);
    const size_t input_bytes = (size_t)(params.input.height * params.input.width * params.input.channels);
    int8_t *input = take_codes((int32_t)input_bytes);
    params.weights = weights;
    params.bias = bias;
    params.multipliers = multipliers;
    params.shifts = shifts;
    const size_t output_bytes = (size_t)(params.output.height * params.output.width * outputs);
    int8_t *output = calloc(output_bytes, 1);
    if (lead >= 0) {
        const size_t both = input_bytes + (size_t)lead;
        output = realloc(output, both > output_bytes ? both : output_bytes);
        memcpy(output + lead, input, input_bytes);
    }
    const int8_t *source = lead >= 0 ? output + lead : input;
    void *scratch = scratch_bytes == 0 ? NULL : malloc(scratch_bytes);
    const sixfold_status status = convolve(operation, &params, source, scratch, output);
    if (operation == CONV2D && status == SIXFOLD_OK && sixfold_conv2d_scratch_bytes(&params) != scratch_bytes) {
        fputs("kernel_peer: the code generator plans another scratch size\n", stderr);
        abort();
    }
    answer(status, output, output_bytes);
    free(scratch);
    free(output);
    free(input);
    free(shifts);
    free(multipliers);
    free(bias);
    free(weights);
}

/* Words: inputs, outputs, input zero point, output zero point. */
static void run_fully_connected(enum operation operation)
{
    int32_t *words = take_words(4);
    const int32_t outputs = words[1];
    int8_t *weights = take_codes(words[0] * outputs);
    int32_t *bias = take_words(outputs);
    int32_t *multipliers = take_words(outputs);
    int32_t *shifts = take_words(outputs);
    int8_t *input = take_codes(words[0]);
    const sixfold_dense params = {words[0], outputs, words[2], words[3], weights, bias, multipliers, shifts};
    int8_t *output = calloc((size_t)outputs, 1);
    const sixfold_status status = fully_connected(operation, &params, input, output);
    answer(status, output, (size_t)outputs);
    free(output);
    free(input);
    free(shifts);
    free(multipliers);
    free(bias);
    free(weights);
    free(words);
}

/* Words: sixfold_addition, then where the output lies: 0 apart, 1 on left, 2 on right. */
static void run_add(enum operation operation)
{
    int32_t *words = take_words(11);
    sixfold_addition params;
    memcpy(&params, words, sizeof params);
    const int32_t place = words[10];
    free(words);
    int8_t *left = take_codes(params.size);
    int8_t *right = take_codes(params.size);
    int8_t *apart = calloc((size_t)params.size, 1);
    int8_t *output = place == 0 ? apart : place == 1 ? left : right;
    const sixfold_status status = add(operation, &params, left, right, output);
    answer(status, output, (size_t)params.size);
    free(apart);
    free(right);
    free(left);
}

/* Words: sixfold_shape. */
static void run_global_average_pool(enum operation operation)
{
    int32_t *words = take_words(3);
    const sixfold_shape shape = {words[0], words[1], words[2]};
    free(words);
    int8_t *input = take_codes(shape.height * shape.width * shape.channels);
    int8_t *output = calloc((size_t)shape.channels, 1);
    const sixfold_status status = global_average_pool(operation, &shape, input, output);
    answer(status, output, (size_t)shape.channels);
    free(output);
    free(input);
}

/* Words: the count; then values, multipliers, shifts. Answers int32 values before saturation. */
static void run_requantize(void)
{
    int32_t *words = take_words(1);
    const int32_t count = words[0];
    free(words);
    int32_t *values = take_words(count);
    int32_t *multipliers = take_words(count);
    int32_t *shifts = take_words(count);
    for (int32_t i = 0; i < count; ++i) {
        values[i] = sixfold_multiply_by_quantized_multiplier(values[i], multipliers[i], shifts[i]);
    }
    answer(SIXFOLD_OK, values, (size_t)count * sizeof *values);
    free(shifts);
    free(multipliers);
    free(values);
}

#if defined(KERNEL_PEER_CMSIS_NN)
/*
 * Words: input, output (height, width, channels), window (height, width), stride, padding, depthwise or not, Helium or
 * not. Answers one int32: the bytes that CMSIS-NN says it needs, which is the same with and without the DSP extension
 * except for a depthwise convolution, whose size with it is answered.
 */
static void run_scratch(void)
{
    int32_t *words = take_words(14);
    const cmsis_nn_dims input = {.n = 1, .h = words[0], .w = words[1], .c = words[2]};
    const cmsis_nn_dims output = {.n = 1, .h = words[3], .w = words[4], .c = words[5]};
    const cmsis_nn_dims window = {.n = words[5], .h = words[6], .w = words[7], .c = words[2]};
    const cmsis_nn_tile stride = {.h = words[8], .w = words[9]};
    const cmsis_nn_tile padding = {.h = words[10], .w = words[11]};
    const cmsis_nn_tile dilation = {.h = 1, .w = 1};
    const cmsis_nn_conv_params conv = {.stride = stride, .padding = padding, .dilation = dilation};
    const cmsis_nn_dw_conv_params depthwise = {
        .ch_mult = 1, .stride = stride, .padding = padding, .dilation = dilation};
    int32_t bytes;
    if (words[12] != 0) {
        bytes = words[13] != 0
                    ? arm_depthwise_conv_wrapper_s8_get_buffer_size_mve(&depthwise, &input, &window, &output)
                    : arm_depthwise_conv_wrapper_s8_get_buffer_size_dsp(&depthwise, &input, &window, &output);
    } else {
        bytes = words[13] != 0 ? arm_convolve_wrapper_s8_get_buffer_size_mve(&conv, &input, &window, &output)
                               : arm_convolve_wrapper_s8_get_buffer_size_dsp(&conv, &input, &window, &output);
    }
    answer(SIXFOLD_OK, &bytes, sizeof bytes);
    free(words);
}
#endif

int main(void)
{
    int32_t operation;
    while (fread(&operation, sizeof operation, 1, stdin) == 1) {
        switch (operation) {
        case CONV2D:
        case DEPTHWISE_CONV2D:
        case CMSIS_NN_CONVOLVE:
        case CMSIS_NN_CONVOLVE_1X1:
        case CMSIS_NN_DEPTHWISE_3X3:
        case CMSIS_NN_DEPTHWISE:
            run_convolution((enum operation)operation);
            break;
        case FULLY_CONNECTED:
        case CMSIS_NN_FULLY_CONNECTED:
            run_fully_connected((enum operation)operation);
            break;
        case ADD:
        case CMSIS_NN_ADD:
            run_add((enum operation)operation);
            break;
        case GLOBAL_AVERAGE_POOL:
        case CMSIS_NN_GLOBAL_AVERAGE_POOL:
            run_global_average_pool((enum operation)operation);
            break;
        case REQUANTIZE:
            run_requantize();
            break;
#if defined(KERNEL_PEER_CMSIS_NN)
        case CMSIS_NN_SCRATCH:
            run_scratch();
            break;
#endif
        default:
            fputs("kernel_peer: unknown operation\n", stderr);
            return 64;
        }
    }
    return 0;
}
