/*
 * What is remembered across a reset: which layer was running, and the last fault. It lies in memory that the start-up
 * code leaves alone, so everything in it is checked before it is believed.
 */
#ifndef SERIAL_BLACK_BOX_H
#define SERIAL_BLACK_BOX_H

#include <stdbool.h>
#include <stdint.h>

#include "sixfold/fault.h"

enum { SERIAL_NO_LAYER = -1 };

typedef enum {
    SERIAL_END_NONE = 0,
    SERIAL_END_FAULT = 1, /* the core faulted; registers are known */
    SERIAL_END_RESET = 2, /* a reset came during an inference: the watchdog, the button, or the supply */
} serial_end_kind;

/* How the last run ended that did not end well. */
typedef struct {
    uint32_t kind; /* serial_end_kind */
    int32_t layer; /* that was running, or SERIAL_NO_LAYER */
    sixfold_fault fault;
} serial_end;

typedef struct {
    uint32_t magic;
    uint32_t boots; /* since power on, this one included */
    serial_end end;
    uint32_t crc32; /* of all above */
    int32_t layer;  /* running now */
    uint32_t layer_check;
} serial_black_box;

/* At start-up: keeps what is valid, and concludes from it how the last run ended. */
void serial_box_open(serial_black_box *box);

/* The layer that runs from now on, or SERIAL_NO_LAYER. */
void serial_box_enter_layer(serial_black_box *box, int32_t layer);

/* A fault in the layer that runs. Nothing else of the program is needed, so that it works in a fault handler. */
void serial_box_record_fault(serial_black_box *box, const sixfold_fault *fault);

/* Forgets the last end. */
void serial_box_forget(serial_black_box *box);

#endif
