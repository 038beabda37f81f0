//! Hostile input: what no well-meaning client sends, byte by byte over sockets of its own, on both families.
//!
//! One file an area, each a table of what is sent and what must come back. Whatever it is, the service lives, says
//! nothing of its inside, and keeps no memory.

mod bodies;
mod case;
mod connections;
mod encodings;
mod exchange;
mod fields;
mod framing;
mod headers;
mod ids;
mod json_shape;
mod memory;
mod methods;
mod numbers;
mod paths;
mod queries;
mod request;
mod run;
mod sizes;
mod times;
mod verdict;

use case::Case;

pub use run::withstands_it_all;

/// All there are. `task` is the path of a task at its first version, which none of them may change.
fn cases(task: &str) -> Vec<Case> {
    [
        connections::cases(task),
        encodings::cases(task),
        fields::cases(task),
        framing::cases(),
        headers::cases(task),
        ids::cases(task),
        json_shape::cases(task),
        methods::cases(task),
        numbers::cases(task),
        paths::cases(),
        queries::cases(task),
        sizes::cases(task),
        times::cases(task),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_case_has_a_name_of_its_own() {
        let mut names = HashSet::new();
        for case in cases("/tasks/0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10") {
            assert!(names.insert(case.name.clone()), "{}", case.name);
        }
    }
}
