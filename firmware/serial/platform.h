/* What the serial application needs of the machine it runs on: apps/serial.c on a board, apps/host_serial.c here. */
#ifndef SERIAL_PLATFORM_H
#define SERIAL_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "black_box.h"

/* Sends text to the host. */
void serial_write(const char *text, size_t length);

/* A clock that never goes back, and its ticks per second. */
uint64_t serial_ticks(void);
uint32_t serial_ticks_hz(void);

/*
 * Called before each layer and every so often by whatever takes long: keeps the watchdog quiet and reads what the host
 * may have sent. True when that was Ctrl-C: whatever runs shall stop.
 */
bool serial_still_alive(void);

/* At least `bytes` bytes to keep a copy of the input in, or null where the memory has no room for it. */
uint8_t *serial_input_copy(size_t bytes);

/* Bytes of memory; 0 where a machine cannot tell. */
typedef struct {
    uint32_t stack_size, stack_used; /* used: the most since the start */
    uint32_t static_size;            /* arena and all other data */
    uint32_t free_size;              /* RAM that nothing takes, the copy of the input not counted */
    uint32_t flash_size;             /* code, constants, initial values of data */
} serial_memory;

void serial_read_memory(serial_memory *memory);

/* What survives a reset, and how to make sure that what was just written to it does. */
serial_black_box *serial_box(void);
void serial_keep_box(void);

/* Milliseconds after which the watchdog resets a machine that hangs; 0: it has none. */
uint32_t serial_watchdog_ms(void);

#endif
