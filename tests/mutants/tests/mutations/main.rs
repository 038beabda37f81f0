//! Every mutation is caught, and the same scenario finds nothing when nothing is mutated.
//!
//! A scenario is a case for each program it is run with. The oracle has the last word in all of them; a mutation counts
//! as caught when it finds what that mutation has to cause, so that an accident is not taken for it.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

mod batch_in_flight;
mod case;
mod deletions;
mod judge;
mod late_commit;
mod poison;
mod refused_items;
mod replay;
mod scene;
mod unacknowledged;

use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;

use case::{Case, cases, mutations_without_a_case};
use scene::an_unknown_mutation_is_refused;

/// Cases mostly wait for engines and time-outs, so that more than there are cores run at a time.
const AT_A_TIME: usize = 6;

/// A finding may quote whole documents; the table shows its beginning.
const TOLD: usize = 200;

type Table = Arc<Mutex<Vec<String>>>;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_A_TIME));
    let runtime = Arc::new(Runtime::new().expect("a runtime starts"));
    let table = Table::default();
    let mut trials: Vec<Trial> = cases()
        .into_iter()
        .map(|case| trial(case, runtime.clone(), table.clone()))
        .collect();
    trials.push(Trial::test("every_mutation_has_a_case", || {
        let missing = mutations_without_a_case();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(format!("without a case: {missing:?}").into())
        }
    }));
    let ours = runtime.clone();
    trials.push(Trial::test("an_unknown_mutation_is_refused", move || {
        ours.block_on(an_unknown_mutation_is_refused());
        Ok(())
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    let mut lines = table.lock().unwrap().clone();
    lines.sort();
    for line in lines {
        println!("{line}");
    }
    conclusion.exit_code()
}

fn trial(case: Case, runtime: Arc<Runtime>, table: Table) -> Trial {
    Trial::test(case.name(), move || {
        let (verdict, took) = runtime.block_on(case.run());
        let said = match &verdict {
            Ok(said) | Err(said) => &said[..said.floor_char_boundary(TOLD)],
        };
        let line = format!("{}: {said} ({:.0} s)", case.name(), took.as_secs_f32());
        table.lock().unwrap().push(line);
        verdict.map(|_| ()).map_err(Into::into)
    })
}
