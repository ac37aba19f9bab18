//! The full form: a field a line, its name padded as the cheat sheet does.

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Text, decimal, ipv4, ipv6};

/// Names are padded to this.
const WIDTH: usize = 16;

/// What a field can hold: numbers and addresses without the machinery of [`std::fmt`], and all else with it.
pub trait Value {
    /// Appends it.
    fn append(self, out: &mut Text);
}

/// Appends one line of the full form: a name and its value.
#[inline]
pub fn field(out: &mut Text, name: &str, value: impl Value) {
    out.push_str(name);
    out.ascii_start([b' '; WIDTH], WIDTH.saturating_sub(name.len()));
    out.push_str(": ");
    value.append(out);
    out.push('\n');
}

impl<F: FnOnce(&mut Text)> Value for F {
    #[inline]
    fn append(self, out: &mut Text) {
        self(out);
    }
}

impl Value for u8 {
    #[inline]
    fn append(self, out: &mut Text) {
        decimal(out, self.into());
    }
}

impl Value for u16 {
    #[inline]
    fn append(self, out: &mut Text) {
        decimal(out, self.into());
    }
}

impl Value for u32 {
    #[inline]
    fn append(self, out: &mut Text) {
        decimal(out, self);
    }
}

impl Value for usize {
    #[inline]
    fn append(self, out: &mut Text) {
        match u32::try_from(self) {
            Ok(n) => decimal(out, n),
            Err(_) => format_args!("{self}").append(out),
        }
    }
}

impl Value for IpAddr {
    #[inline]
    fn append(self, out: &mut Text) {
        match self {
            IpAddr::V4(address) => address.append(out),
            IpAddr::V6(address) => address.append(out),
        }
    }
}

impl Value for Ipv4Addr {
    #[inline]
    fn append(self, out: &mut Text) {
        ipv4(out, self.octets());
    }
}

impl Value for Ipv6Addr {
    #[inline]
    fn append(self, out: &mut Text) {
        ipv6(out, self.octets());
    }
}

impl Value for &str {
    #[inline]
    fn append(self, out: &mut Text) {
        out.push_str(self);
    }
}

impl Value for String {
    #[inline]
    fn append(self, out: &mut Text) {
        out.push_str(&self);
    }
}

impl Value for Text {
    #[inline]
    fn append(self, out: &mut Text) {
        out.push_str(self.as_str());
    }
}

impl Value for fmt::Arguments<'_> {
    fn append(self, out: &mut Text) {
        let _ = out.write_fmt(self);
    }
}

#[cfg(test)]
mod tests {
    use super::super::written;
    use super::*;

    #[test]
    fn every_value_reads_as_it_is_displayed() {
        let line = |value: &dyn fmt::Display| format!("Name            : {value}\n");
        assert_eq!(written(|out| field(out, "Name", 7u8)), line(&7));
        assert_eq!(written(|out| field(out, "Name", u16::MAX)), line(&u16::MAX));
        assert_eq!(written(|out| field(out, "Name", u32::MAX)), line(&u32::MAX));
        assert_eq!(written(|out| field(out, "Name", usize::MAX)), line(&usize::MAX));
        for address in ["10.0.0.1", "2001:db8::1", "::1", "::ffff:1.2.3.4"] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(written(|out| field(out, "Name", address)), line(&address));
        }
        assert_eq!(written(|out| field(out, "Name", format_args!("{}, {}", 1, 2))), line(&"1, 2"));
        assert_eq!(written(|out| field(out, "Name", |out: &mut Text| out.push('x'))), line(&"x"));
        assert_eq!(written(|out| field(out, "A name of many letters", 1u8)), "A name of many letters: 1\n");
    }
}
