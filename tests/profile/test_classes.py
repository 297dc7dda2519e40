import pytest

from pipeline.profile.classes import CLASSES, classify, products

MNEMONICS = {
    "multiply": (
        "mla mul.w smlad smladx smuad smlabb smlatt smulbb smulwb smlald smlalbb vmlava.s8 vmladavat.s8 vmladava.s16 "
        "vmlaldav.s32 vmul.i32 vmullb.s8 vmla.s32"
    ),
    "load": "ldr ldr.w ldrb ldrsb.w ldrsh.w ldrd ldmia.w ldrlt pop vldrb.u8 vldrbt.s32 vldrw.u32 vld20.8 vpop",
    "store": "str strb.w strd strh strlt stmdb push vstrb.8 vstrbt.32 vst21.16 vpush",
    "widen": "sxtb16 sxtab16 uxtb sxth.w pkhbt pkhtb sbfx bfi vmovlb.s8 vmovlt.s16 vmovnb.i32 vmovnt.i16",
    "requantise": (
        "smull smlal smmulr smmul smmlar asrs asr.w asrl sqrshrl ssat usat ssat16 qadd vqrdmulh.s32 vrshl.s32 vshr.s32 "
        "vqmovnb.s32 vqrshrnb.s32 vmin.s32 vmaxa.s8 vqadd.s32 vrmulh.s32"
    ),
    "arithmetic": (
        "add adds.w addgt adc.w subs sub.w rsb negs negpl cmp cmpne cmn.w tst.w orr.w orrne.w bic.w and.w lsls lsl.w "
        "lsrs mls sdiv clz sadd16 vadd.i32 vaddt.i32 vaddva.s8 vsubt.i32 vand vcmp.s32"
    ),
    "branch": (
        "b.n b.w bne.n bls.n blt.w ble.n blx bl bx bxeq cbz cbnz it ite itt tbb le letp dls wlstp.8 vpst vpstt vctp.32"
    ),
    "move": "mov movs mov.w moveq movge movt movw mvns vmov vdup.32 vmrs vmsr vpsel csneg cinc cset",
    "other": "nop dsb svc mrs cpsid",
}


@pytest.mark.parametrize("name", CLASSES)
def test_every_instruction_is_of_one_class(name: str) -> None:
    assert {mnemonic: classify(mnemonic) for mnemonic in MNEMONICS[name].split()} == dict.fromkeys(
        MNEMONICS[name].split(), name
    )


def test_how_many_products_an_instruction_makes() -> None:
    one = dict.fromkeys(["mla", "mul.w", "smlabb", "smultt", "smlatt", "smlalbb"], 1)
    two = dict.fromkeys(["smlad", "smladx", "smuad", "smusd", "smlsd", "smlald"], 2)
    vectors = {"vmladava.s8": 16, "vmladavat.s16": 8, "vmul.i32": 4, "vmlaldav.s32": 4, "vmullb.s8": 16}
    known = one | two | vectors
    assert {mnemonic: products(mnemonic) for mnemonic in known} == known
