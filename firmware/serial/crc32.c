#include "crc32.h"

/* Remainders of the sixteen values of half a byte by the reflected polynomial 0xEDB88320. */
static const uint32_t REMAINDERS[16] = {
    0x00000000U, 0x1DB71064U, 0x3B6E20C8U, 0x26D930ACU, 0x76DC4190U, 0x6B6B51F4U, 0x4DB26158U, 0x5005713CU,
    0xEDB88320U, 0xF00F9344U, 0xD6D6A3E8U, 0xCB61B38CU, 0x9B64C2B0U, 0x86D3D2D4U, 0xA00AE278U, 0xBDBDF21CU,
};

uint32_t serial_crc32(uint32_t crc, const void *data, size_t bytes)
{
    const uint8_t *next = data;
    crc = ~crc;
    for (; bytes != 0U; --bytes) {
        crc ^= *next++;
        crc = (crc >> 4) ^ REMAINDERS[crc & 0xFU];
        crc = (crc >> 4) ^ REMAINDERS[crc & 0xFU];
    }
    return ~crc;
}
