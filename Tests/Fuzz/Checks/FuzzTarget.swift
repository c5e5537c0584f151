/// A decoder of bytes from outside, and what must be true of it whatever the bytes are.
public struct FuzzTarget: Sendable {
    /// As `deploy/fuzz` and the directory of its corpus have it.
    public let name: String

    /// Decodes some bytes, and throws what is not true of the outcome. Of what jwt-kit makes keys of, that is known later only.
    public enum Check: Sendable {
        case now(@Sendable ([UInt8]) throws -> Void)
        case later(@Sendable ([UInt8]) async throws -> Void)
    }

    /// Its check.
    public let check: Check

    init(_ name: String, _ check: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.name = name
        self.check = .now(check)
    }

    init(_ name: String, later check: @escaping @Sendable ([UInt8]) async throws -> Void) {
        self.name = name
        self.check = .later(check)
    }

    /// Checks some bytes.
    public func check(_ bytes: [UInt8]) async throws {
        switch check {
        case .now(let check): try check(bytes)
        case .later(let check): try await check(bytes)
        }
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
            FuzzTarget("hook-answer", HookAnswerChecks.check),
            FuzzTarget("key-set", later: KeySetChecks.check),
            FuzzTarget("event-stream", EventStreamChecks.check),
            FuzzTarget("publication-lines", PublicationLinesChecks.check),
            FuzzTarget("swift-client", SwiftClientChecks.check),
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
