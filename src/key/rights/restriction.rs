//! Comparing two rights of a kind: which one allows less.

use ipnet::IpNet;

use crate::key::{Allowlist, Expiry, Level, Network, RateLimits};

/// Right that may be wider or narrower.
pub trait Restriction: Sized {
    /// Whether the right allows nothing that `bound` does not allow.
    ///
    /// ```
    /// use keyward::key::{Allowlist, Restriction as _};
    /// let (all, half): (Allowlist, Allowlist) = ("192.0.2.0/24".parse()?, "192.0.2.128/25".parse()?);
    /// assert!(half.within(&all) && !all.within(&half));
    /// # Ok::<(), keyward::key::AllowlistError>(())
    /// ```
    fn within(&self, bound: &Self) -> bool;

    /// Whether the right allows everything.
    fn is_unbounded(&self) -> bool;
}

impl Restriction for Level {
    fn within(&self, bound: &Self) -> bool {
        self <= bound
    }

    fn is_unbounded(&self) -> bool {
        *self == Self::ALL
    }
}

impl Restriction for Expiry {
    fn within(&self, bound: &Self) -> bool {
        match (self, bound) {
            (_, Self::Never) => true,
            (Self::Never, Self::At(_)) => false,
            (Self::At(end), Self::At(bound)) => end <= bound,
        }
    }

    fn is_unbounded(&self) -> bool {
        *self == Self::Never
    }
}

impl Restriction for Allowlist {
    /// All networks count together: two halves are as wide as the whole.
    fn within(&self, bound: &Self) -> bool {
        if bound.is_unbounded() {
            return true;
        }
        let bound = IpNet::aggregate(&bound.networks().iter().map(Network::net).collect());
        // An allowlist without entries allows every address.
        !self.is_unbounded()
            && self
                .networks()
                .iter()
                .map(Network::net)
                .all(|net| bound.iter().any(|bound| bound.contains(&net)))
    }

    fn is_unbounded(&self) -> bool {
        *self == Self::Anyone
    }
}

impl Restriction for RateLimits {
    /// For each limit of the bound there is one of the same name with no higher rate and no larger burst.
    fn within(&self, bound: &Self) -> bool {
        bound.all().iter().all(|bound| {
            let same = self.named(bound.name);
            same.is_some_and(|limit| limit.burst <= bound.burst && !limit.is_faster_than(bound))
        })
    }

    fn is_unbounded(&self) -> bool {
        self.all().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;
    use crate::key::{RateLimit, RateLimitsError};

    fn limits(all: &[(&str, u32, u32, u32)]) -> RateLimits {
        let number = |number| NonZeroU32::new(number).unwrap();
        let limit = |&(name, count, seconds, burst): &(&str, u32, u32, u32)| RateLimit {
            name: name.parse().unwrap(),
            count: number(count),
            seconds: number(seconds),
            burst: number(burst),
        };
        RateLimits::of(all.iter().map(limit).collect()).unwrap()
    }

    #[test]
    fn more_names_than_a_key_may_have_have_no_tightest() {
        let eight: Vec<_> = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|name| (name, 1, 60, 1)).into();
        let tightest = limits(&[("i", 1, 1, 1)]).tightest(&limits(&eight));
        assert_eq!(tightest, Err(RateLimitsError::TooMany));
    }

    /// Networks around one IPv4 and one IPv6 byte, so that each can be tried address by address.
    fn network() -> impl Strategy<Value = Network> {
        let v4 = (any::<u8>(), 24..=32_u8)
            .prop_map(|(byte, bits)| IpNet::new(Ipv4Addr::new(192, 0, 2, byte).into(), bits).unwrap());
        let v6 = (any::<u8>(), 119..=128_u8, any::<bool>()).prop_map(|(byte, bits, mapped)| {
            let v4 = Ipv4Addr::new(192, 0, 2, byte);
            let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, byte.into());
            IpNet::new(if mapped { v4.to_ipv6_mapped().into() } else { v6.into() }, bits).unwrap()
        });
        let one = prop_oneof![v4.clone(), v6.clone()].prop_map(|net| Network::Address(net.addr()));
        prop_oneof![v4.prop_map(Network::Range), v6.prop_map(Network::Range), one]
    }

    fn list() -> impl Strategy<Value = Allowlist> {
        prop::collection::vec(network(), 0..4).prop_map(|networks| Allowlist::of(networks).unwrap())
    }

    /// Every address that such a list may tell apart, and one that is in none.
    fn addresses() -> impl Iterator<Item = IpAddr> {
        let v4 = |third| (0..=255).map(move |byte| IpAddr::from([192, 0, third, byte]));
        let v6 = (0..0x300).map(|low| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, low]));
        v4(2).chain(v4(3)).chain(v6).chain([IpAddr::from([198, 51, 100, 1])])
    }

    fn some_limits() -> impl Strategy<Value = RateLimits> {
        let limit = (1..5_u32, 1..5_u32, 1..5_u32);
        (prop::option::of(limit.clone()), prop::option::of(limit)).prop_map(|(a, b)| {
            let named =
                |name, limit: Option<_>| limit.map(|(count, seconds, burst)| (name, count, seconds, burst));
            limits(&[named("a", a), named("b", b)].into_iter().flatten().collect::<Vec<_>>())
        })
    }

    proptest! {
        #[test]
        fn a_list_within_another_when_no_address_says_otherwise(one in list(), other in list()) {
            let wider = addresses().any(|at| one.allows(Some(at)) && !other.allows(Some(at)));
            let elsewhere = one.is_unbounded() && !other.is_unbounded();
            prop_assert_eq!(one.within(&other), !wider && !elsewhere, "{} and {}", one, other);
        }

        #[test]
        fn the_tightest_within_both_and_whatever_within_both_within_it(
            one in some_limits(), other in some_limits(), third in some_limits(),
        ) {
            let tightest = one.tightest(&other).unwrap();
            prop_assert!(tightest.within(&one) && tightest.within(&other));
            let both = third.within(&one) && third.within(&other);
            prop_assert_eq!(third.within(&tightest), both);
        }
    }
}
