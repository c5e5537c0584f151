/// What a node says, read in place.
///
/// A publication is written as `bench/million` publishes it: eight hexadecimal digits of its number in the run, eight of
/// its sequence number in its channel (from 1 on), sixteen of the nanoseconds at which it was due, and filling.
enum Message: Equatable {
    case publication(Publication)
    case subscribed(kind: Int, number: UInt32, position: Position, isRecovered: Bool)
    case welcome(session: ClosedText?)
    case gap
    case bye(afterMilliseconds: UInt32)
    case error
    case malformed

    struct Publication: Equatable {
        let kind: Int
        let channel: UInt32
        let position: Position
        let publication: UInt32
        let sequence: UInt32
        let nanoseconds: UInt64
    }

    /// Where a piece of the message lies; of use only while it does.
    struct ClosedText: Equatable {
        let start: UnsafeRawPointer
        let count: Int
    }

    @inline(__always)
    init(_ bytes: UnsafeRawPointer, count: Int) {
        var text = Text(bytes, count: count)
        guard text.skip("{\"type\":\"") else {
            self = .malformed
            return
        }
        if text.skip("message\",") {
            self = Message.publication(&text).map(Message.publication) ?? .malformed
        } else {
            self = Message.control(&text)
        }
    }

    @inline(__always)
    private static func publication(_ text: inout Text) -> Publication? {
        guard text.skip("\"channel\":\""), let (kind, channel) = text.channel(),
            text.skip(",\"position\":\""), let position = text.position(), text.skip("\",\"data\":\""),
            let publication = text.hexadecimal(digits: 8), let sequence = text.hexadecimal(digits: 8),
            let nanoseconds = text.hexadecimal(digits: 16)
        else { return nil }
        return Publication(
            kind: kind,
            channel: channel,
            position: position,
            publication: UInt32(truncatingIfNeeded: publication),
            sequence: UInt32(truncatingIfNeeded: sequence),
            nanoseconds: nanoseconds
        )
    }

    private static func control(_ text: inout Text) -> Message {
        if text.skip("subscribed\"") { return subscribed(&text) ?? .malformed }
        if text.skip("welcome\"") { return .welcome(session: session(&text)) }
        if text.skip("gap\"") { return .gap }
        if text.skip("error\"") { return .error }
        guard text.skip("bye\"") else { return .malformed }
        guard text.skip(behind: "\"after\":"), let after = text.decimal() else { return .bye(afterMilliseconds: 0) }
        return .bye(afterMilliseconds: UInt32(clamping: after))
    }

    private static func subscribed(_ text: inout Text) -> Message? {
        guard text.skip(behind: "\"channel\":\""), let (kind, number) = text.channel(),
            text.skip(behind: "\"position\":\""), let position = text.position()
        else { return nil }
        let isLost = text.skip(behind: "\"recovered\":false")
        return .subscribed(kind: kind, number: number, position: position, isRecovered: !isLost)
    }

    private static func session(_ text: inout Text) -> ClosedText? {
        guard text.skip(behind: "\"session\":\"") else { return nil }
        let start = text.next
        guard text.skip(behind: "\"") else { return nil }
        return ClosedText(start: start, count: start.distance(to: text.next) - 1)
    }
}
