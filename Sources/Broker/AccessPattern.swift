/// Which channels a rule, or what a token grants, is for: a name of segments, of which `*` is any one, `{sub}` any one that may be the
/// user's name, and `**` at the end any number, one at least.
public struct AccessPattern: Sendable, Equatable {
    private enum Segment: Equatable {
        case name([UInt8])
        case any
        case user
    }

    /// As it was written.
    public let text: String

    private let segments: [Segment]
    private let isDeep: Bool

    /// Reads one; `nil` where `**` stands before the end, a segment is empty, or a star stands within one.
    public init?(_ text: String) {
        var parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)[...]
        isDeep = parts.last?.elementsEqual("**".utf8) ?? false
        if isDeep { parts.removeLast() }
        var segments: [Segment] = []
        for part in parts {
            if part.elementsEqual("*".utf8) {
                segments.append(.any)
            } else if part.elementsEqual("{sub}".utf8) {
                segments.append(.user)
            } else if part.isEmpty || part.contains(UInt8(ascii: "*")) || part.contains(UInt8(ascii: "{")) {
                return nil
            } else {
                segments.append(.name(Array(part)))
            }
        }
        self.segments = segments
        self.text = text
    }

    /// Whether the user's name has a place in it.
    public var namesUser: Bool { segments.contains(.user) }

    /// What it has to do with a name, which may itself stand for several channels.
    public enum Relation: Sendable {
        /// With none of its channels.
        case none
        /// With some of them.
        case some
        /// With all of them.
        case all
    }

    /// Looks at a channel or a pattern.
    public func relation(to channel: ChannelName) -> Relation { relation(to: Shape(channel)) }

    /// The same of one that is taken apart already.
    func relation(to shape: Shape) -> Relation {
        guard shape.fixed.count <= segments.count || isDeep else { return .none }
        for (segment, part) in zip(segments, shape.fixed) {
            if case .name(let name) = segment, !part.elementsEqual(name) { return .none }
        }
        // From here on only lengths, and what the wildcard of the other stands over, are open.
        let least = segments.count + (isDeep ? 1 : 0)
        switch shape.rest {
        case .nothing:
            return isDeep ? (shape.fixed.count >= least ? .all : .none) : (shape.fixed.count == least ? .all : .none)
        case .one:
            let count = shape.fixed.count + 1
            guard isDeep ? count >= least : count == least else { return .none }
            return hasNames(behind: shape.fixed.count) ? .some : .all
        case .many:
            guard isDeep else { return least > shape.fixed.count ? .some : .none }
            return segments.count <= shape.fixed.count ? .all : .some
        }
    }

    /// Whether all channels of a name have the user's name where this has `{sub}`.
    func isOwned(_ shape: Shape, by user: String) -> Bool {
        let fixed = shape.fixed
        guard namesUser, !user.isEmpty else { return false }
        return segments.indices.allSatisfy { place in
            segments[place] != .user || place < fixed.count && fixed[place].elementsEqual(user.utf8)
        }
    }

    private func hasNames(behind count: Int) -> Bool {
        segments.dropFirst(count).contains { if case .name = $0 { true } else { false } }
    }

    /// A channel's segments, or those of a pattern that stand before its wildcard.
    struct Shape {
        fileprivate enum Rest {
            case nothing
            case one
            case many
        }

        fileprivate let fixed: ArraySlice<Substring.UTF8View>
        fileprivate let rest: Rest

        init(_ name: ChannelName) {
            let parts = name.text.utf8.split(separator: UInt8(ascii: "/"))[...]
            guard name.isPattern else {
                (fixed, rest) = (parts, .nothing)
                return
            }
            fixed = parts.dropLast()
            rest = name.isDeepPattern ? .many : .one
        }
    }
}
