//! Bodies and queries, read into types of `key`.

use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_path_to_error::{Path, Segment};
use zeroize::Zeroizing;

use super::Refusal;
use crate::clock::Timestamp;
use crate::engine::{Cursor, EngineError};
use crate::http::{Body, Presented, Query, QueryError, RawRequest};
use crate::key::{Allowlist, AllowlistError, Password, Patch};
use crate::limits;

const LIMIT_DEFAULT: usize = 100;

/// The JSON body of a request.
pub(super) fn body<T: DeserializeOwned>(request: &RawRequest) -> Result<T, Refusal> {
    let bytes = whole(&request.body)?;
    if !is_json(request.header("content-type")) {
        return Err(Refusal::MediaType);
    }
    json(bytes)
}

/// The bytes of a body that arrived.
pub(super) fn whole(body: &Body) -> Result<&[u8], Refusal> {
    match body {
        Body::Whole(bytes) => Ok(bytes),
        Body::TooLarge => Err(Refusal::TooLarge),
        Body::Incomplete => Err(Refusal::Incomplete),
    }
}

/// Whether a body of this content type is JSON. Without one there is nothing else that it could be.
pub(super) fn is_json(content_type: Option<&str>) -> bool {
    let essence = content_type.map(|media_type| media_type.split(';').next().unwrap_or_default().trim());
    essence.is_none_or(|essence| essence.eq_ignore_ascii_case("application/json"))
}

/// What the fields of this JSON object say.
pub(super) fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Refusal> {
    match serde_json::from_slice(bytes) {
        Ok(Object(fields)) => Ok(fields),
        // Read once more for its place, which costs nothing where nothing is wrong.
        Err(_) => placed(bytes),
    }
}

/// As [`body`]; no body at all means that every field was left out.
pub(super) fn body_or_default<T: DeserializeOwned + Default>(request: &RawRequest) -> Result<T, Refusal> {
    if request.body == Body::Whole(Vec::new()) { Ok(T::default()) } else { body(request) }
}

/// Refuses fields where there are none.
pub(super) fn no_body(request: &RawRequest) -> Result<(), Refusal> {
    let fields: serde_json::Map<String, serde_json::Value> = body_or_default(request)?;
    if fields.is_empty() { Ok(()) } else { Err(Refusal::invalid("this address takes no fields")) }
}

/// The values of these query parameters, decoded.
pub(super) fn query<const N: usize>(query: &str, names: [&str; N]) -> Result<[Option<String>; N], Refusal> {
    Query::new(query).only(names).map_err(|error| match error {
        QueryError::Unknown => Refusal::invalid(format!("the query may have {}", names.join(", "))),
        QueryError::Twice | QueryError::NotUtf8 => Refusal::invalid(error.to_string()),
    })
}

/// A query parameter's value as `T`.
pub(super) fn parsed<T: FromStr>(name: &str, value: &str) -> Result<T, Refusal> {
    value.parse().map_err(|_| Refusal::invalid(format!("{name} has the wrong form")))
}

/// How many records a page is to have.
pub(super) fn limit(value: Option<String>) -> Result<usize, Refusal> {
    let limit = value.map_or(Ok(LIMIT_DEFAULT), |value| parsed("limit", &value))?;
    if (1..=limits::PAGE_MAX).contains(&limit) {
        Ok(limit)
    } else {
        Err(Refusal::invalid(format!("limit must be 1 to {}", limits::PAGE_MAX)))
    }
}

/// As [`json`], with the place of what is wrong.
fn placed<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Refusal> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader);
    let Object(fields) = read.map_err(|error| problem(error.path(), error.inner()))?;
    reader.end().map_err(|_| Refusal::Json)?;
    Ok(fields)
}

/// What serde found wrong, by the field and the item rather than the line, and without what was sent: serde quotes that
/// only before the last ", expected", and in the last part of the path to an unknown field.
fn problem(path: &Path, error: &serde_json::Error) -> Refusal {
    if !error.is_data() {
        return Refusal::Json;
    }
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&place).unwrap_or(&message);
    let within = |depth: usize| {
        let parts = path.iter().take(depth).map(|part| match part {
            Segment::Seq { index } => format!("[{index}]"),
            part @ (Segment::Map { .. } | Segment::Enum { .. } | Segment::Unknown) => format!(".{part}"),
        });
        parts.collect::<String>().trim_start_matches('.').to_owned()
    };
    let depth = path.iter().count();
    let unknown = message.starts_with("unknown field");
    let place = within(if unknown { depth.saturating_sub(1) } else { depth });
    let subject = if place.is_empty() { "the body" } else { &place };
    match message.rsplit_once(", expected ") {
        Some((_, expected)) if unknown => {
            Refusal::invalid(format!("{subject} has a field that is not known: expected {expected}"))
        }
        Some((_, expected)) => Refusal::invalid(format!("{subject} is wrong: expected {expected}")),
        // What a word of the field says of itself begins with its name.
        None if depth < 2 => Refusal::invalid(message),
        None => Refusal::invalid(format!("{subject}: {message}")),
    }
}

/// A JSON object read as `T`. What serde derives for a struct would take an array as well.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields))
            }
        }

        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

/// A JSON string read as `T`.
#[derive(Debug)]
pub(super) struct Text<T>(pub(super) T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parse<T>(PhantomData<T>);

        impl<T: FromStr<Err: Display>> Visitor<'_> for Parse<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Parse(PhantomData)).map(Self)
    }
}

/// A cursor, of any list. A text that is no cursor is refused as a cursor of another list.
pub(super) fn cursor(text: &str) -> Result<Cursor, Refusal> {
    Ok(text.parse().map_err(|_| EngineError::OtherList)?)
}

/// A JSON string that may be a key.
pub(super) struct KeyText<'a>(pub(super) Presented<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for KeyText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keep;

        impl<'de> Visitor<'de> for Keep {
            type Value = KeyText<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<KeyText<'de>, E> {
                Ok(KeyText(Presented::sent(text.as_bytes())))
            }

            fn visit_str<E>(self, text: &str) -> Result<KeyText<'de>, E> {
                Ok(KeyText(Presented::decoded(Zeroizing::new(text.as_bytes().to_vec()))))
            }
        }

        deserializer.deserialize_str(Keep)
    }
}

/// A JSON string read as a password to set.
pub(super) struct Secret(pub(super) Password);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        Password::chosen(text.as_bytes()).map(Self).map_err(D::Error::custom)
    }
}

/// An allowlist whose error does not repeat the wrong entry.
#[derive(Debug)]
pub(super) struct Networks(pub(super) Allowlist);

impl FromStr for Networks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|error| match error {
            AllowlistError::Item { .. } => {
                let wrong = text.split(',').position(|entry| entry.parse::<Allowlist>().is_err());
                let number = wrong.map_or(0, |at| at + 1);
                format!("allowlist must be IP addresses and networks, separated by commas: entry {number} is neither")
            }
            AllowlistError::TooMany => "allowlist has too many entries".to_owned(),
        })
    }
}

/// An RFC 3339 date and time.
#[derive(Debug)]
pub(super) struct Moment(pub(super) Timestamp);

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Timestamp::parse(text).map(Self).ok_or("expires_at must be like 2030-01-31T12:00:00Z")
    }
}

/// A field that is there: `null` clears it. Left out it is kept, by `#[serde(default)]`.
pub(super) fn change<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Patch<T>, D::Error> {
    Option::deserialize(deserializer).map(Patch::from)
}

pub(super) fn unwrapped<T>(change: Patch<Text<T>>) -> Patch<T> {
    match change {
        Patch::Keep => Patch::Keep,
        Patch::Clear => Patch::Clear,
        Patch::Set(Text(value)) => Patch::Set(value),
    }
}

pub(super) fn inner<T>(text: Option<Text<T>>) -> Option<T> {
    text.map(|Text(value)| value)
}
