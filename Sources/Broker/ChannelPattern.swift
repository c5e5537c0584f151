/// Which channels a setting is for: a name, a prefix that ends in `**`, or `**` for all; `*` stands for one segment.
///
/// Patterns are tried in the order they are written; the first that matches decides.
public struct ChannelPattern: Hashable, Sendable {
    /// The pattern as written.
    public let text: String
    private let segments: [Substring]

    /// Takes a pattern, or `nil` if `**` stands anywhere but at the end.
    public init?(_ text: String) {
        let segments = text.split(separator: "/", omittingEmptySubsequences: false)
        guard !segments.isEmpty, !segments.contains(""), !segments.dropLast().contains("**") else { return nil }
        self.text = text
        self.segments = segments
    }

    /// Whether a channel is meant.
    public func matches(_ channel: ChannelName) -> Bool {
        var rest = channel.text.split(separator: "/")[...]
        for segment in segments {
            if segment == "**" { return !rest.isEmpty }
            guard let first = rest.popFirst(), segment == "*" || segment == first else { return false }
        }
        return rest.isEmpty
    }
}
