/* CRC-32 as in IEEE 802.3, zlib and Python's zlib.crc32. */
#ifndef SERIAL_CRC32_H
#define SERIAL_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of what `crc` is the checksum of (0: nothing) followed by `bytes` bytes at `data`. */
uint32_t serial_crc32(uint32_t crc, const void *data, size_t bytes);

#endif
