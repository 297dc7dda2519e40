#include "probabilities.h"

static uint32_t multiply(uint32_t left, uint32_t right)
{
    return (uint32_t)(((uint64_t)left * right + (UINT64_C(1) << 30)) >> 31);
}

uint32_t serial_power(uint32_t decay, uint32_t steps)
{
    uint32_t power = UINT32_C(1) << 31;
    for (; steps != 0U; steps >>= 1) {
        if ((steps & 1U) != 0U) {
            power = multiply(power, decay);
        }
        decay = multiply(decay, decay);
    }
    return power;
}

serial_softmax serial_softmax_of(const int8_t *codes, int32_t classes, uint32_t decay)
{
    serial_softmax softmax = {.decay = decay, .highest = INT8_MIN, .sum = 0};
    for (int32_t index = 0; index < classes; ++index) {
        softmax.highest = codes[index] > softmax.highest ? codes[index] : softmax.highest;
    }
    for (int32_t index = 0; index < classes; ++index) {
        softmax.sum += serial_power(decay, (uint32_t)(softmax.highest - codes[index]));
    }
    return softmax;
}

uint32_t serial_thousandths(const serial_softmax *softmax, int8_t code)
{
    const uint64_t weight = serial_power(softmax->decay, (uint32_t)(softmax->highest - code));
    return (uint32_t)((2000U * weight + softmax->sum) / (2U * softmax->sum));
}
