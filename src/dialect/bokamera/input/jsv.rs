//! Requests in JSV: like JSON, with quotes only where they are needed, and doubled within.

use super::{Count, Entry, Fields};

const MALFORMED: &str = "the body is not a JSV object";

/// The object that a body is, or those of the list that it is.
///
/// # Errors
/// Reads the body. The error is the problem, in words that repeat nothing of the body.
pub(super) fn records(text: &str, count: Count) -> Result<Vec<Fields>, &'static str> {
    let mut reader = Reader { rest: text };
    let records = match count {
        Count::One => vec![reader.object()?],
        Count::Many => reader.list()?,
    };
    if reader.rest.trim().is_empty() { Ok(records) } else { Err(MALFORMED) }
}

/// What is still to be read.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// Whether the next letter that is no blank is this one, which is then behind us.
    fn took(&mut self, letter: char) -> bool {
        let rest = self.rest.trim_start().strip_prefix(letter);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn needs(&mut self, letter: char) -> Result<(), &'static str> {
        if self.took(letter) { Ok(()) } else { Err(MALFORMED) }
    }

    fn list(&mut self) -> Result<Vec<Fields>, &'static str> {
        let mut objects = Vec::new();
        self.needs('[')?;
        if self.took(']') {
            return Ok(objects);
        }
        loop {
            objects.push(self.object()?);
            if !self.took(',') {
                return self.needs(']').map(|()| objects);
            }
        }
    }

    fn object(&mut self) -> Result<Fields, &'static str> {
        let mut fields = Fields::new();
        self.needs('{')?;
        if self.took('}') {
            return Ok(fields);
        }
        loop {
            let Entry::Text(name) = self.value(&[':', ',', '}'])? else { return Err(MALFORMED) };
            self.needs(':')?;
            fields.push((name.trim().to_owned(), self.value(&[',', '}'])?));
            if !self.took(',') {
                return self.needs('}').map(|()| fields);
            }
        }
    }

    /// A value, which ends before one of these letters where it has no quotes.
    fn value(&mut self, ends: &[char]) -> Result<Entry, &'static str> {
        self.rest = self.rest.trim_start();
        match self.rest.chars().next() {
            Some('"') => self.quoted().map(Entry::text),
            Some('{' | '[') => self.skipped(),
            Some(_) => {
                let end = self.rest.find(ends).ok_or(MALFORMED)?;
                let text = self.take(end);
                // What is laid out in lines has its value on one.
                let (line, below) = text.split_once('\n').unwrap_or((text, ""));
                match line.trim_end_matches('\r') {
                    _ if !below.trim().is_empty() => Err(MALFORMED),
                    "" | "null" => Ok(Entry::Absent),
                    value => Ok(Entry::text(value)),
                }
            }
            None => Err(MALFORMED),
        }
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn quoted(&mut self) -> Result<String, &'static str> {
        let mut text = String::new();
        self.needs('"')?;
        loop {
            let end = self.rest.find('"').ok_or(MALFORMED)?;
            text += self.take(end);
            self.needs('"')?;
            if !self.rest.starts_with('"') {
                return Ok(text);
            }
            text += self.take(1);
        }
    }

    /// An object or a list, which no field of ours is.
    fn skipped(&mut self) -> Result<Entry, &'static str> {
        let mut depth = 0_usize;
        loop {
            match self.rest.chars().next().ok_or(MALFORMED)? {
                '"' => {
                    self.quoted()?;
                    continue;
                }
                '{' | '[' => depth += 1,
                '}' | ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            let mut letters = self.rest.chars();
            letters.next();
            self.rest = letters.as_str();
            if depth == 0 {
                return Ok(Entry::Other);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Fields, &'static str> {
        records(text, Count::One).map(|mut records| records.remove(0))
    }

    fn text(name: &str, value: &str) -> (String, Entry) {
        (name.to_owned(), Entry::text(value))
    }

    #[test]
    fn quotes_are_read_where_they_are_and_not_missed_where_they_are_not() {
        for (body, fields) in [
            ("{}", vec![]),
            ("{CompanyId:7,Notes:a: b c}", vec![text("CompanyId", "7"), text("Notes", "a: b c")]),
            ("{Notes:\"a,\"\"b\"\" {c}\r\n\"}", vec![text("Notes", "a,\"b\" {c}\r\n")]),
            ("{\"Notes\":\"\"}", vec![text("Notes", "")]),
            ("{Notes:,A:null}", vec![("Notes".to_owned(), Entry::Absent), ("A".to_owned(), Entry::Absent)]),
            (
                "{\r\n\tCompanyId: 7,\r\n\tNotes: String\r\n}\r\n",
                vec![text("CompanyId", "7"), text("Notes", "String")],
            ),
            ("{A:[{b:\"]\"}],Notes:c}", vec![("A".to_owned(), Entry::Other), text("Notes", "c")]),
        ] {
            assert_eq!(one(body), Ok(fields), "{body}");
        }
        let many = records("[{Notes:a},{}]", Count::Many);
        assert_eq!(many, Ok(vec![vec![text("Notes", "a")], vec![]]));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for wrong in [
            "{",
            "}",
            "[]",
            "{Notes}",
            "{Notes:a",
            "{Notes:\"a}",
            "{Notes:\"a\"b}",
            "{Notes:a\nb}",
            "{A:[}",
            "{}x",
            "a:b",
        ] {
            assert!(one(wrong).is_err(), "{wrong}");
        }
        assert!(records("{}", Count::Many).is_err() && records("[{},]", Count::Many).is_err());
    }
}
