#include "semihosting.h"

#include <string.h>

enum operation {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITE0 = 0x04,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_SEEK = 0x0A,
    SYS_FLEN = 0x0C,
    SYS_EXIT_EXTENDED = 0x20,
};

static const uint32_t ADP_STOPPED_APPLICATION_EXIT = 0x20026;

static int32_t call(enum operation operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = (uint32_t)operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return (int32_t)r0;
}

int32_t semihosting_open(const char *path, semihosting_mode mode)
{
    const uint32_t block[] = {(uint32_t)path, (uint32_t)mode, strlen(path)};
    return call(SYS_OPEN, block);
}

int32_t semihosting_length(int32_t handle)
{
    return call(SYS_FLEN, &handle);
}

bool semihosting_seek(int32_t handle, uint32_t position)
{
    const uint32_t block[] = {(uint32_t)handle, position};
    return call(SYS_SEEK, block) == 0;
}

/* Both transfers return the number of bytes that were left over. */
bool semihosting_read(int32_t handle, void *data, uint32_t bytes)
{
    const uint32_t block[] = {(uint32_t)handle, (uint32_t)data, bytes};
    return call(SYS_READ, block) == 0;
}

bool semihosting_write(int32_t handle, const void *data, uint32_t bytes)
{
    const uint32_t block[] = {(uint32_t)handle, (uint32_t)data, bytes};
    return call(SYS_WRITE, block) == 0;
}

bool semihosting_close(int32_t handle)
{
    return call(SYS_CLOSE, &handle) == 0;
}

void semihosting_print(const char *text)
{
    call(SYS_WRITE0, text);
}

void semihosting_exit(int32_t code)
{
    const uint32_t block[] = {ADP_STOPPED_APPLICATION_EXIT, (uint32_t)code};
    for (;;) {
        call(SYS_EXIT_EXTENDED, block);
    }
}
