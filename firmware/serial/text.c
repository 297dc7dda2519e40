#include "text.h"

#include <string.h>

#include "platform.h"

static const char HEX_DIGITS[] = "0123456789abcdef";

bool serial_parse_number(const char *text, uint32_t *value)
{
    uint64_t parsed = 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; ++text) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        parsed = 10U * parsed + (uint64_t)(*text - '0');
        if (parsed > UINT32_MAX) {
            return false;
        }
    }
    *value = (uint32_t)parsed;
    return true;
}

static int32_t hex_digit(char character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    const int32_t lower = character | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

int32_t serial_parse_hex_byte(const char *digits)
{
    const int32_t high = hex_digit(digits[0]);
    const int32_t low = high < 0 ? -1 : hex_digit(digits[1]);
    return low < 0 ? -1 : 16 * high + low;
}

void serial_print(const char *text)
{
    serial_write(text, strlen(text));
}

void serial_print_number(uint64_t value)
{
    char digits[20];
    size_t begin = sizeof digits;
    do {
        digits[--begin] = (char)('0' + (char)(value % 10U));
        value /= 10U;
    } while (value != 0U);
    serial_write(digits + begin, sizeof digits - begin);
}

void serial_print_hex_byte(uint8_t value)
{
    const char digits[2] = {HEX_DIGITS[value >> 4], HEX_DIGITS[value & 0xFU]};
    serial_write(digits, sizeof digits);
}

void serial_print_hex_word(uint32_t value)
{
    for (int32_t shift = 24; shift >= 0; shift -= 8) {
        serial_print_hex_byte((uint8_t)(value >> shift));
    }
}

void serial_print_name(const char *name)
{
    for (; *name != '\0'; ++name) {
        const bool plain = *name > ' ' && *name <= '~' && strchr("[]%", *name) == NULL;
        serial_write(plain ? name : "_", 1);
    }
}

void serial_end_line(void)
{
    serial_print("\r\n");
}

void serial_print_bracketed(const char *before, const char *text)
{
    serial_print(before);
    serial_print("[");
    serial_print(text);
    serial_print("]\r\n");
}
