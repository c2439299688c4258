//! What verbs share: the command line as plain values, reading files, connecting, asking the server,
//! making a plan, and telling what came of it. Only here and in the verbs is the environment looked
//! at, and are files read and runtimes built.

pub mod answers;
pub mod carry_out;
pub mod connect;
pub mod destruction;
pub mod execute;
pub mod file;
pub mod files;
pub mod make;
pub mod outputs;
pub mod outside;
pub mod place;
pub mod printer;
pub mod saved;
pub mod signal;
pub mod snapshots;
pub mod wish;
