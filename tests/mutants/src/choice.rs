//! Which mutation a program was asked for.

use crate::MUTATION;

/// What the environment's `TASKWIRE_MUTATION` stands for in this table.
///
/// # Errors
/// A sentence with every name there is, when it names none of them.
pub(crate) fn choose<T: Copy>(table: &[(&'static str, T)]) -> Result<T, String> {
    let asked = std::env::var(MUTATION).unwrap_or_default();
    choose_named(table, &asked)
}

fn choose_named<T: Copy>(table: &[(&'static str, T)], asked: &str) -> Result<T, String> {
    let chosen = table.iter().find(|(name, _)| *name == asked);
    chosen.map(|(_, mutation)| *mutation).ok_or_else(|| {
        let names: Vec<_> = table.iter().map(|(name, _)| *name).collect();
        format!("{MUTATION} is {asked:?}; this program knows {}", names.join(", "))
    })
}

/// The setting of this name, which the program needs besides its mutation.
///
/// # Panics
/// When it is not set.
pub(crate) fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

#[cfg(test)]
mod tests {
    use super::choose_named;

    #[test]
    fn an_unknown_name_is_answered_with_those_there_are() {
        let table = [("control", 0), ("range-delete", 1)];
        assert_eq!(choose_named(&table, "range-delete"), Ok(1));
        for unknown in ["", "range", "Control"] {
            let said = choose_named(&table, unknown).unwrap_err();
            assert!(said.contains("control, range-delete"), "{said}");
        }
    }
}
