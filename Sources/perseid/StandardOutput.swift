#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Standard output as a pipe's reader wants it: each line when it is written.
enum StandardOutput {
    static func flush() { fflush(nil) }
}
