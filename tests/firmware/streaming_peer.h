/* What the peer of the streaming kernels needs of the machine it runs on: this computer, or an emulated board. */
#ifndef STREAMING_PEER_H
#define STREAMING_PEER_H

#include <stdbool.h>
#include <stddef.h>

/* The next bytes of the cases; false at their end. Cases that end in the middle of this abort. */
bool peer_read(void *data, size_t bytes);
void peer_write(const void *data, size_t bytes);

/* Memory of exactly this size, aligned to 16 bytes, whose neighbourhood is watched. */
void *peer_allocate(size_t bytes);

/* Ends all allocations. Aborts if something was written beside one. */
void peer_release(void);

_Noreturn void peer_abort(const char *reason);

/* Until the cases end. */
void peer_answer_all(void);

#endif
