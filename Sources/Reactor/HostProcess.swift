internal import CReactor
internal import Synchronization

/// What concerns the whole process: its limits and its end.
public enum HostProcess {
    /// Raises the number of descriptors this process may have to the most it is allowed; returns it.
    @discardableResult
    public static func raiseDescriptorLimit() -> Int { creactor_raise_descriptor_limit() }

    /// Makes room in the kernel's table of this process's descriptors, at eight bytes each, so that it need not grow later.
    ///
    /// Linux doubles that table when it is full, and in a process of several threads whoever wanted the descriptor then
    /// sleeps until every processor has passed through the scheduler (`synchronize_rcu` in `expand_fdtable`, fs/file.c).
    /// A reactor that accepts would stand still: 8 to 17 ms at each doubling, in a trace of `sched_switch` while
    /// 15,000 clients came at once. Call it while there is one thread, and it does not wait even this once.
    ///
    /// - Throws: if the process may not have that many, or the kernel has no memory for them.
    public static func reserveDescriptors(_ count: Int) throws(SystemError) {
        // The last place is one: several nodes of a process may not want it at the same moment.
        let result = reserving.withLock { _ in creactor_reserve_descriptors(Int32(clamping: count)) }
        guard result == 0 else { throw SystemError(call: "fcntl", result: Int(result)) }
    }

    private static let reserving = Lock(())

    /// Memory that this process has in use now; 0 where the system does not say. Source: `proc(5)`, `/proc/self/statm`.
    public static var residentBytes: Int { Int(clamping: creactor_resident_bytes()) }

    /// A write to a closed pipe or socket reports an error instead of ending the process.
    public static func ignoreBrokenPipes() { creactor_ignore_broken_pipes() }

    /// From here on large blocks of memory go back to the system when they are freed.
    public static func giveBackLargeBlocks() { creactor_give_back_large_blocks() }

    /// From here on SIGTERM, SIGINT and SIGHUP are kept for `waitForSignal` instead of ending the process.
    public static func catchEnd() throws(SystemError) {
        let result = creactor_catch_end()
        guard result == 0 else { throw SystemError(call: "sigaction", result: Int(result)) }
    }

    /// Waits for one of these, also for one that came before; returns its number. SIGHUP asks a node to read its settings anew.
    /// Returns `nil` if none came in a time, where one is given.
    public static func waitForSignal(milliseconds: Int32? = nil) -> Int32? {
        let signal = creactor_wait_for_end(milliseconds ?? -1)
        return signal == 0 ? nil : signal
    }
}
