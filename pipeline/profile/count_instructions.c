/*
 * A plugin of QEMU (version 1 of its plugin interface: docs/devel/tcg-plugins.rst of QEMU 7.2) that counts how often
 * every instruction is executed, apart for each part of the program. Counting happens in the emulator: the program is
 * the same and takes as many instructions as without.
 *
 *   -plugin count_instructions.so,clock=ADDRESS,windows=N,marks=FILE,out=FILE
 *
 * clock: what is executed counts from one execution of this address to the next, then again from the third to the
 *        fourth, N times in all.
 * marks: lines "code FIRST LAST NUMBER", then "data FIRST LAST NUMBER", at most MOST_MARKS of each, sorted, apart from
 *        each other. An instruction in FIRST..LAST - 1 of code is executed: that mark holds until one of another does.
 *        Bytes of data are read by an instruction of a code mark with number 0: likewise. The part that runs is the
 *        sum of the numbers of the two marks that hold, below MOST_PARTS. Before any holds it is 0.
 * out:   lines "PART ADDRESS COUNT" of what was executed, in no order; then "end" if all N windows have passed.
 *
 * All addresses are hexadecimal, all else is decimal.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

enum { MOST_MARKS = 4096, MOST_PARTS = 2048, LOG2_SLOTS = 16 };
#define SLOTS ((size_t)1 << LOG2_SLOTS)

typedef struct {
    uint64_t first, last;
    unsigned number;
} mark_t;

/* Marks of one kind, and the number of the one that holds. */
typedef struct {
    mark_t marks[MOST_MARKS];
    size_t count;
    unsigned number;
} marks_t;

static marks_t code, data;
static uint64_t clock_address;
static unsigned long windows; /* that are still to come */
static FILE *out;

static uint64_t addresses[SLOTS]; /* of the instruction that is counted in a slot; 0 where it is free */
static uint64_t *counts;          /* by part and slot */
static uint64_t *running;         /* the counts of the part that runs; within a window only */

static _Noreturn void fail(const char *reason)
{
    fprintf(stderr, "count_instructions: %s\n", reason);
    exit(2);
}

/* Open addressing; an instruction at address 0 does not exist, where a Cortex-M has its stack pointer. */
static size_t slot_of(uint64_t address)
{
    size_t slot = (address * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - LOG2_SLOTS);
    for (size_t tried = 0; tried < SLOTS; ++tried, slot = (slot + 1) % SLOTS) {
        if (addresses[slot] == 0 || addresses[slot] == address) {
            addresses[slot] = address;
            return slot;
        }
    }
    fail("too many instructions");
}

/* The mark that an address is in; null when it is in none. */
static const mark_t *mark_at(const marks_t *marks, uint64_t address)
{
    size_t low = 0, high = marks->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (address >= marks->marks[middle].last) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < marks->count && address >= marks->marks[low].first ? &marks->marks[low] : NULL;
}

static uint64_t *counts_of_part(void)
{
    return counts + (code.number + data.number) * SLOTS;
}

static void on_clock(unsigned int vcpu_index, void *userdata)
{
    (void)vcpu_index;
    (void)userdata;
    if (running != NULL) {
        running = NULL;
        --windows;
    } else if (windows > 0) {
        running = counts_of_part();
    }
}

static void on_marked(unsigned int vcpu_index, void *userdata)
{
    const mark_t *mark = userdata;
    (void)vcpu_index;
    code.number = mark->number;
    if (running != NULL) {
        running = counts_of_part();
    }
}

static void on_read(unsigned int vcpu_index, qemu_plugin_meminfo_t info, uint64_t vaddr, void *userdata)
{
    const mark_t *mark = mark_at(&data, vaddr);
    (void)vcpu_index;
    (void)info;
    (void)userdata;
    if (mark != NULL) {
        data.number = mark->number;
        if (running != NULL) {
            running = counts_of_part();
        }
    }
}

static void on_executed(unsigned int vcpu_index, void *slot)
{
    (void)vcpu_index;
    if (running != NULL) {
        ++running[(uintptr_t)slot];
    }
}

/* Callbacks run in the order in which they are registered: an instruction that is a mark counts to its own part. */
static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); ++i) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        const uint64_t address = qemu_plugin_insn_vaddr(instruction);
        const mark_t *mark = mark_at(&code, address);
        if (address == clock_address) {
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_clock, QEMU_PLUGIN_CB_NO_REGS, NULL);
        }
        if (mark != NULL) {
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_marked, QEMU_PLUGIN_CB_NO_REGS, (void *)mark);
        }
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_executed, QEMU_PLUGIN_CB_NO_REGS,
                                               (void *)(uintptr_t)slot_of(address));
        if (mark != NULL && mark->number == 0) {
            /* Stores too, of which none goes to constants: asked for loads alone, QEMU 7.2 reports stores only. */
            qemu_plugin_register_vcpu_mem_cb(instruction, on_read, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
        }
    }
}

static void on_exit(qemu_plugin_id_t id, void *userdata)
{
    (void)id;
    (void)userdata;
    for (size_t part = 0; part < MOST_PARTS; ++part) {
        for (size_t slot = 0; slot < SLOTS; ++slot) {
            const uint64_t count = addresses[slot] == 0 ? 0 : counts[part * SLOTS + slot];
            if (count != 0) {
                fprintf(out, "%zu %" PRIx64 " %" PRIu64 "\n", part, addresses[slot], count);
            }
        }
    }
    if (windows == 0) {
        fputs("end\n", out);
    }
    if (fclose(out) != 0) {
        fail("the counts cannot be written");
    }
}

static void add_mark(marks_t *marks, mark_t mark)
{
    if (marks->count == MOST_MARKS) {
        fail("the marks are too many");
    }
    if (mark.last <= mark.first || (marks->count > 0 && mark.first < marks->marks[marks->count - 1].last) ||
        mark.number >= MOST_PARTS / 2) {
        fail("a mark is out of order or range");
    }
    marks->marks[marks->count++] = mark;
}

static void read_marks(const char *path)
{
    FILE *file = fopen(path, "r");
    char kind[5];
    mark_t mark;
    int read;
    if (file == NULL) {
        fail("the marks cannot be opened");
    }
    while ((read = fscanf(file, "%4s %" SCNx64 " %" SCNx64 " %u", kind, &mark.first, &mark.last, &mark.number)) == 4) {
        add_mark(strcmp(kind, "code") == 0 ? &code : &data, mark);
    }
    if (read != EOF) {
        fail("the marks are damaged");
    }
    fclose(file);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; ++i) {
        if (strncmp(argv[i], "clock=", 6) == 0) {
            clock_address = strtoull(argv[i] + 6, NULL, 16);
        } else if (strncmp(argv[i], "windows=", 8) == 0) {
            windows = strtoul(argv[i] + 8, NULL, 10);
        } else if (strncmp(argv[i], "marks=", 6) == 0) {
            read_marks(argv[i] + 6);
        } else if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        }
    }
    counts = calloc(MOST_PARTS * SLOTS, sizeof *counts);
    if (counts == NULL || out == NULL || code.count == 0 || windows == 0) {
        fail("clock, windows, marks and out are needed");
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit, NULL);
    return 0;
}
