import Foundation
import Reactor
import Synchronization

/// A backend of a test: a server that answers requests of hooks as the test says, or badly.
final class HookBackend: Sendable {
    /// What it was asked.
    struct Request: Sendable {
        let method: String
        let path: String
        let fields: [String: String]
        let body: [UInt8]
        /// Which of its connections it came by.
        let connection: Int

        var json: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]) ?? [:]
        }
        var hook: String { json["hook"] as? String ?? "" }
        var user: String? { json["user"] as? String }
        var channel: String { json["channel"] as? String ?? "" }
    }

    /// What it says.
    enum Reply: Sendable {
        case json(String, status: Int = 200, fields: String = "")
        /// These bytes, and the end.
        case bytes(String)
        /// These bytes, each by itself after a while.
        case drip(String)
        /// Nothing, as long as it lives.
        case silence
        /// Nothing until this is set.
        case once(Gate, String)
        /// The end, at once.
        case close

        static let yes = Reply.json(#"{"allow":true}"#)
        static let no = Reply.json(#"{"allow":false}"#)
    }

    /// What opens when the test says so.
    final class Gate: Sendable {
        private let isOpen = Lock(false)
        func open() { isOpen.withLock { $0 = true } }
        fileprivate func wait(_ isOver: () -> Bool) { while !isOver(), !isOpen.withLock({ $0 }) { usleep(2_000) } }
    }

    let port: UInt16
    private let listener: Int32
    private let all = Lock<[Request]>([])
    private let open = Lock<Set<Int32>>([])
    private let isStopped = Lock(false)
    private let answer: @Sendable (Request) -> Reply

    init(port wanted: UInt16 = 0, _ answer: @escaping @Sendable (Request) -> Reply) throws {
        self.answer = answer
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var one: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = wanted.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 1_024) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw TestFailure("no port for a backend: errno \(errno)") }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in accept() }
    }

    deinit { stop() }

    /// Ends it with all its connections.
    func stop() {
        let isFirst = isStopped.withLock { known in
            defer { known = true }
            return !known
        }
        guard isFirst else { return }
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        open.withLock { for descriptor in $0 { shutdown(descriptor, Int32(SHUT_RDWR)) } }
    }

    func url(_ path: String = "/") -> String { "http://127.0.0.1:\(port)\(path)" }

    /// All it was asked so far.
    var requests: [Request] { all.withLock { $0 } }

    func requests(_ hook: String) -> [Request] { requests.filter { $0.hook == hook } }

    private var isOver: Bool { isStopped.withLock { $0 } }

    private func accept() {
        var count = 0
        while !isOver {
            let descriptor = Foundation.accept(listener, nil, nil)
            guard descriptor >= 0 else {
                if errno == EINTR { continue }
                return
            }
            var one: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
            open.withLock { _ = $0.insert(descriptor) }
            count += 1
            let number = count
            Thread.detachNewThread { [self] in
                serve(descriptor, number)
                open.withLock { _ = $0.remove(descriptor) }
                close(descriptor)
            }
        }
    }

    private func serve(_ descriptor: Int32, _ number: Int) {
        var buffer: [UInt8] = []
        while let request = read(descriptor, &buffer, number) {
            all.withLock { $0.append(request) }
            guard say(answer(request), descriptor) else { return }
        }
    }

    private func read(_ descriptor: Int32, _ buffer: inout [UInt8], _ number: Int) -> Request? {
        let end = Array("\r\n\r\n".utf8)
        while true {
            let text = String(decoding: buffer, as: UTF8.self)
            if let range = text.range(of: "\r\n\r\n") {
                let head = text[..<range.lowerBound].split(separator: "\r\n")
                let headCount = text[..<range.lowerBound].utf8.count + end.count
                var fields: [String: String] = [:]
                for line in head.dropFirst() {
                    let pair = line.split(separator: ":", maxSplits: 1)
                    fields[pair[0].lowercased()] = pair.count > 1 ? pair[1].trimmingCharacters(in: .whitespaces) : ""
                }
                let count = headCount + (Int(fields["content-length"] ?? "0") ?? 0)
                if buffer.count >= count {
                    let words = (head.first ?? "").split(separator: " ")
                    let body = Array(buffer[headCount..<count])
                    buffer.removeFirst(count)
                    let (method, path) = (
                        words.first.map(String.init) ?? "", words.dropFirst().first.map(String.init) ?? ""
                    )
                    return Request(method: method, path: path, fields: fields, body: body, connection: number)
                }
            }
            var room = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &room, room.count, 0)
            guard count > 0 else { return nil }
            buffer += room[..<count]
        }
    }

    /// Says whether the connection goes on.
    private func say(_ reply: Reply, _ descriptor: Int32) -> Bool {
        switch reply {
        case .json(let text, let status, let fields):
            let head = "HTTP/1.1 \(status) Status\r\nContent-Type: application/json\r\n\(fields)"
            return send(descriptor, "\(head)Content-Length: \(text.utf8.count)\r\n\r\n\(text)")
        case .bytes(let text):
            _ = send(descriptor, text)
            return false
        case .drip(let text):
            for byte in text.utf8 where !isOver {
                guard send(descriptor, String(decoding: [byte], as: UTF8.self)) else { return false }
                usleep(50_000)
            }
            return false
        case .silence:
            while !isOver { usleep(5_000) }
            return false
        case .once(let gate, let text):
            gate.wait { isOver }
            return say(.json(text), descriptor)
        case .close: return false
        }
    }

    private func send(_ descriptor: Int32, _ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
