//! What commands announce of the keys they change.

use super::EventClass;

/// What happened to a key, in the words of keyspace notifications.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// Who hears of it.
    pub class: EventClass,
    /// Its name.
    pub name: &'static str,
}

impl Event {
    /// A key got a string.
    pub const SET: Event = Event::new(EventClass::STRING, "set");
    /// A key was removed by a command.
    pub const DEL: Event = Event::new(EventClass::GENERIC, "del");
    /// A key got an expiry.
    pub const EXPIRE: Event = Event::new(EventClass::GENERIC, "expire");
    /// A key lost its expiry.
    pub const PERSIST: Event = Event::new(EventClass::GENERIC, "persist");
    /// A key was removed because its time had come.
    pub const EXPIRED: Event = Event::new(EventClass::EXPIRED, "expired");
    /// A key came into being.
    pub const NEW: Event = Event::new(EventClass::NEW, "new");
    /// A key was looked for that is not there.
    pub const MISS: Event = Event::new(EventClass::KEY_MISS, "keymiss");

    /// An event of a class.
    pub const fn new(class: EventClass, name: &'static str) -> Self {
        Event { class, name }
    }
}
