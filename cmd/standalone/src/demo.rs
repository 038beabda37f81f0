//! A few dozen tasks that somebody might have.

use anyhow::Context;
use taskwire_domain::{Categories, Clock, Dates, Description, Priority, SystemClock, TaskFields, Timestamp};
use taskwire_service::TaskService;
use taskwire_sqlite::SqliteDatabase;

/// What is to be done; its category; its priority; in how many days it is due; whether it is done.
type Line = (&'static str, &'static str, Priority, Option<i64>, bool);

const LINES: [Line; 36] = {
    use Priority::{High, Low, Medium, None as Unset};
    [
        (
            "Renew the passport before the trip to Lisbon",
            "travel",
            High,
            Some(12),
            false,
        ),
        ("Book the night train to Vienna", "travel", Medium, Some(5), false),
        (
            "Find a cat sitter for the second week of August",
            "travel",
            Medium,
            Some(20),
            false,
        ),
        ("Photograph the travel insurance card", "travel", Low, None, true),
        (
            "Buy oat milk, rye bread and lemons",
            "shopping",
            Low,
            Some(1),
            false,
        ),
        (
            "Order new filters for the water jug",
            "shopping",
            Unset,
            None,
            false,
        ),
        (
            "Return the shoes that are half a size too small",
            "shopping",
            Medium,
            Some(3),
            false,
        ),
        ("Compare prices of induction hobs", "shopping", Unset, None, true),
        ("Water the ferns and repot the basil", "home", Low, Some(2), false),
        ("Descale the kettle", "home", Low, None, true),
        (
            "Call the plumber about the dripping tap",
            "home",
            High,
            Some(1),
            false,
        ),
        (
            "Replace the battery in the smoke detector",
            "home",
            High,
            Some(-1),
            false,
        ),
        ("Measure the balcony for a bench", "home", Unset, None, false),
        ("Sharpen the kitchen knives", "home", Low, Some(9), false),
        (
            "Write the release notes for version 2.4",
            "work",
            High,
            Some(2),
            false,
        ),
        (
            "Review the migration of the billing tables",
            "work",
            High,
            Some(1),
            false,
        ),
        (
            "Answer the auditor's question about backups",
            "work",
            Medium,
            Some(4),
            false,
        ),
        (
            "Rotate the API keys of the staging environment",
            "work",
            High,
            Some(-2),
            false,
        ),
        (
            "Delete the feature flag for the old search page",
            "work",
            Low,
            None,
            false,
        ),
        (
            "Prepare slides about event ordering in Kafka",
            "work",
            Medium,
            Some(8),
            false,
        ),
        (
            "Interview: second conversation with the data engineer",
            "work",
            Medium,
            Some(3),
            true,
        ),
        (
            "Update the on-call handbook with the outbox runbook",
            "work",
            Medium,
            Some(6),
            false,
        ),
        (
            "Upgrade the test cluster to the new release",
            "work",
            Low,
            Some(14),
            false,
        ),
        (
            "Plan the team's offsite in the mountains",
            "work",
            Low,
            Some(40),
            false,
        ),
        (
            "Dentist: check-up and cleaning",
            "health",
            Medium,
            Some(16),
            false,
        ),
        ("Pick up the new glasses", "health", Low, Some(2), true),
        (
            "Register for the ten-kilometre run",
            "health",
            Unset,
            Some(30),
            false,
        ),
        ("Refill the prescription", "health", High, Some(4), false),
        (
            "Read the chapter on snapshot isolation",
            "learning",
            Low,
            None,
            false,
        ),
        (
            "Practise irregular verbs in Portuguese",
            "learning",
            Low,
            Some(1),
            false,
        ),
        ("日本語の動詞を二十個おぼえる", "learning", Low, Some(7), false),
        (
            "Watch the talk about tantivy and inverted indexes",
            "learning",
            Unset,
            None,
            true,
        ),
        (
            "Birthday present for Zoë: the illustrated atlas",
            "family",
            High,
            Some(10),
            false,
        ),
        (
            "Send Grandma the photos from the garden party",
            "family",
            Medium,
            Some(2),
            false,
        ),
        (
            "Sign the school form for the museum visit",
            "family",
            High,
            Some(1),
            false,
        ),
        (
            "Fix the loose pedal on the children's bicycle",
            "family",
            Medium,
            Some(5),
            false,
        ),
    ]
};

/// Fills the database unless something was ever written to it.
pub(crate) async fn fill(service: &TaskService, database: &SqliteDatabase) -> anyhow::Result<()> {
    if database.last_event() > 0 {
        tracing::info!("the database is not empty: no demo tasks were added");
        return Ok(());
    }
    let now = SystemClock.now();
    for line in LINES {
        service
            .create(fields(line, now)?, None)
            .await
            .context("a demo task could not be created")?;
    }
    tracing::info!(tasks = LINES.len(), "demo tasks added");
    Ok(())
}

fn fields(
    (description, category, priority, days, is_done): Line,
    now: Timestamp,
) -> anyhow::Result<TaskFields> {
    let broken = |rule: &str| anyhow::anyhow!("a demo task breaks a rule: {rule}");
    let due = days.map(|days| now.plus_days(days));
    Ok(TaskFields {
        external_id: None,
        description: Description::parse(description.to_owned())
            .map_err(|violation| broken(&violation.detail))?,
        priority,
        dates: Dates::new(None, due).map_err(|violation| broken(&violation.detail))?,
        is_done,
        parent_id: None,
        categories: Categories::parse(vec![category.to_owned()]).map_err(|_| broken("categories"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_demo_task_keeps_the_rules() {
        let now = "2026-05-01T09:00:00Z".parse().unwrap();
        for line in LINES {
            fields(line, now).unwrap();
        }
    }
}
