//! The console's HTML, read by rules that are stricter than a browser's.

/// Elements that pages are made of; those that have no end are in `VOID`.
const ELEMENTS: &str = "\
    a body button caption code dd details div dl dt form h1 h2 head header html input label li line link \
    main meta nav ol option p polyline rect script section select span strong summary svg table tbody td \
    text th thead time title tr ul";
const VOID: [&str; 3] = ["input", "link", "meta"];
const ATTRIBUTES: &str = "\
    action aria-current aria-describedby aria-hidden aria-invalid aria-label aria-labelledby aria-sort \
    autocomplete charset checked class content data-copy data-filter data-label datetime defer fill for \
    formnovalidate height hidden href id lang method name open points rel required role scope selected \
    spellcheck src tabindex title type value viewBox width x x1 x2 y y1 y2";
const ENTITIES: [&str; 4] = ["lt;", "gt;", "amp;", "quot;"];

/// A page, as far as it is looked at.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The text of elements with an id, and that id.
    pub(crate) texts: Vec<(String, String)>,
}

/// Reads a page.
///
/// # Panics
/// At whatever no template has: an element or an attribute of another name, a tag or a value that does not end, an
/// element that ends at the wrong place, a second script, an address elsewhere.
pub(crate) fn read(page: &str) -> Page {
    let mut rest = page.strip_prefix("<!DOCTYPE html>").unwrap();
    let (mut open, mut scripts, mut read) = (Vec::<(&str, Option<&str>)>::new(), 0, Page::default());
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        let text = unescaped(text);
        if let Some((name, id)) = open.last() {
            assert!(*name != "script" || text.is_empty(), "a script in the page");
            read.texts.extend(id.map(|id| (id.to_owned(), text)));
        }
        let (tag, after) = tag.strip_prefix('<').unwrap().split_once('>').unwrap();
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().map(|(name, _)| name), Some(name), "the end of another element");
            continue;
        }
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(ELEMENTS.split_whitespace().any(|element| element == name), "an element <{tag}>");
        scripts += usize::from(name == "script");
        let mut id = None;
        while !attributes.is_empty() {
            let (attribute, value, after) = first(attributes);
            assert!(
                ATTRIBUTES.split_whitespace().any(|known| known == attribute),
                "an attribute {attribute} in <{tag}>"
            );
            let value = value.inspect(|value| _ = unescaped(value));
            if ["action", "href", "src"].contains(&attribute) {
                let address = value.unwrap();
                let here = ["/console/", "/console?"].iter().any(|root| address.starts_with(root));
                assert!(here || address == "/console" || address.starts_with('#'), "an address {address}");
            }
            id = value.filter(|_| attribute == "id").or(id);
            attributes = after;
        }
        if !VOID.contains(&name) {
            open.push((name, id));
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} has no end");
    assert_eq!(scripts, 1, "one script, and that elsewhere");
    read
}

/// The first attribute, its value if it has one, and what follows.
fn first(attributes: &str) -> (&str, Option<&str>, &str) {
    let end = attributes.find(['=', ' ']).unwrap_or(attributes.len());
    let (name, rest) = attributes.split_at(end);
    match rest.strip_prefix("=\"") {
        Some(rest) => {
            let (value, rest) = rest.split_once('"').unwrap();
            (
                name,
                Some(value),
                rest.strip_prefix(' ').unwrap_or_else(|| {
                    assert!(rest.is_empty(), "{rest}");
                    rest
                }),
            )
        }
        None => (name, None, rest.trim_start_matches(' ')),
    }
}

/// What a text says whose special letters stand as entities.
fn unescaped(text: &str) -> String {
    assert!(!text.contains(['<', '>', '"']), "{text} is not escaped");
    let mut parts = text.split('&');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| {
        let mut entities = ENTITIES.iter().zip(["<", ">", "&", "\""]);
        let found = entities.find_map(|(entity, letter)| Some((letter, part.strip_prefix(entity)?)));
        let (letter, rest) = found.unwrap_or_else(|| panic!("&{part} is not escaped"));
        whole + letter + rest
    })
}
