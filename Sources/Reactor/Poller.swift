/// Waits for descriptors: epoll on Linux, kqueue elsewhere. The one seam between a reactor and its kernel.
///
/// Thread: owned by one reactor. Level-triggered on both systems, so what one turn leaves unread comes back with the next.
/// Each descriptor carries a 64-bit token that the kernel hands back with its events; what the token means is the
/// caller's business. The platform's half is in `Poller+Epoll.swift` and `Poller+Kqueue.swift`.
public struct Poller: ~Copyable {
    /// The epoll or kqueue descriptor.
    let descriptor: Int32

    /// Where the kernel puts a batch of events.
    let batch: UnsafeMutablePointer<KernelEvent>

    /// Events taken from the kernel at most in one turn. A storm's events cost up to 40 µs each (a handshake, a close): 64
    /// of them are 2.5 ms in which nobody else is sent to, and one more system call for each 64 costs nothing that can be
    /// measured.
    static let batchCapacity = 64

    /// Names it to those that share descriptors among several pollers.
    var id: PollerDescriptor { PollerDescriptor(descriptor: descriptor) }

    deinit {
        closeDescriptor()
        batch.deallocate()
    }
}

/// Names a poller of any thread, for as long as its owner keeps it open.
///
/// Size: 4 bytes.
struct PollerDescriptor: Hashable, Sendable {
    let descriptor: Int32
}
