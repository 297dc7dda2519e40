/*
 * The command loop that the MLPerf Tiny runner speaks to, with commands of our own. docs/flash.md is its reference.
 *
 * Every command is answered by lines that end with "\r\n", the last of them "m-ready"; what went wrong is one line
 * "e-[...]" before it. Bytes of any value may arrive at any time.
 */
#ifndef SERIAL_SESSION_H
#define SERIAL_SESSION_H

#include <stdint.h>

#include "black_box.h"

/* Checks the model and greets the host. To be called once, before the next. */
void serial_session_begin(void);

/* Takes a byte from the host; with the '%' of a command, carries it out and answers. */
void serial_session_take(uint8_t byte);

/* "m-fault-[...]" and registers: the end of the last run, as command `fault` reports it. For a fault handler too. */
void serial_print_end(const serial_end *end);

#endif
