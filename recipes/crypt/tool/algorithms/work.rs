//! Who does the work of a kernel's driver: the processor's plain instructions, its special ones, or a device.
//!
//! The kernel does not say. Its authors name drivers by what they use, and that is what is read here; a name that says
//! nothing is unknown rather than a guess.

use schemars::JsonSchema;
use serde::Serialize;

/// What a driver's name tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Portable code ("sha256-generic", "aes-fixed-time").
    Software,
    /// Code for instructions of this processor ("rfc4106-gcm-aesni", "sha256-ni", "xts-aes-ce").
    Instructions,
    /// The kernel's library, which takes what instructions there are ("sha256-lib").
    Library,
    /// A device beside the processor ("qat_aes_cbc", "gcm-aes-ccp").
    Device,
    /// The name does not tell.
    Unknown,
}

/// Families of accelerators, as they stand in names of drivers or modules.
const DEVICES: &[&str] = &[
    "qat",
    "ccp",
    "caam",
    "safexcel",
    "hisi",
    "chcr",
    "cesa",
    "omap",
    "stm32",
    "rk-",
    "rk3",
    "sun4i",
    "sun8i",
    "atmel",
    "geode",
    "padlock",
    "nitrox",
    "octeontx",
    "cptpf",
    "iaa",
    "virtio",
    "zynqmp",
    "artpec",
    "bcm",
    "-mtk",
    "talitos",
    "s5p",
    "img-",
    "amlogic",
    "qce",
    "crypto4xx",
    "keembay",
    "starfive",
    "aspeed",
];

/// Sets of instructions, as they stand in names of drivers.
const INSTRUCTIONS: &[&str] = &[
    "aesni",
    "-ni",
    "vaes",
    "avx",
    "sse",
    "pclmul",
    "x86_64",
    "-asm",
    "-i586",
    "-ce",
    "neon",
    "-arm",
    "-s390",
    "-p8",
    "_p8",
    "-p10",
    "_p10",
    "ppc",
    "riscv",
    "zvk",
    "zvb",
    "lasx",
    "-mips",
    "-sparc",
    "simd",
    "crct10dif-vpmsum",
    "shani",
    "crc32c-intel",
    "-adx",
    "-lsx",
];

/// What the names tell.
pub fn of(driver: &str, module: &str) -> Work {
    let any = |names: &[&str], text: &str| names.iter().any(|name| text.contains(name));
    let has = |part: &str| driver.contains(part);
    // A mode is made of parts: code for a processor's instructions in one of them is what counts.
    if any(DEVICES, driver) || any(DEVICES, module) {
        Work::Device
    } else if any(INSTRUCTIONS, driver) {
        Work::Instructions
    } else if has("-lib") {
        Work::Library
    } else if ["generic", "-fixed-time", "null", "jitterentropy", "_nopr_", "_pr_", "scomp"].iter().any(|p| has(p)) {
        Work::Software
    } else {
        Work::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_are_told_apart_by_their_names() {
        for (driver, module, expected) in [
            ("generic-gcm-aesni", "aesni_intel", Work::Instructions),
            ("cbc-aes-aesni", "aesni_intel", Work::Instructions),
            ("sha256-ni", "sha256_ssse3", Work::Instructions),
            ("gcm-aes-vaes-avx10_512", "aesni_intel", Work::Instructions),
            ("gcm_base(ctr(aes-generic),ghash-generic)", "gcm", Work::Software),
            ("cbc(ecb(aes-fixed-time))", "kernel", Work::Software),
            ("ctr-aes-ce", "aes_ce_blk", Work::Instructions),
            ("sha256-lib", "kernel", Work::Library),
            ("gcm-aes-ccp", "ccp_crypto", Work::Device),
            ("qat_aes_cbc", "intel_qat", Work::Device),
            ("drbg_nopr_hmac_sha512", "kernel", Work::Software),
            ("something", "new", Work::Unknown),
        ] {
            assert_eq!(of(driver, module), expected, "{driver}");
        }
    }
}
