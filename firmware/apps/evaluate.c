/*
 * Runs a file of inputs through the model, under semihosting: how an emulated or debugged board is verified.
 * All numbers are little-endian uint32.
 *
 * request.bin: "SXFREQ01", model sha256 (32 bytes), samples, bytes per sample; then the samples, int8.
 * result.bin:  "SXFRES01", model sha256 (32 bytes), samples, classes, layers, timer ticks per second;
 *              per sample: ticks of the timer before and after its inference (uint64 each), then its outputs, int8;
 *              per layer: ticks before and after it (uint64 each), from one more inference of the first sample, so that
 *              the totals are undisturbed;
 *              bytes of stack that an inference takes (one more inference); "SXFDONE1".
 *
 * A model that takes its input row by row gets each row as it is read. The time of reading does not count: what it says
 * are ticks from 0 to the sum of what pushing its rows and the rest took.
 */
#include <stdbool.h>
#include <string.h>

#include "model.h"
#include "semihosting.h"
#include "sixfold/fault.h"
#include "sixfold/model.h"
#include "sixfold/timer.h"
#include "stack.h"

enum { MAGIC_BYTES = 8, EXIT_BAD_REQUEST = 64, EXIT_FAILED = 65, EXIT_FAULT = 70 };

typedef struct {
    char magic[MAGIC_BYTES];
    uint8_t sha256[32];
    uint32_t samples, sample_bytes;
} request_header;

typedef struct {
    char magic[MAGIC_BYTES];
    uint8_t sha256[32];
    uint32_t samples, classes, layers, timer_hz;
} result_header;

_Static_assert(sizeof(request_header) == 48 && sizeof(result_header) == 56, "file headers have no padding");

static _Noreturn void fail(int32_t code, const char *reason)
{
    semihosting_print("error: ");
    semihosting_print(reason);
    semihosting_print("\n");
    semihosting_exit(code);
}

static void write_or_fail(int32_t file, const void *data, uint32_t bytes)
{
    if (!semihosting_write(file, data, bytes)) {
        fail(EXIT_FAILED, "result.bin cannot be written");
    }
}

static uint32_t sample_bytes(void)
{
    return (uint32_t)(sixfold_model.input.height * sixfold_model.input.width * sixfold_model.input.channels);
}

/* Opens the request and checks that it is whole and meant for this model; leaves it at the first sample. */
static int32_t open_request(uint32_t *samples)
{
    const int32_t file = semihosting_open("request.bin", SEMIHOSTING_READ_BINARY);
    if (file < 0) {
        fail(EXIT_BAD_REQUEST, "request.bin cannot be opened");
    }
    request_header header;
    if (!semihosting_read(file, &header, sizeof header) || memcmp(header.magic, "SXFREQ01", MAGIC_BYTES) != 0) {
        fail(EXIT_BAD_REQUEST, "request.bin has no request header");
    }
    if (memcmp(header.sha256, sixfold_model.sha256, sizeof header.sha256) != 0) {
        fail(EXIT_BAD_REQUEST, "request.bin is for another model");
    }
    if (header.sample_bytes != sample_bytes()) {
        fail(EXIT_BAD_REQUEST, "request.bin has samples of another size");
    }
    const int32_t length = semihosting_length(file);
    const uint64_t expected = sizeof header + (uint64_t)header.samples * header.sample_bytes;
    if (header.samples == 0U || length < 0 || (uint64_t)length != expected) {
        fail(EXIT_BAD_REQUEST, "request.bin has another length than its header says");
    }
    *samples = header.samples;
    return file;
}

static void seek_or_fail(int32_t request, uint32_t sample)
{
    if (!semihosting_seek(request, sizeof(request_header) + sample * sample_bytes())) {
        fail(EXIT_FAILED, "request.bin cannot be read");
    }
}

static void read_or_fail(int32_t request, int8_t *codes, uint32_t bytes)
{
    if (!semihosting_read(request, codes, bytes)) {
        fail(EXIT_FAILED, "request.bin cannot be read");
    }
}

static void check(sixfold_status status)
{
    if (status == SIXFOLD_DAMAGE) {
        semihosting_print("error: layer ");
        semihosting_print(sixfold_damage().layer);
        semihosting_print(" wrote outside its buffers, beside ");
        semihosting_print(sixfold_damage().buffer);
        semihosting_print("\n");
        semihosting_exit(EXIT_FAILED);
    }
    if (status != SIXFOLD_OK) {
        fail(EXIT_FAILED, "a layer refused its arguments");
    }
}

static int8_t row[SIXFOLD_INPUT_WIDTH * SIXFOLD_INPUT_CHANNELS];

static sixfold_status push_row(void)
{
    return sixfold_push_row(row);
}

/*
 * Gives the model a sample: into its input, or row by row. `push` is called for each row that has been read and returns
 * the ticks that it took; the sum of these is returned.
 */
static uint64_t give_sample(int32_t request, uint32_t sample, uint64_t (*push)(void))
{
    uint64_t ticks = 0;
    seek_or_fail(request, sample);
    if (sixfold_input() != NULL) {
        read_or_fail(request, sixfold_input(), sample_bytes());
        return 0;
    }
    const uint64_t begin = sixfold_timer_ticks();
    sixfold_begin();
    ticks += sixfold_timer_ticks() - begin;
    for (int32_t y = 0; y < sixfold_model.input.height; ++y) {
        read_or_fail(request, row, sizeof row);
        ticks += push();
    }
    return ticks;
}

static uint64_t push_timed(void)
{
    const uint64_t begin = sixfold_timer_ticks();
    const sixfold_status status = push_row();
    const uint64_t end = sixfold_timer_ticks();
    check(status);
    return end - begin;
}

/* Ticks of what an inference still takes after `spent`, as they are written. */
static void write_ticks(int32_t result, uint64_t spent, uint64_t begin, uint64_t end)
{
    const uint64_t ticks[2] = {sixfold_input() != NULL ? begin : 0, sixfold_input() != NULL ? end : spent + end - begin};
    write_or_fail(result, ticks, sizeof ticks);
}

static void run_samples(int32_t request, int32_t result, uint32_t samples)
{
    for (uint32_t sample = 0; sample < samples; ++sample) {
        const uint64_t spent = give_sample(request, sample, push_timed);
        const uint64_t begin = sixfold_timer_ticks();
        const sixfold_status status = sixfold_invoke();
        const uint64_t end = sixfold_timer_ticks();
        check(status);
        write_ticks(result, spent, begin, end);
        write_or_fail(result, sixfold_output(), (uint32_t)sixfold_model.classes);
    }
}

static void time_layers(int32_t request, int32_t result)
{
    uint64_t spent = give_sample(request, 0, push_timed);
    for (int32_t layer = 0; layer < sixfold_model.layers; ++layer) {
        const uint64_t begin = sixfold_timer_ticks();
        const sixfold_status status = sixfold_run_layer(layer);
        const uint64_t end = sixfold_timer_ticks();
        check(status);
        write_ticks(result, spent, begin, end);
        spent = 0; /* all rows are the first layer's */
    }
}

static uint32_t most_stack;

static void measure(sixfold_status (*work)(void))
{
    uint32_t bytes = 0;
    check(sixfold_measure_stack(work, &bytes));
    most_stack = bytes > most_stack ? bytes : most_stack;
}

static uint64_t push_measured(void)
{
    measure(push_row);
    return 0;
}

static void measure_stack(int32_t request, int32_t result)
{
    most_stack = 0;
    (void)give_sample(request, 0, push_measured);
    measure(sixfold_invoke);
    write_or_fail(result, &most_stack, sizeof most_stack);
}

void sixfold_on_fault(const sixfold_fault *fault)
{
    semihosting_print("fault: ");
    sixfold_print_fault(fault, semihosting_print);
    semihosting_print("\n");
    semihosting_exit(EXIT_FAULT);
}

int main(void)
{
    uint32_t samples = 0;
    const int32_t request = open_request(&samples);
    const int32_t result = semihosting_open("result.bin", SEMIHOSTING_WRITE_BINARY);
    if (result < 0) {
        fail(EXIT_FAILED, "result.bin cannot be opened");
    }
    result_header header = {
        .samples = samples,
        .classes = (uint32_t)sixfold_model.classes,
        .layers = (uint32_t)sixfold_model.layers,
        .timer_hz = sixfold_timer_hz(),
    };
    memcpy(header.magic, "SXFRES01", MAGIC_BYTES);
    memcpy(header.sha256, sixfold_model.sha256, sizeof header.sha256);
    write_or_fail(result, &header, sizeof header);
    run_samples(request, result, samples);
    time_layers(request, result);
    measure_stack(request, result);
    write_or_fail(result, "SXFDONE1", MAGIC_BYTES);
    if (!semihosting_close(result)) {
        fail(EXIT_FAILED, "result.bin cannot be written");
    }
    semihosting_exit(0);
}
