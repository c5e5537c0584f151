#if os(Linux)
internal import CReactor
internal import Glibc

/// An event as the kernel writes it.
typealias KernelEvent = epoll_event

extension Poller {
    /// Opens an epoll instance. Source: `epoll(7)`.
    public init() throws(SystemError) {
        let result = creactor_epoll_create()
        guard result >= 0 else { throw SystemError(call: "epoll_create1", result: Int(result)) }
        descriptor = result
        batch = .allocate(capacity: Poller.batchCapacity)
    }

    /// Starts watching a descriptor.
    public func add(_ watched: Int32, token: UInt64, for interest: Readiness) throws(SystemError) {
        try control(creactor_epoll_add, watched, token: token, for: interest)
    }

    /// Changes what a descriptor is watched for.
    public func modify(_ watched: Int32, token: UInt64, for interest: Readiness) throws(SystemError) {
        try control(creactor_epoll_modify, watched, token: token, for: interest)
    }

    /// Stops watching; closing a descriptor does so by itself.
    public func remove(_ watched: Int32) {
        _ = creactor_epoll_control(descriptor, creactor_epoll_delete, watched, 0, 0)
    }

    /// Waits for at most `milliseconds` (−1: for ever) and hands over each event. A signal ends the wait early.
    public func wait(milliseconds: Int32, _ body: (_ token: UInt64, _ readiness: Readiness) -> Void) {
        let count = creactor_epoll_wait(descriptor, batch, Int32(Poller.batchCapacity), milliseconds)
        // bounded: the descriptor is the poller's own
        precondition(count >= 0, "epoll_wait fails only for a descriptor that is not an epoll instance")
        for index in 0..<Int(count) {
            let bits = creactor_epoll_events(batch + index)
            var readiness: Readiness = []
            if bits & (creactor_epoll_in | creactor_epoll_peer_closed) != 0 { readiness.insert(.read) }
            if bits & creactor_epoll_out != 0 { readiness.insert(.write) }
            if bits & creactor_epoll_failed != 0 { readiness.insert(.failed) }
            body(creactor_epoll_token(batch + index), readiness)
        }
    }

    private func control(
        _ operation: Int32,
        _ watched: Int32,
        token: UInt64,
        for interest: Readiness
    ) throws(SystemError) {
        var bits: UInt32 = 0
        if interest.contains(.read) { bits |= creactor_epoll_in | creactor_epoll_peer_closed }
        if interest.contains(.write) { bits |= creactor_epoll_out }
        let result = creactor_epoll_control(descriptor, operation, watched, bits, token)
        guard result == 0 else { throw SystemError(call: "epoll_ctl", result: Int(result)) }
    }

    func closeDescriptor() { creactor_close(descriptor) }
}

extension PollerDescriptor {
    /// Watches a socket that other pollers watch, too: the kernel wakes the first of them that sleeps, and tells each
    /// readiness once, when it begins. Source: `epoll_ctl(2)`, `EPOLLEXCLUSIVE` and `EPOLLET`.
    func share(_ watched: Int32, token: UInt64) throws(SystemError) {
        let bits = creactor_epoll_in | creactor_epoll_out | creactor_epoll_shared
        let result = creactor_epoll_control(descriptor, creactor_epoll_add, watched, bits, token)
        guard result == 0 else { throw SystemError(call: "epoll_ctl", result: Int(result)) }
    }

    func unshare(_ watched: Int32) {
        _ = creactor_epoll_control(descriptor, creactor_epoll_delete, watched, 0, 0)
    }
}

/// Wakes a reactor from another thread: an eventfd.
///
/// Source: `eventfd(2)`. Signals that come before the reactor wakes melt into one.
final class Wakeup: Sendable {
    private let descriptor: Int32

    init() throws(SystemError) {
        descriptor = creactor_wakeup_open()
        guard descriptor >= 0 else { throw SystemError(call: "eventfd", result: Int(descriptor)) }
    }

    deinit { creactor_close(descriptor) }

    func attach(to poller: borrowing Poller, token: UInt64) throws(SystemError) {
        try poller.add(descriptor, token: token, for: .read)
    }

    func signal() { creactor_wakeup_signal(descriptor) }

    func clear() { creactor_wakeup_clear(descriptor) }
}
#endif
