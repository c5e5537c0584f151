internal import Wire

/// The token that a client shows, and when another one is due. It asks nobody itself and reads no clock.
///
/// Thread: that of its client.
struct TokenKeeper {
    /// Milliseconds by which a timer may come too early.
    private static let timerErrorMilliseconds: UInt64 = 50

    private let source: TokenSource?
    private var text: String?
    private var replacement: UInt64?

    init(_ source: TokenSource?) {
        self.source = source
        if case .fixed(let token)? = source { text = token }
    }

    /// Who is asked for another one.
    var provider: (@Sendable () async throws -> String)? {
        guard case .provider(let ask)? = source else { return nil }
        return ask
    }

    /// When the token should be replaced, if there can be another one: after nine tenths of its life.
    var replaceAt: UInt64? { provider == nil ? nil : replacement }

    /// The token to be shown now, or that there is none to show; nothing where one is to be asked for.
    func known(now: UInt64) -> String?? {
        guard provider != nil else { return .some(text) }
        guard let text, replacement.map({ now &+ Self.timerErrorMilliseconds < $0 }) ?? true else { return nil }
        return .some(text)
    }

    /// Takes a new one.
    ///
    /// - Parameter realtime: milliseconds since 1970, in which tokens say when they end.
    mutating func take(_ token: String, now: UInt64, realtime: UInt64) {
        text = token
        replacement = Self.endMilliseconds(of: token).map { end in
            now &+ (end > realtime ? (end - realtime) / 10 * 9 : 0)
        }
    }

    /// Lets go of one that is not taken.
    mutating func drop() {
        guard provider != nil else { return }
        text = nil
        replacement = nil
    }

    /// What is wrong with a token, if it cannot be sent.
    static func objection(to token: String) -> PerseidError? {
        token.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f } && !token.isEmpty
            ? nil : PerseidError(code: 400, message: "visible ASCII characters only, and no spaces", field: "token")
    }

    /// When a JSON Web Token ends: its claim `exp`, RFC 7519 §4.1.4. Of another one it is not known.
    private static func endMilliseconds(of token: String) -> UInt64? {
        let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        var text = parts[1].map {
            $0 == UInt8(ascii: "-") ? UInt8(ascii: "+") : $0 == UInt8(ascii: "_") ? UInt8(ascii: "/") : $0
        }
        text += [UInt8](repeating: UInt8(ascii: "="), count: (4 - text.count % 4) % 4)
        var claims = ByteBuffer()
        guard text.withUnsafeBytes({ Base64.decode($0, to: &claims) }),
            let seconds = JSONFields(claims.bytes, ["exp"])?[0]?.jsonNumber, seconds.isFinite
        else { return nil }
        return UInt64(exactly: (max(seconds, 0) * 1_000).rounded())
    }
}
