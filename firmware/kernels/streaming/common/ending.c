/* The end of the network: a 1x1 convolution whose outputs are only summed, their mean, the classifier. */
#include <string.h>

#include "sixfold/streaming_model.h"

/*
 * Means of the channels of one part, as TensorFlow Lite's AVERAGE_POOL_2D: halves away from zero, on the raw codes. A
 * mean of codes is a code.
 */
static void average(const int32_t *sums, int32_t channels, int32_t pixels, int8_t *features)
{
    for (int32_t channel = 0; channel < channels; ++channel) {
        const int32_t half = sums[channel] > 0 ? pixels / 2 : -(pixels / 2);
        features[channel] = (int8_t)((sums[channel] + half) / pixels);
    }
}

sixfold_status sixfold_streaming_end(const sixfold_streaming_model *model)
{
    const sixfold_ending *ending = model->ending;
    const int8_t *pixels = model->arena + ending->input_at;
    int8_t *features = model->arena + ending->features_at;
    void *panel = model->arena + ending->panel;
    int32_t *sums = (int32_t *)(void *)(model->arena + ending->sums);
    for (int32_t part = 0; part < ending->part_count; ++part) {
        const sixfold_pointwise *expand = &ending->parts[part];
        /* A 1x1 convolution does not care for rows: the whole image is one. */
        const sixfold_ring ring = {model->arena + ending->ring, ending->pixels, expand->outputs, 1};
        for (int32_t first = 0; first < ending->pixels; first += ending->strip) {
            const int32_t left = ending->pixels - first;
            const int32_t count = left < ending->strip ? left : ending->strip;
            sixfold_stream_pack(pixels + first * ending->channels, ending->channels, count, panel);
            sixfold_stream_expand(expand, panel, first, count, &ring, 0);
        }
        memset(sums, 0, (size_t)expand->outputs * sizeof *sums);
        sixfold_stream_sum(&ring, 0, sums);
        average(sums, expand->outputs, ending->pixels, features);
        features += expand->outputs;
    }
    sixfold_stream_classify(&ending->classifier, model->arena + ending->features_at, model->arena + ending->output_at);
    return model->after_step == NULL ? SIXFOLD_OK : model->after_step();
}
