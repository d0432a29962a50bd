//! Requests that the operator alone may send: pieces of a backup, peppers in use, and accepting the clock.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::RequestContext;
use crate::command::{AcceptClock, Backup, CountPeppers};
use crate::dialect::native::decode;
use crate::dialect::native::encode::json;
use crate::dialect::native::refusal::Refusal;
use crate::http::RawResponse;
use crate::key::PepperNumber;

impl RequestContext<'_> {
    pub(super) fn backup(&self) -> Result<RawResponse, Refusal> {
        let [from] = decode::query(&self.request.query, ["from"])?;
        let from = from.map(|from| decode::parsed("from", &from)).transpose()?;
        let piece = self.run(Backup { from })?;
        let next = piece.next.map(|next| next.to_string());
        let frames = STANDARD.encode(&piece.frames);
        Ok(json(200, &PieceJson { frames, next, revision: piece.revision.0 }))
    }

    pub(super) fn peppers(&self) -> Result<RawResponse, Refusal> {
        let uses = self.run(CountPeppers)?;
        let pepper = |(number, secrets): (PepperNumber, u64)| PepperJson { number: number.0, secrets };
        Ok(json(200, &PeppersJson { peppers: uses.into_iter().map(pepper).collect() }))
    }

    pub(super) fn accept_clock(&self) -> Result<RawResponse, Refusal> {
        let before = self.run(AcceptClock)?.map(|before| before.to_string());
        Ok(json(200, &ClockJson { clock: self.service.now().to_string(), before }))
    }
}

#[derive(Serialize)]
struct ClockJson {
    clock: String,
    /// The newest time that was known, if the clock was in doubt.
    before: Option<String>,
}

#[derive(Serialize)]
struct PieceJson {
    frames: String,
    next: Option<String>,
    revision: u64,
}

#[derive(Serialize)]
struct PeppersJson {
    peppers: Vec<PepperJson>,
}

#[derive(Serialize)]
struct PepperJson {
    number: u8,
    secrets: u64,
}
