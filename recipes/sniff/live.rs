//! The flags of `syskit sniff` about capturing from interfaces, and the choice of the method.

use clap::Args;
use clap::builder::PossibleValuesParser;
use nix::errno::Errno;

use super::capture::{Capture, DEFAULTS, METHODS, Method, Setup};
use super::interface::{self, Interface};
use super::ring;
use crate::error::{Error, Kind, Result};
use crate::race::Contender;
use crate::ui::Ui;
use crate::units;

/// Flags about capturing from interfaces.
#[derive(Args)]
pub(super) struct Live {
    /// The interface to listen on, its number of -D, or 'any'
    #[arg(long, short, value_name = "IF", default_value = "any")]
    pub(super) interface: String,
    /// List the interfaces that can be listened on, and end
    #[arg(long, short = 'D', conflicts_with_all = ["read", "write"])]
    pub(super) list_interfaces: bool,
    /// Leave the interface out of promiscuous mode: take only what is for this host
    #[arg(long, short = 'p', conflicts_with = "read")]
    no_promiscuous: bool,
    /// How much the kernel may hold for us, with its unit: 64MiB [default: 64MiB in the ring, where memory allows]
    #[arg(long, short = 'B', value_name = "SIZE", value_parser = parse_size, conflicts_with = "read")]
    buffer_size: Option<usize>,
    /// Show a packet within milliseconds, for more work where there are many
    #[arg(long, conflicts_with = "read")]
    immediate_mode: bool,
    // No default value of the parser: only where none was asked for may it fall back to the next.
    #[arg(
        long,
        value_name = "METHOD",
        help = format!("The capture method [default: {}]", METHODS[0].name),
        value_parser = PossibleValuesParser::new(METHODS.iter().map(|m| m.name))
    )]
    via: Option<String>,
}

/// A size with its unit: a bare number would be KiB to who knows tcpdump's -B, bytes to who knows other sizes here.
fn parse_size(text: &str) -> Result<usize> {
    if text.trim().ends_with(|c: char| c.is_ascii_digit()) {
        let error = Error::usage(format!("'{text}' has no unit"));
        return Err(error.fix(format!("write {text}K for as many KiB, as tcpdump counts")));
    }
    let size = units::parse_bytes(text)?;
    let (least, most) = (ring::SMALLEST as u64, u64::from(u32::MAX));
    match usize::try_from(size) {
        Ok(bytes) if (least..=most).contains(&size) => Ok(bytes),
        _ => {
            let range = format!("from {} to 4 GiB", units::bytes(least));
            Err(Error::usage(format!("a buffer has {range}, not {}", units::bytes(size))))
        }
    }
}

impl Live {
    /// The interface that is asked for.
    ///
    /// # Errors
    /// Where there is none of that name or number (usage).
    pub(super) fn interface(&self) -> Result<Option<Interface>> {
        interface::find(&self.interface)
    }

    /// Puts what was asked for into the setup.
    pub(super) fn apply(&self, setup: &mut Setup) {
        setup.buffer = self.buffer_size;
        setup.promiscuous = !self.no_promiscuous;
        setup.immediate = self.immediate_mode;
    }

    /// Opens the method that was asked for; unasked, the first of the defaults that this kernel has. Gives its name as
    /// well.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub(super) fn open(&self, setup: &Setup, ui: &mut Ui) -> Result<(Box<dyn Capture>, &'static str)> {
        let named = self.via.as_deref().and_then(|name| METHODS.iter().find(|m| m.name == name));
        first_of(named.map_or(DEFAULTS, std::slice::from_ref), setup, ui)
    }
}

/// Opens the first of the methods that the kernel has, and says which it lacks.
fn first_of(
    methods: &[Contender<dyn Method>],
    setup: &Setup,
    ui: &mut Ui,
) -> Result<(Box<dyn Capture>, &'static str)> {
    let [first, others @ ..] = methods else { return Err(Error::unavailable("no capture method")) };
    match (first.approach.open(setup), others) {
        (Ok(capture), _) => Ok((capture, first.name)),
        (Err(e), [next, ..]) if is_lacking(&e) => {
            ui.note(format_args!("sniff: {e}: falling back to {}, {}", next.name, next.title));
            first_of(others, setup, ui)
        }
        (Err(e), _) => Err(explain(e)),
    }
}

/// Whether the kernel has not what the method asks of it, or no memory for it. What a user can put right says how.
fn is_lacking(e: &Error) -> bool {
    const LACKING: [Errno; 6] =
        [Errno::EAFNOSUPPORT, Errno::EINVAL, Errno::ENODEV, Errno::ENOMEM, Errno::ENOPROTOOPT, Errno::EOPNOTSUPP];
    e.fix.is_none() && e.errno.is_some_and(|errno| LACKING.contains(&errno))
}

/// Adds what to do where the privilege is missing.
fn explain(e: Error) -> Error {
    if e.kind != Kind::Denied || e.fix.is_some() {
        return e;
    }
    let program = std::env::current_exe().map_or("syskit".to_owned(), |p| p.display().to_string());
    e.fix(format!("needs CAP_NET_RAW: run as root or setcap cap_net_raw+ep {program}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Refusing(Error);

    impl Method for Refusing {
        fn open(&self, _setup: &Setup) -> Result<Box<dyn Capture>> {
            Err(self.0.clone())
        }
    }

    /// Tries methods that fail so, in turn: the error that ends it.
    fn end(errors: Vec<Error>) -> Error {
        let methods: Vec<Contender<dyn Method>> = errors
            .into_iter()
            .map(|error| {
                let approach: &'static Refusing = Box::leak(Box::new(Refusing(error)));
                Contender { name: "refusing", title: "", needs: &[], approach: approach as &dyn Method }
            })
            .collect();
        let mut ui = Ui::plain(std::io::sink(), std::io::sink());
        match first_of(&methods, &Setup::default(), &mut ui) {
            Ok(_) => unreachable!("each of them refuses"),
            Err(error) => error,
        }
    }

    #[test]
    fn what_the_kernel_lacks_falls_back_and_nothing_else_does() {
        let refusal = |what: &str, errno| Error::sys(what, "setsockopt", errno);
        let last = || refusal("the last", Errno::EIO);
        for errno in [Errno::ENOMEM, Errno::EINVAL, Errno::ENOPROTOOPT, Errno::EAFNOSUPPORT] {
            assert_eq!(end(vec![refusal("the first", errno), last()]).what, "the last", "{errno}");
            assert_eq!(end(vec![last(), refusal("the first", errno)]).what, "the last", "{errno}");
        }
        for errno in [Errno::EPERM, Errno::ENETDOWN, Errno::EIO] {
            assert_eq!(end(vec![refusal("the first", errno), last()]).what, "the first", "{errno}");
        }
        // Who asked for too much is told so, not given something else.
        let asked = refusal("the first", Errno::ENOMEM).fix("ask for less");
        assert_eq!(end(vec![asked, last()]).what, "the first");
        assert!(end(vec![refusal("it", Errno::EPERM)]).fix.is_some_and(|fix| fix.contains("CAP_NET_RAW")));
    }

    #[test]
    fn sizes_have_a_unit_and_bounds() {
        assert_eq!(parse_size("64MiB").expect("a size"), 64 << 20);
        assert_eq!(parse_size("4096K").expect("a size"), 4 << 20);
        for (text, said) in [
            ("4096", "write 4096K for as many KiB"),
            ("1K", "from 512 KiB to 4 GiB, not 1 KiB"),
            ("4G", "not 4 GiB"),
            ("99999999999G", "is not a size"),
            ("many", "is not a size"),
        ] {
            let error = parse_size(text).expect_err(text).to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
