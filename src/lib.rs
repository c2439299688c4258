//! restatectl: a declarative config reconciler for Restate.
//!
//! ```text
//! text ─► source ─► config ─► desired ─┐
//!                                      ├─► draft ─► diff ─► plan ─► apply ─► landing
//! HTTP ─► admin ──► live ──► ask ──────┘                     ▲
//!                                         render ◄───────────┘ (reads everything, decides nothing)
//! ```
//!
//! Data flows down the list below; a file uses only those above it, which a test enforces: it reads
//! this list. Everything up to `schema` is the core, but for the client in `admin`: no IO, no async, no
//! clock, no environment. A kind of resource has a folder in `kind`, with a file for each stage.
//!
//! What the server does that one would not expect is noted where the code rests on it, with the
//! versions on which it was seen: `[S:all]` is 1.5.3, 1.6.2 and 1.7.12; `[R:v]` was read in the
//! source of v.
//!
//! Ground: what everything may use.
//! - `code`: every code of a problem, as a type.
//! - `words`: words of messages that many have in common.
//! - `pattern`: patterns in which `*` stands for anything.
//! - `explain`: what the codes mean, for `restatectl explain`.
//! - `secret`: values that must not be shown, and the masking of text that may repeat them.
//! - `digest`: digests of what plans are compared by.
//! - `server`: what is known of a server as such, and what it can do.
//! - `problem`, `source`: what is wrong, and where; text to one spanned tree, and from it to values.
//! - `duration`, `stack`, `consent`: values that several kinds have.
//!
//! A kind, by itself: what it is called and made of.
//! - `kind/words`: what is asked of every kind about its words.
//! - `kind/redacted`: what a server shows in place of a secret.
//! - `kind/*/ends`, `kind/*/kafka_options`, `kind/*/kafka`, `kind/*/name`, `kind/*/address`,
//!   `kind/*/options`: the values that its fields have.
//! - `kind/*/words`: what a kind is called.
//! - `kind`, `kind/key`: the registry of kinds, and what a resource is known by.
//!
//! What is wanted.
//! - `kind/*/file`: an entry as the file writes it.
//! - `config`: the file, exactly in its own shape, and its JSON Schema.
//! - `kind/*/desired`, `kind/*/endpoint`: a valid entry; which endpoints a run may ask.
//! - `whole`: all files as one document.
//! - `desired`: the valid desired state of all files.
//! - `kind/*/check`: rules across the entries of a kind.
//!
//! What is there.
//! - `admin`: the Admin API over HTTP, one function a route, and its wire types.
//! - `kind/*/live`: a resource as a server has it.
//! - `live`: one reading of a server.
//!
//! What is to be done.
//! - `change`: a change as data.
//! - `finding`: what is told beside the changes.
//! - `kind/*/discovery`: why an endpoint could not be asked.
//! - `kind/*/connection`, `kind/*/basis`: what a change is compared by.
//! - `kind/*/action`, `action`: what apply does for a change. Nothing of it is shown.
//! - `ask`: the questions a plan has for the server beyond its lists, and their answers.
//! - `draft/world`, `draft/consent`, `draft/owner`, `draft`: the plan in the making.
//! - `export/entry`: live resources in the shape of the file.
//! - `kind/*/clusters`, `kind/*/pairing`, `kind/*/groups`, `kind/*/visibility`, `kind/*/taking`, `kind/*/recode`,
//!   `kind/*/existing`, `kind/*/register`, `kind/*/decommission`, `kind/*/diff`, `kind/*/prune`,
//!   `kind/*/export`: what a kind's entries ask for, what goes, and how it is written back.
//! - `kind/rules`, `kind/*/rules`: what the program asks of every kind.
//! - `check`: rules for which the files are enough.
//! - `load`: texts to a checked desired state.
//! - `diff`: the steps of making a plan, and what no plan may do.
//! - `plan`: the plan as a document, the plan that can be carried out, and whether one still holds.
//! - `graph`: what a plan or the files speak of, as a graph.
//! - `drift`: a plan, read the other way round.
//! - `kind/*/snapshot`, `snapshot`: a server as a file to plan against.
//! - `export`: a server as a desired-state file.
//! - `schema`: JSON Schemas of the documents.
//!
//! The shell around it.
//! - `landing`: what came of a write, and how certain that is.
//! - `kind/*/watch`, `kind/*/settle`, `kind/*/delete`, `kind/*/apply`: the writes of a kind.
//! - `apply`: walks a plan, change by change, and reports.
//! - `cli`: the command line: names and their help.
//! - `error`: the exit codes, and failures that end a run early.
//! - `render`: everything that is shown, as text.
//! - `session`: what verbs share: files, connection, asking, making a plan, printing.
//! - `cmd`: one file per verb.

pub mod action;
pub mod admin;
pub mod apply;
pub mod ask;
pub mod change;
pub mod check;
pub mod cli;
pub mod cmd;
pub mod code;
pub mod config;
pub mod consent;
pub mod desired;
pub mod diff;
pub mod digest;
pub mod draft;
pub mod drift;
pub mod duration;
pub mod error;
pub mod explain;
pub mod export;
pub mod finding;
pub mod graph;
pub mod kind;
pub mod landing;
pub mod live;
pub mod load;
pub mod pattern;
pub mod plan;
pub mod problem;
pub mod render;
pub mod schema;
pub mod secret;
pub mod server;
pub mod session;
pub mod snapshot;
pub mod source;
pub mod stack;
pub mod whole;
pub mod words;
