//! Layout of keys in the store. No other file knows these bytes.
//!
//! ```text
//! k/<key id 16>                                              key record
//! h/<keyed hash 32><locator 4>                               hot record
//! p/<prefix>/<key id 16>                                     prefix index
//! o/<user 8>/<keyspace>/<!created 8><!serial 8><key id 16>   listing, newest first
//! u/<user 8>   n/<username>   e/<e-mail, lower case>         users and their names
//! c/<company 16>                                             companies
//! b/<company 16>/<user 8>                                    users by company; of none under zeros
//! l/<user 8>/<keyspace>                                      limits that bind all keys of an owner
//! d/<key id 16>                                              deleted keys that may come back
//! i/<user 8>/<hash 32>                                       requests that may be repeated
//! x/<until 8>/<place>                                        expiry queue: time, key to remove
//! a/<sequence 8>                                             audit, hash-chained
//! f/<prefix>/<key id 16>                                     keys that another system's salted hash is known of
//! m/<name>                                                   counters, format, peppers, store digest
//! ```
//!
//! Numbers are big-endian so that byte order is number order; `!` marks a complement, for newest first.

/// Newest layout this keyward reads and writes; stored at [`FORMAT`].
pub const LAYOUT: u8 = 3;

/// Layout number of the store, one byte; kept by the store itself.
pub const FORMAT: &[u8] = b"m/format";
/// Last user id given out.
pub const USER_COUNTER: &[u8] = b"m/users";
/// Sequence and hash of the newest audit event.
pub const AUDIT_HEAD: &[u8] = b"m/audit";
/// Ways in which imported keys are hashed.
pub const FOREIGN: &[u8] = b"m/foreign";
/// Number and check value of every pepper that records were made under.
pub const PEPPERS: &[u8] = b"m/peppers";
/// Revision, count and sum over all entries; kept by the store itself.
pub const DIGEST: &[u8] = b"m/tally";

/// All key records.
pub const KEYS: &[u8] = b"k/";
/// All hot records.
pub const HOT: &[u8] = b"h/";
/// The whole prefix index.
pub const PREFIXES: &[u8] = b"p/";
/// All keys that another system's salted hash is known of.
pub const SLOW: &[u8] = b"f/";
/// The whole listing index.
pub const LISTINGS: &[u8] = b"o/";
/// All users.
pub const USERS: &[u8] = b"u/";
/// All user names.
pub const NAMES: &[u8] = b"n/";
/// All e-mail addresses.
pub const EMAILS: &[u8] = b"e/";
/// All companies.
pub const COMPANIES: &[u8] = b"c/";
/// All users by company.
pub const MEMBERS: &[u8] = b"b/";
/// All limits that bind all keys of an owner in a keyspace.
pub const OWNER_LIMITS: &[u8] = b"l/";
/// All deleted keys that may come back.
pub const DELETED: &[u8] = b"d/";
/// All requests that may be repeated.
pub const REQUESTS: &[u8] = b"i/";
/// All TTL entries, soonest first.
pub const KEPT: &[u8] = b"x/";
/// All audit events.
pub const AUDIT: &[u8] = b"a/";

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// Place of a key record.
pub fn key(id: &[u8; 16]) -> Vec<u8> {
    join(&[KEYS, id])
}

/// Place of the hot record that is found by this keyed hash and locator.
pub fn hot(hash: &[u8; 32], locator: u32) -> Vec<u8> {
    join(&[HOT, hash, &locator.to_be_bytes()])
}

/// The keyed hash and the locator in the place of a hot record.
pub fn hot_trace(place: &[u8]) -> Option<([u8; 32], u32)> {
    let (hash, locator) = place.strip_prefix(HOT)?.split_first_chunk::<32>()?;
    Some((*hash, u32::from_be_bytes(locator.try_into().ok()?)))
}

/// Place of a key in the prefix index.
pub fn prefix(prefix: &str, id: &[u8; 16]) -> Vec<u8> {
    join(&[&prefixed(prefix), id])
}

/// All keys that show `prefix`.
pub fn prefixed(prefix: &str) -> Vec<u8> {
    join(&[PREFIXES, prefix.as_bytes(), b"/"])
}

/// Place of a key that another system's salted hash is known of.
pub fn slow(prefix: &str, id: &[u8; 16]) -> Vec<u8> {
    join(&[&slow_of(prefix), id])
}

/// All such keys whose text begins so.
pub fn slow_of(prefix: &str) -> Vec<u8> {
    join(&[SLOW, prefix.as_bytes(), b"/"])
}

/// Prefix of the key text, in the store key of a salted hash.
pub fn slow_prefix(place: &[u8]) -> Option<&str> {
    let (prefix, _) = place.strip_prefix(SLOW)?.split_last_chunk::<16>()?;
    std::str::from_utf8(prefix.strip_suffix(b"/")?).ok()
}

/// All keys of an owner, by keyspace.
pub fn owned(owner: u64) -> Vec<u8> {
    join(&[LISTINGS, &owner.to_be_bytes(), b"/"])
}

/// All keys of an owner in one keyspace, newest first.
pub fn owned_in(owner: u64, keyspace: &str) -> Vec<u8> {
    join(&[&owned(owner), keyspace.as_bytes(), b"/"])
}

/// Place of a key in its owner's listing.
pub fn listing(owner: u64, keyspace: &str, created_ms: u64, serial: u64, id: &[u8; 16]) -> Vec<u8> {
    join(&[&owned_in(owner, keyspace), &(!created_ms).to_be_bytes(), &(!serial).to_be_bytes(), id])
}

/// The owner in the place of a key in a listing.
pub fn listed_owner(place: &[u8]) -> Option<u64> {
    place.strip_prefix(LISTINGS)?.first_chunk().copied().map(u64::from_be_bytes)
}

/// Whether a place in a listing is of this keyspace.
pub fn is_listed_in(place: &[u8], keyspace: &str) -> bool {
    let rest = listed_owner(place).and_then(|owner| place.strip_prefix(owned(owner).as_slice()));
    let rest = rest.and_then(|rest| rest.strip_prefix(keyspace.as_bytes()));
    rest.is_some_and(|rest| rest.starts_with(b"/"))
}

/// The key id at the end of a place in the prefix or listing index.
pub fn indexed_id(place: &[u8]) -> Option<[u8; 16]> {
    place.last_chunk::<16>().copied()
}

/// Place of a user.
pub fn user(id: u64) -> Vec<u8> {
    join(&[USERS, &id.to_be_bytes()])
}

/// The user in the place of a user.
pub fn user_id(place: &[u8]) -> Option<u64> {
    place.strip_prefix(USERS)?.try_into().ok().map(u64::from_be_bytes)
}

/// Place of a user name.
pub fn name(username: &str) -> Vec<u8> {
    join(&[NAMES, username.as_bytes()])
}

/// Place of an e-mail address, given in lower case.
pub fn email(address: &str) -> Vec<u8> {
    join(&[EMAILS, address.as_bytes()])
}

/// Place of a company.
pub fn company(id: &[u8; 16]) -> Vec<u8> {
    join(&[COMPANIES, id])
}

/// All users of a company; of none, for `None`.
pub fn members(company: Option<&[u8; 16]>) -> Vec<u8> {
    join(&[MEMBERS, company.unwrap_or(&[0; 16]), b"/"])
}

/// Place of a user among those of a company.
pub fn member(company: Option<&[u8; 16]>, user: u64) -> Vec<u8> {
    join(&[&members(company), &user.to_be_bytes()])
}

/// The user in the place of a member.
pub fn member_id(place: &[u8]) -> Option<u64> {
    place.last_chunk().copied().map(u64::from_be_bytes)
}

/// All limits that bind keys of an owner, by keyspace.
pub fn all_owner_limits(owner: u64) -> Vec<u8> {
    join(&[OWNER_LIMITS, &owner.to_be_bytes(), b"/"])
}

/// Place of the limits that bind all keys of an owner in a keyspace.
pub fn owner_limits(owner: u64, keyspace: &str) -> Vec<u8> {
    join(&[&all_owner_limits(owner), keyspace.as_bytes()])
}

/// The owner in such a place.
pub fn limited_owner(place: &[u8]) -> Option<u64> {
    place.strip_prefix(OWNER_LIMITS)?.first_chunk().copied().map(u64::from_be_bytes)
}

/// Place of a deleted key.
pub fn deleted(id: &[u8; 16]) -> Vec<u8> {
    join(&[DELETED, id])
}

/// Place of a request that may be repeated; of the operator under user 0, whom there is none.
pub fn request(user: u64, name: &[u8; 32]) -> Vec<u8> {
    join(&[REQUESTS, &user.to_be_bytes(), b"/", name])
}

/// Key of the TTL entry that removes the entry at `place`.
pub fn kept(until_ms: u64, place: &[u8]) -> Vec<u8> {
    join(&[KEPT, &until_ms.to_be_bytes(), b"/", place])
}

/// Returns the time of a TTL entry and the key that is removed then.
pub fn kept_until(entry: &[u8]) -> Option<(u64, &[u8])> {
    let (until, place) = entry.strip_prefix(KEPT)?.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*until), place.strip_prefix(b"/")?))
}

/// Place of an audit event.
pub fn audit(sequence: u64) -> Vec<u8> {
    join(&[AUDIT, &sequence.to_be_bytes()])
}

/// Whether the entry counts in the digest of a store of this layout: all but the store's own do; in layout 1 records alone
/// did, and not what follows from them.
pub fn is_in_digest(layout: u8, place: &[u8]) -> bool {
    match layout {
        1 => [KEYS, USERS, COMPANIES].iter().any(|records| place.starts_with(records)),
        _ => !is_own(place),
    }
}

/// Whether this is the store's own entry: readers never see it and commits never write it.
pub fn is_own(place: &[u8]) -> bool {
    [FORMAT, DIGEST].contains(&place)
}

/// Returns a key in printable form for messages: the kind as it is, the rest in hex, so that logs contain no names.
pub fn printable(place: &[u8]) -> String {
    match place.split_at_checked(2) {
        Some((b"m/", name)) => format!("m/{}", String::from_utf8_lossy(name)),
        Some((kind, rest)) => format!("{}{}", String::from_utf8_lossy(kind), hex::encode(rest)),
        None => hex::encode(place),
    }
}
