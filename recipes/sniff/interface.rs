//! Network interfaces by name and index.

use nix::net::if_::{if_indextoname, if_nameindex, if_nametoindex};

use crate::error::{Error, Result};
use crate::recipe::nearest;

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name ("lo").
    pub name: String,
    /// Its index, which stays the same when it is renamed.
    pub index: u32,
}

/// The interface of this name or, where none is called so, of this number; `None` for "any", which is number 0.
///
/// # Errors
/// A usage error that names those there are.
pub fn find(name: &str) -> Result<Option<Interface>> {
    if name == "any" {
        return Ok(None);
    }
    if let Ok(index) = if_nametoindex(name) {
        return Ok(Some(Interface { name: name.to_owned(), index }));
    }
    let numbered = name.parse().ok().map(|index| (index, self::name(index)));
    match numbered {
        Some((0, _)) => return Ok(None),
        Some((index, Some(name))) => return Ok(Some(Interface { name, index })),
        _ => {}
    }
    let names = names();
    let near = nearest(name, names.iter().map(String::as_str));
    let hint = near.map(|near| format!("did you mean '{near}'? ")).unwrap_or_default();
    let error = Error::usage(format!("no interface '{}'", name.escape_default()));
    Err(error.fix(format!("{hint}there are: any, {}", names.join(", "))))
}

/// The names of the interfaces of this network namespace.
fn names() -> Vec<String> {
    let Ok(list) = if_nameindex() else { return Vec::new() };
    list.iter().map(|i| i.name().to_string_lossy().into_owned()).collect()
}

/// The name of the interface with this index, while it exists.
pub fn name(index: u32) -> Option<String> {
    // nix 0.31 takes the null pointer of a failed call for success: the name is empty then.
    let name = if_indextoname(index).ok().filter(|name| !name.is_empty())?;
    Some(name.to_string_lossy().into_owned())
}

/// The hardware type of packet(7) of the interface (/sys/class/net/IF/type), where sysfs is there to tell.
pub fn hardware(interface: &Interface) -> Option<u16> {
    let text = std::fs::read_to_string(format!("/sys/class/net/{}/type", interface.name)).ok()?;
    text.trim().parse().ok()
}

/// How many receive queues the interface has (/sys/class/net/IF/queues), where sysfs is there to tell; never 0.
pub fn receive_queues(interface: &Interface) -> Option<u32> {
    let queues = std::fs::read_dir(format!("/sys/class/net/{}/queues", interface.name)).ok()?;
    let names = queues.flatten().filter(|queue| queue.file_name().as_encoded_bytes().starts_with(b"rx-"));
    u32::try_from(names.count()).ok().filter(|count| *count > 0)
}

/// That the interface is still there; nobody wakes a socket whose interface went away for good.
///
/// # Errors
/// Where it is not.
pub fn still_there(interface: Option<&Interface>) -> Result<()> {
    match interface {
        Some(Interface { name: old, index }) if name(*index).is_none() => {
            Err(Error::failed(format!("cannot capture on {old} any more")).fix("the interface went away"))
        }
        _ => Ok(()),
    }
}
