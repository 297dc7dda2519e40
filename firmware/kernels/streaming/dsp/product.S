/*
 * Matrix product of tiles of a panel: up to three pixels at once, all output channels two by two.
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
 *   Stack: 96 bytes. From sp on: distance of the second pixel's output, output, step, distance of the third pixel's
 *   output, tile, end of tile, entry, what follows the groups, store, begin; tiles, constants, first output and place of
 *   the tile.
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

second     .req r0
multiplier .req r2
rounding   .req r3
shift      .req r4
output     .req r5
step       .req r6
third      .req r7

#define SP_SECOND 0
#define SP_OUTPUT 4
#define SP_THIRD 12
#define SP_TILE 16
#define SP_END 20
#define SP_ENTRY 24
#define SP_AFTER 28
#define SP_STORE 32
#define SP_BEGIN 36
#define SP_TILES 40
#define SP_CONSTANTS 44
#define SP_FIRST 48 /* and the place */
#define FRAME 60

/* Members of dsp_place. */
#define PLACE_SECOND 8

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
 * From a doubled sum to a code where negative sums saturate: the code generator proved it (saturates). The upper half of
 * the product is the specification's rounding doubling high multiply.
 */
.macro store_saturating sum, address:vararg
    smmlar \sum, \sum, multiplier, rounding
    asr \sum, \sum, shift
    ssat \sum, #8, \sum
    strb \sum, \address
.endm

/*
 * The same of 256 times a doubled sum. Both roundings are floors once their halves are added, so they are one floor of
 * the exact value; the rounding term has 256 times both halves, the shift 8 bits more.
 */
.macro store_scaled sum, address:vararg
    smmla \sum, \sum, multiplier, rounding
    asr \sum, \sum, shift
    ssat \sum, #8, \sum
    strb \sum, \address
.endm

/* The same where 256 times the value does not fit. */
.macro store_narrowed sum, address:vararg
    asr \sum, \sum, #8
    store_saturating \sum, \address
.endm

/*
 * From a doubled sum to a code in general. Halves are rounded away from zero, that is up after negative values are
 * lowered by one. A negative sum whose high product is 0 may be lowered too: the shift is at least 1, so it still
 * rounds to 0.
 */
.macro store_exact sum, address:vararg
    add r6, rounding, \sum, asr #31
    smmlar \sum, \sum, multiplier, r6
    asr \sum, \sum, shift
    ssat \sum, #8, \sum
    strb \sum, \address
.endm

.macro store_doubled sum, address:vararg
    lsl \sum, \sum, #1
    store_exact \sum, \address
.endm

.macro store_halved sum, address:vararg
    asr \sum, \sum, #7
    store_exact \sum, \address
.endm

.macro store_three pixels, store, sum0, sum1, sum2
    \store \sum0, [output]
  .if \pixels >= 2
    \store \sum1, [output, second]
  .endif
  .if \pixels >= 3
    \store \sum2, [output, third]
  .endif
.endm

/* The codes of two channels, by one macro each; next: from a channel to the next. */
.macro finish pixels, name, store_first, store_both, next
.L\name\pixels:
    sub both0, both0, first0
  .if \pixels >= 2
    sub both1, both1, first1
  .endif
  .if \pixels >= 3
    sub both2, both2, first2
  .endif
    ldm w!, {multiplier, rounding, shift}
    ldm sp, {second, output, step, third}
    store_three \pixels, \store_first, first0, first1, first2
    ldm w!, {multiplier, rounding, shift}
    add output, output, \next
    store_three \pixels, \store_both, both0, both1, both2
    add output, output, \next
    str output, [sp, #SP_OUTPUT]
    ldr x, [sp, #SP_TILE]
    cmp shift, #0
    bge .Lchannels\pixels
    b .Lend
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
    finish \pixels, ring, store_saturating, store_scaled, step
    finish \pixels, wide_ring, store_saturating, store_narrowed, step
    finish \pixels, pixels, store_doubled, store_halved, #1
.endm

    .section .text.sixfold_dsp_product, "ax", %progbits
    .global sixfold_dsp_product
    .type sixfold_dsp_product, %function
    .balign 4
sixfold_dsp_product:
    push {r4-r11, lr}
    sub sp, sp, #FRAME
    ldm r0, {r2-r11} /* output, step, tile, its bytes, entry, pixels, destination, loops, tiles, place */
    strd r10, w, [sp, #SP_TILES]
    strd r2, r11, [sp, #SP_FIRST]
    ldrd r10, r11, [r11, #PLACE_SECOND]
    strd r10, r2, [sp, #SP_SECOND]
    strd r3, r11, [sp, #8]
    mov x, r4
    add r5, r5, r4
    adr r12, .Ltable
    add r12, r12, r7, lsl #5
    ldr r8, [r12, r8, lsl #2] /* store */
    ldrd r10, r11, [r12, #16]
    mls r6, r6, r11, r10 /* so many groups before their end */
    cmp r9, #0
    ite eq
    moveq r7, r8
    addne r7, r10, #4
    ldr r9, [r12, #12] /* begin */
    add r12, sp, #SP_TILE
    stm r12, {r4-r9}
    bx r9

.Lend:
    ldrd r2, w, [sp, #SP_TILES]
    subs r2, r2, #1
    beq .Lreturn
    str r2, [sp, #SP_TILES]
    ldrd r2, r3, [sp, #SP_FIRST]
    ldrd r3, r4, [r3] /* next place, advance */
    add r2, r2, r4
    strd r2, r3, [sp, #SP_FIRST]
    ldrd r4, r5, [r3, #PLACE_SECOND]
    strd r4, r2, [sp, #SP_SECOND]
    str r5, [sp, #SP_THIRD]
    ldrd r2, x, [sp, #SP_TILE]
    sub r2, x, r2
    add r2, x, r2
    strd x, r2, [sp, #SP_TILE]
    ldr pc, [sp, #SP_BEGIN]

.Lreturn:
    add sp, sp, #FRAME
    pop {r4-r11, pc}

    .balign 4
    /* For every number of pixels: three stores, begin, end of the groups, bytes of a group; the first is for none. */
.Ltable:
    .space 32
    .irp pixels, 1, 2, 3
    .word .Lring\pixels + 1, .Lwide_ring\pixels + 1, .Lpixels\pixels + 1, .Lchannels\pixels + 1
    .word .Lafter\pixels + 1, (.Lafter\pixels - .Lgroups\pixels) / DSP_UNROLL, 0, 0
    .endr

    core 1, first0, both0
    core 2, first1, both1
    core 3, first2, both2
    .size sixfold_dsp_product, . - sixfold_dsp_product
