internal import Broker
internal import Text
internal import Wire

/// One whole request: its head, and its body once that is complete.
///
/// It lives as long as the call that handles it, and so do the bytes it points to.
struct HTTPRequest: ~Copyable {
    let head: HTTPRequestHead

    /// The bytes the head's ranges are in.
    let bytes: UnsafeRawBufferPointer

    let body: UnsafeRawBufferPointer

    /// The bytes as the codec takes them, by way of their `span`.
    var octets: UnsafeBufferPointer<UInt8> { bytes.bindMemory(to: UInt8.self) }

    /// A field's value; `nil` where it is absent or not UTF-8.
    func text(of field: HTTPField) -> String? {
        head[field]?.text(in: octets.span)
    }

    /// The values of a field that is a list, one for each of its lines.
    func texts(of field: HTTPField) -> [String] {
        head.values(of: field, in: octets.span).compactMap { $0.text(in: octets.span) }
    }

    /// Whether the path is this one, with or without a slash behind it.
    func isPath(_ path: StaticString) -> Bool {
        Self.withoutSlash(head.path, in: octets.span).equals(path, in: octets.span)
    }

    /// A path without the slash that it may end in; by itself that stays.
    private static func withoutSlash(_ path: ByteRange, in bytes: Span<UInt8>) -> ByteRange {
        let indices = path.indices
        guard indices.count > 1, bytes[indices.upperBound - 1] == UInt8(ascii: "/"),
            bytes[indices.upperBound - 2] != UInt8(ascii: "/")
        else { return path }
        return ByteRange(indices.lowerBound..<indices.upperBound - 1)
    }

    /// Whether a field is one word, whatever its case.
    func field(_ field: HTTPField, is word: StaticString) -> Bool {
        head[field]?.equals(ignoringCase: word, in: octets.span) ?? false
    }

    /// Whether a field that is a list (RFC 9110 §5.6.1), in one line or in several, has a word, whatever its case.
    func list(_ field: HTTPField, has word: StaticString) -> Bool {
        self.field(field, is: word) || items(of: field).contains { $0.lowercased() == "\(word)" }
    }

    /// Whether what the client has is what there is: `If-None-Match` (RFC 9110 §13.1.2) names its tag, or is `*`. Tags are compared
    /// weakly: a proxy that compresses what it passes on makes weak ones of them.
    func knows(tag: String) -> Bool {
        items(of: .ifNoneMatch).contains { $0 == "*" || $0 == tag || $0 == "W/" + tag }
    }

    /// The items of a field that is a list, up to the first space within each.
    private func items(of field: HTTPField) -> [Substring] {
        texts(of: field).flatMap { $0.split(separator: ",") }.map { item in
            item.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
        }
    }

    /// Whether a field begins with a word, whatever its case.
    func field(_ field: HTTPField, begins word: StaticString) -> Bool {
        head[field]?.hasPrefix(ignoringCase: word, in: octets.span) ?? false
    }

    /// The first query parameter of a name, decoded.
    func parameter(_ name: StaticString) throws(HTTPRejection) -> String? {
        try QueryString(head.query).first(name, in: octets.span)
    }

    /// All query parameters of a name, decoded.
    func parameters(_ name: StaticString) throws(HTTPRejection) -> [String] {
        try QueryString(head.query).all(name, in: octets.span)
    }

    /// The function that a script is to call, if it says so.
    func callback() throws(HTTPRejection) -> CallbackName? {
        guard let text = try parameter("callback") else { return nil }
        guard let name = CallbackName(text) else {
            throw HTTPRejection(status: 400, field: "callback", reason: "not the name of a function")
        }
        return name
    }

    private static let channelsPrefix: StaticString = "/channels/"

    /// The channel in `/channels/<name>` and what stands behind it, as in `/channels/<name>/history`.
    ///
    /// The name may have slashes of its own; one whose last segment is called like a resource writes that slash as
    /// `%2F`.
    func channelPath() throws(HTTPRejection) -> (channel: ChannelName, resource: ChannelResource) {
        let (resource, range) = ChannelResource.split(path(behind: Self.channelsPrefix), in: octets.span)
        return (try channel(range), resource)
    }

    /// The service in `/calls/<name>`.
    func servicePath() throws(HTTPRejection) -> ChannelName { try channel(path(behind: "/calls/")) }

    private func path(behind prefix: StaticString) -> ByteRange {
        let path = Self.withoutSlash(head.path, in: octets.span).indices
        return ByteRange(min(path.lowerBound + prefix.utf8CodeUnitCount, path.upperBound)..<path.upperBound)
    }

    private func channel(_ range: ByteRange) throws(HTTPRejection) -> ChannelName {
        guard let name = PercentCoding.decode(octets.span.extracting(range.indices)),
            let channel = ChannelName(name), !channel.isPattern
        else { throw HTTPRejection(status: 400, field: "channel", reason: "not a channel name") }
        return channel
    }
}

/// What can be asked of a channel.
enum ChannelResource {
    case channel
    case history
    case presence

    private static let suffixes: [(StaticString, ChannelResource)] = [("/history", .history), ("/presence", .presence)]

    /// Takes the resource off the end of a path.
    static func split(_ path: ByteRange, in bytes: Span<UInt8>) -> (ChannelResource, ByteRange) {
        for (suffix, resource) in suffixes where path.count > suffix.utf8CodeUnitCount {
            let count = UInt32(clamping: suffix.utf8CodeUnitCount)
            let end = ByteRange(start: path.start + path.count - count, count: count)
            if end.equals(suffix, in: bytes) {
                return (resource, ByteRange(start: path.start, count: path.count - count))
            }
        }
        return (.channel, path)
    }
}
