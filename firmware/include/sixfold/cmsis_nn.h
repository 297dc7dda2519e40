/*
 * Operators computed by Arm's CMSIS-NN. Parameters, ranges and results are those of sixfold/kernels.h, bit for bit;
 * what each function adds is a condition on the shapes, which the code generator checks when it chooses the function
 * (pipeline/backends/cortex_m/cmsis_nn.py), and scratch.
 *
 * scratch: params->scratch_bytes bytes, at least what CMSIS-NN's own function for the size says on this core.
 */
#ifndef SIXFOLD_CMSIS_NN_H
#define SIXFOLD_CMSIS_NN_H

#include "sixfold/kernels.h"

/*
 * arm_convolve_s8: any window. At most 65535 along each axis, 4 * 65535 bytes in a window. Output may lead: pixels in
 * order, two or with Helium four read together, then written.
 */
sixfold_status sixfold_cmsis_nn_convolve(const sixfold_convolution *params, const int8_t *input, void *scratch,
                                         int8_t *output);

/* arm_convolve_1x1_s8_fast: window 1x1, stride 1, no padding. With Helium output may lead: four pixels together. */
sixfold_status sixfold_cmsis_nn_convolve_1x1(const sixfold_convolution *params, const int8_t *input, void *scratch,
                                             int8_t *output);

/*
 * arm_depthwise_conv_3x3_s8: window 3x3, padding at most 1, the middle column of every window inside the input.
 * Output may lead: pixels in order, one by one.
 */
sixfold_status sixfold_cmsis_nn_depthwise_3x3(const sixfold_convolution *params, const int8_t *input, void *scratch,
                                              int8_t *output);

/*
 * arm_depthwise_conv_s8_opt: every window touches the input. Only on cores with the DSP extension or Helium. Output may
 * lead: pixels in order, one or with Helium four read together, then written. Not with more than 124 channels and Helium.
 */
sixfold_status sixfold_cmsis_nn_depthwise(const sixfold_convolution *params, const int8_t *input, void *scratch,
                                          int8_t *output);

/* arm_convolve_1x1_s8_fast on one pixel: CMSIS-NN's fully connected layers have one scale for all outputs. */
sixfold_status sixfold_cmsis_nn_fully_connected(const sixfold_dense *params, const int8_t *input, int8_t *output);

/* arm_elementwise_add_s8. Output may lead, by nothing at least. */
sixfold_status sixfold_cmsis_nn_add(const sixfold_addition *params, const int8_t *left, const int8_t *right,
                                    int8_t *output);

/* arm_avgpool_s8 over the whole map. Only on cores with Helium: on others it is no faster than ours. */
sixfold_status sixfold_cmsis_nn_global_average_pool(const sixfold_shape *shape, const int8_t *input, int8_t *output);

#endif
