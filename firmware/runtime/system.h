/* What every Cortex-M can do to itself. */
#ifndef SIXFOLD_SYSTEM_H
#define SIXFOLD_SYSTEM_H

#include <stdint.h>

/* Resets the whole chip; memory keeps its contents. */
_Noreturn void sixfold_reset(void);

/* Writes what the data cache, where there is one, holds of these bytes to memory: a reset forgets the cache. */
void sixfold_clean_cache(const void *data, uint32_t bytes);

#endif
