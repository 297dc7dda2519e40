/* Loops over vectors; vectors.h says what they do. WLSTP and LETP leave out the lanes beyond the end. */
    .syntax unified
    .thumb
    .text

    .macro function name
    .section .text.\name, "ax", %progbits
    .balign 4
    .global \name
    .type \name, %function
    .thumb_func
\name:
    .endm

/* r0 pixels, r1 channels, r2 count, r3 panel, r7 gap. */
    function sixfold_mve_pack
    push {r4-r8, lr}
    ldrd r7, r8, [sp, #24]
    vctp.8 r8
    lsrs lr, r2, #2
    and r2, r2, #3
    wls lr, lr, 2f
1:  add r4, r0, r1
    add r5, r4, r1
    add r6, r5, r1
    vpstttt
    vldrbt.u8 q0, [r0]
    vldrbt.u8 q1, [r4]
    vldrbt.u8 q2, [r5]
    vldrbt.u8 q3, [r6]
    add r0, r6, r1
    vstrw.32 q0, [r3], #16
    vstrw.32 q1, [r3], #16
    vstrw.32 q2, [r3], #16
    vstrw.32 q3, [r3], #16
    add r3, r3, r7
    le lr, 1b
2:  wls lr, r2, 4f
3:  vpst
    vldrbt.u8 q0, [r0]
    add r0, r0, r1
    vstrw.32 q0, [r3], #16
    le lr, 3b
4:  pop {r4-r8, pc}
    .size sixfold_mve_pack, . - sixfold_mve_pack

    function sixfold_mve_dot
    push {r4-r6, lr}
    ldrd r4, r6, [r3]
    wlstp.8 lr, r2, 2f
1:  vldrb.u8 q0, [r1], #16
    vldrb.u8 q1, [r0], #16
    vmladava.s8 r4, q0, q1
    vldrb.u8 q1, [r0], #16
    vmladava.s8 r6, q0, q1
    letp lr, 1b
2:  strd r4, r6, [r3]
    pop {r4-r6, pc}
    .size sixfold_mve_dot, . - sixfold_mve_dot

/* r0 the channel's codes, r1 channels left, r2 width, r3 sums, r5 bytes of a channel, r7 of sixteen columns. */
    function sixfold_mve_sum
    push {r4-r8, lr}
    ldrd r5, r7, [sp, #24]
    movs r4, #0
    vidup.u8 q1, r4, #1
    vmul.i8 q1, q1, r7 /* where sixteen columns lie */
    lsls r7, r7, #4
1:  ldr r4, [r3]
    mov r6, r0
    add r0, r0, r5
    wlstp.8 lr, r2, 3f
2:  vldrb.u8 q0, [r6, q1]
    add r6, r6, r7
    vaddva.s8 r4, q0
    letp lr, 2b
3:  str r4, [r3], #4
    subs r1, r1, #1
    bne 1b
    pop {r4-r8, pc}
    .size sixfold_mve_sum, . - sixfold_mve_sum

/* Halves away from zero: VRSHL rounds half up, and negative values are lowered by one where the shift is not zero. */
    .macro scale vector, multiplier, lowered, shift
    vqrdmulh.s32 \vector, \vector, \multiplier
    vpt.s32 lt, \vector, zr
    vaddt.i32 \vector, \vector, \lowered
    vrshl.s32 \vector, \shift
    .endm

    .macro lowered_by vector, shift
    asr lr, \shift, #31
    vdup.32 \vector, lr
    .endm

/* r1 left, r2 right, r3 output; r4 to r12 the addition, then q3 the shift to the left; q4 to q6 are -1 or 0. */
    function sixfold_mve_add
    push {r4-r12, lr}
    vpush {d8-d15}
    ldr lr, [r0, #36]
    vdup.32 q3, lr
    ldm r0, {r4-r12}
    lowered_by q4, r6
    lowered_by q5, r9
    lowered_by q6, r11
    mov r0, #1 << 20
    vdup.32 q7, r0
    ldr r0, [sp, #104]
    wlstp.32 lr, r0, 2f
1:  vldrb.s32 q0, [r1], #4
    vldrb.s32 q1, [r2], #4
    vmlas.u32 q0, q7, r4
    vmlas.u32 q1, q7, r7
    scale q0, r5, q4, r6
    scale q1, r8, q5, r9
    vadd.i32 q0, q0, q1
    vshl.s32 q0, q0, q3
    scale q0, r10, q6, r11
    vadd.i32 q0, q0, r12
    vqmovnb.s32 q0, q0
    vqmovnb.s16 q0, q0
    vstrb.32 q0, [r3], #4
    letp lr, 1b
2:  vpop {d8-d15}
    pop {r4-r12, pc}
    .size sixfold_mve_add, . - sixfold_mve_add
