//! The server: configuration, workers, connections, commands.
