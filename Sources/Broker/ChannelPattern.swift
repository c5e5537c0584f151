/// Which channels a setting is for: a name, a prefix that ends in `**`, or `**` for all; `*` stands for one segment.
///
/// Patterns are tried in the order they are written; the first that matches decides. Like names they are compared by
/// their bytes.
public struct ChannelPattern: Hashable, Sendable {
    /// The pattern as written.
    public let text: String
    private let segments: [Segment]

    private enum Segment: Hashable {
        case name([UInt8])
        case any
        case rest

        init(_ text: Substring.UTF8View) {
            switch Array(text) {
            case [UInt8(ascii: "*"), UInt8(ascii: "*")]: self = .rest
            case [UInt8(ascii: "*")]: self = .any
            case let name: self = .name(name)
            }
        }
    }

    /// Takes a pattern, or `nil` if `**` stands anywhere but at the end.
    public init?(_ text: String) {
        let segments = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { Segment($0) }
        guard !segments.contains(.name([])), !segments.dropLast().contains(.rest) else { return nil }
        self.text = text
        self.segments = segments
    }

    /// Whether a channel is meant.
    public func matches(_ channel: ChannelName) -> Bool {
        var names = channel.text.utf8.split(separator: UInt8(ascii: "/"))[...]
        for segment in segments {
            if segment == .rest { return !names.isEmpty }
            guard let first = names.popFirst(), segment == .any || segment == .name(Array(first)) else { return false }
        }
        return names.isEmpty
    }
}
