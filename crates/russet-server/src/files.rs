//! The limit of open files, which is the limit of clients.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are no client's.
const RESERVED: u64 = 64;

/// Asks the system for as many open files as `clients` clients need. Returns how many clients there
/// can be: as many as asked for, or as many as the system allows.
pub fn make_room_for(clients: u32) -> u32 {
    let wanted = u64::from(clients) + RESERVED;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return clients;
    }
    // Only the privileged may exceed the maximum.
    let maximum = limit.maximum.map(|maximum| maximum.max(wanted));
    if setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).is_ok() {
        return clients;
    }
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let possible = getrlimit(Resource::Nofile).current.unwrap_or(wanted);
    u32::try_from(possible.saturating_sub(RESERVED)).unwrap_or(clients).min(clients)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_for_few_is_there_and_for_all_is_not() {
        assert_eq!(make_room_for(1), 1);
        assert!(make_room_for(u32::MAX) >= 1);
    }
}
