//! What is fuzzed, under the paths that it has in syskit, and nothing else of it: without ciphers, races and the command line it
//! is built in a minute.
#![allow(dead_code, missing_docs)]

#[path = "../src/capture_file/mod.rs"]
pub mod capture_file;
#[path = "../src/error.rs"]
pub mod error;
#[path = "../src/filter/mod.rs"]
pub mod filter;
#[path = "../src/packet/mod.rs"]
pub mod packet;

/// What errors know of needs.
pub mod need {
    #[derive(Debug)]
    pub struct Finding {
        pub denied: bool,
    }

    impl std::fmt::Display for Finding {
        fn fmt(&self, _: &mut std::fmt::Formatter) -> std::fmt::Result {
            Ok(())
        }
    }
}

/// The header of an encrypted file.
#[path = "../recipes"]
pub mod recipes {
    pub mod crypt {
        pub mod algorithm;
        pub mod format {
            pub mod header;
            pub use header::KeySource;
        }
    }
}
