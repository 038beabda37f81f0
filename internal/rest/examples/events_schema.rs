//! Prints the schema of the events. It is for `cargo xtask openapi`, which keeps it in `docs/events.schema.json`.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    print!("{}", taskwire_rest::events_schema());
}
