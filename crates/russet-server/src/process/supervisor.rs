//! Telling whoever started the server how far it has come.

use sd_notify::NotifyState;

use crate::config::Supervised;

/// The program that supervises this process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Supervisor {
    /// Nobody.
    None,
    /// systemd, listening at `NOTIFY_SOCKET`.
    Systemd,
}

impl Supervisor {
    /// Finds the supervisor that the configuration expects by the sign it leaves in the environment.
    /// Upstart is told at once: a process that stops itself has started.
    pub fn find(expected: Supervised) -> Supervisor {
        let has = |variable: &str| std::env::var_os(variable).is_some();
        let (upstart, systemd) = (has("UPSTART_JOB"), has("NOTIFY_SOCKET"));
        match expected {
            Supervised::Upstart | Supervised::Auto if upstart => {
                tracing::info!("Supervised by upstart: stopping to signal readiness.");
                let stopped = rustix::process::kill_process(
                    rustix::process::getpid(),
                    rustix::process::Signal::STOP,
                );
                if let Err(error) = stopped {
                    tracing::warn!("Upstart cannot be told: {error}");
                }
                Supervisor::None
            }
            Supervised::Systemd | Supervised::Auto if systemd => {
                tracing::info!("Supervised by systemd. Make sure that the unit says Type=notify.");
                Supervisor::Systemd
            }
            Supervised::Upstart => {
                tracing::warn!("Upstart supervision was asked for, but UPSTART_JOB is not set.");
                Supervisor::None
            }
            Supervised::Systemd => {
                tracing::warn!("systemd supervision was asked for, but NOTIFY_SOCKET is not set.");
                Supervisor::None
            }
            Supervised::Auto | Supervised::No => Supervisor::None,
        }
    }

    /// Connections are accepted from now on.
    pub fn ready(self) {
        self.tell(&[NotifyState::Status("Ready to accept connections"), NotifyState::Ready]);
    }

    /// The end has begun.
    pub fn stopping(self) {
        self.tell(&[NotifyState::Stopping]);
    }

    fn tell(self, states: &[NotifyState<'_>]) {
        if self == Supervisor::Systemd
            && let Err(error) = sd_notify::notify(states)
        {
            tracing::warn!("systemd cannot be told: {error}");
        }
    }
}
