internal import CCurl
public import Reactor

/// Makes calls by libcurl, which keeps the connections: its multi interface, driven by a reactor's poller and clock.
///
/// Thread: owned by one reactor. Source: curl_multi_socket_action(3).
public final class HTTPCaller {
    /// What a call came to.
    public typealias Outcome = Result<HTTPReply, HTTPCallError>

    private let multi: UnsafeMutableRawPointer
    private var transfers: [UnsafeMutableRawPointer: HTTPTransfer] = [:]

    /// What libcurl wants to know of its sockets, in its order.
    private var wishes: [(descriptor: Int32, interest: Readiness?)] = []
    private var watched: Set<Int32> = []

    /// When libcurl wants to be called although no socket is ready.
    private var dueNanoseconds: UInt64?
    private var nextNumber: UInt64 = 0

    /// Makes one; `nil` without memory.
    public init?(connectionsMax: Int) {
        guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK, let multi = curl_multi_init() else { return nil }
        self.multi = multi
        let context = Unmanaged.passUnretained(self).toOpaque()
        ccurl_multi_set_number(multi, CURLMOPT_MAXCONNECTS, connectionsMax)
        ccurl_multi_set_watch(
            multi,
            { _, socket, what, context, _ in
                HTTPCaller.at(context)?.note(socket, what)
                return 0
            },
            context
        )
        ccurl_multi_set_time(
            multi,
            { _, milliseconds, context in
                HTTPCaller.at(context)?.noteTime(milliseconds)
                return 0
            },
            context
        )
    }

    deinit {
        for transfer in transfers.values { curl_multi_remove_handle(multi, transfer.easy) }
        transfers.removeAll()
        curl_multi_cleanup(multi)
    }

    private static func at(_ context: UnsafeMutableRawPointer?) -> HTTPCaller? {
        context.map { Unmanaged<HTTPCaller>.fromOpaque($0).takeUnretainedValue() }
    }

    // MARK: What libcurl says

    private func note(_ socket: Int32, _ what: Int32) {
        let interest: Readiness? =
            switch what {
            case CURL_POLL_IN: [.read]
            case CURL_POLL_OUT: [.write]
            case CURL_POLL_INOUT: [.read, .write]
            case CURL_POLL_REMOVE: nil
            default: []
            }
        wishes.append((socket, interest))
    }

    private func noteTime(_ milliseconds: Int) {
        dueNanoseconds = UInt64(exactly: milliseconds).map { Clock.monotonicNanoseconds + $0 * 1_000_000 }
    }

    // MARK: What is asked of it

    /// Begins a call; returns its number, or `nil` where it cannot be begun.
    public func begin(_ call: HTTPCall) -> UInt64? {
        nextNumber += 1
        guard let transfer = HTTPTransfer(call, number: nextNumber),
            curl_multi_add_handle(multi, transfer.easy) == CURLM_OK
        else { return nil }
        transfers[transfer.easy] = transfer
        return nextNumber
    }

    /// A socket of it is ready.
    public func ready(_ descriptor: Int32, _ readiness: Readiness) {
        var bits: Int32 = 0
        if readiness.contains(.read) { bits |= CURL_CSELECT_IN }
        if readiness.contains(.write) { bits |= CURL_CSELECT_OUT }
        if readiness.contains(.failed) { bits |= CURL_CSELECT_ERR }
        var running: Int32 = 0
        curl_multi_socket_action(multi, descriptor, bits, &running)
    }

    /// Does what is due, and hands over what is over.
    public func work(_ end: (UInt64, Outcome) -> Void) {
        if let due = dueNanoseconds, due <= Clock.monotonicNanoseconds {
            dueNanoseconds = nil
            var running: Int32 = 0
            curl_multi_socket_action(multi, -1, 0, &running)
        }
        var easy: UnsafeMutableRawPointer?
        var code = CURLE_OK
        while ccurl_next_done(multi, &easy, &code) != 0 {
            guard let easy, let transfer = transfers.removeValue(forKey: easy) else { continue }
            let outcome = transfer.outcome(code)
            curl_multi_remove_handle(multi, easy)
            end(transfer.number, outcome)
        }
    }

    /// Has a poller watch what libcurl waits for; the token of a socket is its number.
    public func watch(by poller: borrowing Poller) {
        for (descriptor, interest) in wishes {
            guard let token = UInt64(exactly: descriptor) else { continue }
            guard let interest else {
                poller.remove(descriptor)
                watched.remove(descriptor)
                continue
            }
            if watched.contains(descriptor), (try? poller.modify(descriptor, token: token, for: interest)) != nil {
                continue
            }
            // It is closed already, or cannot be watched: then its call ends with its time.
            guard (try? poller.add(descriptor, token: token, for: interest)) != nil else {
                watched.remove(descriptor)
                continue
            }
            watched.insert(descriptor)
        }
        wishes.removeAll(keepingCapacity: true)
    }

    /// Milliseconds until something is due.
    public var patienceMilliseconds: Int32 {
        guard let due = dueNanoseconds else { return .max }
        let now = Clock.monotonicNanoseconds
        return due <= now ? 0 : Int32(clamping: (due - now + 999_999) / 1_000_000)
    }
}
