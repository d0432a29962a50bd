//! The trait of commands: target, output, row of the level table, and the two steps.

use crate::command::{Authorized, CommandError, Gate, GatedEngine, Need};

/// Command of a caller. `command/list.rs` names all commands; one that it does not name does not compile.
///
/// Changes go through the gate: the [`GatedEngine`] takes [`Authorized`] targets only, and only the [`Gate`] makes those.
///
/// ```
/// use keyward::command::{Authorized, CommandError, GatedEngine};
/// use keyward::key::{Key, RevokeReason};
///
/// fn revoke(engine: &GatedEngine<'_>, key: Authorized<Key>) -> Result<Key, CommandError> {
///     engine.revoke_key(key, RevokeReason::Unspecified)
/// }
/// ```
///
/// A target without authorization does not compile:
///
/// ```compile_fail,E0308
/// use keyward::command::{CommandError, GatedEngine};
/// use keyward::key::{Key, RevokeReason};
///
/// fn revoke(engine: &GatedEngine<'_>, key: Key) -> Result<Key, CommandError> {
///     engine.revoke_key(key, RevokeReason::Unspecified)
/// }
/// ```
///
/// Nor does an authorization that the gate did not give:
///
/// ```compile_fail,E0423
/// use keyward::command::{Authorized, CommandError, GatedEngine};
/// use keyward::key::{Key, RevokeReason};
///
/// fn revoke(engine: &GatedEngine<'_>, key: Key) -> Result<Key, CommandError> {
///     engine.revoke_key(Authorized(key), RevokeReason::Unspecified)
/// }
/// ```
pub trait Command: Listed + Sized {
    /// Target: what the command acts on.
    type Target;
    /// Output: what the command returns.
    type Output;

    /// Row of the level table: the levels that the command needs.
    fn need(&self) -> Need;

    /// Asks the gate to authorize the target.
    ///
    /// # Errors
    /// Those of the gate.
    fn authorize(&self, gate: &Gate<'_>) -> Result<Authorized<Self::Target>, CommandError>;

    /// Carries the command out on its target.
    ///
    /// # Errors
    /// [`CommandError::Engine`].
    ///
    /// # Durability
    /// When a command that changes something returns `Ok`, the change survives a power cut.
    fn run(
        self,
        engine: &GatedEngine<'_>,
        on: Authorized<Self::Target>,
    ) -> Result<Self::Output, CommandError>;
}

/// Command that the list names.
#[expect(unnameable_types, reason = "commands outside this room are not possible")]
pub trait Listed {
    /// Name of the command.
    const NAME: &'static str;
}
