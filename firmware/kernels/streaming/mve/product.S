/*
 * Matrix products: pairs of output channels times panels; product.h says what is where.
 *
 * Four pixels times two channels are computed together. A sum of sixteen products is one VMLADAV into a core register
 * with an even number; the four sums of a channel then go to the lanes of a vector and are requantised together:
 *
 *   saturating   VADD bias, VQRDMULH multiplier, VQADD rounding term and zero point, VQSHL: the code is the top byte,
 *                at which VQSHL saturates. That is exact where negative values saturate at -128 anyway.
 *   rounding     the same with one less where negative: halves away from zero, for shifts to the right.
 *   exact        VADD bias, VSHL to the left, VQRDMULH, one less where negative and shifted, VRSHL, VADD zero point,
 *                VQSHL: any shift.
 *
 * Compilers neither keep eight even registers for the sums nor eight vectors: hence assembly. Where loads and
 * VMLADAVs can alternate they do, because a core with a datapath of 64 bits then overlaps them.
 */
    .syntax unified
    .thumb
    .text

    .equ PANEL, 0
    .equ GROUP_STEP, 4
    .equ PACKED, 8
    /* output, groups, bytes and step of a pair, end of packed follow */
    .equ REST, 32
    .equ CHUNKS, 36
    .equ OFFSETS, 40
    .equ LOOPS, 56      /* scratch: passes of the unrolled loop over chunks, */
    .equ FULL_ENTRY, 60 /* where a full group enters it, */
    .equ REST_TILE, 64  /* the code of the pixels beyond the full groups, */
    .equ REST_ENTRY, 68 /* and where these enter their loop */

    .macro function name
    .section .text.\name, "ax", %progbits
    .balign 4
    .global \name
    .type \name, %function
    .thumb_func
\name:
    push {r3-r11, lr}
    vpush {d8-d15}
    .endm

    .macro return name
    vpop {d8-d15}
    pop {r3-r11, pc}
    .size \name, . - \name
    .endm

/* To the next pair, from r11 = product; r0 to r7 are lost. */
    .macro next_pair again
    ldm r11, {r0-r7} /* packed, output, groups, bytes, step, end are r2 to r7 */
    adds r2, r2, r5
    add r3, r3, r6
    strd r2, r3, [r11, #PACKED]
    cmp r2, r7
    bne \again
    .endm

/* The codes in the top bytes of two channels' vectors to memory; the offsets of the outputs are in q7. */
    .macro store channel0, channel1, output, rest=0
    vsri.32 \channel1, \channel0, #16
    vshr.u16 \channel1, \channel1, #8
    .if \rest
    vpst
    vstrbt.16 \channel1, [\output, q7]
    .else
    vstrb.16 \channel1, [\output, q7]
    .endif
    .endm

/*
 * Any number of chunks. r1 panel, r3 packed, r5 passes, r7 output, r9 groups, r11 product; sums of the first channel
 * in r0, r2, r4, r6, of the second in r8, r10, r12, lr.
 */

/*
 * Sixteen channels of 1 to 4 pixels: 8 + 12 * pixels bytes of code. A pixel's load lies between the products of the one
 * before; the last steps over the pixels that are not computed.
 */
    .macro chunk product, pixels
    vldrw.u32 q0, [r3], #16
    .if \pixels == 1
    vldrw.u32 q2, [r1], #64
    .else
    vldrw.u32 q2, [r1], #16
    .endif
    vldrw.u32 q1, [r3], #16
    \product r0, q0, q2
    .if \pixels == 2
    vldrw.u32 q3, [r1], #48
    .elseif \pixels > 2
    vldrw.u32 q3, [r1], #16
    .endif
    \product r8, q1, q2
    .if \pixels > 1
    \product r2, q0, q3
    .if \pixels > 2
    vldrw.u32 q2, [r1], #(16 + 16 * (4 - \pixels))
    .endif
    \product r10, q1, q3
    .endif
    .if \pixels > 2
    \product r4, q0, q2
    .if \pixels > 3
    vldrw.u32 q3, [r1], #16
    .endif
    \product r12, q1, q2
    .endif
    .if \pixels > 3
    \product r6, q0, q3
    \product lr, q1, q3
    .endif
    .endm

/* All chunks: the first sets the sums, the others are entered so that passes of four end with the last. */
    .macro tile variant, pixels, entry
    chunk vmladav.s8, \pixels
    ldr r5, [r11, #LOOPS]
    ldr pc, [r11, #\entry]
.Lloop_\variant\pixels:
    .rept 4
    chunk vmladava.s8, \pixels
    .endr
    subs r5, r5, #1
    bne .Lloop_\variant\pixels
.Ldone_\variant\pixels:
    vmov q4[2], q4[0], r0, r4
    vmov q5[2], q5[0], r8, r12
    .if \pixels > 1
    vmov q4[3], q4[1], r2, r6
    vmov q5[3], q5[1], r10, lr
    .endif
    .endm

    .macro requantize_saturating
    ldm r3, {r0, r2, r4, r6, r8, r10, r12, lr}
    vadd.i32 q4, q4, r2
    vadd.i32 q5, q5, r10
    vqrdmulh.s32 q4, q4, r0
    vqrdmulh.s32 q5, q5, r4
    vqadd.s32 q4, q4, r6
    vqadd.s32 q5, q5, r12
    vqshl.s32 q4, r8
    vqshl.s32 q5, lr
    .endm

/* The same, but negative values are lowered by one before they are shifted: halves away from zero. */
    .macro requantize_rounding
    ldm r3, {r0, r2, r4, r6, r8, r10, r12, lr}
    vadd.i32 q4, q4, r2
    vadd.i32 q5, q5, r10
    vqrdmulh.s32 q4, q4, r0
    vqrdmulh.s32 q5, q5, r4
    vshr.s32 q2, q4, #31
    vshr.s32 q3, q5, #31
    vadd.i32 q4, q4, q2
    vadd.i32 q5, q5, q3
    vqadd.s32 q4, q4, r6
    vqadd.s32 q5, q5, r12
    vqshl.s32 q4, r8
    vqshl.s32 q5, lr
    .endm

    .macro requantize_exact_one vector
    ldm r3!, {r0, r2, r4, r6, r8, r10}
    vadd.i32 \vector, \vector, r0
    vshl.s32 \vector, r2
    vqrdmulh.s32 \vector, \vector, r4
    vpt.s32 lt, \vector, zr
    vaddt.i32 \vector, \vector, r6
    vrshl.s32 \vector, r8
    vadd.i32 \vector, \vector, r10
    vqshl.s32 \vector, \vector, #24
    .endm

    .macro requantize_exact
    requantize_exact_one q4
    requantize_exact_one q5
    .endm

    .macro rest_tile variant, requantize, pixels
.Ltile_\variant\pixels:
    tile \variant, \pixels, REST_ENTRY
    \requantize
    movs r5, #2 * \pixels
    vctp.16 r5
    store q4, q5, r7, rest=1
    .if \pixels > 1
    b .Lnext_\variant
    .endif
    .endm

/* Where to enter the loop of a tile: r0 = chunks - 1, r1 = -r0 & 3. */
    .macro find_entry variant, pixels, entry
    adr.w r2, .Lloop_\variant\pixels
    movs r3, #(8 + 12 * \pixels)
    mla r2, r1, r3, r2
    adr.w r3, .Ldone_\variant\pixels
    cmp r0, #0
    csel r2, r3, r2, eq
    orr r2, r2, #1
    str r2, [r11, #\entry]
    .endm

    .macro find_rest variant, pixels
    adr.w r4, .Ltile_\variant\pixels
    find_entry \variant, \pixels, REST_ENTRY
    .if \pixels < 3
    b .Lfound_\variant
    .endif
    .endm

    .macro any_chunks name, variant, requantize
    function \name
    mov r11, r0
    vldrh.u16 q7, [r11, #OFFSETS]
    ldr r0, [r11, #CHUNKS]
    subs r0, r0, #1
    adds r1, r0, #3
    lsrs r1, r1, #2
    str r1, [r11, #LOOPS]
    rsbs r1, r0, #0
    and r1, r1, #3
    find_entry \variant, 4, FULL_ENTRY
    ldr r5, [r11, #REST]
    adr.w r4, .Lnext_\variant
    cbz r5, .Lfound_\variant
    cmp r5, #2
    bhi .Lrest3_\variant
    beq .Lrest2_\variant
    find_rest \variant, 1
.Lrest2_\variant:
    find_rest \variant, 2
.Lrest3_\variant:
    find_rest \variant, 3
.Lfound_\variant:
    orr r4, r4, #1
    str r4, [r11, #REST_TILE]
.Lpair_\variant:
    ldm r11, {r1, r2, r3, r7, r9}
    cmp r9, #0
    beq .Lrest_\variant
.Lgroup_\variant:
    tile \variant, 4, FULL_ENTRY
    \requantize
    store q4, q5, r7
    ldrd r0, r3, [r11, #GROUP_STEP]
    subs r9, r9, #1
    add r7, r7, r0
    bne .Lgroup_\variant
.Lrest_\variant:
    ldr pc, [r11, #REST_TILE]
    rest_tile \variant, \requantize, 3
    rest_tile \variant, \requantize, 2
    rest_tile \variant, \requantize, 1
.Lnext_\variant:
    next_pair .Lpair_\variant
    return \name
    .endm

    any_chunks sixfold_mve_product, saturating, requantize_saturating
    any_chunks sixfold_mve_product_rounding, rounding, requantize_rounding
    any_chunks sixfold_mve_product_exact, exact, requantize_exact

/*
 * One or two chunks: the pair's weights stay in q0 and q1 (and q2 and q3) and its numbers in core registers.
 * r8 panel, r10 group step, r12 output, lr groups; biases r1 and r7, rounding terms r3 and r9, shifts r5 and r11.
 * Multipliers in q2 and q3, or in memory for want of registers.
 */

/* Two channels of one pixel; the loads step through the group's pixels in the order 0, 2, 1, 3. */
    .macro pixel chunks, first, second, step, back
    .if \chunks == 1
    vldrw.u32 q4, [r8], #\step
    vmladav.s8 \first, q0, q4
    vmladav.s8 \second, q1, q4
    .else
    vldrw.u32 q4, [r8], #64
    vmladav.s8 \first, q0, q4
    vmladav.s8 \second, q1, q4
    vldrw.u32 q4, [r8], #\back
    vmladava.s8 \first, q2, q4
    vmladava.s8 \second, q3, q4
    .endif
    .endm

/* pixels: 4, or 2 for the first two of the group; then the lanes of the others hold anything. */
    .macro few_chunks_group chunks, rounds, pixels=4, rest=0
    .if \pixels == 4
    pixel \chunks, r0, r4, 32, -32
    pixel \chunks, r2, r6, -16, -80
    vmov q5[2], q5[0], r0, r2
    vmov q6[2], q6[0], r4, r6
    pixel \chunks, r0, r4, 32, -32
    pixel \chunks, r2, r6, 16, 16
    vmov q5[3], q5[1], r0, r2
    vmov q6[3], q6[1], r4, r6
    .else
    pixel \chunks, r0, r4, 16, -48
    pixel \chunks, r2, r6, 16, 0
    vmov q5[2], q5[0], r0, r0
    vmov q6[2], q6[0], r4, r4
    vmov q5[3], q5[1], r2, r2
    vmov q6[3], q6[1], r6, r6
    .endif
    vadd.i32 q5, q5, r1
    vadd.i32 q6, q6, r7
    .if \rounds && \chunks == 2
    ldrd r0, r2, [sp]
    vqrdmulh.s32 q5, q5, r0
    vshr.s32 q4, q5, #31
    vadd.i32 q5, q5, q4
    vqrdmulh.s32 q6, q6, r2
    vshr.s32 q4, q6, #31
    vadd.i32 q6, q6, q4
    vqadd.s32 q5, q5, r3
    vqadd.s32 q6, q6, r9
    .elseif \rounds
    /* A sum's sign will do: it differs only from that of a product that is zero, and one less is still zero then. */
    vshr.s32 q4, q5, #31
    vqrdmlash.s32 q5, q2, r3
    vqadd.s32 q5, q5, q4
    vshr.s32 q4, q6, #31
    vqrdmlash.s32 q6, q3, r9
    vqadd.s32 q6, q6, q4
    .elseif \chunks == 1
    vqrdmlash.s32 q5, q2, r3
    vqrdmlash.s32 q6, q3, r9
    .else
    vldrw.u32 q4, [sp]
    vqrdmlash.s32 q5, q4, r3
    vldrw.u32 q4, [sp, #16]
    vqrdmlash.s32 q6, q4, r9
    .endif
    vqshl.s32 q5, r5
    vqshl.s32 q6, r11
    store q5, q6, r12, \rest
    .endm

    .equ FRAME, 40       /* two multipliers, as vectors where they are used so, */
    .equ PRODUCT, 32     /* the product, */
    .equ REST_LANES, 36  /* and twice the pixels beyond the full groups */

    .macro few_chunks name, chunks, rounds=0
    function \name
    sub sp, sp, #FRAME
    mov r11, r0
    ldr r1, [r0, #REST]
    lsls r1, r1, #1
    strd r0, r1, [sp, #PRODUCT]
    vldrh.u16 q7, [r11, #OFFSETS]
.Lpair_\chunks\rounds:
    ldm r11, {r8, r10, r11, r12, lr}
    vldrw.u32 q0, [r11], #16
    vldrw.u32 q1, [r11], #16
    .if \chunks == 2
    vldrw.u32 q2, [r11], #16
    vldrw.u32 q3, [r11], #16
    .endif
    ldm r11, {r0, r1, r2, r3, r5, r7, r9, r11}
    .if \chunks == 1
    vdup.32 q2, r0
    vdup.32 q3, r2
    .elseif \rounds
    strd r0, r2, [sp]
    .else
    vdup.32 q4, r0
    vdup.32 q5, r2
    vstrw.32 q4, [sp]
    vstrw.32 q5, [sp, #16]
    .endif
    wls lr, lr, .Lrest_\chunks\rounds
.Lgroup_\chunks\rounds:
    few_chunks_group \chunks, \rounds
    add r12, r12, r10
    le lr, .Lgroup_\chunks\rounds
.Lrest_\chunks\rounds:
    ldr r0, [sp, #REST_LANES]
    cbnz r0, .Lpixels_\chunks\rounds
.Lnext_\chunks\rounds:
    ldr r11, [sp, #PRODUCT]
    next_pair .Lpair_\chunks\rounds
    add sp, sp, #FRAME
    vpop {d8-d15}
    pop {r3-r11, pc}
.Lpixels_\chunks\rounds:
    cmp r0, #4
    vctp.16 r0
    bhi .Lthree_\chunks\rounds
    few_chunks_group \chunks, \rounds, pixels=2, rest=1
    b .Lnext_\chunks\rounds
.Lthree_\chunks\rounds:
    few_chunks_group \chunks, \rounds, rest=1
    b .Lnext_\chunks\rounds
    .size \name, . - \name
    .endm

    few_chunks sixfold_mve_product_1, 1
    few_chunks sixfold_mve_product_2, 2
    few_chunks sixfold_mve_product_rounding_1, 1, 1
    few_chunks sixfold_mve_product_rounding_2, 2, 1
