/*
 * Cases in cases.bin, answers in answers.bin, under semihosting. Allocations follow one another in one array with a
 * painted zone on either side.
 */
#include <stdint.h>
#include <string.h>

#include "semihosting.h"
#include "sixfold/fault.h"
#include "streaming_peer.h"

enum { ALIGNMENT = 16, POOL = 1 << 18, GUARD = 64, PAINT = 0xA5, MOST_ALLOCATIONS = 32 };

static _Alignas(ALIGNMENT) uint8_t pool[POOL];
static struct {
    size_t begin, end;
} allocations[MOST_ALLOCATIONS];
static size_t count, used;
static int32_t cases, answers;
static uint32_t unread;

bool peer_read(void *data, size_t bytes)
{
    if (unread == 0U) {
        return false;
    }
    if (bytes > unread || (bytes > 0U && !semihosting_read(cases, data, bytes))) {
        peer_abort("the cases are cut short");
    }
    unread -= bytes;
    return true;
}

void peer_write(const void *data, size_t bytes)
{
    if (bytes > 0U && !semihosting_write(answers, data, bytes)) {
        peer_abort("answers.bin cannot be written");
    }
}

void *peer_allocate(size_t bytes)
{
    const size_t begin = used + GUARD;
    const size_t end = begin + bytes;
    const size_t next = (end + GUARD + ALIGNMENT - 1U) / ALIGNMENT * ALIGNMENT;
    if (count == MOST_ALLOCATIONS || next > POOL) {
        peer_abort("no memory");
    }
    memset(pool + used, PAINT, next - used);
    allocations[count].begin = begin;
    allocations[count].end = end;
    ++count;
    used = next;
    return pool + begin;
}

static void check_paint(size_t begin, size_t end)
{
    for (; begin < end; ++begin) {
        if (pool[begin] != PAINT) {
            peer_abort("something was written beside an allocation");
        }
    }
}

void peer_release(void)
{
    size_t painted = 0;
    for (size_t index = 0; index < count; ++index) {
        check_paint(painted, allocations[index].begin);
        painted = allocations[index].end;
    }
    check_paint(painted, used);
    count = used = 0;
}

_Noreturn void peer_abort(const char *reason)
{
    semihosting_print("streaming_peer: ");
    semihosting_print(reason);
    semihosting_print("\n");
    semihosting_exit(1);
}

void sixfold_on_fault(const sixfold_fault *fault)
{
    sixfold_print_fault(fault, semihosting_print);
    semihosting_exit(2);
}

int main(void)
{
    cases = semihosting_open("cases.bin", SEMIHOSTING_READ_BINARY);
    answers = semihosting_open("answers.bin", SEMIHOSTING_WRITE_BINARY);
    if (cases < 0 || answers < 0) {
        peer_abort("cases.bin or answers.bin cannot be opened");
    }
    unread = (uint32_t)semihosting_length(cases);
    peer_answer_all();
    (void)semihosting_close(answers);
    semihosting_exit(0);
}
