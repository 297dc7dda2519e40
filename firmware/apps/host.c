/*
 * The same model on this computer: int8 inputs on stdin, one sample after the other; int8 outputs on stdout. With the
 * argument "rows" every model is given its input row by row, without it only those that take no other.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "model.h"

enum { ROW_BYTES = SIXFOLD_INPUT_WIDTH * SIXFOLD_INPUT_CHANNELS, EXIT_INPUT = 64, EXIT_FAILED = 65 };

/* Reads a sample to where the model wants it, in one piece or row by row. False at the end of stdin. */
static bool take_sample(bool rows, sixfold_status *status)
{
    int8_t row[ROW_BYTES];
    const size_t piece = rows ? ROW_BYTES : (size_t)ROW_BYTES * SIXFOLD_INPUT_HEIGHT;
    size_t total = 0;
    *status = SIXFOLD_OK;
    sixfold_begin();
    for (int32_t y = 0; y < (rows ? SIXFOLD_INPUT_HEIGHT : 1) && *status == SIXFOLD_OK; ++y) {
        const size_t got = fread(rows ? row : sixfold_input(), 1, piece, stdin);
        total += got;
        if (got != piece) {
            break;
        }
        *status = rows ? sixfold_push_row(row) : SIXFOLD_OK;
    }
    if (*status == SIXFOLD_OK && total != 0 && total != (size_t)ROW_BYTES * SIXFOLD_INPUT_HEIGHT) {
        fprintf(stderr, "error: the last sample has %zu bytes, the model takes %zu\n", total,
                (size_t)ROW_BYTES * SIXFOLD_INPUT_HEIGHT);
        *status = SIXFOLD_BAD_ARGUMENT;
    }
    return total != 0;
}

static int explain(sixfold_status status)
{
    if (status == SIXFOLD_DAMAGE) {
        const sixfold_damage_report damage = sixfold_damage();
        fprintf(stderr, "error: layer %s wrote outside its buffers, beside %s\n", damage.layer, damage.buffer);
    } else {
        fputs("error: a layer refused its arguments\n", stderr);
    }
    return EXIT_FAILED;
}

int main(int count, char **arguments)
{
    const bool rows = sixfold_input() == NULL || (count == 2 && strcmp(arguments[1], "rows") == 0);
    sixfold_status status;
    while (take_sample(rows, &status)) {
        if (status == SIXFOLD_BAD_ARGUMENT) {
            return EXIT_INPUT;
        }
        if (status == SIXFOLD_OK) {
            status = sixfold_invoke();
        }
        if (status != SIXFOLD_OK) {
            return explain(status);
        }
        if (fwrite(sixfold_output(), 1, SIXFOLD_CLASSES, stdout) != SIXFOLD_CLASSES) {
            fputs("error: stdout cannot be written\n", stderr);
            return EXIT_FAILED;
        }
    }
    if (fflush(stdout) != 0) {
        fputs("error: stdout cannot be written\n", stderr);
        return EXIT_FAILED;
    }
    return 0;
}
