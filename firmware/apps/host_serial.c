/*
 * The serial application on this computer: commands on stdin, answers on stdout. For tests and for trying it out.
 * With the argument "no-copy" it behaves like a board that has no room for a copy of the input.
 */
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "model.h"
#include "platform.h"
#include "session.h"

enum { INPUT_BYTES = SIXFOLD_INPUT_HEIGHT * SIXFOLD_INPUT_WIDTH * SIXFOLD_INPUT_CHANNELS };

static uint8_t copy[INPUT_BYTES];
static bool has_copy = true;
static serial_black_box box;

void serial_write(const char *text, size_t length)
{
    (void)fwrite(text, 1, length, stdout);
}

uint64_t serial_ticks(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

uint32_t serial_ticks_hz(void)
{
    return 1000000000U;
}

bool serial_still_alive(void)
{
    return false;
}

uint8_t *serial_input_copy(size_t bytes)
{
    return has_copy && bytes <= sizeof copy ? copy : NULL;
}

void serial_read_memory(serial_memory *memory)
{
    memset(memory, 0, sizeof *memory);
}

serial_black_box *serial_box(void)
{
    return &box;
}

void serial_keep_box(void)
{
}

uint32_t serial_watchdog_ms(void)
{
    return 0;
}

int main(int count, char **arguments)
{
    has_copy = !(count == 2 && strcmp(arguments[1], "no-copy") == 0);
    serial_box_open(&box);
    serial_session_begin();
    for (int byte = getchar(); byte != EOF; byte = getchar()) {
        serial_session_take((uint8_t)byte);
        if (byte == '%' && fflush(stdout) != 0) {
            return 65;
        }
    }
    return 0;
}
