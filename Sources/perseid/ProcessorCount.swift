#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Processors this machine has online.
enum ProcessorCount {
    /// At least 1, at most the 64 reactors a node can have.
    static var current: Int { min(max(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1), 64) }
}
