/*
 * A plugin of QEMU (version 1 of its plugin interface, as pipeline/profile/count_instructions.c) that notes every
 * instruction whose access is not aligned to its size, or to a word if that is less. QEMU computes with such addresses;
 * on a core most instructions fault.
 *
 *   -plugin watch_alignment.so,out=FILE
 *
 * out: lines "INSTRUCTION ACCESS SIZE", the first such access of each instruction, hexadecimal but for the size; then
 *      "accesses N", all that were watched.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

enum { MOST_NOTED = 4096, WORD = 4 };

static uint64_t noted[MOST_NOTED];
static size_t note_count;
static uint64_t accesses;
static FILE *out;

static void on_access(unsigned int vcpu_index, qemu_plugin_meminfo_t info, uint64_t vaddr, void *userdata)
{
    const uint64_t instruction = (uintptr_t)userdata;
    const uint64_t size = UINT64_C(1) << qemu_plugin_mem_size_shift(info);
    (void)vcpu_index;
    ++accesses;
    if (vaddr % (size < WORD ? size : WORD) == 0) {
        return;
    }
    for (size_t i = 0; i < note_count; ++i) {
        if (noted[i] == instruction) {
            return;
        }
    }
    if (note_count < MOST_NOTED) {
        noted[note_count++] = instruction;
        fprintf(out, "%" PRIx64 " %" PRIx64 " %" PRIu64 "\n", instruction, vaddr, size);
    }
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); ++i) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        qemu_plugin_register_vcpu_mem_cb(instruction, on_access, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
                                         (void *)(uintptr_t)qemu_plugin_insn_vaddr(instruction));
    }
}

static void on_exit(qemu_plugin_id_t id, void *userdata)
{
    (void)id;
    (void)userdata;
    fprintf(out, "accesses %" PRIu64 "\n", accesses);
    fclose(out);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    if (argc != 1 || strncmp(argv[0], "out=", 4) != 0 || (out = fopen(argv[0] + 4, "w")) == NULL) {
        fputs("watch_alignment: out is needed\n", stderr);
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit, NULL);
    return 0;
}
