//! What a capture lost, and who lost it.

use std::fmt;
use std::fs::File;
use std::io::Seek;

use procfs::FromRead;
use procfs::net::InterfaceDeviceStatus;

use super::interface::Interface;

/// Packets lost since a capture began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    /// By the kernel, as we were too slow to take them.
    pub kernel: u64,
    /// How often the kernel found the ring full; 0 where the method has no ring.
    pub full: u64,
    /// By the interface, before the kernel could see them, whoever listened.
    pub interface: u64,
    /// By ourselves: what could not be read.
    pub own: u64,
}

impl Losses {
    /// Those of a method that knows the kernel's count alone.
    pub fn of_kernel(kernel: u64) -> Self {
        Losses { kernel, ..Losses::default() }
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} dropped by the kernel", self.kernel)?;
        if self.full > 0 {
            write!(f, " (ring full {} times)", self.full)?;
        }
        for (count, who) in [(self.interface, "by the interface"), (self.own, "by syskit: unreadable")] {
            if count > 0 {
                write!(f, ", {count} {who}")?;
            }
        }
        Ok(())
    }
}

/// What the interfaces dropped since this was made.
#[derive(Debug)]
pub struct InterfaceDrops {
    name: Option<String>,
    /// Stays open, as files may not be opened any more when it is read again; it stays with its network namespace, too.
    file: Option<File>,
    before: u64,
}

/// Unlike /sys/class/net it is always of this network namespace, that of the thread.
const FILE: &str = "/proc/thread-self/net/dev";

impl InterfaceDrops {
    /// Counts from now on, of this interface or of all.
    pub fn since_now(interface: Option<&Interface>) -> Self {
        let name = interface.map(|i| i.name.clone());
        let mut drops = InterfaceDrops { name, file: File::open(FILE).ok(), before: 0 };
        drops.before = drops.total();
        drops
    }

    /// How many there were; 0 where nobody tells.
    pub fn count(&self) -> u64 {
        // An interface that went away takes its count along.
        self.total().saturating_sub(self.before)
    }

    /// rx_dropped and rx_missed_errors, whose sum is a column of the file.
    fn total(&self) -> u64 {
        let Some(mut file) = self.file.as_ref().filter(|file| { *file }.rewind().is_ok()) else { return 0 };
        let Ok(interfaces) = InterfaceDeviceStatus::from_read(&mut file) else { return 0 };
        let wanted = |name: &str| self.name.as_ref().is_none_or(|wanted| wanted == name);
        interfaces.0.values().filter(|i| wanted(&i.name)).map(|i| i.recv_drop).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_kernels_count_is_told_where_it_is_none() {
        assert_eq!(Losses::default().to_string(), "0 dropped by the kernel");
        let all = Losses { kernel: 7, full: 2, interface: 3, own: 1 };
        let words = "7 dropped by the kernel (ring full 2 times), 3 by the interface, 1 by syskit: unreadable";
        assert_eq!(all.to_string(), words);
        assert_eq!(Losses::of_kernel(5).to_string(), "5 dropped by the kernel");
    }

    #[test]
    fn an_interface_that_is_not_there_drops_nothing() {
        let nowhere = Interface { name: "no such interface".to_owned(), index: 0 };
        assert_eq!(InterfaceDrops::since_now(Some(&nowhere)).count(), 0);
        let all = InterfaceDrops { before: u64::MAX, ..InterfaceDrops::since_now(None) };
        assert_eq!(all.count(), 0);
    }
}
