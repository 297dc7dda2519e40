/* From the bytes of a serial line to commands: at most 80 characters, ended by '%'. */
#ifndef SERIAL_LINE_H
#define SERIAL_LINE_H

#include <stdbool.h>
#include <stdint.h>

enum { SERIAL_LINE_CHARACTERS = 80, SERIAL_INTERRUPT = 0x03 /* Ctrl-C */ };

typedef enum {
    SERIAL_LINE_PENDING,    /* no '%' yet */
    SERIAL_LINE_READY,      /* text is a command, perhaps an empty one */
    SERIAL_LINE_TOO_LONG,   /* more than 80 characters came before '%'; text is of no use */
    SERIAL_LINE_UNREADABLE, /* a byte that is no printable ASCII character was among them; likewise */
} serial_line_state;

/* All zero to begin with. */
typedef struct {
    char text[SERIAL_LINE_CHARACTERS + 1]; /* ends with NUL once the state is READY; valid until the next byte */
    uint32_t length;
    bool too_long, unreadable;
} serial_line;

/*
 * Takes the next byte. Line breaks are ignored, so that a terminal program can be used; Ctrl-C drops what has come
 * so far. Any sequence of bytes is permitted, and after each '%' the line starts anew.
 */
serial_line_state serial_line_push(serial_line *line, uint8_t byte);

enum { SERIAL_WORDS = 4 };

/*
 * Splits a command at its spaces, in place.
 * words: SERIAL_WORDS pointers into text. Returns how many words there are; those beyond the fourth are only counted.
 */
uint32_t serial_split(char *text, const char *words[SERIAL_WORDS]);

#endif
