/* The plugin's interface without an emulator: starts the plugin with the program's arguments and ends at once. */
#include <stdint.h>
#include <stdlib.h>

typedef uint64_t id_t;
typedef void (*callback_t)(id_t, void *);

int qemu_plugin_install(id_t id, const void *info, int argc, char **argv);
void qemu_plugin_register_atexit_cb(id_t id, callback_t cb, void *userdata);
void qemu_plugin_register_vcpu_tb_trans_cb(id_t id, callback_t cb);
void qemu_plugin_register_vcpu_insn_exec_cb(void *insn, callback_t cb, int flags, void *userdata);
void qemu_plugin_register_vcpu_mem_cb(void *insn, callback_t cb, int flags, int rw, void *userdata);
size_t qemu_plugin_tb_n_insns(const void *tb);
void *qemu_plugin_tb_get_insn(const void *tb, size_t idx);
uint64_t qemu_plugin_insn_vaddr(const void *insn);

static callback_t at_exit;

void qemu_plugin_register_atexit_cb(id_t id, callback_t cb, void *userdata)
{
    (void)id;
    (void)userdata;
    at_exit = cb;
}

void qemu_plugin_register_vcpu_tb_trans_cb(id_t id, callback_t cb)
{
    (void)id;
    (void)cb;
}

void qemu_plugin_register_vcpu_insn_exec_cb(void *insn, callback_t cb, int flags, void *userdata)
{
    (void)insn;
    (void)cb;
    (void)flags;
    (void)userdata;
}

void qemu_plugin_register_vcpu_mem_cb(void *insn, callback_t cb, int flags, int rw, void *userdata)
{
    (void)insn;
    (void)cb;
    (void)flags;
    (void)rw;
    (void)userdata;
}

size_t qemu_plugin_tb_n_insns(const void *tb)
{
    (void)tb;
    return 0;
}

void *qemu_plugin_tb_get_insn(const void *tb, size_t idx)
{
    (void)tb;
    (void)idx;
    return NULL;
}

uint64_t qemu_plugin_insn_vaddr(const void *insn)
{
    (void)insn;
    return 0;
}

int main(int argc, char **argv)
{
    const int status = qemu_plugin_install(1, NULL, argc - 1, argv + 1);
    at_exit(1, NULL);
    return status;
}
