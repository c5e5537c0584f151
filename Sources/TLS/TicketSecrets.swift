internal import COpenSSL

/// The secrets of a node that shares its tickets with no other. Each follows from the one before and is forgotten after two turns: who
/// learns one learns nothing of what was sealed long before.
///
/// A value: all that begin with the same seed at the same time have the same secrets.
public struct TicketSecrets: Sendable {
    /// How long a secret seals, in seconds; it opens for as long again.
    public static let turnSeconds: UInt64 = 21_600

    private var turn: UInt64
    private var newest: [UInt8]
    private var previous: [UInt8]?

    /// Begins with a secret.
    public init(seed: [UInt8], atSeconds seconds: UInt64) {
        (newest, turn) = (seed, seconds / Self.turnSeconds)
    }

    /// What follows from them.
    public var keys: TicketKeys { TicketKeys(secrets: [newest] + [previous].compactMap { $0 }) }

    /// Goes on to the secret of a time. Says whether that is another one.
    public mutating func advance(toSeconds seconds: UInt64) -> Bool {
        let next = seconds / Self.turnSeconds
        guard next > turn else { return false }
        // All steps, or reactors that saw a clock being set would part; a century of them takes as long as a handshake.
        for _ in 0..<min(next - turn, 146_000) { (previous, newest) = (newest, TicketKeys.block(3, of: newest)) }
        turn = next
        return true
    }
}
