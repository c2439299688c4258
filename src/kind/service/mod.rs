//! Services: they come and go with deployments, and what can be changed of one are its options.

pub mod action;
pub mod apply;
pub mod basis;
pub mod desired;
pub mod diff;
pub mod export;
pub mod file;
pub mod live;
pub mod name;
pub mod options;
pub mod rules;
pub mod words;
