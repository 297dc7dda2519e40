/*
 * The firmware of a board in use: commands and answers over its serial port (serial/session.h). Works without a
 * debugger; a fault is reported over the same port, remembered across the reset that follows, and never the end.
 */
#include <stddef.h>

#include "line.h"
#include "platform.h"
#include "session.h"
#include "sixfold/fault.h"
#include "sixfold/timer.h"
#include "sixfold/uart.h"
#include "sixfold/watchdog.h"
#include "stack.h"
#include "system.h"
#include "text.h"

/* Linker script; the last two are numbers. */
extern uint8_t __bss_end[], __free_end[], __static_bytes[], __flash_bytes[];

enum {
    WATCHDOG_MS = 8000, /* far above the slowest layer of a network that fits a microcontroller */
    IDLE_US = 100000,
    COPY_ALIGNMENT = 8,
    PENDING_BYTES = 128, /* a command and a half: what may arrive during an inference and is kept */
};

static serial_black_box box __attribute__((section(".noinit")));
static uint32_t watchdog_ms;

/* What came in while something else was going on, oldest first. */
static struct {
    uint8_t bytes[PENDING_BYTES];
    uint32_t begin, count;
} pending;

void serial_write(const char *text, size_t length)
{
    for (size_t index = 0; index < length; ++index) {
        if (!sixfold_uart_put((uint8_t)text[index])) {
            return; /* nobody can hear us */
        }
    }
}

uint64_t serial_ticks(void)
{
    return sixfold_timer_ticks();
}

uint32_t serial_ticks_hz(void)
{
    return sixfold_timer_hz();
}

bool serial_still_alive(void)
{
    bool interrupted = false;
    sixfold_watchdog_feed();
    for (int32_t byte = sixfold_uart_get(0); byte != SIXFOLD_UART_NOTHING; byte = sixfold_uart_get(0)) {
        if (byte == SERIAL_INTERRUPT) {
            interrupted = true;
            pending.count = 0;
        } else if (pending.count < PENDING_BYTES) {
            pending.bytes[(pending.begin + pending.count++) % PENDING_BYTES] = (uint8_t)byte;
        }
        if (pending.count == PENDING_BYTES) {
            break; /* the transmitter may be able to wait */
        }
    }
    return interrupted;
}

static int32_t next_byte(void)
{
    if (pending.count == 0U) {
        return sixfold_uart_get(IDLE_US);
    }
    const uint8_t byte = pending.bytes[pending.begin];
    pending.begin = (pending.begin + 1U) % PENDING_BYTES;
    --pending.count;
    return byte;
}

/* Memory above all static data belongs to nobody. */
static uint8_t *free_memory(void)
{
    return (uint8_t *)(((uintptr_t)__bss_end + COPY_ALIGNMENT - 1U) / COPY_ALIGNMENT * COPY_ALIGNMENT);
}

static uint32_t free_bytes(void)
{
    const uint8_t *begin = free_memory();
    return begin < __free_end ? (uint32_t)(__free_end - begin) : 0U;
}

uint8_t *serial_input_copy(size_t bytes)
{
    return bytes <= free_bytes() ? free_memory() : NULL;
}

void serial_read_memory(serial_memory *memory)
{
    memory->stack_size = sixfold_stack_size();
    memory->stack_used = sixfold_stack_used();
    memory->static_size = (uint32_t)__static_bytes;
    memory->free_size = free_bytes();
    memory->flash_size = (uint32_t)__flash_bytes;
}

serial_black_box *serial_box(void)
{
    return &box;
}

void serial_keep_box(void)
{
    sixfold_clean_cache(&box, sizeof box);
}

uint32_t serial_watchdog_ms(void)
{
    return watchdog_ms;
}

/* The watchdog's warning comes here too, as exception 2. */
void sixfold_on_fault(const sixfold_fault *fault)
{
    serial_box_record_fault(&box, fault);
    serial_print("\r\n");
    serial_print_end(&box.end);
    sixfold_uart_flush();
    sixfold_reset();
}

int main(void)
{
    sixfold_paint_stack();
    sixfold_uart_init();
    serial_box_open(&box);
    watchdog_ms = sixfold_watchdog_start(WATCHDOG_MS);
    serial_session_begin();
    for (;;) {
        sixfold_watchdog_feed();
        const int32_t byte = next_byte();
        if (byte != SIXFOLD_UART_NOTHING) {
            serial_session_take((uint8_t)byte);
        }
    }
}
