/* What every fallible function of the firmware returns. */
#ifndef SIXFOLD_STATUS_H
#define SIXFOLD_STATUS_H

typedef enum {
    SIXFOLD_OK = 0,
    /* A null pointer, a size that is not positive, or parameters that contradict each other. Nothing was written. */
    SIXFOLD_BAD_ARGUMENT = 1,
    /* Guarded models only: a layer wrote outside its buffers. What it computed is not to be believed. */
    SIXFOLD_DAMAGE = 2,
} sixfold_status;

#endif
