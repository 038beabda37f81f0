//! A client that does something at random.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use fastrand::Rng;
use serde_json::{Value, json};

use super::call::{self, Call, Condition, Request, Verb};
use crate::Api;

/// How many tasks the clients share. Few, so that they meet; with one creation by each client on its way they are
/// still too few for a chain of sub-tasks that is too deep.
const SHARED: usize = 5;

/// What the clients know of the tasks they share.
#[derive(Default)]
pub(super) struct Hot(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Tasks that are there, as somebody last saw them.
    tasks: BTreeMap<String, Value>,
    /// Tasks that somebody deleted or missed.
    gone: BTreeSet<String>,
}

impl Hot {
    /// Every task that there ever was.
    pub(super) fn all(&self) -> Vec<String> {
        let known = self.0.lock().expect("no client panicked");
        known.tasks.keys().chain(&known.gone).cloned().collect()
    }

    fn learn(&self, call: &Call) {
        let Some(id) = call.id() else { return };
        let mut known = self.0.lock().expect("no client panicked");
        let is_deletion = matches!(call.request.verb, Verb::Delete | Verb::Cascade);
        match &call.task {
            Some(task) if !is_deletion => {
                if !known.gone.contains(id) {
                    known.tasks.insert(id.to_owned(), task.clone());
                }
            }
            None if call.status != 404 => {}
            _ => {
                known.tasks.remove(id);
                known.gone.insert(id.to_owned());
            }
        }
    }
}

/// One client.
pub(super) struct Client<'a> {
    number: usize,
    /// How many descriptions it has made up.
    texts: usize,
    rng: Rng,
    api: &'a Api,
    hot: &'a Hot,
    calls: &'a Mutex<Vec<Call>>,
}

impl<'a> Client<'a> {
    pub(super) fn new(
        number: usize,
        rng: Rng,
        api: &'a Api,
        hot: &'a Hot,
        calls: &'a Mutex<Vec<Call>>,
    ) -> Self {
        Self {
            number,
            texts: 0,
            rng,
            api,
            hot,
            calls,
        }
    }

    /// Does one thing.
    pub(super) async fn step(&mut self) {
        let calls = match self.rng.u8(..100) {
            0..10 => call::made_together(self.api, self.bulk()).await,
            _ => {
                let request = self.request();
                vec![call::made(self.api, request).await]
            }
        };
        for call in calls {
            self.hot.learn(&call);
            self.calls.lock().expect("no client panicked").push(call);
        }
    }

    fn request(&mut self) -> Request {
        let verb = match self.rng.u8(..100) {
            0..35 => Verb::Replace,
            35..75 => Verb::Patch,
            75..78 => Verb::Delete,
            78..81 => Verb::Cascade,
            81..84 => Verb::Create,
            _ => Verb::Read,
        };
        self.request_to(verb)
    }

    /// Some operations of a bulk, on a task each.
    fn bulk(&mut self) -> Vec<Request> {
        let mut named = BTreeSet::new();
        let count = self.rng.usize(1..5);
        let mut requests = Vec::new();
        for _ in 0..count {
            let verb = match self.rng.u8(..8) {
                0 => Verb::Create,
                1 => Verb::Delete,
                _ => Verb::Patch,
            };
            let request = self.request_to(verb);
            if request.id.as_ref().is_none_or(|id| named.insert(id.clone())) {
                requests.push(request);
            }
        }
        requests
    }

    /// A request of this kind, unless there are too few tasks or too many.
    fn request_to(&mut self, verb: Verb) -> Request {
        let there = self.hot.0.lock().expect("no client panicked").tasks.len();
        let target = if there < SHARED { None } else { self.target() };
        let Some((id, seen)) = target.filter(|_| verb != Verb::Create || there > SHARED) else {
            return Request {
                verb: Verb::Create,
                id: None,
                body: self.whole(),
                condition: Condition::default(),
            };
        };
        let verb = if verb == Verb::Create { Verb::Delete } else { verb };
        let (body, condition) = match verb {
            Verb::Replace => (self.replacement(&seen), self.condition(&seen)),
            Verb::Patch => (self.patch(&seen), self.condition(&seen)),
            Verb::Read => (Value::Null, Condition::default()),
            Verb::Create | Verb::Delete | Verb::Cascade => (Value::Null, self.condition(&seen)),
        };
        Request {
            verb,
            id: Some(id),
            body,
            condition,
        }
    }

    /// A task and how it was last seen; now and then one that is gone.
    fn target(&mut self) -> Option<(String, Value)> {
        let known = self.hot.0.lock().expect("no client panicked");
        if self.rng.u8(..20) == 0
            && let Some(id) = self.rng.choice(known.gone.iter())
        {
            return Some((id.clone(), json!({"version": 1})));
        }
        let (id, seen) = self.rng.choice(known.tasks.iter())?;
        Some((id.clone(), seen.clone()))
    }

    fn condition(&mut self, seen: &Value) -> Condition {
        let version = seen["version"].as_i64().expect("a task has a version");
        let stale = (version - self.rng.i64(1..4)).max(1);
        let versions = match self.rng.u8(..20) {
            0..9 => return Condition::default(),
            9 => {
                return Condition {
                    header: Some("*".to_owned()),
                    versions: None,
                };
            }
            10..14 => vec![version],
            14..16 => vec![stale, version, version + 1],
            16..18 => vec![stale],
            18 => vec![version + 1_000],
            _ => {
                return Condition {
                    header: Some(format!("W/\"{version}\"")),
                    versions: Some(Vec::new()),
                };
            }
        };
        let tags: Vec<_> = versions.iter().map(|version| format!("\"{version}\"")).collect();
        Condition {
            header: Some(tags.join(", ")),
            versions: Some(versions),
        }
    }

    /// One that nobody ever wrote.
    fn description(&mut self) -> String {
        self.texts += 1;
        format!("text {} of client {}", self.texts, self.number)
    }

    /// Now and then what was seen, server-made fields and all.
    fn replacement(&mut self, seen: &Value) -> Value {
        if self.rng.u8(..8) == 0 && seen["id"].is_string() {
            return seen.clone();
        }
        self.whole()
    }

    fn whole(&mut self) -> Value {
        let mut body = self.patch(&Value::Null);
        // Elsewhere than in a patch, null is no value of most fields.
        if let Some(fields) = body.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        body["description"] = self.description().into();
        body
    }

    /// Some fields; now and then none, or one as it was seen.
    fn patch(&mut self, seen: &Value) -> Value {
        match self.rng.u8(..16) {
            0 => return json!({}),
            1 if seen["description"].is_string() => return json!({"description": seen["description"]}),
            _ => {}
        }
        let mut patch = json!({});
        if self.rng.u8(..4) > 0 {
            patch["description"] = self.description().into();
        }
        for name in ["priority", "dates", "isDone", "parentId", "categories"] {
            if self.rng.u8(..3) == 0 {
                patch[name] = self.value(name);
            }
        }
        patch
    }

    /// Something that the field may hold, or null.
    fn value(&mut self, name: &str) -> Value {
        let rng = &mut self.rng;
        if rng.u8(..4) == 0 {
            return Value::Null;
        }
        match name {
            "priority" => ["none", "low", "medium", "high"][rng.usize(..4)].into(),
            "isDone" => rng.bool().into(),
            "categories" => ["home", "work", "später"][rng.usize(..3)..].into(),
            "dates" => {
                let second = rng.u8(10..60);
                // Every start is before every due time.
                [
                    json!({"start": format!("2025-05-01T09:00:{second}.000Z")}),
                    json!({"due": format!("2027-05-01T09:00:{second}.000Z")}),
                    json!({"start": null, "due": null}),
                ][rng.usize(..3)]
                .clone()
            }
            _ => {
                let known = self.hot.0.lock().expect("no client panicked");
                rng.choice(known.tasks.keys()).cloned().into()
            }
        }
    }
}
