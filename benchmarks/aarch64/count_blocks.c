/*
 * Counts executed instructions in a log of `qemu-aarch64 -d in_asm,exec,nochain,strace`, read from standard input.
 *
 *   count_blocks SYSTEM_CALL
 *
 * The log has every translated block once, one line an instruction, and then a line `Trace` with the block's address in
 * the emulator's memory and the address of its first instruction for each execution. So the executed instructions are
 * the sum of the blocks' lengths. A block's length is that of the last translation that began where it begins, at its
 * first execution: other threads may have logged something in between. At each line of SYSTEM_CALL the count so far is printed, one a line. Exit status 2 and one
 * line on standard error where a block is executed that was never translated in the log.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOG2_SLOTS = 22, LONGEST_LINE = 1 << 16 };
#define SLOTS (UINT64_C(1) << LOG2_SLOTS)

typedef struct {
    uint64_t addresses[SLOTS];
    uint32_t lengths[SLOTS];
} table_t;

static table_t translations; /* by the address of the first instruction */
static table_t blocks;       /* by the address in the emulator's memory */

/* Where the length that belongs to an address is kept; NULL when there are too many. */
static uint32_t *length_of(table_t *table, uint64_t address)
{
    uint64_t slot = (address * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - LOG2_SLOTS);
    for (uint64_t tried = 0; tried < SLOTS; ++tried, slot = (slot + 1) % SLOTS) {
        if (table->addresses[slot] == 0 || table->addresses[slot] == address) {
            table->addresses[slot] = address;
            return &table->lengths[slot];
        }
    }
    return NULL;
}

/* Length of the block in a line `Trace 0: HOST [BASE/FIRST/...]`; 0 where it is not known. */
static uint32_t executed_length(const char *line)
{
    const char *host = strstr(line, "0x");
    const char *first = strchr(line, '/');
    if (host == NULL || first == NULL) {
        return 0;
    }
    uint32_t *length = length_of(&blocks, strtoull(host, NULL, 16));
    uint32_t *translated = length_of(&translations, strtoull(first + 1, NULL, 16));
    if (length == NULL || translated == NULL) {
        return 0;
    }
    if (*translated != 0) { /* translated since it was last executed: the address may have been another block's */
        *length = *translated;
        *translated = 0;
    }
    return *length;
}

static int starts_with(const char *line, const char *prefix)
{
    return strncmp(line, prefix, strlen(prefix)) == 0;
}

int main(int count, char **arguments)
{
    static char line[LONGEST_LINE];
    uint64_t executed = 0;
    uint32_t *translation = NULL; /* length of the block whose instructions are being listed */
    int listing = 0;

    if (count != 2) {
        fputs("usage: count_blocks SYSTEM_CALL < LOG\n", stderr);
        return 2;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (starts_with(line, "0x")) {
            if (listing) {
                translation = length_of(&translations, strtoull(line, NULL, 16));
                if (translation == NULL) {
                    fputs("too many blocks\n", stderr);
                    return 2;
                }
                *translation = 0;
                listing = 0;
            }
            if (translation != NULL) {
                ++*translation;
            }
        } else if (starts_with(line, "Trace ")) {
            const uint32_t length = executed_length(line);
            if (length == 0) {
                fprintf(stderr, "a block of unknown length was executed: %s", line);
                return 2;
            }
            executed += length;
        } else if (starts_with(line, "IN:")) {
            listing = 1;
        } else if (strstr(line, arguments[1]) != NULL) {
            printf("%" PRIu64 "\n", executed);
        }
    }
    return ferror(stdin) ? 2 : 0;
}
