//! Pieces of a backup, for the machine's owner alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::encode::json;
use super::{Exchange, Problem, decode};
use crate::command::{Command, Outcome};
use crate::exchange::RawResponse;

impl Exchange<'_> {
    pub(super) fn backup(&self) -> Result<RawResponse, Problem> {
        let [from] = decode::query(&self.request.query, ["from"])?;
        let from = from.map(|from| decode::parsed("from", &from)).transpose()?;
        let Outcome::Piece(piece) = self.dispatch(Command::Backup { from })? else {
            return Err(Problem::Unexpected);
        };
        let next = piece.next.map(|next| next.to_string());
        let frames = STANDARD.encode(&piece.frames);
        Ok(json(200, &PieceJson { frames, next, revision: piece.revision.0 }))
    }
}

#[derive(Serialize)]
struct PieceJson {
    frames: String,
    next: Option<String>,
    revision: u64,
}
