#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Standard input, output and error of a process whose starter may have closed them.
enum StandardDescriptors {
    /// Puts something in the place of those that are closed. Else the next file or socket would be one of them, and what the process says
    /// would be written to a client. It cannot be used: reading it, or writing to it, fails as it would if it were closed.
    static func fill() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // It is the lowest that is free.
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}
