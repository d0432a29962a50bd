//! Style sheet, script and icon, inside the binary.

use std::sync::LazyLock;

use crate::console::refusal::Refusal;
use crate::console::respond::hardened;
use crate::http::RawResponse;

/// A file that pages load.
pub(super) struct Asset {
    name: &'static str,
    content_type: &'static str,
    text: &'static str,
    /// First digits of the hash of the text: a new text has a new address.
    version: LazyLock<String>,
}

macro_rules! asset {
    ($name:literal, $content_type:literal) => {
        Asset {
            name: $name,
            content_type: $content_type,
            text: include_str!(concat!("assets/", $name)),
            version: LazyLock::new(|| {
                let hash = blake3::hash(include_bytes!(concat!("assets/", $name)));
                hash.to_hex().chars().take(16).collect()
            }),
        }
    };
}

pub(super) static STYLE: Asset = asset!("console.css", "text/css; charset=utf-8");
pub(super) static SCRIPT: Asset = asset!("console.js", "text/javascript; charset=utf-8");
static ICON: Asset = asset!("icon.svg", "image/svg+xml");

impl Asset {
    /// Address of this version.
    pub(super) fn address(&self) -> String {
        format!("/console/assets/{}?{}", self.name, *self.version)
    }
}

/// Answers with an asset. Browsers may keep it for good under the address of its version.
pub(super) fn answer(name: &str, query: &str) -> Result<RawResponse, Refusal> {
    let asset =
        [&STYLE, &SCRIPT, &ICON].into_iter().find(|asset| asset.name == name).ok_or(Refusal::NotFound)?;
    let kept = if *asset.version == query { "public, max-age=31536000, immutable" } else { "no-cache" };
    let answer = RawResponse {
        status: 200,
        headers: vec![("content-type", asset.content_type.into()), ("cache-control", kept.into())],
        body: asset.text.as_bytes().to_vec(),
    };
    Ok(hardened(answer))
}
