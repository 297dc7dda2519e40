/*
 * Depthwise 3x3 over two tiles: up to six output pixels, all channels one after the other.
 *
 * Two neighbouring positions of a row make a pair, the halves of a register. With the weights w0 w1 w2 of a row in two
 * registers (w0, w1) and (w1, w2), a window that begins at a pair takes SMLAD of the pair and SMLABT of the next one; a
 * window that begins in the middle of a pair takes SMLATB of it and SMLAD of the next one. So a row costs two
 * instructions an output, SXTB16 for every pair, and the loads.
 *
 * Constants of a channel, in the order in which they are read, weights doubled and the bias too:
 *   (w0, w1) and (w1, w2) of the upper row, bias, those of the middle and of the lower row, multiplier, rounding term with
 *   the zero point, right shift; in the last, bit 31 marks the last channel of either half of the pairs, bit 30 the
 *   last of all.
 *
 * void sixfold_dsp_window(const dsp_window *job, const void *constants)
 *   Registers: r0 window, r1 constants, r2-r3 weights of a row, r4-r6 pairs, r7-r12 sums, lr step to the middle row.
 *   Stack: 64 bytes. From sp on: outputs, where they began, steps to lower row and to next channel.
 */
#include "layout.h"

    .syntax unified
    .thumb

p       .req r0
w       .req r1
w01     .req r2
w12     .req r3
sum0      .req r7
sum1      .req r8
sum2      .req r9
sum3      .req r10
sum4      .req r11
sum5      .req r12

multiplier .req r2
rounding   .req r3
shift      .req r4
output     .req r5
other      .req r6

#define SP_BEGIN 8
#define SP_LOWER 16
#define SP_CHANNEL 20
#define FRAME 28

/* A window that begins at a pair, one that begins in its middle; s: what the sum begins with. */
.macro at a, pair, s
    smlad \a, \pair, w01, \s
.endm
.macro at_end a, next
    smlabt \a, \next, w12, \a
.endm
.macro mid a, pair, s
    smlatb \a, \pair, w01, \s
.endm
.macro mid_end a, next
    smlad \a, \next, w12, \a
.endm

.macro first_pair pair, word
    sxtb16 \pair, \word
.endm
.macro second_pair pair, word
    sxtb16 \pair, \word, ror #8
.endm

/* A row of a tile at stride 1 that begins at a word: words r4 and r5. */
.macro row_even n, b0, b1, b2, b3, b4, b5
  .if \n == 1
    ldr r4, [p]
  .elseif \n == 2
    ldr r4, [p]
  .else
    ldrd r4, r5, [p]
  .endif
    first_pair r6, r4
    second_pair r4, r4
    at sum0, r6, \b0
    at_end sum0, r4
  .if \n >= 2
    mid sum1, r6, \b1
    mid_end sum1, r4
  .endif
  .if \n >= 3
    at sum2, r4, \b2
    first_pair r6, r5
    at_end sum2, r6
  .endif
  .if \n >= 4
    mid sum3, r4, \b3
    mid_end sum3, r6
  .endif
  .if \n >= 5
    at sum4, r6, \b4
    second_pair r5, r5
    at_end sum4, r5
  .endif
  .if \n >= 6
    mid sum5, r6, \b5
    mid_end sum5, r5
  .endif
.endm

/* The same in the middle of a word: words r4, r5, r6. */
.macro row_odd n, b0, b1, b2, b3, b4, b5
  .if \n >= 5
    ldm p, {r4-r6}
  .else
    ldrd r4, r5, [p]
  .endif
    second_pair r4, r4
    at sum0, r4, \b0
  .if \n >= 2
    mid sum1, r4, \b1
  .endif
    first_pair r4, r5
    at_end sum0, r4
  .if \n >= 2
    mid_end sum1, r4
  .endif
  .if \n >= 3
    at sum2, r4, \b2
    second_pair r5, r5
    at_end sum2, r5
  .endif
  .if \n >= 4
    mid sum3, r4, \b3
    mid_end sum3, r5
  .endif
  .if \n >= 5
    at sum4, r5, \b4
    first_pair r6, r6
    at_end sum4, r6
  .endif
  .if \n >= 6
    mid sum5, r5, \b5
    mid_end sum5, r6
  .endif
.endm

/* Stride 2: every window begins at a pair; four words for six outputs. */
.macro row_wide n, b0, b1, b2, b3, b4, b5
  .if \n == 1
    ldr r4, [p]
  .else
    ldrd r4, r5, [p]
  .endif
    first_pair r6, r4
    second_pair r4, r4
    at sum0, r6, \b0
    at_end sum0, r4
  .if \n >= 2
    at sum1, r4, \b1
    first_pair r6, r5
    at_end sum1, r6
  .endif
  .if \n >= 3
    second_pair r5, r5
    at sum2, r6, \b2
    at_end sum2, r5
  .endif
  .if \n >= 4
   .if \n >= 6
    ldrd r4, r6, [p, #8]
   .else
    ldr r4, [p, #8]
   .endif
    at sum3, r5, \b3
    first_pair r5, r4
    at_end sum3, r5
  .endif
  .if \n >= 5
    second_pair r4, r4
    at sum4, r5, \b4
    at_end sum4, r4
  .endif
  .if \n >= 6
    at sum5, r4, \b5
    first_pair r6, r6
    at_end sum5, r6
  .endif
.endm

/* Negative sums saturate (saturates); weights are doubled for the high half of the product. */
.macro store sum, tile, offset
    smmlar \sum, \sum, multiplier, rounding
    asr \sum, \sum, shift
    ssat \sum, #8, \sum
    strh \sum, [\tile, #\offset]
.endm

/* All channels of a tile; bias: the register of the last sum, which is the last to be begun. */
.macro window row, n, bias
.L\row\n:
    ldm w!, {w01, w12, \bias}
    \row \n, \bias, \bias, \bias, \bias, \bias, \bias
    add p, p, lr
    ldm w!, {w01, w12}
    \row \n, sum0, sum1, sum2, sum3, sum4, sum5
    ldr r4, [sp, #SP_LOWER]
    add p, p, r4
    ldm w!, {w01, w12}
    \row \n, sum0, sum1, sum2, sum3, sum4, sum5
    ldm w!, {multiplier, rounding, shift}
    ldrd output, other, [sp]
    store sum0, output, 0
  .if \n >= 2
    store sum1, output, 4
  .endif
  .if \n >= 3
    store sum2, output, 8
  .endif
  .if \n >= 4
    store sum3, other, 0
  .endif
  .if \n >= 5
    store sum4, other, 4
  .endif
  .if \n >= 6
    store sum5, other, 8
  .endif
  .if \n > DSP_TILE
    adds output, output, #4 * DSP_TILE
    adds other, other, #4 * (\n - DSP_TILE)
    strd output, other, [sp]
  .else
    adds output, output, #4 * \n
    str output, [sp]
  .endif
    ldr sum0, [sp, #SP_CHANNEL]
    add p, p, sum0
    cmp shift, #0
    bge .L\row\n
    lsls shift, shift, #1
    bmi .Lend
    ldrd output, other, [sp, #SP_BEGIN] /* the second channels of the pairs: one int16 on */
    adds output, output, #2
    adds other, other, #2
    strd output, other, [sp]
    b .L\row\n
.endm

    .section .text.sixfold_dsp_window, "ax", %progbits
    .global sixfold_dsp_window
    .type sixfold_dsp_window, %function
    .balign 4
sixfold_dsp_window:
    push {r4-r11, lr}
    sub sp, sp, #FRAME
    ldm r0, {r2-r9} /* window, outputs, three steps, pixels, kind */
    strd r3, r4, [sp]
    strd r3, r4, [sp, #SP_BEGIN]
    strd r6, r7, [sp, #SP_LOWER]
    mov lr, r5
    mov p, r2
    adr r2, .Ltable
    add r2, r2, r9, lsl #5
    ldr pc, [r2, r8, lsl #2]

.Lend:
    add sp, sp, #FRAME
    pop {r4-r11, pc}

    .balign 4
    /* For every kind of row and number of outputs; the first of each kind is for none. */
.Ltable:
    .irp row, row_even, row_odd, row_wide
    .word 0
    .irp n, 1, 2, 3, 4, 5, 6
    .word .L\row\n + 1
    .endr
    .word 0
    .endr

    .irp row, row_even, row_odd, row_wide
    window \row, 1, sum0
    window \row, 2, sum1
    window \row, 3, sum2
    window \row, 4, sum3
    window \row, 5, sum4
    window \row, 6, sum5
    .endr
    .size sixfold_dsp_window, . - sixfold_dsp_window
