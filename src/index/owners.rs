//! Owners of keys in memory: one byte each for the verdict, the full record for callers that need the name.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use foldhash::fast::FixedState;

use crate::key::{Level, Owner, OwnerRights, UserId, UserStatus};

/// Blocks of rising size: the n-th has room for the numbers from 2^n - 1 on, 2^n of them. So few that one high number
/// takes no more than 8 MiB.
const BLOCKS: usize = 24;
const PRESENT: u8 = 0x40;

/// Every user, by number.
pub(super) struct Owners {
    all_rights: [OnceLock<Box<[AtomicU8]>>; BLOCKS],
    owners: papaya::HashMap<UserId, Arc<Owner>, FixedState>,
}

impl Owners {
    pub(super) fn new() -> Self {
        // The ids are made here, so their hash need not be a secret one.
        let owners = papaya::HashMap::with_hasher(FixedState::default());
        Self { all_rights: [const { OnceLock::new() }; BLOCKS], owners }
    }

    /// Returns level and status of this user; `None` when the user does not exist.
    #[inline(always)]
    pub(super) fn rights(&self, id: UserId) -> Option<OwnerRights> {
        let Some((block, at)) = place(id) else { return self.far_standing(id) };
        unpacked(self.all_rights.get(block)?.get()?.get(at)?.load(Ordering::Acquire))
    }

    #[cold]
    fn far_standing(&self, id: UserId) -> Option<OwnerRights> {
        self.owners.pin().get(&id).map(|owner| owner.rights)
    }

    /// Returns this user.
    pub(super) fn get(&self, id: UserId) -> Option<Arc<Owner>> {
        self.owners.pin().get(&id).cloned()
    }

    pub(super) fn put(&self, id: UserId, owner: Owner) {
        let rights = packed(owner.rights);
        // The record first: a reader that is allowed always finds the owner's name.
        self.owners.pin().insert(id, Arc::new(owner));
        self.set(id, rights);
    }

    pub(super) fn remove(&self, id: UserId) {
        self.set(id, 0);
        self.owners.pin().remove(&id);
    }

    pub(super) fn clear(&self) {
        for byte in self.all_rights.iter().filter_map(OnceLock::get).flat_map(|block| block.iter()) {
            byte.store(0, Ordering::Release);
        }
        self.owners.pin().clear();
    }

    fn set(&self, id: UserId, rights: u8) {
        let Some((block, at)) = place(id) else { return };
        let bytes = self.all_rights.get(block).map(|bytes| bytes.get_or_init(|| zeros(1 << block)));
        if let Some(byte) = bytes.and_then(|bytes| bytes.get(at)) {
            byte.store(rights, Ordering::Release);
        }
    }
}

fn zeros(count: usize) -> Box<[AtomicU8]> {
    std::iter::repeat_with(|| AtomicU8::new(0)).take(count).collect()
}

/// Returns block and index in it; `None` for a number beyond the blocks.
#[inline]
fn place(id: UserId) -> Option<(usize, usize)> {
    let number = usize::try_from(id.0).ok()?.checked_add(1)?;
    let block = usize::try_from(number.ilog2()).ok().filter(|block| *block < BLOCKS)?;
    Some((block, number - (1 << block)))
}

fn packed(rights: OwnerRights) -> u8 {
    let status = match rights.status {
        UserStatus::Active => 0,
        UserStatus::Inactive => 1,
        UserStatus::Blocked => 2,
    };
    PRESENT | status << 4 | rights.level.number()
}

#[inline]
fn unpacked(byte: u8) -> Option<OwnerRights> {
    if byte & PRESENT == 0 {
        return None;
    }
    let status = match byte >> 4 & 3 {
        0 => UserStatus::Active,
        1 => UserStatus::Inactive,
        2 => UserStatus::Blocked,
        _ => return None,
    };
    Level::new(byte & 0xf).ok().map(|level| OwnerRights { level, status })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Role;

    #[test]
    fn every_user_has_a_place_of_its_own_and_every_standing_comes_back() {
        let owners = Owners::new();
        let ids = [0, 1, 2, 3, 1_000, 65_535, 0xffff_fffe, 1 << 40, u64::MAX].map(UserId);
        let all_rights = Role::ALL
            .into_iter()
            .flat_map(|role| UserStatus::ALL.map(|status| OwnerRights { level: role.level(), status }));
        for rights in all_rights {
            for id in ids {
                assert_eq!(owners.rights(id), None);
                let owner = Owner { username: "flo".parse().unwrap(), company: None, is_bot: false, rights };
                owners.put(id, owner.clone());
                assert_eq!(owners.rights(id), Some(rights));
                assert_eq!(owners.get(id).as_deref(), Some(&owner));
            }
            ids.into_iter().for_each(|id| owners.remove(id));
        }
        let room: usize = owners.all_rights.iter().filter_map(OnceLock::get).map(|block| block.len()).sum();
        assert!(room < 1 << 17, "{room} bytes for users whose numbers are far apart");
    }
}
