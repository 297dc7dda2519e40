#include "line.h"

static serial_line_state end_of_line(serial_line *line)
{
    const serial_line_state state = line->too_long     ? SERIAL_LINE_TOO_LONG
                                    : line->unreadable ? SERIAL_LINE_UNREADABLE
                                                       : SERIAL_LINE_READY;
    line->text[line->length] = '\0';
    line->length = 0;
    line->too_long = false;
    line->unreadable = false;
    return state;
}

serial_line_state serial_line_push(serial_line *line, uint8_t byte)
{
    if (byte == '%') {
        return end_of_line(line);
    }
    if (byte == SERIAL_INTERRUPT) {
        (void)end_of_line(line);
    } else if (byte == '\r' || byte == '\n') {
        /* nothing */
    } else if (line->length == SERIAL_LINE_CHARACTERS) {
        line->too_long = true;
    } else {
        line->unreadable = line->unreadable || byte < ' ' || byte > '~';
        line->text[line->length++] = (char)byte;
    }
    return SERIAL_LINE_PENDING;
}

uint32_t serial_split(char *text, const char *words[SERIAL_WORDS])
{
    uint32_t count = 0;
    for (bool inside = false; *text != '\0'; ++text) {
        if (*text == ' ') {
            *text = '\0';
            inside = false;
        } else if (!inside) {
            if (count < SERIAL_WORDS) {
                words[count] = text;
            }
            ++count;
            inside = true;
        }
    }
    return count;
}
