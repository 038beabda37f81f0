//! Wrong ways to write the index.

mod behind;
mod direct;
mod refusals;

pub(crate) use behind::AppliedBehind;
pub(crate) use direct::{HardDelete, Unversioned};
pub(crate) use refusals::{Ignoring, Refusing};
