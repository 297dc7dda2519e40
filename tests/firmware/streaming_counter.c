/* Counts the multiply-adds that the streaming engine asks its kernels for; linked in front of them by --wrap. */
#include <stdio.h>
#include <stdlib.h>

#include "sixfold/streaming.h"

static long long total;

static void report(void)
{
    fprintf(stderr, "%lld\n", total);
}

static void count(long long macs)
{
    if (total == 0) {
        atexit(report);
    }
    total += macs;
}

void __real_sixfold_stream_expand(const sixfold_pointwise *params, const void *panel, int32_t first, int32_t pixels,
                                  const sixfold_ring *ring, int32_t slot);
void __wrap_sixfold_stream_expand(const sixfold_pointwise *params, const void *panel, int32_t first, int32_t pixels,
                                  const sixfold_ring *ring, int32_t slot)
{
    count((long long)params->inputs * params->outputs * pixels);
    __real_sixfold_stream_expand(params, panel, first, pixels, ring, slot);
}

void __real_sixfold_stream_depthwise(const sixfold_depthwise *params, const sixfold_ring *ring, int32_t top,
                                     int32_t first, int32_t pixels, void *panel);
void __wrap_sixfold_stream_depthwise(const sixfold_depthwise *params, const sixfold_ring *ring, int32_t top,
                                     int32_t first, int32_t pixels, void *panel)
{
    count(9LL * params->channels * pixels);
    __real_sixfold_stream_depthwise(params, ring, top, first, pixels, panel);
}

void __real_sixfold_stream_project(const sixfold_pointwise *params, const void *panel, int32_t pixels, int8_t *output);
void __wrap_sixfold_stream_project(const sixfold_pointwise *params, const void *panel, int32_t pixels, int8_t *output)
{
    count((long long)params->inputs * params->outputs * pixels);
    __real_sixfold_stream_project(params, panel, pixels, output);
}

void __real_sixfold_stream_classify(const sixfold_pointwise *params, const int8_t *features, int8_t *output);
void __wrap_sixfold_stream_classify(const sixfold_pointwise *params, const int8_t *features, int8_t *output)
{
    count((long long)params->inputs * params->outputs);
    __real_sixfold_stream_classify(params, features, output);
}
