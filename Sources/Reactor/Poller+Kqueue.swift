#if canImport(Darwin) || os(FreeBSD)
internal import CReactor
#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// An event as the kernel writes it.
typealias KernelEvent = kevent

extension Poller {
    /// Opens a kernel queue. Source: `kqueue(2)`.
    public init() throws(SystemError) {
        let result = kqueue()
        guard result >= 0 else { throw SystemError(call: "kqueue", result: -Int(errno)) }
        descriptor = result
        batch = .allocate(capacity: Poller.batchCapacity)
    }

    /// Starts watching a descriptor.
    public func add(_ watched: Int32, token: UInt64, for interest: Readiness) throws(SystemError) {
        try apply(watched, token: token, for: interest)
    }

    /// Changes what a descriptor is watched for.
    public func modify(_ watched: Int32, token: UInt64, for interest: Readiness) throws(SystemError) {
        try apply(watched, token: token, for: interest)
    }

    /// Stops watching; closing a descriptor does so by itself.
    public func remove(_ watched: Int32) {
        try? apply(watched, token: 0, for: [])
    }

    /// Waits for at most `milliseconds` (−1: for ever) and hands over each event. A signal ends the wait early.
    ///
    /// kqueue reports reading and writing of one descriptor as two events; the second finds what the first left.
    public func wait(milliseconds: Int32, _ body: (_ token: UInt64, _ readiness: Readiness) -> Void) {
        var timeout = timespec(tv_sec: Int(milliseconds) / 1_000, tv_nsec: Int(milliseconds) % 1_000 * 1_000_000)
        let count = withUnsafePointer(to: &timeout) {
            kevent(descriptor, nil, 0, batch, Int32(Poller.batchCapacity), milliseconds < 0 ? nil : $0)
        }
        guard count > 0 else { return }
        for index in 0..<Int(count) {
            let event = batch[index]
            var readiness: Readiness = event.filter == Int16(EVFILT_WRITE) ? .write : .read
            // EV_EOF on the read side still lets buffered bytes be read; on the write side the peer is gone.
            if event.filter == Int16(EVFILT_WRITE), event.flags & UInt16(EV_EOF) != 0 { readiness.insert(.failed) }
            if event.flags & UInt16(EV_ERROR) != 0 { readiness.insert(.failed) }
            body(UInt64(UInt(bitPattern: event.udata)), readiness)
        }
    }

    private func apply(_ watched: Int32, token: UInt64, for interest: Readiness) throws(SystemError) {
        let user = UnsafeMutableRawPointer(bitPattern: UInt(token))
        for (filter, wanted) in [(EVFILT_READ, Readiness.read), (EVFILT_WRITE, .write)] {
            let flags = interest.contains(wanted) ? EV_ADD : EV_DELETE
            var change = kevent(
                ident: UInt(watched),
                filter: Int16(filter),
                // bounded: flags of kqueue
                flags: UInt16(flags),
                fflags: 0,
                data: 0,
                udata: user
            )
            let result = kevent(descriptor, &change, 1, nil, 0, nil)
            // Removing a filter that was never added is the state that was asked for.
            guard result >= 0 || flags == EV_DELETE else { throw SystemError(call: "kevent", result: -Int(errno)) }
        }
    }

    func closeDescriptor() { creactor_close(descriptor) }
}

extension PollerDescriptor {
    /// Watches a socket that other pollers watch, too. Each readiness is told once, when it begins, but to all of them:
    /// kqueue cannot choose one that sleeps.
    func share(_ watched: Int32, token: UInt64) throws(SystemError) {
        for filter in [EVFILT_READ, EVFILT_WRITE] {
            guard change(watched, Int16(filter), EV_ADD | EV_CLEAR, token: token) >= 0 else {
                throw SystemError(call: "kevent", result: -Int(errno))
            }
        }
    }

    func unshare(_ watched: Int32) {
        for filter in [EVFILT_READ, EVFILT_WRITE] { _ = change(watched, Int16(filter), EV_DELETE, token: 0) }
    }

    private func change(_ watched: Int32, _ filter: Int16, _ flags: Int32, token: UInt64) -> Int32 {
        var change = kevent(
            ident: UInt(watched),
            filter: filter,
            // bounded: flags of kqueue
            flags: UInt16(flags),
            fflags: 0,
            data: 0,
            udata: UnsafeMutableRawPointer(bitPattern: UInt(token))
        )
        return kevent(descriptor, &change, 1, nil, 0, nil)
    }
}

/// Wakes a reactor from another thread: a pipe, which every kqueue system has, with both ends non-blocking.
///
/// Signals that come before the reactor wakes may fill the pipe; a full pipe is as good as a signal.
final class Wakeup: Sendable {
    private let reading: Int32
    private let writing: Int32

    init() throws(SystemError) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw SystemError(call: "pipe", result: -Int(errno)) }
        _ = creactor_set_flags(ends[0])
        _ = creactor_set_flags(ends[1])
        reading = ends[0]
        writing = ends[1]
    }

    deinit {
        creactor_close(reading)
        creactor_close(writing)
    }

    func attach(to poller: borrowing Poller, token: UInt64) throws(SystemError) {
        try poller.add(reading, token: token, for: .read)
    }

    func signal() {
        var byte: UInt8 = 1
        _ = write(writing, &byte, 1)
    }

    func clear() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(reading, &bytes, bytes.count) == bytes.count {}
    }
}
#endif
