/*
 * Matrix product of one tile of a panel: up to six pixels, all output channels one after the other.
 *
 * For four input channels of six pixels: one load of four weights, two SXTB16 that widen them, three loads of four words
 * of the panel, twelve SMLAD, that is 18 instructions for 24 products.
 *
 * Constants of a channel, in the order in which they are read:
 *   weights of the first group, bias (doubled where the panel is), weights of the other groups, multiplier, rounding
 *   term with the zero point, right shift; bit 31 of the last marks the last channel.
 *
 * void sixfold_dsp_product(const dsp_product *job, const void *constants)
 *   Registers: r0 panel, r1 constants, r2-r3 weights, r4-r7 pixels, r8-r12 and lr accumulators.
 *   Stack: 64 bytes. From sp on: tile, output, step, end of tile, entry, store.
 */
#include "layout.h"

    .syntax unified
    .thumb

x       .req r0
w       .req r1
we      .req r2
wo      .req r3
sum0      .req r8
sum1      .req r9
sum2      .req r10
sum3      .req r11
sum4      .req r12
sum5      .req lr

multiplier .req r2
rounding   .req r3
shift      .req r4
output     .req r5
step       .req r6

#define SP_OUTPUT 4
#define SP_END 12
#define SP_ENTRY 16
#define SP_STORE 20
#define FRAME 28

/* Two pixels of a group: \a and \b become \p and \q plus their products. */
.macro two a, b, p, q
    ldm x!, {r4-r7}
    smlad \a, r4, we, \p
    smlad \b, r6, we, \q
    smlad \a, r5, wo, \a
    smlad \b, r7, wo, \b
.endm

.macro one a, p
    ldm x!, {r4-r5}
    smlad \a, r4, we, \p
    smlad \a, r5, wo, \a
.endm

/* A group of input channels, its weights in wo; the sums begin with p0..p5. */
.macro group pixels, p0=sum0, p1=sum1, p2=sum2, p3=sum3, p4=sum4, p5=sum5
    sxtb16 we, wo
    sxtb16 wo, wo, ror #8
  .if \pixels >= 2
    two sum0, sum1, \p0, \p1
  .endif
  .if \pixels >= 4
    two sum2, sum3, \p2, \p3
  .endif
  .if \pixels >= 6
    two sum4, sum5, \p4, \p5
  .endif
  .if \pixels == 1
    one sum0, \p0
  .elseif \pixels == 3
    one sum2, \p2
  .elseif \pixels == 5
    one sum4, \p4
  .endif
.endm

/*
 * From a sum to a code where negative sums saturate: the code generator proved it (saturates). Sums are doubled, so
 * that the high half of the product is the specification's rounding doubling high multiply.
 */
.macro store_saturating a, offset
    smmlar \a, \a, multiplier, rounding
    asr \a, \a, shift
    ssat \a, #8, \a
    strb \a, [output, #\offset]
.endm

/*
 * From a sum to a code in general. Halves are rounded away from zero, that is up after negative values are lowered by
 * one. A negative sum whose high product is 0 may be lowered too: the shift is at least 1, so it still rounds to 0.
 */
.macro store_exact a, address:vararg
    add r7, rounding, \a, asr #31
    lsl \a, \a, #1
    smmlar \a, \a, multiplier, r7
    asr \a, \a, shift
    ssat \a, #8, \a
    strb \a, \address
.endm

.macro next_channel pixels
    str output, [sp, #SP_OUTPUT]
    cmp shift, #0
    bge .Lchannel\pixels
    b .Lend
.endm

.macro store_ring pixels, name, o0, o1, o2, o3, o4, o5
.L\name\pixels:
    ldm w!, {multiplier, rounding, shift}
    ldm sp, {x, output, step}
    store_saturating sum0, \o0
  .if \pixels > 1
    store_saturating sum1, \o1
  .endif
  .if \pixels > 2
    store_saturating sum2, \o2
  .endif
  .if \pixels > 3
    store_saturating sum3, \o3
  .endif
  .if \pixels > 4
    store_saturating sum4, \o4
  .endif
  .if \pixels > 5
    store_saturating sum5, \o5
  .endif
    add output, output, step
    next_channel \pixels
.endm

.macro store_pixels pixels
.Lpixels\pixels:
    ldm w!, {multiplier, rounding, shift}
    ldm sp, {x, output, step}
    store_exact sum0, [output]
  .if \pixels > 1
    store_exact sum1, [output, step]
  .endif
  .if \pixels > 2
    store_exact sum2, [output, step, lsl #1]
  .endif
  .if \pixels > 4
    store_exact sum4, [output, step, lsl #2]
  .endif
  .if \pixels > 3 /* x is the only register that is left */
    add x, step, step, lsl #1
    store_exact sum3, [output, x]
  .endif
  .if \pixels > 5
    add x, step, step, lsl #2
    store_exact sum5, [output, x]
  .endif
  .if \pixels > 3
    ldr x, [sp]
  .endif
    add output, output, #1
    next_channel \pixels
.endm

/* All channels of a tile; bias: the register of the last sum, which is the last to be begun. */
.macro core pixels, bias
.Lchannel\pixels:
    ldm w!, {wo, \bias}
    group \pixels, \bias, \bias, \bias, \bias, \bias, \bias
    ldr pc, [sp, #SP_ENTRY]
.Lgroups\pixels:
  .rept DSP_UNROLL
    ldr wo, [w], #4
    group \pixels
  .endr
.Lcheck\pixels:
    ldr r2, [sp, #SP_END]
    cmp x, r2
    bne .Lgroups\pixels
    ldr pc, [sp, #SP_STORE]
    /* Positions 1..6 and 7..12 of a row; layout.h tells where they lie in their words. */
    store_ring \pixels, even, 2, 1, 3, 4, 6, 5
    store_ring \pixels, odd, 7, 8, 10, 9, 11, 12
    store_pixels \pixels
.endm

    .section .text.sixfold_dsp_product, "ax", %progbits
    .global sixfold_dsp_product
    .type sixfold_dsp_product, %function
    .balign 4
sixfold_dsp_product:
    push {r4-r11, lr}
    sub sp, sp, #FRAME
    ldm r0, {r2-r8} /* panel, output, step, end, entry, pixels, destination */
    adr r9, .Ltable
    add r9, r9, r7, lsl #5
    ldr r7, [r9, r8, lsl #2]
    ldr r8, [r9, #12]
    ldrd r10, r11, [r9, #16]
    mls r6, r6, r11, r10 /* so many groups before the check */
    stm sp, {r2-r7}
    mov x, r2
    bx r8

.Lend:
    add sp, sp, #FRAME
    pop {r4-r11, pc}

    .balign 4
    /* For every number of pixels: three stores, begin of a channel, check, bytes of a group; the first is for none. */
.Ltable:
    .space 32
.macro entries pixels
    .word .Leven\pixels + 1, .Lodd\pixels + 1, .Lpixels\pixels + 1, .Lchannel\pixels + 1
    .word .Lcheck\pixels + 1, (.Lcheck\pixels - .Lgroups\pixels) / DSP_UNROLL, 0, 0
.endm
    .irp pixels, 1, 2, 3, 4, 5, 6
    entries \pixels
    .endr

    core 1, sum0
    core 2, sum1
    core 3, sum2
    core 4, sum3
    core 5, sum4
    core 6, sum5
    .size sixfold_dsp_product, . - sixfold_dsp_product
