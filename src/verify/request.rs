//! What is asked of a presented key.

use std::fmt;
use std::net::IpAddr;

use crate::engine::WaitPolicy;
use crate::key::{Keyspace, Level, Spend};

/// Request to verify one presented key: the text, and what the client wants to use it for.
#[derive(Clone)]
pub struct VerifyRequest<'a> {
    /// Keyspace that the key has to belong to.
    pub keyspace: &'a Keyspace,
    /// Key text as the client presented it; untrusted.
    pub text: &'a str,
    /// Address of the client, if known.
    pub client: Option<IpAddr>,
    /// Level that the key has to have.
    pub level: Level,
    /// Cost of the use, where the key has rate limits.
    pub spend: Spend,
    /// Whether the caller may wait for a salted hash of another system to be computed.
    pub patience: WaitPolicy,
}

impl<'a> VerifyRequest<'a> {
    /// Returns a request for one use at the lowest level, from an unknown address, that may wait.
    pub fn new(keyspace: &'a Keyspace, text: &'a str) -> Self {
        Self {
            keyspace,
            text,
            client: None,
            level: Level::AUTHENTICATE,
            spend: Spend::default(),
            patience: WaitPolicy::MayWait,
        }
    }
}

impl fmt::Debug for VerifyRequest<'_> {
    /// Writes every field but the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("VerifyRequest");
        shown
            .field("keyspace", self.keyspace.name())
            .field("client", &self.client)
            .field("level", &self.level)
            .field("spend", &self.spend);
        shown.finish_non_exhaustive()
    }
}
