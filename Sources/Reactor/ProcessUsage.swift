internal import CReactor

/// What this process takes of its machine, as the system counts it. A value; any thread may ask.
public struct ProcessUsage: Sendable {
    /// Processor time of all threads, since the start. Source: `clock_gettime(2)`.
    public let processorMilliseconds: Int

    /// Memory in use; 0 where the system does not say. Source: `proc(5)`, `/proc/self/statm`.
    public let residentBytes: Int

    /// Addresses in use; the same.
    public let virtualBytes: Int

    /// Descriptors that are open; `nil` where only a walk through all of them would tell (Linux before 6.2): with a million
    /// connections that would hold up its thread for a second.
    public let openDescriptors: Int?

    /// Descriptors that there may be. Source: `getrlimit(2)`.
    public let descriptorsMax: Int

    /// As it is now: four system calls.
    public static var now: ProcessUsage {
        let openDescriptors = creactor_open_descriptors()
        return ProcessUsage(
            processorMilliseconds: Int(clamping: creactor_processor_nanoseconds() / 1_000_000),
            residentBytes: creactor_resident_bytes(),
            virtualBytes: creactor_virtual_bytes(),
            openDescriptors: openDescriptors > 0 ? openDescriptors : nil,
            descriptorsMax: creactor_descriptor_limit()
        )
    }
}
