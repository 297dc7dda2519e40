/*
 * A plugin of QEMU (version 1 of its plugin interface: docs/devel/tcg-plugins.rst of QEMU 7.2) that counts how often
 * every instruction is executed between the first two executions of one address, the clock, apart for each part of the
 * program. Counting happens in the emulator: the program is the same and takes as many instructions as without.
 *
 *   -plugin count_instructions.so,clock=ADDRESS,marks=FILE,out=FILE
 *
 * marks: lines "FIRST LAST PART", at most MOST_MARKS: an instruction executed in FIRST..LAST - 1 says that PART (below
 *        MOST_PARTS) runs from now on. Sorted, and apart from each other. Part 0 runs first.
 * out:   lines "PART ADDRESS COUNT" of what was executed, in no order; then "end CLOCK", how often the clock was
 *        executed, at most 2. All addresses hexadecimal, all else decimal.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The part of qemu-plugin.h that is used; Debian's packages do not have that file. */
typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
typedef void (*qemu_plugin_udata_cb_t)(qemu_plugin_id_t id, void *userdata);
typedef void (*qemu_plugin_vcpu_udata_cb_t)(unsigned int vcpu_index, void *userdata);
typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_tb_trans_cb_t cb);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, qemu_plugin_udata_cb_t cb, void *userdata);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t idx);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, qemu_plugin_vcpu_udata_cb_t cb,
                                            enum qemu_plugin_cb_flags flags, void *userdata);

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv);

enum { MOST_MARKS = 4096, MOST_PARTS = 1024, LOG2_SLOTS = 16 };
#define SLOTS ((size_t)1 << LOG2_SLOTS)

typedef struct {
    uint64_t first, last;
    unsigned part;
} mark_t;

static mark_t marks[MOST_MARKS];
static size_t mark_count;
static uint64_t clock_address;
static unsigned clock_executions;
static FILE *out;

static uint64_t addresses[SLOTS]; /* of the instruction that is counted in a slot; 0 where it is free */
static uint64_t *counts;          /* by part and slot */
static uint64_t *running;         /* the counts of the part that runs; null before and after the two clocks */

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
static const mark_t *mark_at(uint64_t address)
{
    size_t low = 0, high = mark_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (address >= marks[middle].last) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < mark_count && address >= marks[low].first ? &marks[low] : NULL;
}

static void on_clock(unsigned int vcpu_index, void *userdata)
{
    (void)vcpu_index;
    (void)userdata;
    if (clock_executions < 2) {
        running = clock_executions == 0 ? counts : NULL;
        ++clock_executions;
    }
}

static void on_marked(unsigned int vcpu_index, void *userdata)
{
    const mark_t *mark = userdata;
    (void)vcpu_index;
    if (running != NULL) {
        running = counts + mark->part * SLOTS;
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
        const mark_t *mark = mark_at(address);
        if (address == clock_address) {
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_clock, QEMU_PLUGIN_CB_NO_REGS, NULL);
        }
        if (mark != NULL) {
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_marked, QEMU_PLUGIN_CB_NO_REGS, (void *)mark);
        }
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_executed, QEMU_PLUGIN_CB_NO_REGS,
                                               (void *)(uintptr_t)slot_of(address));
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
    fprintf(out, "end %u\n", clock_executions);
    if (fclose(out) != 0) {
        fail("the counts cannot be written");
    }
}

static void read_marks(const char *path)
{
    FILE *file = fopen(path, "r");
    uint64_t end = 0;
    int read = 0;
    if (file == NULL) {
        fail("the marks cannot be opened");
    }
    while (mark_count < MOST_MARKS) {
        mark_t *mark = &marks[mark_count];
        read = fscanf(file, "%" SCNx64 " %" SCNx64 " %u", &mark->first, &mark->last, &mark->part);
        if (read != 3) {
            break;
        }
        if (mark->first < end || mark->last <= mark->first || mark->part >= MOST_PARTS) {
            fail("a mark is out of order or range");
        }
        end = mark->last;
        ++mark_count;
    }
    if (read != EOF) {
        fail("the marks are too many or damaged");
    }
    fclose(file);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; ++i) {
        if (strncmp(argv[i], "clock=", 6) == 0) {
            clock_address = strtoull(argv[i] + 6, NULL, 16);
        } else if (strncmp(argv[i], "marks=", 6) == 0) {
            read_marks(argv[i] + 6);
        } else if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        }
    }
    counts = calloc(MOST_PARTS * SLOTS, sizeof *counts);
    if (counts == NULL || out == NULL || mark_count == 0) {
        fail("clock, marks and out are needed");
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit, NULL);
    return 0;
}
