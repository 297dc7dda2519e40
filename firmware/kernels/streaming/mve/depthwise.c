/* Depthwise 3x3 convolution: depthwise.S computes it. */
#include "depthwise.h"

#include "layout.h"

enum { TAPS = 9, GROUP_COLUMNS = GROUP /* of the ring, for stride 1 */ };

void sixfold_stream_depthwise(const sixfold_depthwise *params, const sixfold_ring *ring, int32_t top, int32_t first,
                              int32_t count, void *panel)
{
    const int32_t stride = params->stride;
    const int32_t groups = (count + GROUP - 1) / GROUP;
    const int32_t group_bytes = group_bytes_of(params->channels);
    const int32_t odd = params->saturates != 0 ? groups % 2 : 0;
    mve_windows windows = {
        .next_window = ring_channel_bytes(ring) - groups * GROUP_COLUMNS * stride * ring->slots,
        .next_output = 1 - (groups - odd) * group_bytes,
        .loops = params->saturates != 0 ? groups / 2 : groups,
        .channels = params->channels,
        .data = ring->data + first * stride * ring->slots,
        .panel = panel,
        .packed = params->packed,
        .turn = top * TAPS,
        .group_bytes = group_bytes,
    };
    static mve_depthwise *const saturating[2][2] = {
        {sixfold_mve_depthwise_1_even, sixfold_mve_depthwise_1_odd},
        {sixfold_mve_depthwise_2_even, sixfold_mve_depthwise_2_odd},
    };
    static mve_depthwise *const exact[2] = {sixfold_mve_depthwise_1_exact, sixfold_mve_depthwise_2_exact};
    (params->saturates != 0 ? saturating[stride - 1][odd] : exact[stride - 1])(&windows);
}
