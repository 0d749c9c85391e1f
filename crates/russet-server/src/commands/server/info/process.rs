//! Sections about the process: what runs, where, and what it takes.

use std::sync::atomic::Ordering;

use super::Source;
use super::report::Report;
use crate::config::Config;
use crate::memory::Figures;
use crate::server::Server;
use crate::worker::clock::unix_us;

/// `# Server`
pub fn server(source: &Source<'_>, report: &mut Report) {
    let server = source.server;
    let config = server.config.load();
    let uptime_s = server.started.elapsed().as_secs();
    let system = rustix::system::uname();
    let (name, release) = (system.sysname().to_string_lossy(), system.release().to_string_lossy());
    let machine = system.machine().to_string_lossy();
    let now_us = unix_us();
    report.section("Server");
    report.field("redis_version", config.compatibility.redis_version());
    report.field("russet_version", env!("CARGO_PKG_VERSION"));
    // Tools expect these; a release is identified by its version alone.
    report.field("redis_git_sha1", "00000000");
    report.field("redis_git_dirty", 0);
    report.field("redis_build_id", "0000000000000000");
    report.field("redis_mode", "standalone");
    report.field("os", format_args!("{name} {release} {machine}"));
    report.field("arch_bits", usize::BITS);
    report.field("monotonic_clock", "POSIX clock_gettime");
    report.field("multiplexing_api", "epoll");
    report.field("atomicvar_api", "c11-builtin");
    report.field("gcc_version", "0.0.0");
    report.field("process_id", std::process::id());
    report.field("process_supervised", supervisor(&config));
    report.field("run_id", &server.run_id);
    report.field("tcp_port", config.port);
    report.field("server_time_usec", now_us);
    report.field("uptime_in_seconds", uptime_s);
    report.field("uptime_in_days", uptime_s / (24 * 60 * 60));
    report.field("hz", config.hz);
    report.field("configured_hz", config.hz);
    report.field("lru_clock", (now_us / 1_000_000) & 0x00FF_FFFF);
    let executable = std::env::current_exe().unwrap_or_default();
    report.field("executable", executable.display());
    let file = server.source.file.clone().unwrap_or_default();
    report.field("config_file", file.display());
    report.field("io_threads_active", 0);
    report.field("worker_threads", server.workers.len());
    if config.port != 0 {
        let addresses: String =
            config.bind.iter().map(|address| format!(",bind={address}")).collect();
        report.field("listener0", format_args!("name=tcp{addresses},port={}", config.port));
    }
    if let Some(path) = &config.unixsocket {
        report.field("listener1", format_args!("name=unix,bind={}", path.display()));
    }
}

fn supervisor(config: &Config) -> &'static str {
    use crate::config::Supervised;
    let told = |variable: &str| std::env::var_os(variable).is_some();
    match config.supervised {
        Supervised::Systemd | Supervised::Auto if told("NOTIFY_SOCKET") => "systemd",
        Supervised::Upstart | Supervised::Auto if told("UPSTART_JOB") => "upstart",
        _ => "no",
    }
}

/// `# Memory`
pub fn memory(server: &Server, figures: &Figures, report: &mut Report) {
    let config = server.config.load();
    let Figures { allocator, .. } = figures;
    report.section("Memory");
    report.bytes("used_memory", figures.used);
    report.bytes("used_memory_rss", allocator.process_resident);
    report.bytes("used_memory_peak", figures.peak);
    report.field("used_memory_peak_perc", format_args!("{:.2}%", figures.peak_percent()));
    report.field("used_memory_overhead", figures.overhead);
    report.field("used_memory_startup", figures.startup);
    report.field("used_memory_dataset", figures.dataset);
    report.field("used_memory_dataset_perc", format_args!("{:.2}%", figures.dataset_percent()));
    report.field("allocator_allocated", allocator.allocated);
    report.field("allocator_active", allocator.active);
    report.field("allocator_resident", allocator.resident);
    report.bytes("total_system_memory", system_memory());
    let engines = server.sum(|stats| stats.engine_bytes.load(Ordering::Relaxed));
    let scripts = server.scripts.allocated_bytes();
    report.bytes("used_memory_lua", engines);
    report.field("used_memory_vm_eval", engines);
    report.field("used_memory_scripts_eval", scripts);
    report.field("number_of_cached_scripts", server.scripts.len());
    report.zeros(&["number_of_functions", "number_of_libraries", "used_memory_vm_functions"]);
    report.bytes("used_memory_vm_total", engines);
    report.zeros(&["used_memory_functions"]);
    report.bytes("used_memory_scripts", scripts as u64);
    report.bytes("maxmemory", config.maxmemory);
    let policy = crate::config::Directive::find(b"maxmemory-policy").expect("it is declared");
    report.field("maxmemory_policy", String::from_utf8_lossy(&policy.show(&config)));
    let ratios = [
        ("allocator_frag", allocator.fragmentation()),
        ("allocator_rss", allocator.retention()),
        ("rss_overhead", allocator.beside()),
        ("mem_fragmentation", figures.fragmentation()),
    ];
    for (name, ratio) in ratios {
        report.field(format_args!("{name}_ratio"), format_args!("{:.2}", ratio.factor));
        report.field(format_args!("{name}_bytes"), ratio.bytes);
    }
    report.field("mem_not_counted_for_evict", crate::eviction::uncounted_bytes(server));
    report.zeros(&["mem_replication_backlog"]);
    report.zeros(&["mem_total_replication_buffers", "mem_clients_slaves"]);
    report.field("mem_clients_normal", figures.clients);
    report.zeros(&["mem_cluster_links"]);
    report.field("mem_aof_buffer", figures.log);
    report.field("mem_allocator", "jemalloc-5.3.0");
    let effort = server.stats.defrag_effort.load(Ordering::Relaxed);
    report.field("active_defrag_running", effort);
    report.field("lazyfree_pending_objects", server.lazy_free.pending());
    report.field("lazyfreed_objects", server.lazy_free.freed());
}

fn system_memory() -> u64 {
    let system = rustix::system::sysinfo();
    system.totalram * u64::from(system.mem_unit)
}

/// The seconds that a process or thread has spent in the system and outside, by the file where the
/// system says so; then the same for its children that have ended.
fn cpu_seconds(file: &str) -> [f64; 4] {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    // The name of the program comes first, in parentheses, and may contain anything.
    let fields = text.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let ticks_per_second = rustix::param::clock_ticks_per_second() as f64;
    let ticks = |at: usize| -> f64 {
        fields.split(' ').nth(at).and_then(|ticks| ticks.parse().ok()).unwrap_or(0.0)
    };
    // utime, stime, cutime and cstime are the 14th to 17th field of proc(5); two are gone.
    [12, 11, 14, 13].map(|at| ticks(at) / ticks_per_second)
}

/// `# CPU`
pub fn cpu(_: &Source<'_>, report: &mut Report) {
    report.section("CPU");
    let mut field = |name: &str, seconds: f64| report.field(name, format_args!("{seconds:.6}"));
    let [system, user, system_of_children, user_of_children] = cpu_seconds("/proc/self/stat");
    field("used_cpu_sys", system);
    field("used_cpu_user", user);
    field("used_cpu_sys_children", system_of_children);
    field("used_cpu_user_children", user_of_children);
    // Redis' main thread executes the commands; here the one that answers does.
    let [system, user, ..] = cpu_seconds("/proc/thread-self/stat");
    field("used_cpu_sys_main_thread", system);
    field("used_cpu_user_main_thread", user);
}
