/* Cases on stdin, answers on stdout; every allocation is one of its own, for the address sanitiser. */
#define _POSIX_C_SOURCE 200112L
#include <stdio.h>
#include <stdlib.h>

#include "streaming_peer.h"

enum { ALIGNMENT = 16, MOST_ALLOCATIONS = 32 };

static void *allocations[MOST_ALLOCATIONS];
static size_t count;

bool peer_read(void *data, size_t bytes)
{
    const size_t got = fread(data, 1, bytes, stdin);
    if (got != bytes && !(got == 0 && feof(stdin))) {
        peer_abort("the cases are cut short");
    }
    return got == bytes;
}

void peer_write(const void *data, size_t bytes)
{
    fwrite(data, 1, bytes, stdout);
    fflush(stdout);
}

void *peer_allocate(size_t bytes)
{
    if (count == MOST_ALLOCATIONS || posix_memalign(&allocations[count], ALIGNMENT, bytes) != 0) {
        peer_abort("no memory");
    }
    return allocations[count++];
}

void peer_release(void)
{
    while (count > 0) {
        free(allocations[--count]);
    }
}

_Noreturn void peer_abort(const char *reason)
{
    fprintf(stderr, "streaming_peer: %s\n", reason);
    abort();
}

int main(void)
{
    peer_answer_all();
    return 0;
}
