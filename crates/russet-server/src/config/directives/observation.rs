//! Slow log, latency, events.

macro_rules! observation {
    ([$next:ident $($rest:ident)*] { $($before:tt)* }) => { $next! { [$($rest)*] { $($before)*
        Observation {
            /// Microseconds from which on a command goes to the slow log; -1 for none, 0 for all.
            "slowlog-log-slower-than" => slowlog_log_slower_than: i64 = 10000,
                integer(-1, i64::MAX), Works;

            /// Commands that the slow log remembers.
            "slowlog-max-len" => slowlog_max_len: u64 = 128, integer(0, i64::MAX), Works;

            /// Milliseconds from which on LATENCY remembers an event; 0 for none.
            "latency-monitor-threshold" => latency_monitor_threshold: i64 = 0,
                integer(0, i64::MAX), Works;

            /// Whether the time of every command goes into a histogram.
            "latency-tracking" => latency_tracking: bool = true, YES_NO, Works;

            /// Percentiles of those histograms in INFO.
            "latency-tracking-info-percentiles" =>
                latency_tracking_info_percentiles: Vec<f64> = vec![50.0, 99.0, 99.9],
                PERCENTILES, Works + SEVERAL;

            /// Events on keys to publish, a letter for each class.
            "notify-keyspace-events" =>
                notify_keyspace_events: NotifyClasses = NotifyClasses::empty(),
                NOTIFY_CLASSES, Works;
        }
    } } };
}
pub(in crate::config) use observation;
