internal import Broker
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

    func isPath(_ path: StaticString) -> Bool {
        head.path.equals(path, in: octets.span)
    }

    /// Whether a field is one word, whatever its case.
    func field(_ field: HTTPField, is word: StaticString) -> Bool {
        head[field]?.equals(ignoringCase: word, in: octets.span) ?? false
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

    /// The channel in `/channels/<name>` and what stands behind it, as in `/channels/<name>/history`.
    ///
    /// The name may have slashes of its own; one whose last segment is called like a resource writes that slash as
    /// `%2F`.
    func channelPath() throws(HTTPRejection) -> (channel: ChannelName, resource: ChannelResource) {
        let prefixCount = "/channels/".utf8.count
        var indices = head.path.indices.dropFirst(prefixCount)
        var resource = ChannelResource.channel
        for candidate in ChannelResource.allCases where candidate != .channel {
            let suffix = Array("/\(candidate.rawValue)".utf8)
            if indices.count > suffix.count, bytes[indices.suffix(suffix.count)].elementsEqual(suffix) {
                resource = candidate
                indices = indices.dropLast(suffix.count)
            }
        }
        let range = ByteRange(indices.lowerBound..<indices.upperBound)
        guard let name = PercentCoding.decodePath(range, in: octets.span),
            let channel = ChannelName(name)
        else { throw HTTPRejection(status: 400, field: "channel", reason: "not a channel name") }
        return (channel, resource)
    }
}

/// What can be asked of a channel.
enum ChannelResource: String, CaseIterable {
    case channel
    case history
    case presence
}
