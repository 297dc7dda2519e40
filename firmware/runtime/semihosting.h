/*
 * Arm semihosting: files and exit codes of the debugger's or emulator's host (Semihosting for AArch32 and AArch64,
 * release 2.0). Without a debugger attached the call itself faults, so this is for evaluation only.
 */
#ifndef SIXFOLD_SEMIHOSTING_H
#define SIXFOLD_SEMIHOSTING_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    SEMIHOSTING_READ_BINARY = 1,
    SEMIHOSTING_WRITE_BINARY = 5,
} semihosting_mode;

/* Opens a file in the host process's folder: a handle, or -1. */
int32_t semihosting_open(const char *path, semihosting_mode mode);

/* Length of an open file in bytes, or -1. */
int32_t semihosting_length(int32_t handle);

/* Moves to an absolute position in bytes; false when refused. */
bool semihosting_seek(int32_t handle, uint32_t position);

/* Exactly `bytes` bytes; false when fewer could be transferred. */
bool semihosting_read(int32_t handle, void *data, uint32_t bytes);
bool semihosting_write(int32_t handle, const void *data, uint32_t bytes);

/* false when buffered data could not be written. */
bool semihosting_close(int32_t handle);

/* Text on the host's console. */
void semihosting_print(const char *text);

/* Ends the host's process (the emulator) with this code. */
_Noreturn void semihosting_exit(int32_t code);

#endif
