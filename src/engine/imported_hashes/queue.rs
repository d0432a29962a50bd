//! Queue of key texts that wait to be compared with salted hashes: which text gets room, and in which order.
//!
//! A client that sends unknown texts makes work, so sending more of them must gain neither room nor time. Networks with
//! recently denied texts come after all others. Within that, a text that got no room before and is sent again comes
//! first, since owners repeat the key that they have and guessers do not. Then comes the network that was served
//! longest ago.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::key::network;
use crate::limits;

/// Id of a key text: a part of its keyed hash.
pub(in crate::engine) type TextId = u128;

/// Network of a client, which shares room and turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::engine) struct Origin(Option<IpAddr>);

impl Origin {
    /// The first 24 bits of an IPv4 address, or the first 64 bits of an IPv6 address. All unknown addresses are one
    /// network.
    pub(in crate::engine) fn of(client: Option<IpAddr>) -> Self {
        Self(client.map(network).map(|address| match address {
            IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & !0xff).into(),
            address @ IpAddr::V6(_) => address,
        }))
    }
}

/// Waiting texts, each with its work `J` and its waiting callers `W`.
pub(in crate::engine) struct Queue<J, W> {
    waiting: HashMap<TextId, Waiting<J, W>>,
    origins: HashMap<Origin, Served>,
    turned_away: Recent,
    refused: Recent,
    /// Incremented with every turn and every text.
    turn: u64,
}

struct Waiting<J, W> {
    /// `None` while the thread works on it.
    job: Option<J>,
    waiters: Vec<W>,
    origin: Origin,
    again: bool,
    order: u64,
    worked: Duration,
}

/// Turns and denials of a network.
#[derive(Clone, Copy, Default)]
struct Served {
    turn: u64,
    refused: Option<Timestamp>,
}

/// Lower classes are served first, and higher classes make room for them.
type Class = (bool, bool, bool);

/// Result of asking for room.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::engine) enum Room {
    /// The text was denied before.
    Refused,
    /// The text waits now.
    Taken,
    /// The queue is full.
    None,
}

/// A caller that waits for a result.
pub(in crate::engine) trait Waiter {
    /// Whether the caller still waits.
    fn is_there(&self) -> bool;
}

impl<J, W: Waiter> Queue<J, W> {
    pub(in crate::engine) fn new() -> Self {
        Self {
            waiting: HashMap::new(),
            origins: HashMap::new(),
            turned_away: Recent::default(),
            refused: Recent::default(),
            turn: 0,
        }
    }

    /// Whether the text would get room and wait.
    pub(in crate::engine) fn has_room(&self, id: TextId, origin: Origin, now: Timestamp) -> bool {
        match self.waiting.get(&id) {
            _ if self.refused.has(id) => false,
            Some(waiting) => waiting.there() < limits::CHECK_WAITERS_MAX,
            None => self.place(id, origin, now).is_some(),
        }
    }

    /// Adds a text with the work of `job`, unless it is known or the queue is full.
    pub(in crate::engine) fn ask(
        &mut self,
        id: TextId,
        origin: Origin,
        now: Timestamp,
        waiter: W,
        job: impl FnOnce() -> J,
    ) -> Room {
        if self.refused.has(id) {
            return Room::Refused;
        }
        let is_better = !self.is_refused(origin, now);
        if let Some(waiting) = self.waiting.get_mut(&id) {
            waiting.again = true;
            waiting.waiters.retain(Waiter::is_there);
            if is_better {
                waiting.origin = origin;
            }
            if waiting.waiters.len() >= limits::CHECK_WAITERS_MAX {
                return Room::None;
            }
            waiting.waiters.push(waiter);
            return Room::Taken;
        }
        let Some(victim) = self.place(id, origin, now) else {
            self.turned_away.add(id);
            return Room::None;
        };
        if let Some(victim) = victim {
            self.waiting.remove(&victim);
            self.turned_away.add(victim);
        }
        let (again, order) = (self.turned_away.has(id), self.next_turn());
        let (job, waiters, worked) = (Some(job()), vec![waiter], Duration::ZERO);
        self.waiting.insert(id, Waiting { job, waiters, origin, again, order, worked });
        self.served(origin, now);
        Room::Taken
    }

    /// Returns the text that makes room, if one has to; `None` when no room can be made.
    fn place(&self, id: TextId, origin: Origin, now: Timestamp) -> Option<Option<TextId>> {
        let own = self.waiting.values().filter(|waiting| waiting.origin == origin).count();
        let is_own_full = own >= limits::CHECKS_OF_NETWORK_MAX;
        if !is_own_full && self.waiting.len() < limits::CHECKS_MAX {
            return Some(None);
        }
        let class = (self.is_refused(origin, now), !self.turned_away.has(id), false);
        let others = self.waiting.iter().filter(|(_, waiting)| !is_own_full || waiting.origin == origin);
        let last = others.max_by_key(|(_, waiting)| (self.class(waiting, now), waiting.order));
        last.filter(|(_, waiting)| self.class(waiting, now) > class).map(|(id, _)| Some(*id))
    }

    /// Takes the work of the text whose turn it is. The caller gives it [`back`](Queue::back) or marks it
    /// [`done`](Queue::done).
    pub(in crate::engine) fn next(&mut self, now: Timestamp) -> Option<(TextId, J)> {
        let ready = self.waiting.iter().filter(|(_, waiting)| waiting.job.is_some());
        let rank = |waiting: &Waiting<J, W>| {
            let (refused, first, _) = self.class(waiting, now);
            let turn = self.origins.get(&waiting.origin).map_or(0, |served| served.turn);
            (refused, first, turn, waiting.order)
        };
        let id = *ready.min_by_key(|(_, waiting)| rank(waiting))?.0;
        let job = self.waiting.get_mut(&id)?.job.take()?;
        Some((id, job))
    }

    /// Puts work back after a step of this duration. After enough steps other texts have their turn.
    pub(in crate::engine) fn back(&mut self, id: TextId, job: J, worked: Duration, now: Timestamp) {
        // The text may have made room for another one meanwhile.
        let Some(waiting) = self.waiting.get_mut(&id) else { return };
        waiting.job = Some(job);
        waiting.worked += worked;
        if waiting.worked >= limits::CHECK_TURN {
            waiting.worked = Duration::ZERO;
            let origin = waiting.origin;
            let turn = self.next_turn();
            if let Some(waiting) = self.waiting.get_mut(&id) {
                waiting.order = turn;
            }
            self.served(origin, now).turn = turn;
        }
    }

    /// Ends the work of a text, and returns its waiting callers.
    pub(in crate::engine) fn done(&mut self, id: TextId, now: Timestamp) -> Vec<W> {
        let Some(waiting) = self.waiting.remove(&id) else { return Vec::new() };
        let turn = self.next_turn();
        self.served(waiting.origin, now).turn = turn;
        waiting.waiters
    }

    /// As [`Queue::done`], for a text that no key has: the text and its network are remembered as denied.
    pub(in crate::engine) fn refuse(&mut self, id: TextId, now: Timestamp) -> Vec<W> {
        self.refused.add(id);
        if let Some(origin) = self.waiting.get(&id).map(|waiting| waiting.origin) {
            self.served(origin, now).refused = Some(now);
        }
        self.done(id, now)
    }

    /// Forgets the denied texts: an imported key may have one of them now.
    pub(in crate::engine) fn forget_refused(&mut self) {
        self.refused = Recent::default();
    }

    /// Removes all waiting texts.
    pub(in crate::engine) fn clear(&mut self) {
        self.waiting.clear();
    }

    fn class(&self, waiting: &Waiting<J, W>, now: Timestamp) -> Class {
        (self.is_refused(waiting.origin, now), !waiting.again, waiting.there() == 0)
    }

    fn is_refused(&self, origin: Origin, now: Timestamp) -> bool {
        let refused = self.origins.get(&origin).and_then(|served| served.refused);
        refused.is_some_and(|at| now < at.plus_ms(limits::CHECK_REFUSED_LATELY_MS))
    }

    /// Returns the turns and denials of a network. At the maximum, networks without a recent denial are forgotten.
    fn served(&mut self, origin: Origin, now: Timestamp) -> &mut Served {
        if self.origins.len() >= limits::CHECK_NETWORKS_MAX && !self.origins.contains_key(&origin) {
            let counts = |served: &Served| {
                served.refused.is_some_and(|at| now < at.plus_ms(limits::CHECK_REFUSED_LATELY_MS))
            };
            self.origins.retain(|_, served| counts(served));
            if self.origins.len() >= limits::CHECK_NETWORKS_MAX {
                self.origins.clear();
            }
        }
        self.origins.entry(origin).or_default()
    }

    const fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }
}

impl<J, W: Waiter> Waiting<J, W> {
    fn there(&self) -> usize {
        self.waiters.iter().filter(|waiter| waiter.is_there()).count()
    }
}

/// Recently seen texts, up to a maximum.
#[derive(Default)]
struct Recent {
    new: HashSet<TextId, foldhash::fast::RandomState>,
    old: HashSet<TextId, foldhash::fast::RandomState>,
}

impl Recent {
    fn add(&mut self, id: TextId) {
        if self.new.len() >= limits::CHECKS_REMEMBERED_MAX / 2 {
            self.old = mem::take(&mut self.new);
        }
        self.new.insert(id);
    }

    fn has(&self, id: TextId) -> bool {
        self.new.contains(&id) || self.old.contains(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_000_000);

    /// Whether it is there.
    struct Client(bool);

    impl Waiter for Client {
        fn is_there(&self) -> bool {
            self.0
        }
    }

    type Texts = Queue<TextId, Client>;

    fn origin(address: &str) -> Origin {
        Origin::of(Some(address.parse().unwrap()))
    }

    fn ask(queue: &mut Texts, id: TextId, from: &str) -> Room {
        queue.ask(id, origin(from), NOW, Client(true), || id)
    }

    /// Works on each next text until none is left, and returns the order in which they end.
    fn all_refused(queue: &mut Texts) -> Vec<TextId> {
        let mut order = Vec::new();
        while let Some((id, _)) = queue.next(NOW) {
            queue.refuse(id, NOW);
            order.push(id);
        }
        order
    }

    #[test]
    fn clients_of_one_neighbourhood_are_one() {
        for (one, other, same) in [
            ("192.0.2.1", "192.0.2.255", true),
            ("192.0.2.1", "192.0.3.1", false),
            ("::ffff:192.0.2.1", "192.0.2.7", true),
            ("2001:db8::1", "2001:db8::ffff:1", true),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
        ] {
            assert_eq!(origin(one) == origin(other), same, "{one} and {other}");
        }
        assert_eq!(Origin::of(None), Origin::of(None));
    }

    #[test]
    fn networks_have_turns_and_one_whose_texts_were_refused_stands_behind() {
        let mut queue = Texts::new();
        for id in [1, 2, 3] {
            assert_eq!(ask(&mut queue, id, "192.0.2.1"), Room::Taken);
        }
        assert_eq!(ask(&mut queue, 4, "198.51.100.1"), Room::Taken);
        assert_eq!(all_refused(&mut queue), [1, 4, 2, 3], "the first one's next ones come after the other's");
        assert_eq!(ask(&mut queue, 1, "203.0.113.1"), Room::Refused, "it is remembered");
        for (id, from) in [(5, "192.0.2.9"), (6, "203.0.113.1"), (7, "198.51.100.1"), (8, "203.0.113.1")] {
            assert_eq!(ask(&mut queue, id, from), Room::Taken);
        }
        let first: Vec<_> = (0..2).map(|_| queue.next(NOW).unwrap().0).collect();
        assert_eq!(first, [6, 8], "it has done nothing, so all of its texts come first");
        let later = NOW.plus_ms(limits::CHECK_REFUSED_LATELY_MS);
        assert!(queue.is_refused(origin("192.0.2.1"), NOW) && !queue.is_refused(origin("192.0.2.1"), later));
    }

    #[test]
    fn a_flood_finds_no_more_room_than_its_own_and_gives_it_to_others() {
        let mut queue = Texts::new();
        let of_flood = |net: usize| format!("10.0.{net}.1");
        let flood = |queue: &mut Texts| {
            let ids = (0..1_000_u128).map(|id| (id, of_flood(id as usize % 20)));
            ids.filter(|(id, from)| ask(queue, *id + 1_000_000, from) == Room::Taken).count()
        };
        assert_eq!(flood(&mut queue), limits::CHECKS_MAX);
        assert_eq!(ask(&mut queue, 1, "192.0.2.1"), Room::None, "nobody was refused yet");
        assert_eq!(ask(&mut queue, 1, "192.0.2.1"), Room::Taken, "but it came again");
        assert_eq!(queue.waiting.len(), limits::CHECKS_MAX);
        assert_eq!(queue.next(NOW).unwrap().0, 1);
        queue.done(1, NOW);
        all_refused(&mut queue);
        queue.forget_refused();
        flood(&mut queue);
        assert_eq!(ask(&mut queue, 2, "192.0.2.1"), Room::Taken, "the others were refused lately");
        assert_eq!(queue.next(NOW).unwrap().0, 2);
    }

    #[test]
    fn one_network_alone_has_its_places_and_whoever_comes_again_has_one_of_them() {
        let mut queue = Texts::new();
        let taken = (0..100).filter(|id| ask(&mut queue, *id, "192.0.2.1") == Room::Taken).count();
        assert_eq!(taken, limits::CHECKS_OF_NETWORK_MAX);
        assert!(!queue.has_room(500, origin("192.0.2.1"), NOW));
        assert_eq!(ask(&mut queue, 500, "192.0.2.77"), Room::None);
        assert!(queue.has_room(500, origin("192.0.2.77"), NOW));
        assert_eq!(ask(&mut queue, 500, "192.0.2.77"), Room::Taken);
        assert_eq!(queue.next(NOW).unwrap().0, 500, "before those that came once");
    }

    #[test]
    fn so_many_wait_for_one_text_and_who_gave_up_is_not_one_of_them() {
        let mut queue = Texts::new();
        for _ in 0..limits::CHECK_WAITERS_MAX {
            assert_eq!(ask(&mut queue, 1, "192.0.2.1"), Room::Taken);
        }
        assert!(!queue.has_room(1, origin("192.0.2.1"), NOW));
        assert_eq!(ask(&mut queue, 1, "192.0.2.1"), Room::None);
        assert_eq!(queue.done(1, NOW).len(), limits::CHECK_WAITERS_MAX);
        for _ in 0..limits::CHECK_WAITERS_MAX + 1 {
            assert_eq!(queue.ask(2, origin("192.0.2.1"), NOW, Client(false), || 2), Room::Taken);
        }
    }

    #[test]
    fn long_work_is_done_in_turns() {
        let mut queue = Texts::new();
        ask(&mut queue, 1, "192.0.2.1");
        ask(&mut queue, 2, "198.51.100.1");
        let mut order = Vec::new();
        for _ in 0..6 {
            let (id, job) = queue.next(NOW).unwrap();
            queue.back(id, job, limits::CHECK_TURN / 2, NOW);
            order.push(id);
        }
        assert_eq!(order, [1, 1, 2, 2, 1, 1]);
        queue.clear();
        queue.back(1, 1, Duration::ZERO, NOW);
        assert!(queue.next(NOW).is_none(), "what is gone does not come back");
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let mut recent = Recent::default();
        let many = limits::CHECKS_REMEMBERED_MAX as u128;
        (0..many * 3).for_each(|id| recent.add(id));
        assert!(recent.new.len() + recent.old.len() <= limits::CHECKS_REMEMBERED_MAX);
        assert!(recent.has(many * 3 - 1) && recent.has(many * 3 - many / 2) && !recent.has(0));
        let mut queue = Texts::new();
        for net in 0..limits::CHECK_NETWORKS_MAX as u32 * 2 {
            let origin = Origin::of(Some(Ipv4Addr::from_bits(net << 8).into()));
            queue.served(origin, NOW).refused = Some(NOW);
        }
        assert!(queue.origins.len() <= limits::CHECK_NETWORKS_MAX);
    }
}
