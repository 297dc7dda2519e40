/* The black box across resets that only this program pretends: the structure keeps its bytes, nothing else does. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "black_box.h"
#include "platform.h"

void serial_keep_box(void)
{
}

static const sixfold_fault FAULT = {.exception = 3, .stacked = true, .pc = 0x1234, .lr = 0x5678};

static void assert_nothing_remembered(const serial_black_box *box)
{
    assert(box->boots == 1 && box->end.kind == SERIAL_END_NONE && box->layer == SERIAL_NO_LAYER);
}

int main(void)
{
    serial_black_box box;

    /* Whatever a memory holds when the power comes on is not believed. */
    for (int pattern = 0; pattern < 256; ++pattern) {
        memset(&box, pattern, sizeof box);
        serial_box_open(&box);
        assert_nothing_remembered(&box);
    }

    /* A reset between inferences is none to speak of. */
    serial_box_open(&box);
    assert(box.boots == 2 && box.end.kind == SERIAL_END_NONE);

    /* A reset inside one is. */
    serial_box_enter_layer(&box, 7);
    serial_box_open(&box);
    assert(box.boots == 3 && box.end.kind == SERIAL_END_RESET && box.end.layer == 7);
    assert(box.layer == SERIAL_NO_LAYER);

    /* It stays known until something worse happens or it is cleared. */
    serial_box_open(&box);
    assert(box.boots == 4 && box.end.kind == SERIAL_END_RESET && box.end.layer == 7);

    /* A fault is not taken for a reset as well. */
    serial_box_enter_layer(&box, 5);
    serial_box_record_fault(&box, &FAULT);
    serial_box_open(&box);
    assert(box.boots == 5 && box.end.kind == SERIAL_END_FAULT && box.end.layer == 5);
    assert(memcmp(&box.end.fault, &FAULT, sizeof FAULT) == 0);

    serial_box_record_fault(&box, &FAULT);
    assert(box.end.layer == SERIAL_NO_LAYER);

    serial_box_forget(&box);
    serial_box_open(&box);
    assert(box.boots == 6 && box.end.kind == SERIAL_END_NONE);

    /* Any changed bit of what is sealed makes it forget all. */
    serial_box_record_fault(&box, &FAULT);
    const serial_black_box kept = box;
    for (size_t bit = 0; bit < 8 * offsetof(serial_black_box, layer); ++bit) {
        box = kept;
        ((unsigned char *)&box)[bit / 8] ^= (unsigned char)(1U << bit % 8);
        serial_box_open(&box);
        assert_nothing_remembered(&box);
    }
    /* A layer that contradicts its check is none. */
    for (size_t bit = 8 * offsetof(serial_black_box, layer); bit < 8 * sizeof box; ++bit) {
        box = kept;
        serial_box_enter_layer(&box, 3);
        ((unsigned char *)&box)[bit / 8] ^= (unsigned char)(1U << bit % 8);
        serial_box_open(&box);
        assert(box.end.kind == SERIAL_END_FAULT);
    }
    puts("good");
    return 0;
}
