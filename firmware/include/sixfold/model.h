/*
 * What every generated model.c offers. One model per firmware; no function is reentrant, none allocates.
 *
 * Usage: write the input, call sixfold_invoke(), read the output. Activations share one arena, so an inference
 * destroys the input: write it again before the next one. The output stays until the next inference or input.
 *
 * The input can be written as a whole, to sixfold_input(), or row by row: sixfold_begin(), then sixfold_push_row() for
 * each of sixfold_model.input.height rows, then sixfold_invoke(). A model that was compiled with `input: rows` takes it
 * row by row only, and never has all of it in memory: pushing a row computes what that row makes possible.
 */
#ifndef SIXFOLD_MODEL_H
#define SIXFOLD_MODEL_H

#include <stdint.h>

#include "sixfold/kernels.h"
#include "sixfold/status.h"

typedef struct {
    uint8_t sha256[32]; /* of the integer graph: tells whether a model is the one that was verified */
    sixfold_shape input;
    int32_t classes;
    int32_t layers;
    int32_t constants;       /* regions in sixfold_constants */
    uint32_t constant_bytes; /* all of them together */
    uint32_t constant_crc32; /* CRC-32 (IEEE 802.3) of all of them in their order, little-endian */
    uint32_t output_decay;   /* exp(-output scale) * 2^31, rounded: what a step of one code makes of a probability */
} sixfold_model_description;

extern const sixfold_model_description sixfold_model;

/* A weight, bias, multiplier or shift array as it lies in flash. */
typedef struct {
    const void *data;
    uint32_t bytes;
} sixfold_constant;

/* sixfold_model.constants of them: whether what was written to the board is what was generated can be checked. */
extern const sixfold_constant sixfold_constants[];

/*
 * height * width * channels codes to be written; real value = scale * (code - zero point), both in model.h. Null for a
 * model that takes its input row by row only.
 */
int8_t *sixfold_input(void);

/* Starts an input that comes row by row; whatever of one came before is forgotten. */
void sixfold_begin(void);

/*
 * The next row, from the top: width * channels codes, which may be overwritten once this returns. SIXFOLD_BAD_ARGUMENT
 * without a beginning, or after the last row.
 */
sixfold_status sixfold_push_row(const int8_t *row);

/* sixfold_model.classes codes, valid after sixfold_invoke(). */
const int8_t *sixfold_output(void);

/*
 * One inference; where the input comes row by row only, what is left of it after the last row. Stops at the first layer
 * that refuses its arguments, which only a damaged model does, or one whose rows have not all come.
 */
sixfold_status sixfold_invoke(void);

/* One layer, 0 <= layer < sixfold_model.layers, in order: the same work as sixfold_invoke(), to be timed apart. */
sixfold_status sixfold_run_layer(int32_t layer);

/*
 * After SIXFOLD_DAMAGE: the layer that wrote outside its buffers, and the buffer whose guard zone it wrote to. Null where
 * there was none, always in a model that was generated without guard zones.
 */
typedef struct {
    const char *layer;
    const char *buffer;
} sixfold_damage_report;

sixfold_damage_report sixfold_damage(void);

/* The operator's name in the graph; null outside 0 <= layer < sixfold_model.layers. */
const char *sixfold_layer_name(int32_t layer);

#endif
