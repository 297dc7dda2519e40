/* Commands of our own: which model this is, whether it is whole, bit-exact outputs, what a board knows of itself. */
#include <stddef.h>
#include <string.h>

#include "commands.h"
#include "platform.h"
#include "session.h"
#include "sixfold/model.h"
#include "text.h"
#include "version.h"

enum { NON_MASKABLE_INTERRUPT = 2 };

static serial_integrity integrity;

void serial_check_integrity(void)
{
    integrity = serial_check_model();
}

bool serial_may_run(void)
{
    if (!integrity.intact) {
        serial_print("e-[the model in this board's memory is damaged: crc32 ");
        serial_print_hex_word(integrity.crc32);
        serial_print(" instead of ");
        serial_print_hex_word(sixfold_model.constant_crc32);
        serial_print(", flash it again]\r\n");
    }
    return integrity.intact;
}

void serial_command_codes(const char *const *words, uint32_t count)
{
    (void)words, (void)count;
    const int8_t *values = serial_last_output();
    if (values == NULL) {
        return;
    }
    serial_print("m-codes-[");
    for (int32_t index = 0; index < sixfold_model.classes; ++index) {
        serial_print_hex_byte((uint8_t)values[index]);
    }
    serial_print("]\r\n");
}

static void print_layer(int32_t layer, uint64_t ticks)
{
    serial_print("m-layer-[");
    serial_print_number((uint32_t)layer);
    serial_print(" ");
    serial_print_number(ticks);
    serial_print(" ");
    serial_print_name(sixfold_layer_name(layer));
    serial_print("]\r\n");
}

void serial_command_layers(const char *const *words, uint32_t count)
{
    (void)words, (void)count;
    if (!serial_may_run()) {
        return;
    }
    serial_print("m-ticks-hz-");
    serial_print_number(serial_ticks_hz());
    serial_end_line();
    if (serial_report_run(serial_time_layers(print_layer))) {
        serial_print("m-layers-done\r\n");
    }
}

void serial_command_hash(const char *const *words, uint32_t count)
{
    (void)words, (void)count;
    serial_print("m-hash-[");
    for (size_t index = 0; index < sizeof sixfold_model.sha256; ++index) {
        serial_print_hex_byte(sixfold_model.sha256[index]);
    }
    serial_print("]\r\nm-constants-[");
    serial_print_number(integrity.bytes);
    serial_print(" ");
    serial_print_hex_word(integrity.crc32);
    serial_print(integrity.intact ? " intact" : " damaged");
    serial_print("]\r\n");
}

void serial_command_version(const char *const *words, uint32_t count)
{
    (void)words, (void)count;
    serial_print_bracketed("m-version-", SIXFOLD_VERSION);
    serial_print("m-watchdog-ms-");
    serial_print_number(serial_watchdog_ms());
    serial_end_line();
}

static void print_field(const char *text, uint32_t value)
{
    serial_print(text);
    serial_print_number(value);
}

void serial_command_memory(const char *const *words, uint32_t count)
{
    (void)words, (void)count;
    serial_memory found = {0};
    serial_read_memory(&found);
    print_field("m-memory-[stack ", found.stack_used);
    print_field(" of ", found.stack_size);
    print_field(", static ", found.static_size);
    print_field(", free ", found.free_size);
    print_field(", flash ", found.flash_size);
    serial_print("]\r\n");
}

void serial_print_end(const serial_end *end)
{
    if (end->kind == SERIAL_END_NONE) {
        serial_print_bracketed("m-fault-", "none");
        return;
    }
    const bool faulted = end->kind == SERIAL_END_FAULT;
    /* Nothing but a watchdog raises the non-maskable interrupt. */
    const bool hung = faulted && end->fault.exception == NON_MASKABLE_INTERRUPT;
    serial_print(hung ? "m-fault-[watchdog" : faulted ? "m-fault-[fault" : "m-fault-[reset");
    if (end->layer != SERIAL_NO_LAYER) {
        const char *layer_name = sixfold_layer_name(end->layer);
        serial_print(" in layer ");
        serial_print_number((uint32_t)end->layer);
        serial_print(" ");
        serial_print_name(layer_name != NULL ? layer_name : "?");
    }
    serial_print("]\r\n");
    if (faulted) {
        serial_print("m-registers-[");
        sixfold_print_fault(&end->fault, serial_print);
        serial_print("]\r\n");
    }
}

void serial_command_fault(const char *const *words, uint32_t count)
{
    if (count == 2 && strcmp(words[1], "clear") == 0) {
        serial_box_forget(serial_box());
    } else if (count != 1) {
        serial_refuse("fault takes nothing, or clear");
        return;
    }
    serial_print_end(&serial_box()->end);
    serial_print("m-boots-");
    serial_print_number(serial_box()->boots);
    serial_end_line();
}
