internal import Text

/// Who a client is, as a token says that was verified.
///
/// Immutable, and shared by all connections that show the same token.
public final class Identity: Sendable {
    /// The user's name; `nil` for a token that grants something to whoever has it.
    public let user: String?

    /// When what it allows ends, in milliseconds of the realtime clock; `nil` if it never does.
    public let endMilliseconds: UInt64?

    /// The token's own name.
    public let tokenID: String?

    /// When the token was issued, in milliseconds of the realtime clock; `nil` if it does not say.
    public let issuedMilliseconds: UInt64?

    /// What it grants besides the user's name.
    public let grants: [AccessAction: [AccessPattern]]

    /// What others may see of the user, as JSON.
    public let info: [UInt8]?

    /// Channels that a backend gave as the user came: they are read whatever rules say.
    public let given: [ChannelName]

    /// Makes one.
    public init(
        user: String?,
        endMilliseconds: UInt64? = nil,
        tokenID: String? = nil,
        issuedMilliseconds: UInt64? = nil,
        grants: [AccessAction: [AccessPattern]] = [:],
        info: [UInt8]? = nil,
        given: [ChannelName] = []
    ) {
        self.user = user
        self.endMilliseconds = endMilliseconds
        self.tokenID = tokenID
        self.issuedMilliseconds = issuedMilliseconds
        self.grants = grants
        self.info = info
        // A backend says who users are, and not that one of them runs the cluster.
        self.given = given.filter { !$0.isForOperators }
    }

    /// The same with what a backend says as the user comes. It may say who somebody is that showed no token, too.
    public func with(_ answer: HookAnswer) -> Identity {
        let ends = [endMilliseconds, answer.endMilliseconds].compactMap { $0 }
        return Identity(
            user: answer.user ?? user,
            endMilliseconds: ends.min(),
            tokenID: tokenID,
            issuedMilliseconds: issuedMilliseconds,
            grants: grants,
            info: answer.info ?? info,
            given: answer.channels
        )
    }

    // MARK: As a text

    /// What a session keeps of `info`, for it is there with each: as much as others are shown of a member unless that is set otherwise.
    private static let keptInfoBytesMax = 1_024

    /// As a session keeps it: the user, the end, the token's name and age, what others may see unless that is long, then for each action
    /// the patterns. Nothing in it signs anything.
    public var text: String {
        var words = [
            user.map { "u\(PercentCoding.encode($0))" }, endMilliseconds.map { "e\($0)" },
            tokenID.map { "t\(PercentCoding.encode($0))" }, issuedMilliseconds.map { "a\($0)" },
        ]
        if let info, info.count <= Self.keptInfoBytesMax {
            words.append("i\(PercentCoding.encode(String(decoding: info, as: UTF8.self)))")
        }
        if !given.isEmpty { words.append("g" + given.map { PercentCoding.encode($0.text) }.joined(separator: "|")) }
        for (place, action) in AccessAction.allCases.enumerated() {
            guard let patterns = grants[action], !patterns.isEmpty else { continue }
            words.append("\(place)" + patterns.map { PercentCoding.encode($0.text) }.joined(separator: "|"))
        }
        return words.compactMap { $0 }.joined(separator: ";")
    }

    /// Reads the text; what is not understood grants nothing.
    public convenience init(text: String) {
        var (user, tokenID): (String?, String?) = (nil, nil)
        var (end, issued): (UInt64?, UInt64?) = (nil, nil)
        var grants: [AccessAction: [AccessPattern]] = [:]
        var given: [ChannelName] = []
        var info: [UInt8]?
        for word in text.split(separator: ";") {
            let rest = word.dropFirst()
            switch word.first {
            case "u": user = PercentCoding.decode(rest)
            // One that cannot be read is over.
            case "e": end = UInt64(rest) ?? 0
            case "a": issued = UInt64(rest)
            case "t": tokenID = PercentCoding.decode(rest)
            case "i": info = PercentCoding.decode(rest).map { Array($0.utf8) }
            case "g":
                given = rest.split(separator: "|").compactMap { PercentCoding.decode($0).flatMap { ChannelName($0) } }
            case let digit?:
                guard let place = digit.wholeNumberValue, AccessAction.allCases.indices.contains(place) else {
                    continue
                }
                grants[AccessAction.allCases[place]] = rest.split(separator: "|")
                    .compactMap { PercentCoding.decode($0).flatMap { AccessPattern($0) } }
            case nil: break
            }
        }
        self.init(
            user: user,
            endMilliseconds: end,
            tokenID: tokenID,
            issuedMilliseconds: issued,
            grants: grants,
            info: info,
            given: given
        )
    }

    /// Whether it says anything: who, until when, or what is allowed.
    public var isSomebody: Bool { user != nil || endMilliseconds != nil || !grants.isEmpty || !given.isEmpty }

    /// The same with what a backend gave as its user came, where a token is shown later.
    public func with(given: [ChannelName]) -> Identity {
        Identity(
            user: user,
            endMilliseconds: endMilliseconds,
            tokenID: tokenID,
            issuedMilliseconds: issuedMilliseconds,
            grants: grants,
            info: info,
            given: given
        )
    }

    /// Whether its time is over.
    public func isOver(at milliseconds: UInt64) -> Bool { endMilliseconds.map { $0 <= milliseconds } ?? false }

    /// Whether a backend gave a channel, or a pattern as it is.
    func isGiven(_ channel: ChannelName) -> Bool { given.contains(channel) }

    /// Whether the token grants something in all channels of a name.
    func grants(_ action: AccessAction, in shape: AccessPattern.Shape) -> Bool {
        grants[action, default: []].contains { $0.relation(to: shape) == .all }
    }
}
