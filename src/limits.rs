//! Bounds: lengths in bytes, counts, and durations with their unit in the name. No other file defines one.

use std::time::Duration;

/// Longest user name.
pub const USERNAME_BYTES_MAX: usize = 64;
/// Longest display name, in characters.
pub const DISPLAY_NAME_CHARS_MAX: usize = 128;
/// Longest e-mail address (RFC 5321 leaves 254 for the address itself).
pub const EMAIL_BYTES_MAX: usize = 254;
/// Longest contact of a key, in characters.
pub const CONTACT_CHARS_MAX: usize = 254;
/// Longest password that is hashed; a longer one is refused.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// Fewest characters of a new password.
pub const PASSWORD_CHARACTERS_MIN: usize = 8;
/// Longest comment on a key, whatever the dialect; a dialect may allow less.
pub const COMMENT_BYTES_MAX: usize = 4_000;
/// Longest comment that filebin's API accepts.
pub const FILEBIN_COMMENT_BYTES_MAX: usize = 255;
/// Longest name of a keyspace.
pub const KEYSPACE_NAME_BYTES_MAX: usize = 32;
/// Longest name of a rate limit.
pub const LIMIT_NAME_BYTES_MAX: usize = 16;
/// Shortest key text that can be imported.
pub const KEY_TEXT_BYTES_MIN: usize = 8;
/// Longest key text that is verified; a longer one is malformed.
pub const KEY_TEXT_BYTES_MAX: usize = 512;
/// Most addresses and networks in one allowlist.
pub const ALLOWLIST_ENTRIES_MAX: usize = 256;
/// Most rate limits of one key.
pub const RATE_LIMITS_MAX: usize = 8;
/// Longest time in which a new rate limit refills its burst. Uses are counted in memory, so a restart refills every
/// burst at once.
pub const RATE_REFILL_SECONDS_MAX: u64 = 3_600;
/// Longest refill time of a stored rate limit: 10 years.
pub const RATE_REFILL_STORED_SECONDS_MAX: u64 = 10 * 366 * 24 * 3_600;
/// Longest grace period of a rotation.
pub const GRACE_MS_MAX: u64 = 366 * 24 * 3_600_000;
/// Longest time from now to a key's expiry.
pub const LIFE_MS_MAX: u64 = 100 * 366 * 24 * 3_600_000;

/// Most records of one listing page.
pub const PAGE_MAX: usize = 1_000;
/// Most records that a list of users or companies reads at once: a page, and one record that shows whether another page
/// follows.
pub const PAGE_AND_NEXT_MAX: usize = PAGE_MAX + 1;
/// Longest stored value. sled keeps about 20 entries in one page, and a page over a quarter of a segment
/// would go into a file of its own, which sled never syncs: 20 of the largest entries must stay below that.
pub const STORE_VALUE_BYTES_MAX: usize = 12 * 1024;
/// Longest key of a stored entry. The longest of the schema is an e-mail address after two letters.
pub const STORE_KEY_BYTES_MAX: usize = 256;
/// Size of a segment of sled's log, a power of two. It is part of the data directory's format.
pub const STORE_SEGMENT_BYTES: usize = 1024 * 1024;
/// Memory of sled's page cache.
pub const STORE_CACHE_BYTES: u64 = 256 * 1024 * 1024;
/// Entries that an open counts after a clean stop, about those of 300,000 keys. A larger store is scrubbed while it is
/// open.
pub const COUNTED_AT_START_MAX: u64 = 1_500_000;
/// Entries of one page of a scrub; commits wait for one page.
pub const SCRUB_PAGE: usize = 1_000;
/// Pause after one page of a scrub.
pub const SCRUB_PAUSE_MS: u64 = 1;
/// Longest wait of a scrub for the hot index to be ready.
pub const SCRUB_DELAY_MS_MAX: u64 = 60_000;
/// Interval at which a waiting scrub checks whether the hot index is ready.
pub const SCRUB_DELAY_CHECK_MS: u64 = 50;
/// A summary names keys that expire within this time.
pub const EXPIRING_MS: u64 = 30 * 24 * 3_600_000;
/// Keys that a summary names of each kind.
pub const SUMMARY_KEYS_MAX: usize = 10;
/// Longest audit event with what it changed.
pub const EVENT_BYTES_MAX: usize = 1_024;
/// Bytes of each value that an audit event shows: the first of these with which the event is short enough.
pub const AUDITED_VALUE_BYTES: [usize; 5] = [512, 160, 64, 24, 8];
/// Keys that an audit event names beside its subject.
pub const AUDITED_KEYS_MAX: usize = 8;
/// Largest step back of the clock with which an audit search from a time misses no event.
pub const CLOCK_SET_BACK_MS: u64 = 24 * 3_600_000;
/// Entries that are written with one sync when a whole store is filled.
pub const FILL_BATCH: usize = 5_000;
/// Commits that `Store::changes` still remembers.
pub const CHANGES_KEPT_MAX: usize = 1_024;
/// Bytes of keys and values in the commits that `Store::changes` remembers; it forgets the oldest first.
pub const CHANGES_KEPT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long the watermark may stay behind the newest commit.
pub const WATERMARK_INTERVAL_MS: u64 = 1_000;
/// Lead of the clock over the newest time in the store beyond which the clock is in doubt.
pub const CLOCK_AHEAD_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// Size of a huge page.
pub const HUGE_PAGE_BYTES: usize = 2 * 1024 * 1024;
/// Smallest table of the hot index in huge pages. In a smaller one the unused end of the last page would cost too much.
pub const HUGE_TABLE_BYTES_MIN: usize = 8 * HUGE_PAGE_BYTES;
/// How full a table of the hot index becomes before it grows.
pub const INDEX_LOAD_PERCENT_MAX: usize = 82;
/// Slots searched for a way to make room for a key before its table grows.
pub const INDEX_MOVES_LOOKED_AT_MAX: usize = 500;
/// Reads of one slot before a reader of the hot index gives up because the writer is active.
pub const INDEX_READ_ATTEMPTS_MAX: usize = 1_000;
/// Keys of a batch to verify whose slots are prefetched at once.
pub const PREFETCHED_KEYS_MAX: usize = 16;
/// Tables with fewer slots double when they grow; larger ones grow by a sixteenth.
pub const INDEX_DOUBLING_SLOTS: usize = 4_096;
/// Keys of one table of the hot index before another table is added.
pub const INDEX_TABLE_KEYS_MAX: usize = 2_000_000;
/// Slots of all tables of a hot index together.
pub const INDEX_SLOTS_MAX: usize = 1 << 32;
/// Pause after a failed load of the hot index.
pub const INDEX_RETRY_MS: u64 = 1_000;
/// Most bytes of the rows in one block of an index snapshot; more than the largest record takes.
pub const SNAPSHOT_BLOCK_BYTES: usize = 64 * 1024;
/// Interval at which the progress of a load of the hot index is read.
pub const PROGRESS_INTERVAL_MS: u64 = 100;
/// Keys whose uses one commit writes.
pub const WRITE_BEHIND_ENTRIES_MAX: usize = 1_000;

/// Operations that wait for the write lane before callers block.
pub const LANE_QUEUE_MAX: usize = 4_096;
/// Most operations in one commit.
pub const LANE_GROUP_MAX: usize = 1_024;
/// Attempts of an operation that conflicts with other writers.
pub const LANE_ATTEMPTS_MAX: usize = 8;
/// Longest time before the use of a key is written.
pub const WRITE_BEHIND_SECONDS: u64 = 60;
/// Most findings that a check of the store reports.
pub const FINDINGS_MAX: usize = 1_000;
/// Most keys that wait to be hashed under the current pepper.
pub const REHASHES_WAITING_MAX: usize = 10_000;
/// Most keys whose last use waits to be written outside the hot index.
pub const USE_OVERFLOW_KEYS_MAX: usize = 100_000;

/// Time in which the same kind of denial from the same network makes one audit event.
pub const AUTH_EVENTS_WINDOW_MS: u64 = 3_600_000;
/// Most audit events of refused logins in one window, and of denied keys; further ones are counted.
pub const AUTH_EVENTS_MAX: usize = 100;
/// Newest audit events that a start searches for the events of the current window.
pub const AUTH_EVENTS_READ_BACK_MAX: usize = 20_000;

/// Time in which a deleted key may be undeleted.
pub const DELETED_KEPT_MS: u64 = 30 * 24 * 3_600_000;
/// Life of an idempotency key.
pub const REQUEST_KEPT_MS: u64 = 24 * 3_600_000;
/// Longest idempotency key.
pub const REQUEST_NAME_BYTES_MAX: usize = 255;
/// Life of a staged rotation.
pub const STAGED_ROTATION_MS: u64 = 15 * 60_000;
/// Most staged rotations; the oldest is removed first.
pub const STAGED_ROTATIONS_MAX: usize = 1_000;

/// Password checks in the queue before the next one is refused.
pub const PASSWORD_QUEUE_MAX: usize = 16;
/// `Retry-After` of a refused password check.
pub const PASSWORD_RETRY_AFTER_SECONDS: u32 = 2;

/// Wrong passwords for one login name from one network before the next attempt must wait.
pub const LOGIN_TRIES: u32 = 5;
/// Wrong passwords for all login names from one network before the next attempt must wait.
pub const LOGIN_TRIES_BY_NETWORK: u32 = 100;
/// Longest wait after wrong passwords.
pub const LOGIN_WAIT_SECONDS_MAX: u32 = 60;
/// How long wrong passwords are remembered.
pub const LOGIN_TRIES_KEPT_MS: u64 = 15 * 60_000;
/// Pairs of login name and network whose wrong passwords are remembered.
pub const LOGIN_TRIES_MAX: usize = 20_000;

/// Idle time after which a session of the console ends.
pub const SESSION_IDLE_MS: u64 = 30 * 60_000;
/// Longest session.
pub const SESSION_MS: u64 = 12 * 3_600_000;
/// Most sessions; the one that is idle longest is removed first.
pub const SESSIONS_MAX: usize = 10_000;
/// Most sessions of one user.
pub const SESSIONS_OF_USER_MAX: usize = 16;

/// Requests of one bot that are remembered.
pub const REQUESTS_REMEMBERED: usize = 20;
/// Bots whose requests are remembered.
pub const REQUESTS_REMEMBERED_BOTS_MAX: usize = 1_000;
/// Interval of the samples of verdicts.
pub const SAMPLE_SECONDS: u64 = 10;
/// Shortest time between two log lines about denied keys.
pub const DENIED_KEYS_LOGGED_MS: u64 = 60 * 1_000;
/// Samples of verdicts in memory: half an hour.
pub const SAMPLES_KEPT: usize = 181;
/// Age at which a summary of all keys is computed again.
pub const SUMMARY_KEPT_MS: u64 = 60_000;

/// Life of a login's token: seven days.
pub const TOKEN_SECONDS: u64 = 7 * 24 * 3_600;
/// Longest token that is verified.
pub const TOKEN_BYTES_MAX: usize = 4 * 1024;

/// Longest life that FreeSewing's API gives a key: a year.
pub const FREESEWING_LIFE_SECONDS_MAX: u64 = 365 * 24 * 3_600;

/// Largest body that BokaMera's API accepts.
pub const BOKAMERA_BODY_BYTES_MAX: usize = 64 * 1024;
/// Most keys that one request to BokaMera's API creates.
pub const BOKAMERA_BATCH_MAX: usize = 100;

/// Most keys that one operation imports.
pub const IMPORTED_AT_ONCE_MAX: usize = 1_000;
/// Longest salted hash of another system.
pub const SALTED_HASH_BYTES_MAX: usize = 512;
/// Longest HMAC key of another system.
pub const HMAC_KEY_BYTES_MAX: usize = 256;
/// Longest separator before the part of a key text that another system hashed.
pub const SEPARATOR_BYTES_MAX: usize = 8;
/// Most hash schemes of all imported keys together.
pub const HASH_SCHEMES_MAX: usize = 16;
/// Most keys with one prefix that are counted to estimate the time of a first use.
pub const SALTED_COUNTED_MAX: usize = 10_000;
/// Keys whose salted hashes are read in one page.
pub const CHECK_PAGE: usize = 64;
/// Part of a turn that reading one page counts for.
pub const CHECK_PAGE_TAKES: Duration = Duration::from_millis(2);
/// Work on a key text before a more urgent one may follow; one check is not interrupted.
pub const CHECK_STEP: Duration = Duration::from_millis(20);
/// Work on a key text before other key texts have their turn.
pub const CHECK_TURN: Duration = Duration::from_secs(2);
/// Longest wait of a caller for the checks of a key text; the checks continue after it.
pub const CHECK_WAIT: Duration = Duration::from_secs(5);
/// Most key texts that wait for checks of salted hashes.
pub const CHECKS_MAX: usize = 64;
/// Most waiting key texts of one network.
pub const CHECKS_OF_NETWORK_MAX: usize = 16;
/// Most callers that wait for the same key text.
pub const CHECK_WAITERS_MAX: usize = 2;
/// Time in which a network with a refused key text is served after other networks.
pub const CHECK_REFUSED_LATELY_MS: u64 = 60_000;
/// Most networks with a refused key text that are remembered.
pub const CHECK_NETWORKS_MAX: usize = 4_096;
/// Most key texts that are remembered as refused, and most that are remembered as turned away.
pub const CHECKS_REMEMBERED_MAX: usize = 65_536;
/// Highest accepted cost of bcrypt: about a second.
pub const BCRYPT_COST_MAX: u32 = 14;
/// Most accepted memory of argon2.
pub const ARGON2_KIB_MAX: u32 = 128 * 1024;
/// Most accepted passes of argon2.
pub const ARGON2_PASSES_MAX: u32 = 10;
/// Most accepted lanes of argon2.
pub const ARGON2_LANES_MAX: u32 = 16;
/// Most accepted memory of scrypt.
pub const SCRYPT_KIB_MAX: u64 = 128 * 1024;
/// Most accepted memory of scrypt times its lanes.
pub const SCRYPT_WORK_KIB_MAX: u64 = 4 * SCRYPT_KIB_MAX;
/// Most accepted rounds of PBKDF2.
pub const PBKDF2_ROUNDS_MAX: u32 = 2_000_000;

/// Sets of verdict counters: each thread but the last ones has its own.
pub const VERDICT_COUNTER_SHARDS: usize = 64;
/// Most keys that one request verifies.
pub const VERIFY_BATCH_MAX: usize = 1_000;
/// Largest body of a verify request that is answered inline; a larger one is answered on a blocking thread.
pub const VERIFY_AT_ONCE_BYTES_MAX: usize = 256 * 1024;
/// Shortest time between two warnings about a wrong gateway configuration.
pub const GATEWAY_WARNING_SECONDS: u64 = 10;

/// Bytes of a request body, at most.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Fields of a form, at most; later ones are ignored.
pub const FORM_FIELDS_MAX: usize = 1_000;
/// Bytes of a form's array that an error response repeats; a larger array is shown empty.
pub const FORM_ARRAY_SHOWN_BYTES_MAX: usize = 4 * 1024;
/// Nesting of arrays in a form, at most; deeper fields are ignored.
pub const FORM_NESTING_MAX: usize = 64;
/// Header fields of one part of a multipart form, at most; a part with more is ignored.
pub const PART_HEADERS_MAX: usize = 16;
/// Bytes of a request head (request line and header fields), at most.
pub const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Header fields of a request, at most.
pub const HEADERS_MAX: usize = 128;
/// Time for a client to send a whole request head, from its first byte on (of the first one: from connecting on).
pub const HEAD_READ_SECONDS: u64 = 5;
/// Bytes of a request, its body included, on the fast path, at most.
pub const FAST_PATH_BYTES_MAX: usize = HEAD_BYTES_MAX;
/// Reads of one request on the fast path, at most.
pub const FAST_PATH_READS_MAX: usize = 8;
/// Time that the fast path waits for the rest of a body.
pub const FAST_PATH_BODY_MS: u64 = 50;
/// Bytes allocated for one read of the fast path.
pub const FAST_PATH_READ_BYTES: usize = 1024;
/// Bytes allocated for the head of a response of the fast path; most heads are smaller.
pub const FAST_PATH_ANSWER_BYTES: usize = 512;
/// Bytes that the fast path keeps allocated between requests, once for reading and once for writing.
pub const FAST_PATH_KEPT_BYTES: usize = 4 * 1024;
/// Inline answers in a row after which a connection moves to a verify worker.
pub const VERIFY_WORKER_AFTER_ANSWERS: usize = 2;
/// Niceness of general workers above that of the process.
pub const GENERAL_WORKER_NICENESS: i32 = 5;
/// Niceness that the system allows, at most.
pub const NICENESS_MAX: i32 = 19;
/// Time that a connection may be idle between requests: longer than proxies keep idle connections (nginx: 60 s).
pub const IDLE_SECONDS: u64 = 75;
/// Time for a client to send a whole request body.
pub const BODY_READ_SECONDS: u64 = 30;
/// Bytes of request bodies in memory, of all connections together; a request that needs more gets 503.
pub const BODIES_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes of too large a body that are read and dropped, so that the client can read the response.
pub const BODY_DROPPED_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Time for a client to take at least one byte of a response.
pub const WRITE_STALL_SECONDS: u64 = 30;
/// Requests on threads that may block or waiting for one; the next one gets 503. Four times the threads of tokio for
/// blocking work, so a burst of writes waits for one group commit and gets no 503.
pub const REQUESTS_MAX: usize = 2_048;
/// `Retry-After` of a 503 because too many requests are waiting.
pub const REQUESTS_RETRY_AFTER_SECONDS: u32 = 1;
/// `Retry-After` of any other 503: no verdict could be reached, or the server takes no changes.
pub const UNDECIDED_RETRY_AFTER_SECONDS: u32 = 2;
/// Time for requests in flight after a stop was requested.
pub const DRAIN_SECONDS: u64 = 5;
/// Requests of one HTTP/2 connection at once.
pub const HTTP2_REQUESTS_MAX: u32 = 100;
/// Requests that a client may drop before their response, during one HTTP/2 connection.
pub const HTTP2_DROPPED_MAX: usize = 200;
/// Streams that were reset and not processed, before an HTTP/2 connection is closed.
pub const HTTP2_RESETS_WAITING_MAX: usize = 20;
/// Bytes of one body that a client may send over HTTP/2 before they are read.
pub const HTTP2_WINDOW_BYTES: u32 = 64 * 1024;
/// The same for all bodies of an HTTP/2 connection.
pub const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;
/// Bytes of one response that wait to be sent over HTTP/2.
pub const HTTP2_UNSENT_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one piece of a response over HTTP/2.
pub const HTTP2_PIECE_BYTES: usize = 16 * 1024;
/// Connections looked at in the search for an idle one, when a new one needs a permit.
pub const EVICTION_LOOKS_MAX: usize = 256;
/// Open connections, at most. At the bound an idle one is closed for a new one, which otherwise waits in the listen
/// queue.
pub const CONNECTIONS_MAX: usize = 10_000;
/// Most connections to the local control socket at once: it has to stay reachable while the others are flooded.
pub const CONTROL_CONNECTIONS_MAX: usize = 16;
/// Most connections from one network (an IPv4 address, or the first 64 bits of an IPv6 address) that is no trusted
/// proxy.
pub const CONNECTIONS_OF_NETWORK_MAX: usize = CONNECTIONS_MAX / 4;
/// File descriptors that connections never use: for the store, listeners and logs.
pub const DESCRIPTORS_RESERVED: u64 = 64;
/// Pause after the system refused a connection for want of a resource.
pub const ACCEPT_PAUSE_MS: u64 = 100;

/// Largest secret file.
pub const SECRET_FILE_BYTES_MAX: usize = 16 * 1024;
/// Longest wait for an answer on the control socket: long enough to check the largest store.
pub const CONTROL_ANSWER_SECONDS: u64 = 600;
