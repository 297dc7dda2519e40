/* Numbers as text and back, without the C library's formatted output, which takes kilobytes. */
#ifndef SERIAL_TEXT_H
#define SERIAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only, at most 2^32 - 1; false, and value untouched, for anything else. */
bool serial_parse_number(const char *text, uint32_t *value);

/* The value of two hexadecimal digits, or -1; reads nothing beyond a NUL. */
int32_t serial_parse_hex_byte(const char *digits);

/* The following go to serial_write (platform.h). */
void serial_print(const char *text);
void serial_print_number(uint64_t value);
void serial_print_hex_byte(uint8_t value);
void serial_print_hex_word(uint32_t value);

void serial_end_line(void);

/* A whole line: what comes before, "[", text, "]". */
void serial_print_bracketed(const char *before, const char *text);

/* An operator's name: characters that have a meaning in the protocol, or that are no plain ASCII, as '_'. */
void serial_print_name(const char *name);

#endif
