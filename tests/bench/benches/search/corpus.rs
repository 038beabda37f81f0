//! Tasks of real texts, as many as are wanted, the same ones for the same number.

use chrono::DateTime;
use fastrand::Rng;
use serde_json::{Map, Value, json};
use taskwire_bench::tasks::PRIORITIES;
use uuid::{Builder, Uuid};

/// So many texts are whole; a task beyond them has two of them, one behind the other.
const WHOLE: usize = 100_000;

/// What a task's description takes.
const MAX_CHARACTERS: usize = 4_096;

/// When the first task was created: 2026-01-01T00:00:00Z.
const BEGINNING: i64 = 1_767_225_600_000;
const BETWEEN_TWO: i64 = 20_000;
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// What tasks are filed under, the first names far more often than the last.
pub(crate) const CATEGORIES: [&str; 24] = [
    "home", "work", "shopping", "garden", "travel", "finance", "health", "family", "urgent", "waiting",
    "errands", "music", "reading", "writing", "repairs", "school", "sports", "cooking", "calls", "meetings",
    "ideas", "someday", "taxes", "pets",
];

/// The texts, and how many tasks are made of them.
pub(crate) struct Corpus {
    /// Each is the whole description of a task.
    pub(crate) texts: Vec<String>,
    pub(crate) tasks: usize,
}

impl Corpus {
    pub(crate) fn of(tasks: usize) -> Self {
        Self {
            texts: taskwire_e2e::many_real_texts(tasks.min(WHOLE)),
            tasks,
        }
    }

    /// Each task as it stands in the index, given one with its priority that the service put there itself.
    pub(crate) fn documents<'a>(
        &'a self,
        likes: &'a [Map<String, Value>],
    ) -> impl Iterator<Item = (Uuid, Map<String, Value>)> + 'a {
        let mut random = Rng::with_seed(13);
        (0..self.tasks).map(move |number| {
            let mut document = random.choice(likes).cloned().unwrap_or_default();
            let created = BEGINNING + BETWEEN_TWO * number as i64;
            let id = id(created, &mut random);
            document.insert("id".to_owned(), id.to_string().into());
            document.insert(
                "description".to_owned(),
                self.description(number, &mut random).into(),
            );
            document.extend(fields(created, &mut random));
            (id, document)
        })
    }

    fn description(&self, number: usize, random: &mut Rng) -> String {
        let text = &self.texts[number % self.texts.len()];
        if number < self.texts.len() {
            return text.clone();
        }
        let mut other = || &self.texts[random.usize(..self.texts.len())];
        loop {
            let both = format!("{text} {}", other());
            if both.chars().count() <= MAX_CHARACTERS {
                return both;
            }
        }
    }
}

fn id(created: i64, random: &mut Rng) -> Uuid {
    let mut rest = [0; 10];
    random.fill(&mut rest);
    Builder::from_unix_timestamp_millis(created.unsigned_abs(), &rest).into_uuid()
}

/// What filters, sorts and facets tell apart.
fn fields(created: i64, random: &mut Rng) -> impl Iterator<Item = (String, Value)> {
    let is_done = random.u8(..3) == 0;
    let is_due = random.u8(..5) < 3;
    let due = created + random.i64(DAY..180 * DAY);
    let mut categories: Vec<_> = (0..random.usize(..4)).map(|_| category(random)).collect();
    categories.sort_unstable();
    categories.dedup();
    let fields = [
        ("isDone", json!(is_done)),
        ("dates", json!({"start": null, "due": is_due.then(|| time(due))})),
        ("categories", json!(categories)),
        ("createdAt", json!(time(created))),
        ("updatedAt", json!(time(created))),
        ("completedAt", json!(is_done.then(|| time(created)))),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value))
}

/// One of the names.
pub(crate) fn category(random: &mut Rng) -> &'static str {
    let skewed = random.f64() * random.f64() * CATEGORIES.len() as f64;
    CATEGORIES[skewed as usize]
}

/// A time within those at which tasks are due.
pub(crate) fn some_due_time(tasks: usize, random: &mut Rng) -> String {
    time(BEGINNING + random.i64(0..BETWEEN_TWO * tasks as i64 + 180 * DAY))
}

fn time(milliseconds: i64) -> String {
    let time = DateTime::from_timestamp_millis(milliseconds).unwrap_or_default();
    time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// One body of `POST /tasks` for each priority.
pub(crate) fn samples() -> Vec<Value> {
    let sample = |priority| json!({"description": format!("a sample of {priority}"), "priority": priority});
    PRIORITIES.map(sample).to_vec()
}
