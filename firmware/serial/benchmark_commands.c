/* The commands of the MLPerf Tiny runner, answered as the benchmark's own firmware answers them. */
#include <stddef.h>
#include <string.h>

#include "commands.h"
#include "platform.h"
#include "probabilities.h"
#include "sixfold/model.h"
#include "text.h"

enum {
    PRINT_DEFAULT = 16, /* bytes of `db print`, as in the benchmark's own firmware; likewise the next two */
    WARMUPS_DEFAULT = 10,
    BYTES_PER_LINE = 8,
    RUNS_LIMIT = 100000, /* minutes to hours: a mistyped number shall not take days */
    MICROSECONDS = 1000000,
};

static void print_timestamp(void)
{
    const uint64_t ticks = serial_ticks();
    const uint64_t hz = serial_ticks_hz();
    serial_print("m-lap-us-");
    serial_print_number(ticks / hz * MICROSECONDS + ticks % hz * MICROSECONDS / hz);
    serial_end_line();
}

static void print_results(const int8_t *codes)
{
    const serial_softmax softmax = serial_softmax_of(codes, sixfold_model.classes, sixfold_model.output_decay);
    serial_print("m-results-[");
    for (int32_t index = 0; index < sixfold_model.classes; ++index) {
        const uint32_t thousandths = serial_thousandths(&softmax, codes[index]);
        serial_print(index == 0 ? "" : ",");
        serial_print_number(thousandths / 1000U);
        serial_print(".");
        serial_print_number(thousandths / 100U % 10U);
        serial_print_number(thousandths / 10U % 10U);
        serial_print_number(thousandths % 10U);
    }
    serial_print("]\r\n");
}

void serial_command_name(const char *const *words, uint32_t count)
{
    (void)words, (void)count;
    serial_print_bracketed("m-name-dut-", "Sixfold");
}

/* The benchmark's model with an input of this size; its runner chooses images by it. */
static const char *benchmark_model(void)
{
    const sixfold_shape *input = &sixfold_model.input;
    if (input->height == 32 && input->width == 32) {
        return "ic01";
    }
    return input->height == 96 && input->width == 96 && sixfold_model.classes == 2 ? "vww01" : "other";
}

void serial_command_profile(const char *const *words, uint32_t count)
{
    (void)words, (void)count;
    serial_print_bracketed("m-profile-", "ULPMark for tinyML Firmware V0.0.1");
    serial_print_bracketed("m-model-", benchmark_model());
}

void serial_command_timestamp(const char *const *words, uint32_t count)
{
    (void)words, (void)count;
    print_timestamp();
}

static void db_load(const char *const *words, uint32_t count)
{
    uint32_t bytes = 0;
    if (count != 3 || !serial_parse_number(words[2], &bytes) || bytes != serial_input_bytes()) {
        serial_print("e-[db load takes the number of bytes of one input: ");
        serial_print_number(serial_input_bytes());
        serial_print("]\r\n");
        return;
    }
    serial_input_begin();
    serial_print("m-[Expecting ");
    serial_print_number(bytes);
    serial_print(" bytes]\r\n");
}

static void db_print(const char *const *words, uint32_t count)
{
    uint32_t bytes = PRINT_DEFAULT;
    uint32_t offset = 0;
    if ((count >= 3 && !serial_parse_number(words[2], &bytes)) ||
        (count == 4 && !serial_parse_number(words[3], &offset)) || count > 4) {
        serial_refuse("db print takes a number of bytes and an offset");
        return;
    }
    const uint32_t kept = serial_input_kept();
    if (offset >= kept) {
        serial_refuse("there is no input at that offset");
        return;
    }
    bytes = bytes < kept - offset ? bytes : kept - offset;
    for (uint32_t index = 0; index < bytes; ++index) {
        serial_print(index % BYTES_PER_LINE == 0U ? "m-buffer-" : "-");
        serial_print_hex_byte(serial_input_byte(offset + index));
        if (index % BYTES_PER_LINE == BYTES_PER_LINE - 1U || index == bytes - 1U) {
            serial_end_line();
        }
    }
}

static void db_bytes(const char *digits)
{
    const size_t length = strlen(digits);
    for (size_t index = 0; index < length; index += 2) {
        if (serial_parse_hex_byte(digits + index) < 0) {
            serial_refuse("db takes pairs of hexadecimal digits");
            return;
        }
    }
    for (size_t index = 0; index < length; index += 2) {
        if (!serial_input_append((uint8_t)serial_parse_hex_byte(digits + index))) {
            serial_refuse("more bytes than one input has; begin with db load");
            return;
        }
    }
    if (serial_input_filled() == serial_input_bytes()) {
        serial_print("m-load-done\r\n");
    }
}

void serial_command_db(const char *const *words, uint32_t count)
{
    if (count < 2) {
        serial_refuse("db needs load, print or hexadecimal digits");
    } else if (strcmp(words[1], "load") == 0) {
        db_load(words, count);
    } else if (strcmp(words[1], "print") == 0) {
        db_print(words, count);
    } else if (count == 2) {
        db_bytes(words[1]);
    } else {
        serial_refuse("db takes one word of hexadecimal digits");
    }
}

void serial_command_infer(const char *const *words, uint32_t count)
{
    uint32_t runs = 1;
    uint32_t warmups = WARMUPS_DEFAULT;
    if ((count >= 2 && !serial_parse_number(words[1], &runs)) ||
        (count == 3 && !serial_parse_number(words[2], &warmups)) || count > 3 || runs == 0U || runs > RUNS_LIMIT ||
        warmups > RUNS_LIMIT) {
        serial_refuse("infer takes 1..100000 inferences and 0..100000 warm-ups");
        return;
    }
    if (!serial_may_run()) {
        return;
    }
    if (serial_input_filled() != serial_input_bytes()) {
        serial_refuse("there is no whole input: db load, then db with its bytes");
        return;
    }
    serial_print("m-warmup-start-");
    serial_print_number(warmups);
    serial_end_line();
    if (!serial_report_run(serial_run(warmups))) {
        return;
    }
    serial_print("m-warmup-done\r\nm-infer-start-");
    serial_print_number(runs);
    serial_end_line();
    print_timestamp();
    if (!serial_report_run(serial_run(runs))) {
        return;
    }
    print_timestamp();
    serial_print("m-infer-done\r\n");
    print_results(serial_run_output());
}

void serial_command_results(const char *const *words, uint32_t count)
{
    (void)words, (void)count;
    const int8_t *codes = serial_last_output();
    if (codes != NULL) {
        print_results(codes);
    }
}
