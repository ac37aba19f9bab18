//! Parse, dispatch, error -> exit code: the only place that exits.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(syskit::cli::main(std::env::args_os()))
}
