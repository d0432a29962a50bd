//! The format of an answer: the end of the address, `?format=`, the address itself, `Accept`, in this order.

use super::route::{Otherwise, Route};
use crate::http::{Query, RawRequest};

/// Format of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Xml,
    Csv,
    Jsv,
    JsonLines,
}

impl Format {
    /// The format of this name, in any case.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "json" => Self::Json,
            "xml" => Self::Xml,
            "csv" => Self::Csv,
            "jsv" => Self::Jsv,
            "jsonl" => Self::JsonLines,
            _ => return None,
        })
    }

    /// The format of a media type without parameters.
    pub(super) fn of_media_type(media_type: &str) -> Option<Self> {
        Some(match media_type.to_ascii_lowercase().as_str() {
            "application/json" | "text/json" => Self::Json,
            "application/xml" | "text/xml" => Self::Xml,
            "text/csv" => Self::Csv,
            "text/jsv" | "application/jsv" => Self::Jsv,
            "text/jsonl" | "application/jsonl" => Self::JsonLines,
            _ => return None,
        })
    }

    /// The format of a request's answer. Where nothing names one it is JSON: no client is refused as "not acceptable".
    pub(super) fn wanted(route: &Route<'_>, request: &RawRequest) -> Self {
        if let Some(format) = route.format.or_else(|| in_query(&request.query)) {
            return format;
        }
        match route.otherwise {
            Otherwise::Fixed(format) => format,
            Otherwise::Accept => accepted(request).unwrap_or(Self::Json),
        }
    }
}

fn in_query(query: &str) -> Option<Format> {
    Query::new(query).first_ignoring_case("format").and_then(Format::named)
}

/// The first of the accepted types that there is, those that are wanted more before the others.
fn accepted(request: &RawRequest) -> Option<Format> {
    let mut types: Vec<(u16, &str)> = request
        .header("accept")?
        .split(',')
        .map(|one| {
            let mut parts = one.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default();
            let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1_000, thousandths);
            (quality, media_type)
        })
        .filter(|(quality, _)| *quality > 0)
        .collect();
    // Stable: as listed among those that are wanted alike.
    types.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
    types.into_iter().find_map(|(_, media_type)| match media_type {
        "*/*" => own(request),
        other => Format::of_media_type(other),
    })
}

/// The format of the request itself, where answers are written in it, too.
fn own(request: &RawRequest) -> Option<Format> {
    match Format::of_media_type(request.media_type()) {
        Some(Format::Xml) => Some(Format::Xml),
        Some(Format::Json | Format::Csv | Format::Jsv | Format::JsonLines) | None => Some(Format::Json),
    }
}

/// A quality in thousandths; one that cannot be read is the highest.
fn thousandths(text: &str) -> u16 {
    let quality: f32 = text.parse().unwrap_or(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1,000")]
    let thousandths = (quality.clamp(0.0, 1.0) * 1_000.0) as u16;
    thousandths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::bokamera::route;
    use crate::http::{Body, Entrance};

    fn wanted(target: &str, fields: &[(&str, &str)]) -> Format {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let fields =
            fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        let request = RawRequest {
            method: "POST".to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: fields,
            client: None,
            entrance: Entrance::Local,
            body: Body::Whole(Vec::new()),
        };
        Format::wanted(&route::read(path).unwrap_or_else(|_| panic!("{path}")), &request)
    }

    #[test]
    fn what_names_a_format_counts_in_its_order() {
        let xml = ("accept", "application/xml");
        let json = ("accept", "application/json");
        for (target, fields, format) in [
            ("/apikeys", &[][..], Format::Json),
            ("/apikeys.xml?format=csv", &[json], Format::Xml),
            ("/apikeys?format=CSV", &[json], Format::Csv),
            ("/apikeys?format=yaml", &[xml], Format::Xml),
            ("/api/CreateApiKey", &[xml], Format::Json),
            ("/api/CreateApiKey.xml", &[json], Format::Xml),
            ("/api/apikeyquery?format=jsv", &[xml], Format::Jsv),
            ("/xml/reply/CreateApiKey", &[json], Format::Xml),
            ("/apikeys.jsonl", &[], Format::JsonLines),
            ("/apikeys", &[xml], Format::Xml),
            ("/apikeys", &[("accept", "application/json, application/xml")], Format::Json),
            ("/apikeys", &[("accept", "text/html, text/xml;q=0.9, text/json;q=0.95")], Format::Json),
            ("/apikeys", &[("accept", "text/xml;q=0, */*")], Format::Json),
            (
                "/apikeys",
                &[("accept", "*/*"), ("content-type", "application/xml; charset=utf-8")],
                Format::Xml,
            ),
            ("/apikeys", &[("accept", "*/*"), ("content-type", "text/csv")], Format::Json),
            ("/apikeys", &[("accept", "image/png")], Format::Json),
        ] {
            assert_eq!(wanted(target, fields), format, "{target} {fields:?}");
        }
    }
}
