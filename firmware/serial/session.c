#include "session.h"

#include <stddef.h>
#include <string.h>

#include "commands.h"
#include "line.h"
#include "text.h"

static serial_command help;

static const struct {
    const char *name;
    uint32_t most_words; /* 0: the command sees to it itself */
    serial_command *run;
    const char *usage;
} commands[] = {
    {"help", 1, help, "help: this list"},
    {"name", 1, serial_command_name, "name: the device"},
    {"profile", 1, serial_command_profile, "profile: the benchmark's firmware version and model"},
    {"timestamp", 1, serial_command_timestamp, "timestamp: microseconds since the start"},
    {"db", 0, serial_command_db, "db load N, db HEX..., db print N OFFSET: the input, whose bytes are codes + 128"},
    {"infer", 0, serial_command_infer, "infer N W: N inferences after W warm-ups"},
    {"results", 1, serial_command_results, "results: probabilities"},
    {"codes", 1, serial_command_codes, "codes: the output's int8 codes, hexadecimal"},
    {"layers", 1, serial_command_layers, "layers: ticks of each layer"},
    {"hash", 1, serial_command_hash, "hash: which model this is, and whether its constants are intact"},
    {"version", 1, serial_command_version, "version: of this firmware, and the time after which its watchdog bites"},
    {"memory", 1, serial_command_memory, "memory: bytes in use"},
    {"fault", 0, serial_command_fault, "fault, fault clear: how the last run ended"},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void help(const char *const *words, uint32_t count)
{
    (void)words, (void)count;
    for (size_t index = 0; index < COMMANDS; ++index) {
        serial_print(commands[index].usage);
        serial_end_line();
    }
}

static void carry_out(char *text)
{
    const char *words[SERIAL_WORDS] = {NULL};
    const uint32_t count = serial_split(text, words);
    if (count == 0U) {
        return; /* a lone '%' asks whether anybody is there */
    }
    for (size_t index = 0; index < COMMANDS; ++index) {
        if (strcmp(words[0], commands[index].name) == 0) {
            if (commands[index].most_words != 0U && count > commands[index].most_words) {
                serial_refuse("this command takes no arguments");
            } else {
                commands[index].run(words, count);
            }
            return;
        }
    }
    /* The text is not repeated: a noisy line must not be able to put "m-ready" into an answer. */
    serial_refuse("unknown command; help lists them");
}

static serial_line line;

void serial_session_begin(void)
{
    serial_check_integrity();
    (void)serial_may_run();
    serial_print("m-init-done\r\nm-ready\r\n");
}

void serial_session_take(uint8_t byte)
{
    switch (serial_line_push(&line, byte)) {
    case SERIAL_LINE_PENDING:
        return;
    case SERIAL_LINE_READY:
        carry_out(line.text);
        break;
    case SERIAL_LINE_TOO_LONG:
        serial_refuse("a command has at most 80 characters");
        break;
    case SERIAL_LINE_UNREADABLE:
        serial_refuse("a command has printable characters only");
        break;
    }
    serial_print("m-ready\r\n");
}
