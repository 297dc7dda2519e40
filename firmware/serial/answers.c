/* What several commands answer. */
#include <stddef.h>

#include "commands.h"
#include "text.h"

void serial_refuse(const char *reason)
{
    serial_print_bracketed("e-", reason);
}

bool serial_report_run(serial_run_status status)
{
    if (status == SERIAL_RUN_INTERRUPTED) {
        serial_refuse("interrupted");
    } else if (status == SERIAL_RUN_REFUSED) {
        serial_refuse("a layer refused its arguments");
    }
    return status == SERIAL_RUN_DONE;
}

const int8_t *serial_last_output(void)
{
    const int8_t *codes = serial_run_output();
    if (codes == NULL) {
        serial_refuse("nothing was inferred yet");
    }
    return codes;
}
