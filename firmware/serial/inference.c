#include "inference.h"

#include <stddef.h>
#include <string.h>

#include "crc32.h"
#include "model.h"
#include "platform.h"
#include "sixfold/model.h"

static const uint32_t FLIP_SIGN = 0x80U; /* byte - 128 and back, modulo 256 */

static struct {
    uint32_t filled;
    bool begun;
    bool consumed; /* an inference has run on the input and there was no copy */
    bool answered;
    bool refused; /* by a row that was pushed while the input came */
    uint8_t *copy;
    int8_t row[SIXFOLD_INPUT_WIDTH * SIXFOLD_INPUT_CHANNELS]; /* the one that comes, where rows are pushed at once */
    int8_t output[SIXFOLD_CLASSES];
} state;

/* A model that takes its input row by row, and no copy of it: each row is pushed as soon as it is whole. */
static bool pushes_at_once(void)
{
    return state.copy == NULL && sixfold_input() == NULL;
}

serial_integrity serial_check_model(void)
{
    serial_integrity found = {0, 0, false};
    for (int32_t index = 0; index < sixfold_model.constants; ++index) {
        found.bytes += sixfold_constants[index].bytes;
        found.crc32 = serial_crc32(found.crc32, sixfold_constants[index].data, sixfold_constants[index].bytes);
        (void)serial_still_alive();
    }
    found.intact = found.bytes == sixfold_model.constant_bytes && found.crc32 == sixfold_model.constant_crc32;
    return found;
}

uint32_t serial_input_bytes(void)
{
    return (uint32_t)(sixfold_model.input.height * sixfold_model.input.width * sixfold_model.input.channels);
}

/* Where byte `index` of the input lies, or will. */
static uint8_t *input_byte(uint32_t index)
{
    if (pushes_at_once()) {
        return (uint8_t *)&state.row[index % sizeof state.row];
    }
    return (state.copy != NULL ? state.copy : (uint8_t *)sixfold_input()) + index;
}

void serial_input_begin(void)
{
    state.copy = serial_input_copy(serial_input_bytes());
    state.filled = 0;
    state.begun = true;
    state.consumed = false;
    state.refused = false;
    if (pushes_at_once()) {
        sixfold_begin();
    }
}

bool serial_input_append(uint8_t byte)
{
    if (!state.begun || state.consumed || state.filled == serial_input_bytes()) {
        return false;
    }
    *input_byte(state.filled) = (uint8_t)(byte ^ FLIP_SIGN);
    ++state.filled;
    if (pushes_at_once() && state.filled % sizeof state.row == 0U) {
        state.refused = sixfold_push_row(state.row) != SIXFOLD_OK || state.refused;
    }
    return true;
}

uint32_t serial_input_filled(void)
{
    return state.consumed ? 0 : state.filled;
}

uint32_t serial_input_kept(void)
{
    return pushes_at_once() ? 0 : serial_input_filled();
}

uint8_t serial_input_byte(uint32_t index)
{
    return (uint8_t)(*input_byte(index) ^ FLIP_SIGN);
}

static serial_run_status run_layer(int32_t layer)
{
    if (serial_still_alive()) {
        return SERIAL_RUN_INTERRUPTED;
    }
    serial_box_enter_layer(serial_box(), layer);
    return sixfold_run_layer(layer) == SIXFOLD_OK ? SERIAL_RUN_DONE : SERIAL_RUN_REFUSED;
}

/* Between two layers the one before counts as running, so that a reset there is one in an inference too. */
static serial_run_status end_run(serial_run_status status)
{
    serial_box_enter_layer(serial_box(), SERIAL_NO_LAYER);
    return status;
}

/* All rows again: those of the copy, or as often the last one, which is as much work. */
static serial_run_status push_rows(void)
{
    sixfold_begin();
    for (int32_t y = 0; y < sixfold_model.input.height; ++y) {
        if (serial_still_alive()) {
            return SERIAL_RUN_INTERRUPTED;
        }
        const int8_t *row = state.copy != NULL ? (const int8_t *)state.copy + (size_t)y * sizeof state.row : state.row;
        if (sixfold_push_row(row) != SIXFOLD_OK) {
            return SERIAL_RUN_REFUSED;
        }
    }
    return SERIAL_RUN_DONE;
}

/* What all runs begin with: the input goes, or stays only in the copy. */
static serial_run_status take_input(void)
{
    if (sixfold_input() == NULL && (state.copy != NULL || state.consumed || state.filled != serial_input_bytes())) {
        state.consumed = state.copy == NULL;
        serial_box_enter_layer(serial_box(), 0);
        return push_rows();
    }
    if (state.copy != NULL) {
        memcpy(sixfold_input(), state.copy, serial_input_bytes());
    } else {
        state.consumed = true;
    }
    return state.refused ? SERIAL_RUN_REFUSED : SERIAL_RUN_DONE;
}

serial_run_status serial_run(uint32_t times)
{
    for (; times != 0U; --times) {
        const bool answers = !state.consumed;
        const serial_run_status taken = take_input();
        if (taken != SERIAL_RUN_DONE) {
            return end_run(taken);
        }
        for (int32_t layer = 0; layer < sixfold_model.layers; ++layer) {
            const serial_run_status status = run_layer(layer);
            if (status != SERIAL_RUN_DONE) {
                return end_run(status);
            }
        }
        if (answers) {
            memcpy(state.output, sixfold_output(), sizeof state.output);
            state.answered = true;
        }
    }
    return end_run(SERIAL_RUN_DONE);
}

serial_run_status serial_time_layers(void (*each)(int32_t layer, uint64_t ticks))
{
    const uint64_t before = serial_ticks();
    const serial_run_status taken = take_input();
    if (taken != SERIAL_RUN_DONE) {
        return end_run(taken);
    }
    for (int32_t layer = 0; layer < sixfold_model.layers; ++layer) {
        /* Rows that are pushed are work of the first layer. */
        const uint64_t begin = layer == 0 && sixfold_input() == NULL ? before : serial_ticks();
        const serial_run_status status = run_layer(layer);
        const uint64_t end = serial_ticks();
        if (status != SERIAL_RUN_DONE) {
            return end_run(status);
        }
        each(layer, end - begin);
    }
    return end_run(SERIAL_RUN_DONE);
}

const int8_t *serial_run_output(void)
{
    return state.answered ? state.output : NULL;
}
