//! Where counting begins and ends: a close(2) of a descriptor that cannot exist. The kernel answers EBADF and does
//! nothing else; the tracer, and a reader of an strace log, see the call with its argument.

use nix::errno::Errno;

/// Counting begins after close(BEGIN): "WHY" and 1 in a negative number (-1464358145).
pub const BEGIN: i32 = -0x5748_5901;
/// Counting ends before close(END).
pub const END: i32 = -0x5748_5902;
/// An operation ends before close(NEXT).
pub const NEXT: i32 = -0x5748_5903;

/// A marker as the tracer meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// Count from the next call on.
    Begin,
    /// Count no further.
    End,
    /// One operation is over.
    Next,
}

impl Marker {
    /// Emits the marker: one system call.
    pub fn emit(self) {
        let fd = match self {
            Marker::Begin => BEGIN,
            Marker::End => END,
            Marker::Next => NEXT,
        };
        let answer = nix::unistd::close(fd);
        debug_assert_eq!(answer, Err(Errno::EBADF), "a negative descriptor cannot be open");
    }

    /// Whether this call is a marker. Only the low half of the argument counts: the upper is undefined for an int.
    pub fn of(number: u64, first_argument: u64) -> Option<Marker> {
        match (number == libc::SYS_close as u64, first_argument as u32 as i32) {
            (true, BEGIN) => Some(Marker::Begin),
            (true, END) => Some(Marker::End),
            (true, NEXT) => Some(Marker::Next),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_close_of_the_two_numbers_is_a_marker() {
        let close = libc::SYS_close as u64;
        assert_eq!(Marker::of(close, BEGIN as u32 as u64), Some(Marker::Begin));
        assert_eq!(Marker::of(close, END as i64 as u64), Some(Marker::End), "sign-extended");
        assert_eq!(Marker::of(close, 3), None);
        assert_eq!(Marker::of(close, u64::MAX), None, "close(-1) is common");
        assert_eq!(Marker::of(libc::SYS_fsync as u64, BEGIN as u32 as u64), None);
        Marker::Begin.emit();
    }
}
