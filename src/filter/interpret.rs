//! Runs programs of classic BPF (bpf(4), the kernel's networking/filter.rst) over packets.

use std::fmt;

use libc::sock_filter;

/// The longest program that the kernel takes (BPF_MAXINSNS).
pub const LONGEST: usize = 4096;
/// Words of scratch memory (BPF_MEMWORDS).
pub(super) const MEMORY: usize = 16;

/// A program that was verified: it ends, and every instruction is one.
#[derive(Clone, PartialEq, Eq)]
pub struct Program(Vec<sock_filter>);

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&super::listing::listing(self))
    }
}

/// What the kernel knows about a packet besides its bytes, for programs that ask (SKF_AD_ values of linux/filter.h).
#[derive(Debug, Clone, Copy, Default)]
pub struct Ancillary {
    /// Who it is for: PACKET_HOST, PACKET_OUTGOING and so on of packet(7).
    pub packet_type: u8,
    /// The hardware type of its interface (ARPHRD_ETHER).
    pub hardware_type: u16,
    /// The VLAN tag that stands beside the frame.
    pub vlan: Option<u16>,
}

impl Program {
    /// Takes what the kernel would take.
    ///
    /// # Errors
    /// Why it would not: too long, an unknown instruction, a jump beyond the end, no return at the end.
    pub fn verify(code: Vec<sock_filter>) -> Result<Self, &'static str> {
        if code.is_empty() || code.len() > LONGEST {
            return Err("it would not have 1 to 4096 instructions");
        }
        for (at, i) in code.iter().enumerate() {
            let left = code.len() - at - 1;
            match i.code {
                0x20 | 0x28 | 0x30 | 0x40 | 0x48 | 0x50 | 0xb1 => {}
                0x00 | 0x01 | 0x80 | 0x81 | 0x07 | 0x87 | 0x06 | 0x16 => {}
                0x60 | 0x61 | 0x02 | 0x03 if i.k as usize >= MEMORY => return Err("a memory word beyond the 16"),
                0x60 | 0x61 | 0x02 | 0x03 => {}
                0x34 | 0x94 if i.k == 0 => return Err("a division by zero"),
                0x64 | 0x74 if i.k > 31 => return Err("a shift by more than 31 bits"),
                0x04 | 0x14 | 0x24 | 0x34 | 0x44 | 0x54 | 0x64 | 0x74 | 0x84 | 0x94 | 0xa4 => {}
                0x0c | 0x1c | 0x2c | 0x3c | 0x4c | 0x5c | 0x6c | 0x7c | 0x9c | 0xac => {}
                0x05 if i.k as usize >= left => return Err("a jump beyond the end"),
                0x05 => {}
                0x15 | 0x25 | 0x35 | 0x45 | 0x1d | 0x2d | 0x3d | 0x4d => {
                    if usize::from(i.jt.max(i.jf)) >= left {
                        return Err("a jump beyond the end");
                    }
                }
                _ => return Err("an unknown instruction"),
            }
        }
        match code.last() {
            Some(i) if matches!(i.code, 0x06 | 0x16) => Ok(Program(code)),
            _ => Err("no return at the end"),
        }
    }

    /// The same with at most `bytes` bytes (not 0) of each packet that it lets through: what it returns is how many the
    /// kernel takes.
    #[must_use]
    pub fn cut(&self, bytes: u32) -> Program {
        let returns_constant = |i: &sock_filter| i.code == 0x06;
        let limit = |i: &sock_filter| sock_filter { k: i.k.min(bytes.max(1)), ..*i };
        Program(self.0.iter().map(|i| if returns_constant(i) { limit(i) } else { *i }).collect())
    }

    /// Its instructions.
    pub fn instructions(&self) -> &[sock_filter] {
        &self.0
    }
}

/// What `program` returns for a packet of `wire_length` bytes of which `packet` was captured: 0 rejects it.
///
/// A load beyond the captured bytes rejects the packet, and so does a division by zero; a shift by more than 31 bits
/// gives 0.
pub fn run(program: &Program, packet: &[u8], wire_length: usize) -> u32 {
    run_with(program, packet, wire_length, None)
}

/// The same with what the kernel knows besides; asking for it without `ancillary` rejects the packet.
pub fn run_with(program: &Program, packet: &[u8], wire_length: usize, ancillary: Option<&Ancillary>) -> u32 {
    let machine = Machine { packet, length: u32::try_from(wire_length).unwrap_or(u32::MAX), ancillary };
    machine.run(&program.0).unwrap_or(0)
}

struct Machine<'a> {
    packet: &'a [u8],
    length: u32,
    ancillary: Option<&'a Ancillary>,
}

impl Machine<'_> {
    fn bytes<const N: usize>(&self, at: u32) -> Option<[u8; N]> {
        self.packet.get(at as usize..)?.first_chunk().copied()
    }

    #[cold]
    fn ancillary(&self, at: u32) -> Option<u32> {
        let known = self.ancillary?;
        Some(match at.wrapping_sub(libc::SKF_AD_OFF as u32) as i32 {
            libc::SKF_AD_PKTTYPE => known.packet_type.into(),
            libc::SKF_AD_HATYPE => known.hardware_type.into(),
            libc::SKF_AD_VLAN_TAG => known.vlan.unwrap_or(0).into(),
            libc::SKF_AD_VLAN_TAG_PRESENT => known.vlan.is_some().into(),
            _ => return None,
        })
    }

    fn word(&self, at: u32) -> Option<u32> {
        self.bytes(at).map(u32::from_be_bytes).or_else(|| self.ancillary(at))
    }

    fn half(&self, at: u32) -> Option<u32> {
        self.bytes(at).map(u16::from_be_bytes).map(u32::from).or_else(|| self.ancillary(at))
    }

    fn byte(&self, at: u32) -> Option<u32> {
        self.packet.get(at as usize).copied().map(u32::from).or_else(|| self.ancillary(at))
    }

    /// `None` where the packet is rejected.
    fn run(&self, code: &[sock_filter]) -> Option<u32> {
        let (mut a, mut x, mut memory) = (0_u32, 0_u32, [0_u32; MEMORY]);
        let mut at = 0;
        loop {
            // There: the program was verified.
            let i = code.get(at)?;
            at += 1;
            let k = i.k;
            let branch = |so: bool| usize::from(if so { i.jt } else { i.jf });
            match i.code {
                0x20 => a = self.word(k)?,
                0x28 => a = self.half(k)?,
                0x30 => a = self.byte(k)?,
                0x40 => a = self.bytes(x.checked_add(k)?).map(u32::from_be_bytes)?,
                0x48 => a = self.bytes(x.checked_add(k)?).map(u16::from_be_bytes)?.into(),
                0x50 => a = u32::from(*self.packet.get(x.checked_add(k)? as usize)?),
                0xb1 => x = u32::from(*self.packet.get(k as usize)? & 15) * 4,
                0x15 => at += branch(a == k),
                0x25 => at += branch(a > k),
                0x35 => at += branch(a >= k),
                0x45 => at += branch(a & k != 0),
                0x1d => at += branch(a == x),
                0x2d => at += branch(a > x),
                0x3d => at += branch(a >= x),
                0x4d => at += branch(a & x != 0),
                0x05 => at += k as usize,
                0x06 => return Some(k),
                0x16 => return Some(a),
                0x00 => a = k,
                0x01 => x = k,
                0x80 => a = self.length,
                0x81 => x = self.length,
                0x60 => a = *memory.get(k as usize)?,
                0x61 => x = *memory.get(k as usize)?,
                0x02 => *memory.get_mut(k as usize)? = a,
                0x03 => *memory.get_mut(k as usize)? = x,
                0x07 => x = a,
                0x87 => a = x,
                0x84 => a = a.wrapping_neg(),
                code => a = calculate(code & 0xf0, a, if code & 8 == 0 { k } else { x })?,
            }
        }
    }
}

fn calculate(operation: u16, a: u32, operand: u32) -> Option<u32> {
    Some(match operation {
        0x00 => a.wrapping_add(operand),
        0x10 => a.wrapping_sub(operand),
        0x20 => a.wrapping_mul(operand),
        0x30 => a.checked_div(operand)?,
        0x40 => a | operand,
        0x50 => a & operand,
        0x60 => a.checked_shl(operand).unwrap_or(0),
        0x70 => a.checked_shr(operand).unwrap_or(0),
        0x90 => a.checked_rem(operand)?,
        0xa0 => a ^ operand,
        _ => return None,
    })
}
