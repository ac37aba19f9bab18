//! The configuration that a kernel was built with: Kconfig's `.config` text.

use std::io::Read;

/// A kernel configuration and where it was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// The file it came from ("/proc/config.gz").
    pub source: String,
    /// Its text: `CONFIG_X=y` lines.
    pub text: String,
}

/// How an option is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// `=y`, or any value.
    BuiltIn,
    /// `=m`.
    Module,
    /// `# CONFIG_X is not set`, or not mentioned: its dependencies are off.
    Off,
}

impl Config {
    /// How `option` (without `CONFIG_`) is set.
    pub fn setting(&self, option: &str) -> Setting {
        let value = self.text.lines().find_map(|line| {
            let (name, value) = line.strip_prefix("CONFIG_")?.split_once('=')?;
            (name == option).then_some(value.trim())
        });
        match value {
            None | Some("n") => Setting::Off,
            Some("m") => Setting::Module,
            Some(_) => Setting::BuiltIn,
        }
    }
}

/// More than any kernel configuration has; what is longer is cut off there.
const MOST: u64 = 4 << 20;

/// The text of a gzipped configuration; `None` where it is not one.
pub fn gunzip(bytes: &[u8]) -> Option<String> {
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(bytes).take(MOST).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_found_by_its_whole_name() {
        let text = "CONFIG_TLS_DEVICE=y\n# CONFIG_TLS is not set\nCONFIG_AB=m\nCONFIG_HZ=250\nCONFIG_NO=n\n";
        let config = Config { source: String::new(), text: text.to_owned() };
        assert_eq!(config.setting("TLS_DEVICE"), Setting::BuiltIn);
        assert_eq!(config.setting("TLS"), Setting::Off);
        assert_eq!(config.setting("AB"), Setting::Module);
        assert_eq!(config.setting("A"), Setting::Off);
        assert_eq!(config.setting("HZ"), Setting::BuiltIn);
        assert_eq!(config.setting("NO"), Setting::Off);
    }

    #[test]
    fn broken_gzip_is_no_configuration() {
        assert_eq!(gunzip(b"CONFIG_X=y\n"), None);
        assert_eq!(gunzip(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff]), None);
        assert_eq!(gunzip(&[]), None);
    }
}
