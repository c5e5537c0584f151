internal import CBench

/// What processes have cost so far, read from `/proc`.
///
/// `schedstat` counts nanoseconds on a core; `stat` and `times` count ticks of 10 ms, too coarse for a short window.
struct ProcessCost {
    /// By thread id, in nanoseconds.
    private let byThread: [Int32: UInt64]

    /// Sums over all threads of the processes.
    init(of processes: [Int32]) {
        var byThread: [Int32: UInt64] = [:]
        for process in processes {
            for thread in ProcessCost.threads(of: process) {
                byThread[thread] = ProcessCost.nanoseconds("/proc/\(process)/task/\(thread)/schedstat")
            }
        }
        self.byThread = byThread
    }

    private init(byThread: [Int32: UInt64]) { self.byThread = byThread }

    var seconds: Double { Double(byThread.values.reduce(0, +)) / 1e9 }

    /// What the busiest thread cost: near the elapsed time, one core was the limit.
    var busiestThreadSeconds: Double { Double(byThread.values.max() ?? 0) / 1e9 }

    /// The difference. A thread that has ended since counts for nothing.
    static func - (end: ProcessCost, start: ProcessCost) -> ProcessCost {
        ProcessCost(
            byThread: end.byThread.reduce(into: [:]) { difference, thread in
                difference[thread.key] = thread.value &- (start.byThread[thread.key] ?? 0)
            }
        )
    }

    /// The processes and their children: nginx serves from its workers, not from the process that was started.
    static func family(of processes: [Int32]) -> [Int32] {
        processes.flatMap { process in
            let children = text("/proc/\(process)/task/\(process)/children").split(separator: " ").compactMap {
                Int32($0)
            }
            return [process] + family(of: children)
        }
    }

    /// Memory that would be free without the processes, in bytes: shared pages count in part (PSS).
    static func proportionalByteCount(of processes: [Int32]) -> Int {
        processes.reduce(0) { total, process in
            let lines = text("/proc/\(process)/smaps_rollup").split(separator: "\n")
            let fields = lines.first { $0.hasPrefix("Pss:") }?.split(separator: " ") ?? []
            return total + (fields.count > 1 ? (Int(fields[1]) ?? 0) * 1024 : 0)
        }
    }

    /// What everything on the machine has cost, ours and others', in core seconds: who else was at work shows only here.
    static var machineSeconds: Double {
        let fields = text("/proc/stat").prefix { $0 != "\n" }.split(separator: " ").dropFirst().compactMap {
            Double($0)
        }
        guard fields.count >= 8 else { return 0 }
        let idle = fields[3] + fields[4]
        return (fields.prefix(8).reduce(0, +) - idle) / ticksPerSecond
    }

    /// `USER_HZ`, fixed in the kernel's interface on every architecture Swift runs on.
    private static let ticksPerSecond = 100.0

    private static func nanoseconds(_ path: String) -> UInt64 {
        text(path).split(separator: " ").first.flatMap { UInt64($0) } ?? 0
    }

    private static func threads(of process: Int32) -> [Int32] {
        var threads = [Int32](repeating: 0, count: 1024)
        let count = bench_threads(process, &threads, Int32(threads.count))
        return Array(threads.prefix(max(0, Int(count))))
    }

    /// A small file's text; empty when there is none, as for a process that has ended.
    private static func text(_ path: String) -> String {
        var bytes = [UInt8](repeating: 0, count: 1 << 14)
        let count = bench_read_file(path, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
