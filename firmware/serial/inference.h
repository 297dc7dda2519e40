/* The model as the session uses it: checked before it runs, its input filled byte by byte, run layer by layer. */
#ifndef SERIAL_INFERENCE_H
#define SERIAL_INFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "sixfold/status.h"

/* Size and checksum of the model's constants as they lie in this board's memory. */
typedef struct {
    uint32_t bytes, crc32;
    bool intact; /* both are what the generator wrote down */
} serial_integrity;

serial_integrity serial_check_model(void);

/* Bytes of one input. */
uint32_t serial_input_bytes(void);

/* Empties the input. */
void serial_input_begin(void);

/*
 * The next byte of the input; the code is byte - 128. False, and nothing written, before a begin and once full. Where the
 * model takes rows and there is no room for a copy, the last byte of a row computes what that row makes possible.
 */
bool serial_input_append(uint8_t byte);

/* Bytes appended so far that are still there: an inference destroys the input where no copy could be kept. */
uint32_t serial_input_filled(void);

/* Likewise those that can be read again: none where the model took the rows as they came. */
uint32_t serial_input_kept(void);

/* The byte at `index`, less than serial_input_kept(). */
uint8_t serial_input_byte(uint32_t index);

typedef enum {
    SERIAL_RUN_DONE,
    SERIAL_RUN_INTERRUPTED,
    SERIAL_RUN_REFUSED, /* a layer refused its arguments */
} serial_run_status;

/*
 * Runs the model `times` times on the input, which must be full. Where no copy of it could be kept, every run after
 * the first works on what the one before left behind; serial_run_output() is always the answer to the input.
 */
serial_run_status serial_run(uint32_t times);

/* One more run on what is in the arena; calls `each` with the ticks of every layer. Destroys an input without copy. */
serial_run_status serial_time_layers(void (*each)(int32_t layer, uint64_t ticks));

/* The codes that the last input led to, or null if none did yet. */
const int8_t *serial_run_output(void);

#endif
