//! Prints the OpenAPI document. It is for `cargo xtask openapi`, which keeps it in `docs/openapi.json`.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    print!("{}", taskwire_rest::openapi_document());
}
