internal import CReactor

/// What concerns the whole process: its limits and its end.
public enum HostProcess {
    /// Raises the number of descriptors this process may have to the most it is allowed; returns it.
    @discardableResult
    public static func raiseDescriptorLimit() -> Int { creactor_raise_descriptor_limit() }

    /// A write to a closed pipe or socket reports an error instead of ending the process.
    public static func ignoreBrokenPipes() { creactor_ignore_broken_pipes() }

    /// From here on SIGTERM and SIGINT are kept for `waitForEnd` instead of ending the process.
    public static func catchEnd() throws(SystemError) {
        let result = creactor_catch_end()
        guard result == 0 else { throw SystemError(call: "sigaction", result: Int(result)) }
    }

    /// Waits for SIGTERM or SIGINT, also for one that came before; returns its number.
    public static func waitForEnd() -> Int32 { creactor_wait_for_end() }
}
