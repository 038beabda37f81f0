//! Whether every answer can have been true.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::call::{Call, Verb};
use super::fields;
use super::timeline::{Span, Timeline};

/// Every answer that cannot have been true, in words.
pub(super) fn untrue(calls: &[Call]) -> Vec<String> {
    let mut judge = Judge::default();
    let mut by_task: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in calls {
        match call.id() {
            Some(id) => by_task.entry(id).or_default().push(call),
            None => judge.judge_creation(call),
        }
    }
    for (id, calls) in &by_task {
        judge.collect_states(id, calls);
    }
    judge.collect_ends(calls);
    for (id, calls) in &by_task {
        judge.tell(id, calls, &by_task);
    }
    judge.judge_sights(calls);
    for call in calls.iter().filter(|call| !call.is_acknowledged()) {
        judge.judge_refusal(call);
    }
    judge.judge_orphans();
    judge.untrue
}

#[derive(Default)]
struct Judge<'c> {
    /// Each task's states; version 1 at place 0.
    states: BTreeMap<&'c str, Vec<&'c Value>>,
    /// Tasks that somebody found to be gone.
    missed: BTreeSet<&'c str>,
    timelines: BTreeMap<&'c str, Timeline>,
    untrue: Vec<String>,
}

fn span(call: &Call) -> Span {
    Span {
        from: call.began,
        to: call.ended,
    }
}

fn parent(task: &Value) -> Option<&str> {
    task["parentId"].as_str()
}

impl<'c> Judge<'c> {
    fn object(&mut self, what: &str, call: &Call) {
        self.untrue.push(format!("{what}: {call:?}"));
    }

    /// A creation that was refused, for which only its parent can be the reason.
    fn judge_creation(&mut self, call: &'c Call) {
        let is_of_parent = call.status == 400 && call.code == "unknown-parent";
        match call.request.parent() {
            Some(parent) if is_of_parent => {
                self.missed.insert(parent);
            }
            // Then so was the whole bulk.
            _ if call.code == "contended" => {}
            _ => self.object("a refusal without reason", call),
        }
    }

    /// Gathers the states of a task: the same for everybody at the same version, and none missing.
    fn collect_states(&mut self, id: &'c str, calls: &[&'c Call]) {
        let mut states: BTreeMap<i64, &Value> = BTreeMap::new();
        for call in calls {
            let (Some(task), Some(version)) = (&call.task, call.version()) else {
                if call.status == 404 {
                    self.missed.insert(id);
                } else if call.code == "unknown-parent" {
                    self.missed.extend(call.request.parent());
                }
                continue;
            };
            if *states.entry(version).or_insert(task) != task {
                self.object("a version that was another task for somebody else", call);
            }
        }
        let last = states.keys().last().copied().unwrap_or_default();
        let missing: Vec<_> = (1..=last)
            .filter(|version| !states.contains_key(version))
            .collect();
        if !missing.is_empty() || last == 0 {
            self.untrue.push(format!(
                "{id}: of {last} versions, nobody was told of {missing:?}"
            ));
            return;
        }
        self.states.insert(id, states.into_values().collect());
    }

    /// Notes who was found to be gone by whoever deleted it.
    fn collect_ends(&mut self, calls: &'c [Call]) {
        let deletions = calls.iter().filter(|call| is_deletion(call));
        self.missed.extend(deletions.filter_map(Call::id));
    }

    /// Finds out who made each version, and makes the task's timeline of it.
    fn tell(&mut self, id: &'c str, calls: &[&'c Call], all: &BTreeMap<&'c str, Vec<&'c Call>>) {
        let Some(states) = self.states.get(id).cloned() else {
            return;
        };
        let mut makers = Vec::new();
        for place in 0..states.len() {
            let before = place.checked_sub(1).map(|before| states[before]);
            if let Some(wrong) = fields::wrong_in(before, states[place]) {
                self.untrue
                    .push(format!("{id}: {wrong}: {} after {before:?}", states[place]));
            }
            let writes = calls.iter().filter(|call| {
                call.request.is_write() && !is_deletion(call) && call.version() == Some(place as i64 + 1)
            });
            match self.maker(before, states[place], &writes.copied().collect::<Vec<_>>()) {
                Some(maker) => makers.push(maker),
                None => {
                    self.untrue.push(format!(
                        "{id}: version {} was made by nobody, or by several",
                        place + 1
                    ));
                    return;
                }
            }
        }
        if self.missed.contains(id) {
            match self.end(id, all) {
                Some(end) => makers.push(end),
                None => {
                    self.untrue
                        .push(format!("{id}: is gone, and was deleted by nobody, or twice"));
                    return;
                }
            }
        }
        self.timelines.insert(id, Timeline::new(makers));
    }

    /// When a version was made, if exactly one of these writes can have made it. All of them were told of it.
    fn maker(&mut self, before: Option<&Value>, state: &Value, writes: &[&Call]) -> Option<Span> {
        let fields = fields::of(state);
        let version = state["version"].as_i64()?;
        let follows = |call: &Call, from: &Value, version: i64| {
            call.request.condition.accepts(version)
                && fields::after(call.request.verb, Some(&fields::of(from)), &call.request.body).as_ref()
                    == Some(&fields)
        };
        let makes = |call: &Call| match before {
            None => {
                call.request.verb == Verb::Create
                    && fields::after(Verb::Create, None, &call.request.body).as_ref() == Some(&fields)
            }
            Some(before) => fields::of(before) != fields && follows(call, before, version - 1),
        };
        let keeps = |call: &Call| call.request.verb != Verb::Create && follows(call, state, version);
        for call in writes {
            if call.written != Some(version) {
                self.object("a token of another version", call);
            }
            if !makes(call) && !keeps(call) {
                self.object("a write that does not lead to what was answered", call);
            }
        }
        let by_need: Vec<_> = writes.iter().filter(|call| !keeps(call)).collect();
        let makers: Vec<_> = match by_need.len() {
            0 => writes.iter().filter(|call| makes(call)).collect(),
            1 => by_need,
            _ => return None,
        };
        Some(Span {
            from: makers.iter().map(|call| call.began).min()?,
            to: makers.iter().map(|call| call.ended).min()?,
        })
    }

    /// When a task ended: by the one deletion of it, or of the task it was below in the end.
    fn end(&mut self, id: &str, all: &BTreeMap<&'c str, Vec<&'c Call>>) -> Option<Span> {
        let mut at = id;
        // No chain of sub-tasks is longer.
        for _ in 0..16 {
            let deletions: Vec<_> = all.get(at)?.iter().filter(|call| is_deletion(call)).collect();
            let states = self.states.get(at)?;
            match deletions[..] {
                [] => at = parent(states.last()?)?,
                [deletion] => {
                    let last = states.len() as i64;
                    let is_right = deletion.version() == Some(last)
                        && deletion.written == Some(last + 1)
                        && deletion.request.condition.accepts(last)
                        && (at == id || deletion.request.verb == Verb::Cascade);
                    return is_right.then(|| span(deletion));
                }
                _ => return None,
            }
        }
        None
    }

    /// Narrows the timelines by what was seen, and brings them in order.
    fn judge_sights(&mut self, calls: &[Call]) {
        for call in calls {
            if let Some(id) = call.id() {
                self.judge_sight(id, call);
            }
            if let Some(parent) = call.task.as_ref().and_then(parent) {
                self.alive(parent, call);
            }
            if call.code == "unknown-parent"
                && let Some(parent) = call.request.parent()
            {
                self.gone(parent, call);
            }
        }
        for (id, timeline) in &mut self.timelines {
            if let Err(place) = timeline.settle() {
                let version = place + 1;
                self.untrue.push(format!(
                    "{id}: version {version} was seen too early, or the one before too late"
                ));
            }
        }
    }

    /// What a call says of its own task.
    fn judge_sight(&mut self, id: &str, call: &Call) {
        let was_there = ["version-mismatch", "has-subtasks", "parent-cycle"].contains(&call.code.as_str());
        match (call.version(), call.status) {
            (Some(version), _) if !is_deletion(call) => {
                if let Some(timeline) = self.timelines.get_mut(id) {
                    timeline.seen(version as usize - 1, span(call));
                }
            }
            (_, 404) => self.gone(id, call),
            _ if was_there => self.alive(id, call),
            _ => {}
        }
    }

    fn alive(&mut self, id: &str, call: &Call) {
        let Some(states) = self.states.get(id) else { return };
        if let Some(timeline) = self.timelines.get_mut(id) {
            timeline.seen_between(0, states.len() - 1, span(call));
        }
    }

    fn gone(&mut self, id: &str, call: &Call) {
        let Some(states) = self.states.get(id) else { return };
        if let Some(timeline) = self.timelines.get_mut(id) {
            timeline.seen(states.len(), span(call));
        }
    }

    fn judge_refusal(&mut self, call: &Call) {
        let Some(id) = call.id() else { return };
        let Some(timeline) = self.timelines.get(id) else {
            return;
        };
        let at = span(call);
        let is_true = match (call.status, call.code.as_str()) {
            // Of these the timelines have told already.
            (404, "task-not-found") | (400, "unknown-parent") => true,
            (412, "version-mismatch") => (0..self.states[id].len()).any(|place| {
                !call.request.condition.accepts(place as i64 + 1) && timeline.may_be_at(place, at)
            }),
            (409, "has-subtasks") => self.children(id).any(|(child, place)| child.may_be_at(place, at)),
            (409, "parent-cycle") => self.may_have_been_below(call.request.parent(), id),
            (409, "contended") => timeline.may_change(at),
            _ => false,
        };
        if !is_true {
            self.object("a refusal without reason", call);
        }
    }

    /// The timelines of all that ever were below this task, with the place of each version that was.
    fn children(&self, id: &str) -> impl Iterator<Item = (&Timeline, usize)> {
        self.timelines.iter().flat_map(move |(child, timeline)| {
            let states = self.states[child].iter().enumerate();
            let below = states.filter(move |(_, state)| parent(state) == Some(id));
            below.map(move |(place, _)| (timeline, place))
        })
    }

    /// Whether `start` is the task, or was at some time below one that was, and so on.
    fn may_have_been_below(&self, start: Option<&str>, id: &str) -> bool {
        let mut reached: BTreeSet<&str> = start.into_iter().collect();
        loop {
            let states = reached.iter().filter_map(|task| self.states.get(task)).flatten();
            let above: Vec<&str> = states.filter_map(|state| parent(state)).collect();
            let count = reached.len();
            reached.extend(above);
            if reached.contains(id) || reached.len() == count {
                return reached.contains(id);
            }
        }
    }

    /// No task outlives the one it is below.
    fn judge_orphans(&mut self) {
        let mut orphaned = Vec::new();
        for (id, timeline) in &self.timelines {
            let Some(end) = timeline.beginning(self.states[id].len()) else {
                continue;
            };
            if self
                .children(id)
                .any(|(child, place)| child.must_be_at(place, end))
            {
                orphaned.push(format!("{id}: it was deleted while another task was below it"));
            }
        }
        self.untrue.extend(orphaned);
    }
}

fn is_deletion(call: &Call) -> bool {
    call.is_acknowledged() && matches!(call.request.verb, Verb::Delete | Verb::Cascade)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use super::super::call::{Condition, Request};
    use super::*;

    /// A story told in calls, whose times are counted from one beginning.
    struct Story {
        began: Instant,
        calls: Vec<Call>,
    }

    impl Story {
        /// A task that is created from 0 to 1.
        fn new() -> Self {
            let story = Self {
                began: Instant::now(),
                calls: Vec::new(),
            };
            story.and(Verb::Create, "a", (0, 1), 201, 1)
        }

        /// A call about the task, from and to these times. The version is the one answered, or not accepted; its text
        /// becomes the description.
        fn and(mut self, verb: Verb, text: &str, (from, to): (u64, u64), status: u16, version: i64) -> Self {
            let writes = matches!(verb, Verb::Create | Verb::Replace | Verb::Patch);
            let body = if writes {
                json!({"description": text})
            } else {
                Value::Null
            };
            let mut task = fields::after(Verb::Create, None, &json!({"description": text})).unwrap();
            for (name, value) in [
                ("id", json!("t")),
                ("version", json!(version)),
                ("createdAt", json!("c")),
            ] {
                task[name] = value;
            }
            let is_deletion = matches!(verb, Verb::Delete | Verb::Cascade);
            let (code, condition) = match status {
                404 => ("task-not-found", None),
                412 => ("version-mismatch", Some(vec![version])),
                _ => ("", None),
            };
            self.calls.push(Call {
                request: Request {
                    verb,
                    id: (verb != Verb::Create).then(|| "t".to_owned()),
                    body,
                    condition: Condition {
                        header: None,
                        versions: condition,
                    },
                },
                began: self.began + Duration::from_secs(from),
                ended: self.began + Duration::from_secs(to),
                status,
                code: code.to_owned(),
                task: (status < 300).then_some(task),
                written: (status < 300).then_some(version + i64::from(is_deletion)),
            });
            self
        }

        fn untrue(&self) -> Vec<String> {
            untrue(&self.calls)
        }
    }

    #[test]
    fn what_can_have_happened_is_true() {
        let story = Story::new()
            .and(Verb::Replace, "b", (2, 6), 200, 2)
            .and(Verb::Patch, "c", (2, 6), 200, 3)
            .and(Verb::Patch, "c", (3, 7), 200, 3)
            .and(Verb::Read, "a", (3, 4), 200, 1)
            // Refused at version 1, or at 3.
            .and(Verb::Replace, "x", (2, 9), 412, 2)
            .and(Verb::Delete, "c", (8, 9), 200, 3)
            .and(Verb::Read, "", (8, 9), 404, 0);
        assert_eq!(story.untrue(), Vec::<String>::new());
    }

    #[test]
    fn each_kind_of_lie_is_found() {
        let changed = || Story::new().and(Verb::Replace, "b", (2, 3), 200, 2);
        let lies = [
            ("lost", changed().and(Verb::Replace, "c", (2, 3), 200, 2)),
            ("left out", changed().and(Verb::Replace, "c", (4, 5), 200, 4)),
            (
                "not what was asked",
                changed().and(Verb::Patch, "b", (0, 1), 200, 1),
            ),
            (
                "changed by nobody",
                Story::new().and(Verb::Read, "b", (2, 3), 200, 2),
            ),
            ("out of date", changed().and(Verb::Read, "a", (4, 5), 200, 1)),
            (
                "ahead of its time",
                changed().and(Verb::Read, "b", (0, 1), 200, 2),
            ),
            (
                "refused without need",
                changed().and(Verb::Replace, "x", (4, 5), 412, 2),
            ),
            ("missing", changed().and(Verb::Read, "", (4, 5), 404, 0)),
            ("refused", changed().and(Verb::Replace, "x", (4, 5), 500, 0)),
        ];
        for (lie, story) in lies {
            assert!(!story.untrue().is_empty(), "{lie}");
        }
        let deleted = || Story::new().and(Verb::Delete, "a", (2, 3), 200, 1);
        let lies = [
            ("deleted twice", deleted().and(Verb::Delete, "a", (2, 3), 200, 1)),
            ("back again", deleted().and(Verb::Read, "a", (4, 5), 200, 1)),
            (
                "changed after its end",
                deleted().and(Verb::Replace, "b", (4, 5), 200, 2),
            ),
            (
                "refused after its end",
                deleted().and(Verb::Replace, "x", (4, 5), 412, 7),
            ),
        ];
        for (lie, story) in lies {
            assert!(!story.untrue().is_empty(), "{lie}");
        }
    }
}
