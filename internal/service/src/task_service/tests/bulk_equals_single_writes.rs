//! A bulk comes to what its operations come to one by one: the same results, the same tasks, the same events. Random
//! bulks over small worlds, each named by its seed.

use std::collections::BTreeMap;

use fastrand::Rng;
use taskwire_domain::{Decision, ExternalId, FieldError, IdSource, Location, View, Violation};

use super::*;
use crate::BulkOperation;
use crate::bulk_decision::BulkDecision;

const SEEDS: u64 = 3_000;

/// Ids that no task has.
const MISSING: [u128; 2] = [901, 902];

const TIMES: [&str; 3] = [NOON, LATER, "2026-05-02T09:00:00.000Z"];

/// Says which seed it was when the test goes down with it.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("failing seed: {}", self.0);
        }
    }
}

#[tokio::test]
async fn a_bulk_does_what_its_operations_do_one_by_one() {
    let mut seen = BTreeMap::new();
    for seed in 0..SEEDS {
        let _named = Seed(seed);
        compare(&mut Rng::with_seed(seed), &mut seen).await;
    }
    // Each rule has been met, many times over.
    for outcome in [
        "created",
        "patched",
        "moved",
        "deleted",
        "unchanged",
        "rolled back",
        "refused by itself",
        "unknown-parent",
        "too-deep",
        "start-after-due",
        "NotFound",
        "ParentCycle",
        "HasSubtasks",
        "ExternalIdTaken",
        "VersionMismatch",
    ] {
        let times = seen.get(outcome).copied().unwrap_or(0);
        assert!(times >= 50, "{outcome} came {times} times: {seen:?}");
    }
}

async fn compare(rng: &mut Rng, seen: &mut BTreeMap<&'static str, u32>) {
    let world = world(rng);
    let now = *rng.choice(&["2026-05-01T11:00:00.000Z", LATER]).unwrap();
    let request = BulkRequest {
        operations: operations(rng, &world),
        atomic: rng.u8(..4) == 0,
    };
    let [whole, single] = [(); 2].map(|()| Arc::new(MemoryRepository::holding(world.clone())));
    let before = whole.state();

    let bulk = counting_service_at(now, &whole)
        .bulk(request.clone(), None, None)
        .await;
    let Ok(Answered::First(results)) = bulk else {
        panic!("{bulk:?} from {request:#?}");
    };
    let service = counting_service_at(now, &single);
    let mut wanted = Vec::new();
    for operation in &request.operations {
        wanted.push(alone(&service, operation).await);
    }
    for (operation, result) in request.operations.iter().zip(&wanted) {
        *seen.entry(outcome(operation, result, &before)).or_default() += 1;
    }
    let mut state = single.state();
    if request.atomic && wanted.iter().any(Result::is_err) {
        *seen.entry("rolled back").or_default() += 1;
        let roll_back =
            |result: Result<Receipt, Error>| result.and(Err(Error::Conflict(Conflict::RolledBack)));
        wanted = wanted.into_iter().map(roll_back).collect();
        state = before;
    }
    assert_eq!(
        format!("{results:?}"),
        format!("{wanted:?}"),
        "results of {request:#?} on {world:#?}"
    );
    assert_eq!(whole.state(), state, "state after {request:#?} on {world:#?}");
}

/// What the use case of one write says, with pointers that lead from the root of the bulk.
async fn alone(service: &TaskService, operation: &BulkOperation) -> Result<Receipt, Error> {
    match operation {
        BulkOperation::Create { fields, pointer } => {
            let created = service.create(fields.clone(), None).await;
            created.map_err(|error| within(pointer, error))
        }
        BulkOperation::Patch {
            id,
            patch,
            precondition,
            pointer,
        } => {
            let patched = service.patch(*id, patch, precondition, None).await;
            patched.map_err(|error| within(pointer, error))
        }
        BulkOperation::Delete { id, precondition } => service.delete(*id, precondition, None).await,
        BulkOperation::Invalid(errors) => Err(Error::Invalid(errors.clone())),
    }
}

fn within(pointer: &str, error: Error) -> Error {
    let Error::Invalid(mut errors) = error else {
        return error;
    };
    for error in &mut errors {
        let Location::Pointer(inner) = &mut error.location else {
            panic!("{error:?}");
        };
        inner.insert_str(0, pointer);
    }
    Error::Invalid(errors)
}

/// The name under which it is counted.
fn outcome(operation: &BulkOperation, result: &Result<Receipt, Error>, before: &State) -> &'static str {
    match (operation, result) {
        (BulkOperation::Invalid(_), _) => "refused by itself",
        (BulkOperation::Create { .. }, Ok(_)) => "created",
        (BulkOperation::Delete { .. }, Ok(_)) => "deleted",
        (BulkOperation::Patch { id, .. }, Ok(receipt)) => match &before.tasks[id] {
            same if *same == receipt.task => "unchanged",
            old if old.fields.parent_id != receipt.task.fields.parent_id => "moved",
            _ => "patched",
        },
        (_, Err(Error::Invalid(errors))) => errors[0].violation.code,
        (_, Err(Error::NotFound(_))) => "NotFound",
        (_, Err(Error::Conflict(Conflict::ParentCycle))) => "ParentCycle",
        (_, Err(Error::Conflict(Conflict::HasSubtasks))) => "HasSubtasks",
        (_, Err(Error::Conflict(Conflict::ExternalIdTaken))) => "ExternalIdTaken",
        (_, Err(Error::Conflict(Conflict::VersionMismatch { .. }))) => "VersionMismatch",
        (_, Err(other)) => panic!("{other:?}"),
    }
}

/// Up to 20 tasks, as a few bushes, or as a chain down to the greatest depth.
fn world(rng: &mut Rng) -> Vec<Task> {
    let (count, straightness) = match rng.u8(..3) {
        0 => (16, 1.0),
        _ => (rng.u128(2..=20), rng.f32()),
    };
    let mut depths: Vec<u32> = Vec::new();
    let mut tasks = Vec::new();
    let mut free_names = vec!["A", "B", "C", "D"];
    for number in 0..count {
        let above = match rng.f32() {
            chance if number > 0 && chance < straightness => Some(number - 1),
            _ if number > 0 && rng.bool() => Some(rng.u128(0..number)),
            _ => None,
        };
        let above = above.filter(|above| depths[*above as usize] < 16);
        depths.push(above.map_or(1, |above| depths[above as usize] + 1));
        let mut task = task(number, above);
        task.version = version(rng.i64(1..=3));
        if !free_names.is_empty() && rng.u8(..4) == 0 {
            task.fields.external_id = name(free_names.swap_remove(rng.usize(..free_names.len())));
        }
        tasks.push(task);
    }
    tasks
}

/// Up to 16 operations. No task is named twice.
fn operations(rng: &mut Rng, world: &[Task]) -> Vec<BulkOperation> {
    let mut ids: Vec<TaskId> = world
        .iter()
        .map(|task| task.id)
        .chain(MISSING.map(numbered))
        .collect();
    rng.shuffle(&mut ids);
    if rng.u8(..3) == 0 {
        // From below upwards, so that whole branches go.
        ids.sort();
    }
    let mut operations = Vec::new();
    for index in 0..rng.usize(1..=16) {
        let operation = match rng.u8(..20) {
            0 => refused(index),
            1..=5 => bulk::create(random_fields(rng, world), index),
            chance => match ids.pop() {
                None => continue,
                Some(id) if chance <= 14 => bulk::patch(
                    id,
                    random_patch(rng, world),
                    random_precondition(rng, world, id),
                    index,
                ),
                Some(id) => BulkOperation::Delete {
                    id,
                    precondition: random_precondition(rng, world, id),
                },
            },
        };
        operations.push(operation);
    }
    operations
}

fn refused(index: usize) -> BulkOperation {
    let violation = Violation::new("blank", "must not be blank");
    let pointer = format!("/operations/{index}/task/description");
    BulkOperation::Invalid(vec![FieldError::at_pointer(pointer, violation)])
}

fn random_fields(rng: &mut Rng, world: &[Task]) -> TaskFields {
    TaskFields {
        external_id: (rng.u8(..3) == 0).then(|| random_name(rng)).flatten(),
        is_done: rng.bool(),
        parent_id: rng.bool().then(|| random_parent(rng, world)),
        ..fields("new")
    }
}

fn random_patch(rng: &mut Rng, world: &[Task]) -> TaskPatch {
    let mut patch = TaskPatch::default();
    if rng.u8(..3) == 0 {
        patch.external_id = Some(rng.bool().then(|| random_name(rng)).flatten());
    }
    if rng.u8(..3) == 0 {
        patch.description = Description::parse((*rng.choice(&["old", "new"]).unwrap()).to_owned()).ok();
    }
    if rng.u8(..4) == 0 {
        patch.is_done = Some(rng.bool());
    }
    if rng.u8(..2) == 0 {
        patch.parent_id = Some((rng.u8(..4) > 0).then(|| random_parent(rng, world)));
    }
    for time in [&mut patch.dates.start, &mut patch.dates.due] {
        if rng.u8(..3) == 0 {
            *time = Some((rng.u8(..4) > 0).then(|| at(rng.choice(&TIMES).unwrap())));
        }
    }
    patch
}

fn random_precondition(rng: &mut Rng, world: &[Task], id: TaskId) -> Precondition {
    let current = world.iter().find(|task| task.id == id).map(|task| task.version);
    match rng.u8(..10) {
        0 => Precondition::only(Versions::These(vec![version(9)])),
        1..3 => Precondition::only(Versions::These(current.into_iter().chain([version(8)]).collect())),
        _ => Precondition::ANY,
    }
}

fn random_parent(rng: &mut Rng, world: &[Task]) -> TaskId {
    match rng.u8(..12) {
        0 => numbered(MISSING[0]),
        // Of a chain, the deepest.
        1..4 => world[world.len() - 1].id,
        _ => rng.choice(world).unwrap().id,
    }
}

fn random_name(rng: &mut Rng) -> Option<ExternalId> {
    name(rng.choice(&["A", "B", "C", "D", "E"]).unwrap())
}

fn name(text: &str) -> Option<ExternalId> {
    ExternalId::parse(text.to_owned()).ok()
}

/// An adapter that shows too little is wrong, but a wrong answer is its worst.
#[test]
fn a_view_that_shows_too_little_leads_to_some_verdict() {
    for seed in 0..500 {
        let _named = Seed(seed);
        let mut rng = Rng::with_seed(seed);
        let world = world(&mut rng);
        let request = BulkRequest {
            operations: operations(&mut rng, &world),
            atomic: false,
        };
        let count = request.operations.len();
        let ids = CountingIds::default();
        let decision = BulkDecision::new(request, &ids as &dyn IdSource, at(LATER), None, None);
        let linked = world.iter().map(|task| (task.id, task.fields.parent_id));
        let view = View {
            links: linked.filter(|_| rng.bool()).collect(),
            tasks: world
                .iter()
                .filter(|task| task.version != version(1))
                .cloned()
                .collect(),
            ..View::default()
        };
        assert_eq!(decision.decide(view).unwrap().results.len(), count);
    }
}
