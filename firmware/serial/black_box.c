#include "black_box.h"

#include <stddef.h>
#include <string.h>

#include "crc32.h"
#include "platform.h"

static const uint32_t MAGIC = 0x51F01DB0U;

static uint32_t layer_check(int32_t layer)
{
    return ~(uint32_t)layer ^ MAGIC;
}

static void seal(serial_black_box *box)
{
    box->crc32 = serial_crc32(0, box, offsetof(serial_black_box, crc32));
    serial_keep_box();
}

static bool is_sealed(const serial_black_box *box)
{
    return box->magic == MAGIC && box->crc32 == serial_crc32(0, box, offsetof(serial_black_box, crc32));
}

/* Padding is part of the checksum, so it is cleared too. */
static void set_end(serial_black_box *box, serial_end_kind kind, int32_t layer, const sixfold_fault *fault)
{
    memset(&box->end, 0, sizeof box->end);
    box->end.kind = (uint32_t)kind;
    box->end.layer = layer;
    if (fault != NULL) {
        memcpy(&box->end.fault, fault, sizeof *fault);
    }
}

static int32_t running_layer(const serial_black_box *box)
{
    return box->layer >= 0 && box->layer_check == layer_check(box->layer) ? box->layer : SERIAL_NO_LAYER;
}

void serial_box_open(serial_black_box *box)
{
    if (!is_sealed(box)) {
        memset(box, 0, sizeof *box);
        box->magic = MAGIC;
    } else if (running_layer(box) != SERIAL_NO_LAYER) {
        /* A fault takes the layer away when it is recorded, so this run ended without one. */
        set_end(box, SERIAL_END_RESET, running_layer(box), NULL);
    }
    ++box->boots;
    seal(box);
    serial_box_enter_layer(box, SERIAL_NO_LAYER);
}

void serial_box_enter_layer(serial_black_box *box, int32_t layer)
{
    /* volatile: a watchdog, not the program, reads it. */
    *(volatile int32_t *)&box->layer = layer;
    *(volatile uint32_t *)&box->layer_check = layer_check(layer);
    serial_keep_box();
}

void serial_box_record_fault(serial_black_box *box, const sixfold_fault *fault)
{
    set_end(box, SERIAL_END_FAULT, running_layer(box), fault);
    seal(box);
    serial_box_enter_layer(box, SERIAL_NO_LAYER);
}

void serial_box_forget(serial_black_box *box)
{
    set_end(box, SERIAL_END_NONE, SERIAL_NO_LAYER, NULL);
    seal(box);
}
