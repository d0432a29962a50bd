//! Fields of a form: a value or an array of values, as the field's name says.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::limits;

/// Field of a form.
pub enum Field {
    /// Value, as sent.
    Text(Zeroizing<Vec<u8>>),
    /// Values under `name[]` or `name[index]`; not empty, at most [`limits::FORM_NESTING_MAX`] deep.
    Array(BTreeMap<Index, Self>),
}

/// Index of a value in an array. Decimal numbers are numbers, as in PHP's arrays.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Index {
    /// Number, given or counted.
    Number(u64),
    /// Any other text.
    Name(Vec<u8>),
}

impl Index {
    fn of(text: &[u8]) -> Self {
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<u64>().ok());
        match number {
            Some(number) if number.to_string().as_bytes() == text => Self::Number(number),
            _ => Self::Name(text.to_vec()),
        }
    }

    /// Index after the highest number so far.
    fn after(fields: &BTreeMap<Self, Field>) -> Self {
        let numbers = fields.keys().rev().find_map(|index| match index {
            Self::Number(number) => Some(*number),
            Self::Name(_) => None,
        });
        Self::Number(numbers.map_or(0, |number| number.saturating_add(1)))
    }
}

/// Step from a field to a value in it; `None` is the next number.
pub(super) type Step<'a> = Option<&'a [u8]>;

/// Mangled name of a field, and the steps to the value in it. `None` when there is no name, or too deep nesting.
pub(super) fn path(name: &[u8]) -> Option<(Vec<u8>, Vec<Step<'_>>)> {
    // A NUL ends a name in PHP.
    let name = name.split(|byte| *byte == 0).next()?;
    let name = name.get(name.iter().take_while(|byte| **byte == b' ').count()..)?;
    let (root, mut rest) = name.split_at_checked(memchr::memchr(b'[', name).unwrap_or(name.len()))?;
    let mut root = root.to_vec();
    let mut steps = Vec::new();
    while let Some(inner) = rest.strip_prefix(b"[") {
        let Some(end) = memchr::memchr(b']', inner) else {
            // A bracket that never closes is part of the name.
            if steps.is_empty() {
                root.extend(rest);
            }
            break;
        };
        if steps.len() == limits::FORM_NESTING_MAX {
            return None;
        }
        let (step, after) = inner.split_at_checked(end)?;
        steps.push(Some(step).filter(|step| !step.is_empty()));
        rest = after.strip_prefix(b"]")?;
    }
    for byte in root.iter_mut().filter(|byte| b" .[".contains(byte)) {
        *byte = b'_';
    }
    // A name that begins with a bracket has no root.
    (!root.is_empty() && !name.starts_with(b"[")).then_some((root, steps))
}

/// Puts `value` at the end of `steps` from the field `at`. A value on the way is replaced.
pub(super) fn insert(
    fields: &mut BTreeMap<Index, Field>,
    at: Index,
    steps: &[Step<'_>],
    value: Zeroizing<Vec<u8>>,
) {
    let Some((step, deeper)) = steps.split_first() else {
        fields.insert(at, Field::Text(value));
        return;
    };
    let field = fields.entry(at).or_insert_with(|| Field::Array(BTreeMap::new()));
    if let Field::Text(_) = field {
        *field = Field::Array(BTreeMap::new());
    }
    if let Field::Array(inner) = field {
        let at = step.map_or_else(|| Index::after(inner), Index::of);
        insert(inner, at, deeper, value);
    }
}
