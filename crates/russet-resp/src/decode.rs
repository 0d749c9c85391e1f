//! Reading replies, for tools and tests.
