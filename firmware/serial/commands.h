/* The commands and what they share. Each takes the words of its line, of which the first is its name. */
#ifndef SERIAL_COMMANDS_H
#define SERIAL_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "inference.h"

typedef void serial_command(const char *const *words, uint32_t count);

/* Those of the benchmark's runner (benchmark_commands.c). */
serial_command serial_command_name, serial_command_profile, serial_command_timestamp, serial_command_db,
    serial_command_infer, serial_command_results;

/* Our own (board_commands.c). */
serial_command serial_command_codes, serial_command_layers, serial_command_hash, serial_command_version,
    serial_command_memory, serial_command_fault;

/* "e-[reason]". */
void serial_refuse(const char *reason);

/* Checks the model once; to be called before any command. */
void serial_check_integrity(void);

/* Whether the model may run; says why not. */
bool serial_may_run(void);

/* Whether a run ended well; says why not. */
bool serial_report_run(serial_run_status status);

/* The codes of the last answer, or null after saying that there is none. */
const int8_t *serial_last_output(void);

#endif
