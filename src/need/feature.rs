//! A part of the kernel that a need rests on, and what became of it in the running kernel.

use super::evidence::Evidence;
use super::kconfig::Setting;
use super::modprobe::{self, Block};

/// A part of the kernel: the option that builds it and the module it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feature {
    /// The Kconfig option, without `CONFIG_`.
    pub option: &'static str,
    /// The module it becomes when the option is `m`; empty where it cannot be one.
    pub module: &'static str,
    /// Whether the kernel asks for the module by an alias (`net-pf-38`), which a `blacklist` rule hides, and not by its
    /// own name (`algif-hash`), which only an `install` rule stops.
    pub by_alias: bool,
    /// The init function that `initcall_blacklist=` names; empty where unknown.
    pub initcall: &'static str,
}

/// What became of a [`Feature`] in the running kernel.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Built in, and nothing switches it off.
    BuiltIn,
    /// A module that is loaded.
    Loaded,
    /// The kernel was built without it.
    NotBuilt,
    /// Built in or a module, but `initcall_blacklist=` on the kernel command line keeps it from starting.
    InitcallBlocked,
    /// A module that a rule or the command line keeps out.
    Blocked(Block),
    /// A module, in a kernel that can load none.
    NoLoading(NoLoading),
    /// A module whose file is not under /lib/modules/RELEASE.
    NoFile,
    /// A module that could be loaded and is not.
    NotLoaded,
    /// Nothing here tells.
    Unknown,
}

/// Why a kernel can load no module at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoLoading {
    /// It was built without loadable modules.
    NotBuilt,
    /// `nomodule` on its command line.
    CommandLine,
    /// The sysctl `kernel.modules_disabled`.
    Sysctl,
}

impl Feature {
    /// A part that cannot be a module.
    pub const fn built_in(option: &'static str) -> Self {
        Feature { option, module: "", by_alias: false, initcall: "" }
    }

    /// What the evidence says about it.
    pub fn state(&self, host: &Evidence) -> State {
        let setting = host.config.as_ref().map(|c| c.setting(self.option));
        match setting {
            Some(Setting::Off) => State::NotBuilt,
            Some(Setting::BuiltIn) if host.initcall_blocked(self.initcall) => State::InitcallBlocked,
            Some(Setting::BuiltIn) => State::BuiltIn,
            Some(Setting::Module) => self.module_state(host),
            None => self.state_without_config(host),
        }
    }

    fn module_state(&self, host: &Evidence) -> State {
        if host.module_loaded(self.module) {
            return State::Loaded;
        }
        if host.initcall_blocked(self.initcall) {
            return State::InitcallBlocked;
        }
        if let Some(why) = host.no_loading() {
            return State::NoLoading(why);
        }
        if let Some(block) = modprobe::block(self.module, self.by_alias, &host.rules, &host.cmdline) {
            return State::Blocked(block);
        }
        if host.has_module_file(self.module) { State::NotLoaded } else { State::NoFile }
    }

    /// Without the configuration the module lists are all there is to go by.
    fn state_without_config(&self, host: &Evidence) -> State {
        if self.module.is_empty() {
            return State::Unknown;
        }
        if host.is_builtin(self.module) {
            return if host.initcall_blocked(self.initcall) { State::InitcallBlocked } else { State::BuiltIn };
        }
        match self.module_state(host) {
            // No file may also mean that the kernel was built without it.
            State::NoFile | State::NoLoading(_) => State::Unknown,
            known => known,
        }
    }
}
