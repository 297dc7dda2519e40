/*
 * Depthwise 3x3 convolutions; depthwise.h says what is where.
 *
 * The rows of a ring's channel are interleaved, byte by byte: nine bytes in a row are a window, and the sixteen of one
 * load hold the windows of columns 0, 1 and 2. Against the taps in lanes 0..8 and, moved, in lanes 3..11 (stride 1) or
 * 6..14 (stride 2), a load is two outputs and an output is one VMLADAV. product.S explains the requantisation.
 */
    .syntax unified
    .thumb
    .text

    .equ CHANNELS, 12
    .equ DATA, 16

    .equ TAPS, 9
    .equ TAPS_BYTES, 28 /* of a channel: three turns and padding */
    .equ CHUNK, 16
    .equ CHUNK_STEP, 48 /* from behind the sixteenth channel of a pixel to the next chunk */

/* Sums of four outputs to the lanes of a vector; r1 is moved to the next four windows. */
    .macro windows stride, vector
    vldrb.u8 q3, [r1], #(6 * \stride)
    vmladav.s8 r0, q3, q0
    vmladav.s8 r2, q3, q1
    vldrb.u8 q3, [r1], #(6 * \stride)
    vmladav.s8 r4, q3, q0
    vmladav.s8 r6, q3, q1
    vmov \vector[2], \vector[0], r0, r4
    vmov \vector[3], \vector[1], r2, r6
    .endm

/* Codes are in the top bytes. */
    .macro store_four vector
    vshr.u32 \vector, \vector, #24
    vstrb.32 \vector, [r3, q7]
    .endm

/* The taps at r12 to q0, and moved by the stride to q1; r12 goes to the next channel, P0 has the first nine lanes. */
    .macro load_taps stride
    add r0, r12, r8
    vpst
    vldrbt.u8 q0, [r0]
    movs r0, #0
    vmov q1, q0
    .rept \stride
    vshlc q1, r0, #24
    .endr
    add r12, r12, #TAPS_BYTES
    .endm

/*
 * All channels by `one_channel`. For it: r1 the first window, r3 where the outputs go, r8 the turn, r12 constants, lr
 * loops; q7 where the outputs of a group lie, q6 those of two groups in turns; r11 bytes of a group. It leaves r1 and
 * r3 behind the last group. r10 are the channels left of a chunk.
 */
    .macro depthwise name, one_channel, stride, odd=0
    .section .text.\name, "ax", %progbits
    .balign 4
    .global \name
    .type \name, %function
    .thumb_func
\name:
    push {r3-r11, lr}
    vpush {d8-d15}
    ldm r0, {r4, r5, r6, r7} /* steps, loops, channels */
    push {r4, r5, r6, r7}
    mov lr, r6
    add r0, r0, #DATA
    ldm r0, {r1, r3, r9, r10, r11} /* data, panel, packed, turn, bytes of a group */
    movs r2, #0
    vidup.u32 q7, r2, #4
    vshl.u32 q7, q7, #2
    lsl r0, r11, #16
    vshl.u32 q6, q7, #16
    vadd.i32 q6, q6, q7
    vadd.i32 q6, q6, r0
    mov r8, r10
    mov r12, r9
    movs r0, #TAPS
    vctp.8 r0
.Lchunk_\name:
    ldr r0, [sp, #CHANNELS]
    cmp r0, #CHUNK
    it hi
    movhi r10, #CHUNK
    it ls
    movls r10, r0
    subs r0, r0, r10
    str r0, [sp, #CHANNELS]
.Lchannel_\name:
    \one_channel \name, \stride, \odd
    ldm sp, {r0, r2, lr}
    add r1, r1, r0
    add r3, r3, r2
    subs r10, r10, #1
    bne .Lchannel_\name
    adds r3, r3, #CHUNK_STEP
    ldr r0, [sp, #CHANNELS]
    cmp r0, #0
    bne .Lchunk_\name
    add sp, sp, #16
    vpop {d8-d15}
    pop {r3-r11, pc}
    .size \name, . - \name
    .endm

    .macro saturating name, stride, odd
    ldm r12!, {r2, r5, r7, r9}
    load_taps \stride
    vdup.32 q2, r2
    wls lr, lr, .Lrest_\name
.Lgroups_\name:
    windows \stride, q4
    windows \stride, q5
    vadd.i32 q4, q4, r5
    vadd.i32 q5, q5, r5
    vqrdmlash.s32 q4, q2, r7
    vqrdmlash.s32 q5, q2, r7
    vqshl.s32 q4, r9
    vqshl.s32 q5, r9
    vsri.32 q5, q4, #16
    vshr.u16 q5, q5, #8
    vstrb.16 q5, [r3, q6]
    add r3, r3, r11, lsl #1
    le lr, .Lgroups_\name
.Lrest_\name:
    .if \odd
    windows \stride, q4
    vadd.i32 q4, q4, r5
    vqrdmlash.s32 q4, q2, r7
    vqshl.s32 q4, r9
    store_four q4
    .endif
    .endm

    .macro exact name, stride, odd
    movs r0, #TAPS
    vctp.8 r0 /* the comparisons below have changed P0 */
    mov r9, r12
    add r12, r12, #24
    load_taps \stride
    dls lr, lr
.Lgroups_\name:
    windows \stride, q4
    ldm r9, {r0, r2, r4, r5, r6, r7}
    vadd.i32 q4, q4, r0
    vshl.s32 q4, r2
    vqrdmulh.s32 q4, q4, r4
    vpt.s32 lt, q4, zr
    vaddt.i32 q4, q4, r5
    vrshl.s32 q4, r6
    vadd.i32 q4, q4, r7
    vqshl.s32 q4, q4, #24
    store_four q4
    add r3, r3, r11
    le lr, .Lgroups_\name
    .endm

    depthwise sixfold_mve_depthwise_1_even, saturating, 1
    depthwise sixfold_mve_depthwise_1_odd, saturating, 1, 1
    depthwise sixfold_mve_depthwise_2_even, saturating, 2
    depthwise sixfold_mve_depthwise_2_odd, saturating, 2, 1
    depthwise sixfold_mve_depthwise_1_exact, exact, 1
    depthwise sixfold_mve_depthwise_2_exact, exact, 2
