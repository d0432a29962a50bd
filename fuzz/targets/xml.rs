//! Whether bytes are XML.

use quick_xml::Reader;
use quick_xml::events::Event;

/// Whether it is XML in which every element ends, with one of them around all.
pub(crate) fn is_document(xml: &[u8]) -> bool {
    let mut reader = Reader::from_reader(xml);
    let (mut depth, mut roots, mut bytes) = (0_u32, 0, Vec::new());
    loop {
        match reader.read_event_into(&mut bytes) {
            Ok(Event::Start(_)) => {
                roots += u32::from(depth == 0);
                depth += 1;
            }
            Ok(Event::End(_)) => depth -= 1,
            Ok(Event::Empty(_)) => roots += u32::from(depth == 0),
            Ok(Event::Eof) => return depth == 0 && roots == 1,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}
