/* The same model on this computer: int8 inputs on stdin, one sample after the other; int8 outputs on stdout. */
#include <stdio.h>

#include "sixfold/model.h"

int main(void)
{
    const size_t bytes =
        (size_t)(sixfold_model.input.height * sixfold_model.input.width * sixfold_model.input.channels);
    const size_t classes = (size_t)sixfold_model.classes;
    for (;;) {
        const size_t got = fread(sixfold_input(), 1, bytes, stdin);
        if (got == 0 && feof(stdin)) {
            break;
        }
        if (got != bytes) {
            fprintf(stderr, "error: the last sample has %zu bytes, the model takes %zu\n", got, bytes);
            return 64;
        }
        const sixfold_status status = sixfold_invoke();
        if (status == SIXFOLD_DAMAGE) {
            const sixfold_damage_report damage = sixfold_damage();
            fprintf(stderr, "error: layer %s wrote outside its buffers, beside %s\n", damage.layer, damage.buffer);
            return 65;
        }
        if (status != SIXFOLD_OK) {
            fputs("error: a layer refused its arguments\n", stderr);
            return 65;
        }
        if (fwrite(sixfold_output(), 1, classes, stdout) != classes) {
            fputs("error: stdout cannot be written\n", stderr);
            return 65;
        }
    }
    if (fflush(stdout) != 0) {
        fputs("error: stdout cannot be written\n", stderr);
        return 65;
    }
    return 0;
}
