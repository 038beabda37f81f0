//! Running the rules: one server for all of them, each rule a test of its own that `cargo test` can filter.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;

use super::{Rule, rules};
use crate::Api;

/// Rules mostly wait for answers, so that more than there are cores run at a time.
const AT_A_TIME: usize = 16;

/// One way in which the service is run.
pub trait Family: Send + Sync + Sized + 'static {
    /// Starts it on storage of its own and waits until it serves.
    fn start() -> impl Future<Output = Self>;

    /// Its API.
    fn api(&self) -> &Api;

    /// The id of the process that answers.
    fn process(&self) -> u32;

    /// After every rule: panics unless what was written is what is searched.
    fn check_equality(&self) -> impl Future<Output = ()>;
}

/// The whole of a test program without a harness: checks every rule on this family, and in the end that it is equal.
/// It understands the arguments that other test programs do. Nothing is started when no rule is asked for.
pub fn run<F: Family>() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_A_TIME));
    let runtime = Arc::new(Runtime::new().expect("a runtime starts"));
    let shared = Arc::new(Shared::<F>(OnceLock::new()));
    let trials = rules()
        .into_iter()
        .map(|rule| trial(rule, runtime.clone(), shared.clone()));
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    let equal = shared
        .0
        .get()
        .is_none_or(|family| is_equal(family.as_ref(), &runtime));
    // Awaits nobody, but drops the server while there is a runtime to drop it in.
    let entered = runtime.enter();
    drop(shared);
    drop(entered);
    if equal {
        conclusion.exit_code()
    } else {
        ExitCode::FAILURE
    }
}

/// The server, once some rule needs it; `None` when it could not be started.
struct Shared<F>(OnceLock<Option<F>>);

impl<F: Family> Shared<F> {
    fn family(&self, runtime: &Runtime) -> &F {
        let started = self.0.get_or_init(|| caught(|| runtime.block_on(F::start())));
        started
            .as_ref()
            .expect("the service starts: why it did not stands above")
    }
}

fn trial<F: Family>(rule: Rule, runtime: Arc<Runtime>, shared: Arc<Shared<F>>) -> Trial {
    Trial::test(rule.name, move || {
        let api = shared.family(&runtime).api().clone();
        runtime.block_on((rule.check)(api));
        Ok(())
    })
}

fn is_equal<F: Family>(family: Option<&F>, runtime: &Runtime) -> bool {
    family.is_some_and(|family| caught(|| runtime.block_on(family.check_equality())).is_some())
}

/// The panic's message has been printed by then.
fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
