//! A second process that takes the stack down if the first dies before it could: of Ctrl-C, of a signal, of anything.

use std::{
    io::{Read, Write},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};

use crate::checkout::{Checkout, STACK_FOLDER};
use crate::own_program;

/// Sent by an owner that will see to the stack itself.
const DISMISSED: &[u8] = b"dismissed";

/// The owner's end. Dropping it without `dismiss` takes the stack down, as dying does.
pub(crate) struct Guard {
    process: Child,
}

impl Guard {
    /// Starts the guard, out of reach of the terminal's Ctrl-C.
    pub(crate) fn post(checkout: &Checkout) -> Result<Self> {
        let mut command = Command::new(own_program::path()?);
        command
            .args(["stack", "guard"])
            .env(STACK_FOLDER, checkout.stack_name())
            .stdin(Stdio::piped())
            .process_group(0);
        Ok(Self {
            process: command.spawn().context("cannot start the stack's guard")?,
        })
    }

    /// Sends the guard away: the owner takes the stack down itself, or wants it up.
    pub(crate) fn dismiss(mut self) -> Result<()> {
        if let Some(mut line) = self.process.stdin.take() {
            line.write_all(DISMISSED)
                .context("cannot reach the stack's guard")?;
        }
        self.process.wait().context("cannot wait for the stack's guard")?;
        Ok(())
    }
}

/// The guard's own life: wait until the line closes, and act if nothing was said.
pub(crate) fn watch(checkout: &Checkout) -> Result<()> {
    let mut said = Vec::new();
    std::io::stdin()
        .read_to_end(&mut said)
        .context("cannot listen to the owner")?;
    if said == DISMISSED {
        return Ok(());
    }
    eprintln!("interrupted: taking the stack down");
    super::down(checkout)
}
