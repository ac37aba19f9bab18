//! The mode of a copy: the source's, and never more on the way there.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use nix::sys::stat::Mode;

use crate::draft::Draft;
use crate::error::{Context, Result};
use crate::source::Source;

/// The mode a draft is made with: never more than the source's, and what the umask leaves where that has none.
pub fn first(source: &Source) -> Mode {
    let bits = if source.was.is_file() { source.was.mode() & 0o777 } else { 0o666 };
    Mode::from_bits_truncate(bits)
}

/// Gives `draft` the source's permissions; set-user-ID and set-group-ID only where owner and group are the same too.
pub fn keep(draft: &Draft, source: &Source) -> Result<()> {
    if !source.was.is_file() {
        return Ok(());
    }
    let cannot = || "cannot give the copy the mode of its source".to_owned();
    let has = draft.file().metadata().sys("fstat", cannot)?;
    let same_owner = (has.uid(), has.gid()) == (source.was.uid(), source.was.gid());
    let wanted = source.was.mode() & if same_owner { 0o7777 } else { 0o1777 };
    if has.mode() & 0o7777 == wanted {
        return Ok(());
    }
    draft.file().set_permissions(Permissions::from_mode(wanted)).sys("fchmod", cannot)
}
