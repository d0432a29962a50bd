//! The judgement itself: a pure function.

use super::{DenyReason, Identity, Verdict, VerifyRequest};
use crate::clock::Timestamp;
use crate::key::{HotRecord, Standing, Status, User};

/// Judges a record that was found for the presented key: keyspace, state, owner, expiry, allowlist, level, in
/// this order. The request's text is not looked at again.
pub fn judge(record: &HotRecord, owner: &User, request: &VerifyRequest<'_>, now: Timestamp) -> Verdict {
    let level = record.level.min(owner.role.level());
    let denied = if record.keyspace != *request.keyspace.name() {
        Some(DenyReason::WrongKeyspace)
    } else if let Some(reason) = standing(record.standing, now) {
        Some(reason)
    } else if owner.status != Status::Active {
        Some(DenyReason::OwnerNotActive)
    } else if record.expiry.reached(now) {
        Some(DenyReason::Expired)
    } else if !record.allowlist.allows(request.client) {
        Some(DenyReason::AddressNotAllowed)
    } else if level < request.level {
        Some(DenyReason::LevelTooLow { have: level })
    } else {
        None
    };
    denied.map_or_else(
        || {
            Verdict::Allow(Identity {
                key: record.id,
                user: owner.id,
                username: owner.username.clone(),
                company: owner.company,
                keyspace: record.keyspace.clone(),
                level,
                expiry: record.expiry,
            })
        },
        Verdict::Deny,
    )
}

fn standing(standing: Standing, now: Timestamp) -> Option<DenyReason> {
    match standing {
        Standing::Active => None,
        Standing::Retiring { until } => (now >= until).then_some(DenyReason::RotatedOut),
        Standing::Suspended => Some(DenyReason::Suspended),
        Standing::Revoked => Some(DenyReason::Revoked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;
    use crate::key::{Allowlist, Expiry, KeyId, Keyspace, Kind, Level, Role, UserId};

    const NOW: Timestamp = Timestamp::from_unix_ms(1_000_000);

    fn record() -> HotRecord {
        HotRecord {
            id: KeyId::generate(&OsEntropy).unwrap(),
            keyspace: Keyspace::filebin().name().clone(),
            owner: UserId(1),
            level: Level::OWN,
            standing: Standing::Active,
            expiry: Expiry::Never,
            allowlist: Allowlist::Anyone,
        }
    }

    fn owner() -> User {
        User {
            id: UserId(1),
            username: "flo".parse().unwrap(),
            display_name: None,
            email: None,
            kind: Kind::Bot,
            role: Role::User,
            company: None,
            status: Status::Active,
            api_access: false,
            created: NOW,
        }
    }

    fn denied(record: &HotRecord, owner: &User) -> Option<DenyReason> {
        let keyspace = Keyspace::filebin();
        let client = Some("10.0.0.1".parse().unwrap());
        let request = VerifyRequest { keyspace: &keyspace, text: "", client, level: Level::READ };
        match judge(record, owner, &request, NOW) {
            Verdict::Allow(_) => None,
            Verdict::Deny(reason) => Some(reason),
        }
    }

    #[test]
    fn each_fault_alone_denies_with_its_own_reason() {
        let (good, flo) = (record(), owner());
        assert_eq!(denied(&good, &flo), None);
        let wrong = [
            (HotRecord { keyspace: "native".parse().unwrap(), ..good.clone() }, DenyReason::WrongKeyspace),
            (HotRecord { standing: Standing::Suspended, ..good.clone() }, DenyReason::Suspended),
            (HotRecord { standing: Standing::Revoked, ..good.clone() }, DenyReason::Revoked),
            (
                HotRecord { standing: Standing::Retiring { until: NOW }, ..good.clone() },
                DenyReason::RotatedOut,
            ),
            (HotRecord { expiry: Expiry::At(NOW), ..good.clone() }, DenyReason::Expired),
            (
                HotRecord { allowlist: "10.0.0.2".parse().unwrap(), ..good.clone() },
                DenyReason::AddressNotAllowed,
            ),
            (
                HotRecord { level: Level::AUTHENTICATE, ..good.clone() },
                DenyReason::LevelTooLow { have: Level::AUTHENTICATE },
            ),
        ];
        for (record, reason) in wrong {
            assert_eq!(denied(&record, &flo), Some(reason));
        }
        for status in [Status::Inactive, Status::Blocked] {
            assert_eq!(denied(&good, &User { status, ..flo.clone() }), Some(DenyReason::OwnerNotActive));
        }
    }

    #[test]
    fn the_last_millisecond_before_an_end_still_counts() {
        let (good, flo) = (record(), owner());
        assert_eq!(denied(&HotRecord { expiry: Expiry::At(NOW.plus_ms(1)), ..good.clone() }, &flo), None);
        let retiring = Standing::Retiring { until: NOW.plus_ms(1) };
        assert_eq!(denied(&HotRecord { standing: retiring, ..good }, &flo), None);
    }

    #[test]
    fn a_demoted_owner_takes_the_key_along() {
        let flo = User { role: Role::ReadSome, ..owner() };
        assert_eq!(denied(&record(), &flo), Some(DenyReason::LevelTooLow { have: Role::ReadSome.level() }));
    }
}
