/// A decoder of bytes from outside, and what must be true of it whatever the bytes are.
public struct FuzzTarget: Sendable {
    /// As `deploy/fuzz` and the directory of its corpus have it.
    public let name: String

    /// Decodes some bytes, and throws what is not true of the outcome.
    public let check: @Sendable ([UInt8]) throws -> Void

    init(_ name: String, _ check: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.name = name
        self.check = check
    }

    /// All of them. A new decoder is a line here and a directory of seeds in Corpus.
    public static func all() async throws -> [FuzzTarget] {
        let tokens = try await TokenChecks()
        return [
            FuzzTarget("http-head", HTTPHeadChecks.check),
            FuzzTarget("http-chunked", HTTPChunkedChecks.check),
            FuzzTarget("http-query", HTTPQueryChecks.check),
            FuzzTarget("websocket", WebSocketChecks.check),
            FuzzTarget("websocket-handshake", WebSocketHandshakeChecks.check),
            FuzzTarget("json-command", JSONCommandChecks.check),
            FuzzTarget("bayeux", BayeuxChecks.check),
            FuzzTarget("cursor", CursorChecks.check),
            FuzzTarget("token", tokens.check),
            FuzzTarget("proxy", ProxyChecks.check),
            FuzzTarget("redis", RedisChecks.check),
            FuzzTarget("session-text", SessionTextChecks.check),
            FuzzTarget("pattern", PatternChecks.check),
        ]
    }
}

/// What is not true of a decoder.
public struct Violation: Error, CustomStringConvertible {
    /// In words, with what was decoded.
    public let description: String
}

/// Says that something must be true.
func require(_ isTrue: Bool, _ what: @autoclosure () -> String) throws {
    if !isTrue { throw Violation(description: what()) }
}

/// Says that two things must be the same.
func requireSame<Value: Equatable>(
    _ left: Value,
    _ right: Value,
    _ what: @autoclosure () -> String
) throws {
    if left != right { throw Violation(description: "\(what()): \(left) and \(right)") }
}
