//! What happened: changes with their answers, and verdicts, each with the stamps it began and ended at.

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use keyward::clock::Timestamp;
use keyward::key::{Allowlist, Expiry, KeyId, Keyspace, Level, UserId};

/// A place in the one order that all threads agree on.
pub(crate) type Stamp = u64;

#[derive(Default)]
pub(crate) struct Stamps(AtomicU64);

impl Stamps {
    pub(crate) fn next(&self) -> Stamp {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// From before something was asked until after it was answered.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: Stamp,
    pub(crate) end: Stamp,
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// One acknowledged change of one fact.
#[derive(Clone)]
pub(crate) struct Write<T> {
    /// Begins when the change was about to become durable: no reader may see it before.
    pub(crate) span: Span,
    pub(crate) value: T,
}

impl<T: fmt::Debug> fmt::Debug for Write<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.value, self.span)
    }
}

/// One fact, and every value it was given.
pub(crate) struct Register<T>(pub(crate) Mutex<Vec<Write<T>>>);

impl<T: fmt::Debug> fmt::Debug for Register<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.lock().unwrap().fmt(f)
    }
}

impl<T> Register<T> {
    pub(crate) fn new(span: Span, value: T) -> Self {
        Self(Mutex::new(vec![Write { span, value }]))
    }

    pub(crate) fn write(&self, span: Span, value: T) {
        self.0.lock().unwrap().push(Write { span, value });
    }
}

/// A value that may be for good: a lower one never follows a higher one.
pub(crate) trait Ranked {
    fn rank(&self) -> u8 {
        0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Active,
    Suspended,
    Revoked,
    Deleted,
}

impl Ranked for Standing {
    fn rank(&self) -> u8 {
        match self {
            Self::Active | Self::Suspended => 0,
            Self::Revoked => 1,
            Self::Deleted => 2,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secret {
    Current,
    Retiring(Timestamp),
    Replaced,
}

impl Ranked for Secret {
    fn rank(&self) -> u8 {
        match self {
            Self::Current => 0,
            Self::Retiring(_) => 1,
            Self::Replaced => 2,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrackedStatus {
    Active,
    Blocked,
    Removed,
}

impl Ranked for TrackedStatus {
    fn rank(&self) -> u8 {
        u8::from(*self == Self::Removed)
    }
}

impl Ranked for Level {}
impl Ranked for Expiry {}
impl Ranked for Allowlist {}

pub(crate) struct UserTrack {
    pub(crate) id: UserId,
    pub(crate) status: Register<TrackedStatus>,
    pub(crate) level: Register<Level>,
    /// Held while keys are created, so that who removes the user knows all of them.
    pub(crate) removed: RwLock<bool>,
}

pub(crate) struct KeyTrack {
    pub(crate) id: KeyId,
    pub(crate) keyspace: Keyspace,
    pub(crate) owner: Arc<UserTrack>,
    pub(crate) standing: Register<Standing>,
    pub(crate) level: Register<Level>,
    pub(crate) expiry: Register<Expiry>,
    pub(crate) allowlist: Register<Allowlist>,
    /// In the order they were issued; held while one more is.
    pub(crate) texts: Mutex<Vec<Arc<TextTrack>>>,
    /// Verdicts that allowed it.
    pub(crate) allowed: AtomicU64,
}

pub(crate) struct TextTrack {
    pub(crate) text: String,
    pub(crate) secret: Register<Secret>,
}

/// What was asked of a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) client: Option<IpAddr>,
    pub(crate) level: Level,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Allowed(Level),
    /// With the code of the reason.
    Denied(&'static str),
    /// A change was refused: there is no such key.
    NoSuchKey,
    /// A change was refused: the key is revoked.
    KeyRevoked,
}

/// One look at a text, or one refused change of its key.
pub(crate) struct Look {
    pub(crate) key: Arc<KeyTrack>,
    pub(crate) text: Arc<TextTrack>,
    pub(crate) span: Span,
    /// What the clock showed before and after.
    pub(crate) clock: (Timestamp, Timestamp),
    pub(crate) ask: Ask,
    pub(crate) seen: Seen,
}
