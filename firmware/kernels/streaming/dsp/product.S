/*
 * Matrix product of one tile of a panel: up to three pixels, all output channels two by two.
 *
 * Weights of two output channels share a 16-bit lane: 256 * second + first. As it is, the lane adds products of both to
 * one sum; SXTB16 makes it the first channel's weight alone, for a sum of its own. The difference of the two sums is 256
 * times the second channel's. So one instruction unpacks what would take two, and for four input channels of three
 * pixels there are two loads of weights and pixels, two SXTB16 and twelve SMLAD: with a load of the weights for all of
 * them 17 instructions for 24 products.
 *
 * Constants of two channels, in the order in which they are read:
 *   the first two words of weights, the first channel's bias, 256 times the second one's plus the first one's (doubled
 *   where the panel is), the other words of weights, then of either channel multiplier, rounding term with the zero
 *   point, right shift; bit 31 of the last shift marks the last two channels.
 *
 * void sixfold_dsp_product(const dsp_product *job, const void *constants)
 *   Registers: r0 panel, r1 constants, r2-r4 weights, r5-r7 pixels, r8-r10 sums of the first channel, r11, r12 and lr
 *   of both.
 *   Stack: 64 bytes. From sp on: tile, output, step, end of tile, entry, what follows the groups, store.
 */
#include "layout.h"

    .syntax unified
    .thumb

x       .req r0
w       .req r1
first0  .req r8
first1  .req r9
first2  .req r10
both0   .req r11
both1   .req r12
both2   .req lr

multiplier .req r2
rounding   .req r3
shift      .req r4
output     .req r5
step       .req r6

#define SP_OUTPUT 4
#define SP_END 12
#define SP_ENTRY 16
#define SP_AFTER 20
#define SP_STORE 24
#define FRAME 28

/* Two input channels, weights in \pair; the sums begin with \f0.. and \b0... */
.macro products pixels, pair, f0, f1, f2, b0, b1, b2
  .if \pixels == 3
    ldm x!, {r5-r7}
  .elseif \pixels == 2
    ldm x!, {r5-r6}
  .else
    ldr r5, [x], #4
  .endif
    sxtb16 r4, \pair
    smlad first0, r5, r4, \f0
    smlad both0, r5, \pair, \b0
  .if \pixels >= 2
    smlad first1, r6, r4, \f1
    smlad both1, r6, \pair, \b1
  .endif
  .if \pixels >= 3
    smlad first2, r7, r4, \f2
    smlad both2, r7, \pair, \b2
  .endif
.endm

/* Four input channels. */
.macro group pixels, f0=first0, f1=first1, f2=first2, b0=both0, b1=both1, b2=both2
    products \pixels, r2, \f0, \f1, \f2, \b0, \b1, \b2
    products \pixels, r3, first0, first1, first2, both0, both1, both2
.endm

/*
 * From a sum to a code where negative sums saturate: the code generator proved it (saturates). Sums are doubled, so
 * that the high half of the product is the specification's rounding doubling high multiply.
 */
.macro store_saturating sum, offset
    smmlar \sum, \sum, multiplier, rounding
    asr \sum, \sum, shift
    ssat \sum, #8, \sum
    strb \sum, [output, #\offset]
.endm

/*
 * From a doubled sum to a code in general. Halves are rounded away from zero, that is up after negative values are
 * lowered by one. A negative sum whose high product is 0 may be lowered too: the shift is at least 1, so it still
 * rounds to 0.
 */
.macro store_exact sum, address:vararg
    add r7, rounding, \sum, asr #31
    smmlar \sum, \sum, multiplier, r7
    asr \sum, \sum, shift
    ssat \sum, #8, \sum
    strb \sum, \address
.endm

.macro separate pixels
    sub both0, both0, first0
  .if \pixels >= 2
    sub both1, both1, first1
  .endif
  .if \pixels >= 3
    sub both2, both2, first2
  .endif
.endm

.macro next_channels pixels
    str output, [sp, #SP_OUTPUT]
    cmp shift, #0
    bge .Lchannels\pixels
    b .Lend
.endm

.macro store_ring pixels, name, o0, o1, o2
.L\name\pixels:
    separate \pixels
    ldm w!, {multiplier, rounding, shift}
    ldm sp, {x, output, step}
    store_saturating first0, \o0
  .if \pixels >= 2
    store_saturating first1, \o1
  .endif
  .if \pixels >= 3
    store_saturating first2, \o2
  .endif
    ldm w!, {multiplier, rounding, shift}
    add output, output, step
    asr both0, both0, #8
    store_saturating both0, \o0
  .if \pixels >= 2
    asr both1, both1, #8
    store_saturating both1, \o1
  .endif
  .if \pixels >= 3
    asr both2, both2, #8
    store_saturating both2, \o2
  .endif
    add output, output, step
    next_channels \pixels
.endm

.macro store_pixels pixels
.Lpixels\pixels:
    separate \pixels
    ldm w!, {multiplier, rounding, shift}
    ldm sp, {x, output, step}
    lsl first0, first0, #1
    store_exact first0, [output]
  .if \pixels >= 2
    lsl first1, first1, #1
    store_exact first1, [output, step]
  .endif
  .if \pixels >= 3
    lsl first2, first2, #1
    store_exact first2, [output, step, lsl #1]
  .endif
    ldm w!, {multiplier, rounding, shift}
    add output, output, #1
    asr both0, both0, #7
    store_exact both0, [output]
  .if \pixels >= 2
    asr both1, both1, #7
    store_exact both1, [output, step]
  .endif
  .if \pixels >= 3
    asr both2, both2, #7
    store_exact both2, [output, step, lsl #1]
  .endif
    add output, output, #1
    next_channels \pixels
.endm

/* All channels of a tile; f, b: registers of the last sums, which are the last to be begun and hold the biases. */
.macro core pixels, f, b
.Lchannels\pixels:
    ldm w!, {r2, r3, \f, \b}
    group \pixels, \f, \f, \f, \b, \b, \b
    ldr pc, [sp, #SP_ENTRY]
.Lgroups\pixels:
  .rept DSP_UNROLL
    ldm w!, {r2, r3}
    group \pixels
  .endr
.Lafter\pixels:
    ldr.w pc, [sp, #SP_AFTER]
.Lcheck\pixels:
    ldr r2, [sp, #SP_END]
    cmp x, r2
    bne .Lgroups\pixels
    ldr pc, [sp, #SP_STORE]
    /* Three positions from 1, 4, 7 and 10 on; layout.h tells where they lie in their words. */
    store_ring \pixels, ring0_, 2, 1, 3
    store_ring \pixels, ring1_, 4, 6, 5
    store_ring \pixels, ring2_, 7, 8, 10
    store_ring \pixels, ring3_, 9, 11, 12
    store_pixels \pixels
.endm

    .section .text.sixfold_dsp_product, "ax", %progbits
    .global sixfold_dsp_product
    .type sixfold_dsp_product, %function
    .balign 4
sixfold_dsp_product:
    push {r4-r11, lr}
    sub sp, sp, #FRAME
    ldm r0, {r2-r9} /* tile, output, step, end, entry, pixels, destination, loops */
    adr r12, .Ltable
    add r12, r12, r7, lsl #5
    ldr r8, [r12, r8, lsl #2]
    ldrd r10, r11, [r12, #24]
    mls r6, r6, r11, r10 /* so many groups before their end */
    cmp r9, #0
    ite eq
    moveq r7, r8
    addne r7, r10, #4
    stm sp, {r2-r8}
    mov x, r2
    ldr pc, [r12, #20]

.Lend:
    add sp, sp, #FRAME
    pop {r4-r11, pc}

    .balign 4
    /* For every number of pixels: five stores, begin, end of the groups, bytes of a group; the first is for none. */
.Ltable:
    .space 32
    .irp pixels, 1, 2, 3
    .word .Lring0_\pixels + 1, .Lring1_\pixels + 1, .Lring2_\pixels + 1, .Lring3_\pixels + 1, .Lpixels\pixels + 1
    .word .Lchannels\pixels + 1, .Lafter\pixels + 1, (.Lafter\pixels - .Lgroups\pixels) / DSP_UNROLL
    .endr

    core 1, first0, both0
    core 2, first1, both1
    core 3, first2, both2
    .size sixfold_dsp_product, . - sixfold_dsp_product
