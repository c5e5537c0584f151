import Edge
import Foundation
import Reactor
import Wire

/// Follows what nodes say of themselves, and comes back when that is lost, until it is refused for good.
///
/// Thread: one of its own, in which both functions are called.
final class FactsFollower: Sendable {
    /// How it stands.
    enum State: Sendable {
        case connecting
        case connected
        case lost(String)
        /// For good.
        case refused(String)
    }

    private let address: NodeAddress
    private let key: String?
    private let take: @Sendable (_ line: [UInt8], NodeFacts) -> Void
    private let tell: @Sendable (State) -> Void

    /// A message is some 3 KB; one that is much larger is nothing that a node said of itself.
    private static let eventBytesMax = 262_144

    init(
        address: NodeAddress,
        key: String?,
        take: @escaping @Sendable (_ line: [UInt8], NodeFacts) -> Void,
        tell: @escaping @Sendable (State) -> Void
    ) {
        (self.address, self.key, self.take, self.tell) = (address, key, take, tell)
    }

    func start() { Thread.detachNewThread { [self] in follow() } }

    private func follow() {
        var backoff = Backoff()
        while true {
            tell(.connecting)
            switch readStream() {
            case .refused(let reason): return tell(.refused(reason))
            case .lost(let reason, let wasConnected, let retryMilliseconds):
                if wasConnected { backoff.reset() }
                tell(.lost(reason))
                Thread.sleep(forTimeInterval: Double(backoff.next(asked: retryMilliseconds)) / 1_000)
            }
        }
    }

    private enum End {
        case lost(String, wasConnected: Bool, retryMilliseconds: UInt64?)
        case refused(String)
    }

    /// Reads one stream to its end. This is all that knows how messages of a channel are had.
    private func readStream() -> End {
        let request = request()
        var answer = AnswerReader()
        var decoder = EventStreamDecoder(eventBytesMax: Self.eventBytesMax)
        var refusedBody: [UInt8] = []
        var isTold = false
        var reason = "the connection ended"
        do {
            try address.exchange(request.bytes) { bytes in
                var events = ByteBuffer()
                try answer.take(bytes) { head, body in
                    if head.isEventStream { events.append(body) } else { refusedBody += body.prefix(4_096) }
                }
                if answer.head?.isEventStream == true, !isTold {
                    isTold = true
                    tell(.connected)
                }
                if !events.isEmpty { take(events.bytes, &decoder) }
                return !answer.isComplete
            }
        } catch {
            reason = "\(error)"
        }
        guard let head = answer.head, !head.isEventStream else {
            return .lost("\(address.authority): \(reason)", wasConnected: isTold, retryMilliseconds: nil)
        }
        let refusal = Refusal(head, body: refusedBody)
        guard refusal.isTemporary else { return .refused("\(address.authority): \(refusal.text)") }
        return .lost(
            "\(address.authority): \(refusal.text)",
            wasConnected: false,
            retryMilliseconds: refusal.retryAfterMilliseconds
        )
    }

    private func take(_ bytes: UnsafeRawBufferPointer, _ decoder: inout EventStreamDecoder) {
        var consumed = 0
        while true {
            switch decoder.next(in: bytes, consumed: &consumed) {
            case .needMore, .tooBig: return
            case .retry: break
            case .event(let name, let data):
                if name.isEmpty || name.elementsEqual("message".utf8) { take(Array(data)) }
            }
        }
    }

    /// What is no facts is passed over: it may be of another version, or of nobody's.
    private func take(_ message: [UInt8]) {
        guard let facts = try? JSONDecoder().decode(Message.self, from: Data(message)).data else { return }
        take(Self.data(of: message), facts)
    }

    private struct Message: Decodable {
        let data: NodeFacts
    }

    /// The message's own bytes, as the node wrote them.
    private static func data(of message: [UInt8]) -> [UInt8] {
        message.withUnsafeBytes { bytes in
            guard let read = try? PublicationLine(bytes), case .json(let range) = read.data else { return message }
            return Array(bytes[range])
        }
    }

    private func request() -> ByteBuffer {
        var request = ByteBuffer()
        request.append(utf8: "GET /sse?channel=%24nodes&session=none HTTP/1.1\r\nHost: \(address.authority)\r\n")
        request.append(utf8: "Accept: text/event-stream\r\nConnection: close\r\n")
        if let key { request.append(field: "Authorization", utf8: "Bearer \(key)") }
        request.appendHeadEnd()
        return request
    }
}
