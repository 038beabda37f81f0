//! One line of the table: what is sent, and what must come back.

use std::time::Duration;

/// A conversation on a connection of its own.
#[derive(Debug, Clone)]
pub(super) struct Case {
    /// Its area and what is wrong with it.
    pub(super) name: String,
    /// What the client does, in order, while it listens.
    pub(super) steps: Vec<Step>,
    /// What it must hear.
    pub(super) wanted: Wanted,
    /// Whether it takes ten seconds or more, because it is a limit of time that is reached.
    pub(super) is_slow: bool,
}

/// What a client does.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Sends these bytes at once.
    Send(Vec<u8>),
    /// Sends these bytes one by one, with this pause between.
    Drip(Vec<u8>, Duration),
    /// Sends these bytes again and again with this pause between, until it is answered and cut off.
    Forever(Vec<u8>, Duration),
    /// Says that it has nothing more to send, and goes on listening.
    EndSending,
    /// Breaks the connection without a farewell and hears nothing.
    Reset,
}

/// What must come back before the server closes the connection.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    /// One answer of this status that is no problem document.
    Done(u16),
    /// One problem document of this status and code; for a 400 with exactly these values named, as `place code`, if
    /// it says which.
    Problem(u16, &'static str, Option<Vec<String>>),
    /// One answer of this status without a document or anything else of ours: the HTTP library gives it before the
    /// service sees the request, when its head cannot be read.
    Bare(u16),
    /// One answer of this status, of which a body is no part: the request was a `HEAD`.
    Head(u16),
    /// Answers of these statuses in this order.
    Each(Vec<u16>),
    /// The end of the connection, without a word.
    Closed,
    /// Whatever there is time for: the client does not stay to hear it.
    Nothing,
}

/// What is sent, until it is said what must come back.
pub(super) struct Sent {
    name: String,
    steps: Vec<Step>,
}

/// Sends these bytes at once.
pub(super) fn send(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Sent {
    Sent {
        name: name.into(),
        steps: vec![Step::Send(bytes.into())],
    }
}

impl Sent {
    /// And then does this.
    pub(super) fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Is answered with this status and no problem document.
    pub(super) fn done(self, status: u16) -> Case {
        self.wants(Wanted::Done(status))
    }

    /// Is refused with this problem.
    pub(super) fn problem(self, status: u16, code: &'static str) -> Case {
        self.wants(Wanted::Problem(status, code, None))
    }

    /// Is refused with a 400 that names exactly these, as `place code`.
    pub(super) fn wrong(self, named: &[&str]) -> Case {
        let named = named.iter().map(|&place| place.to_owned()).collect();
        self.wants(Wanted::Problem(400, "invalid-request", Some(named)))
    }

    /// Is refused by the HTTP library, without a document.
    pub(super) fn bare(self, status: u16) -> Case {
        self.wants(Wanted::Bare(status))
    }

    /// Is told everything but the body.
    pub(super) fn head(self, status: u16) -> Case {
        self.wants(Wanted::Head(status))
    }

    /// Is answered once for each of these statuses.
    pub(super) fn each(self, statuses: Vec<u16>) -> Case {
        self.wants(Wanted::Each(statuses))
    }

    /// Hears nothing but the end of the connection.
    pub(super) fn closed(self) -> Case {
        self.wants(Wanted::Closed)
    }

    /// Does not listen.
    pub(super) fn unheard(self) -> Case {
        self.wants(Wanted::Nothing)
    }

    fn wants(self, wanted: Wanted) -> Case {
        Case {
            name: self.name,
            steps: self.steps,
            wanted,
            is_slow: false,
        }
    }
}

impl Case {
    /// Reaches a limit of time.
    pub(super) fn slowly(mut self) -> Self {
        self.is_slow = true;
        self
    }
}
