//! `judge`: what is wrong with a key is found out as by a plain list of faults, the first of them is the reason, and
//! asking for less or from more places never turns a yes into a no.

use std::net::IpAddr;

use keyward::clock::Timestamp;
use keyward::key::{
    Allowlist, Expiry, HotRecord, KeyId, Keyspace, Level, Network, OwnerRights, RateLimits, SecretState,
    Spend, UserId, UserStatus,
};
use keyward::verify::{DenyReason, Verdict, VerifyRequest, judge};

/// One byte after the other; zeros after the end.
struct Input<'a>(std::slice::Iter<'a, u8>);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or_default()
    }

    fn level(&mut self) -> Level {
        Level::new(self.byte() % 9).unwrap()
    }

    /// Few enough moments for ends and the present to meet.
    fn time(&mut self) -> Timestamp {
        match self.byte() {
            255 => Timestamp::MAX,
            step => Timestamp::from_unix_ms(step.into()),
        }
    }

    fn keyspace(&mut self) -> Keyspace {
        Keyspace::all().nth(usize::from(self.byte()) % Keyspace::all().count()).unwrap()
    }

    /// A few IPv4 addresses, in both forms, and IPv6 ones that look like them.
    fn address(&mut self) -> IpAddr {
        let (form, last) = (self.byte(), self.byte());
        let four = std::net::Ipv4Addr::new(10, form & 1, 0, last);
        match form >> 6 {
            0 | 1 => four.into(),
            2 => four.to_ipv6_mapped().into(),
            _ => four.to_ipv6_compatible().into(),
        }
    }
}

/// Reads the input as a record, its owner, a request and the time, and compares the verdict with the model's.
pub fn run(bytes: &[u8]) {
    let input = &mut Input(bytes.iter());
    let (record, owner) = (record(input), owner(input));
    let (keyspace, now) = (input.keyspace(), input.time());
    let client = (input.byte() & 1 == 1).then(|| input.address());
    let request = VerifyRequest {
        keyspace: &keyspace,
        text: "a text that judging does not look at",
        client,
        level: input.level(),
        spend: Spend { limit: None, cost: input.byte().into() },
        patience: keyward::engine::WaitPolicy::MayWait,
    };
    let verdict = judge(record.view(), owner, &request, now);
    match (faults(&record, owner, &request, now).first(), verdict) {
        (Some(fault), Verdict::Deny(reason)) => assert_eq!(reason, *fault),
        (None, Verdict::Allow(identity)) => {
            assert_eq!((identity.key, identity.user), (record.id, record.owner));
            assert_eq!((identity.keyspace, identity.expiry), (*keyspace.name(), record.expiry));
            let lower = record.level.min(owner.unwrap().level);
            assert_eq!((identity.level, identity.quota), (lower, None));
            assert!(lower >= request.level);
        }
        (fault, verdict) => panic!("{verdict:?} instead of {fault:?}"),
    }
    if matches!(verdict, Verdict::Allow(_)) {
        let allowed = |record: &HotRecord, request: &VerifyRequest<'_>, now| {
            matches!(judge(record.view(), owner, request, now), Verdict::Allow(_))
        };
        let anywhere = HotRecord { allowlist: Allowlist::Anyone, ..record.clone() };
        let less = VerifyRequest { level: Level::AUTHENTICATE, text: "", ..request.clone() };
        assert!(allowed(&anywhere, &request, now) && allowed(&record, &less, now));
        assert!(allowed(&record, &request, Timestamp::from_unix_ms(0)), "earlier it was good as well");
        assert!(allowed(
            &HotRecord { secret_state: SecretState::Active, expiry: Expiry::Never, ..record },
            &request,
            Timestamp::MAX
        ));
    }
}

fn record(input: &mut Input<'_>) -> HotRecord {
    let id = KeyId::from_bytes([input.byte(); 16]);
    let secret_state = match input.byte() % 4 {
        0 => SecretState::Active,
        1 => SecretState::Retiring { until: input.time() },
        2 => SecretState::Suspended,
        _ => SecretState::Revoked,
    };
    let expiry = if input.byte() & 1 == 0 { Expiry::Never } else { Expiry::At(input.time()) };
    let networks = (0..input.byte() % 4).map(|_| {
        let address = input.address();
        let most = if address.is_ipv4() { 32 } else { 128 };
        match input.byte() {
            length if length <= most => format!("{address}/{length}").parse().unwrap(),
            _ => Network::Address(address),
        }
    });
    let allowlist = Allowlist::of(networks.collect()).unwrap();
    let (keyspace, owner, level) = (*input.keyspace().name(), UserId(input.byte().into()), input.level());
    HotRecord { id, keyspace, owner, level, secret_state, expiry, allowlist, rate_limits: RateLimits::none() }
}

fn owner(input: &mut Input<'_>) -> Option<OwnerRights> {
    let (kind, level) = (input.byte(), input.level());
    let status = *UserStatus::ALL.get(usize::from(kind % 4))?;
    Some(OwnerRights { level, status })
}

/// Everything that is wrong, in the documented order.
fn faults(
    record: &HotRecord,
    owner: Option<OwnerRights>,
    request: &VerifyRequest<'_>,
    now: Timestamp,
) -> Vec<DenyReason> {
    let over = |end: Timestamp| end.unix_ms() <= now.unix_ms();
    let have = owner.map(|owner| Level::new(record.level.number().min(owner.level.number())).unwrap());
    let all = [
        (owner.is_none(), DenyReason::OwnerGone),
        (record.keyspace.as_str() != request.keyspace.name().as_str(), DenyReason::WrongKeyspace),
        (record.secret_state == SecretState::Suspended, DenyReason::Suspended),
        (record.secret_state == SecretState::Revoked, DenyReason::Revoked),
        (
            matches!(record.secret_state, SecretState::Retiring { until } if over(until)),
            DenyReason::RotatedOut,
        ),
        (owner.is_some_and(|owner| owner.status != UserStatus::Active), DenyReason::OwnerNotActive),
        (matches!(record.expiry, Expiry::At(end) if over(end)), DenyReason::Expired),
        (!listed(&record.allowlist, request.client), DenyReason::AddressNotAllowed),
        (
            have.is_some_and(|have| have < request.level),
            DenyReason::LevelTooLow { have: have.unwrap_or(Level::ALL) },
        ),
        (
            request
                .spend
                .limit
                .is_some_and(|name| record.rate_limits.all().iter().all(|has| has.name != name)),
            DenyReason::NoSuchLimit,
        ),
    ];
    all.into_iter().filter_map(|(wrong, reason)| wrong.then_some(reason)).collect()
}

fn listed(list: &Allowlist, client: Option<IpAddr>) -> bool {
    if list.networks().is_empty() {
        return true;
    }
    let Some((client, wide)) =
        client.map(|client| number(client, u32::MAX)).map(|(bits, wide, _)| (bits, wide))
    else {
        return false;
    };
    list.networks().iter().any(|network| {
        let (bits, like, length) = match network {
            Network::Address(address) => number(*address, u32::MAX),
            Network::Range(net) => number(net.addr(), net.prefix_len().into()),
        };
        let host = like - length;
        like == wide && bits.checked_shr(host).unwrap_or(0) == client.checked_shr(host).unwrap_or(0)
    })
}

/// An address as a number, its width, and how many leading bits count; IPv4 in its IPv6 form is IPv4.
fn number(address: IpAddr, length: u32) -> (u128, u32, u32) {
    match address {
        IpAddr::V4(four) => (u32::from(four).into(), 32, length.min(32)),
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) if length >= 96 => (u32::from(four).into(), 32, length.min(128) - 96),
            _ => (six.into(), 128, length.min(128)),
        },
    }
}
