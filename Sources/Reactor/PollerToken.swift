/// The tokens that reactors keep for themselves, at the end of the range.
enum PollerToken {
    /// Its inbox was filled while it slept.
    static var wakeup: UInt64 { .max }

    /// Descriptors of a shared reactor.
    static func shared(_ token: UInt64) -> UInt64 { .max - 1 - token }

    /// The shared reactor's own token, or `nil` if this is not one.
    static func sharedToken(_ token: UInt64) -> UInt64? {
        let own = UInt64.max &- 1 &- token
        return own < ReactorSeat.tokenCount ? own : nil
    }

    /// Readiness of one of a shared reactor's descriptors, as bits beside those of the others.
    static func bits(of token: UInt64, _ readiness: Readiness) -> UInt64 {
        UInt64(readiness.rawValue) << (4 * token)
    }

    /// The readiness of one descriptor among the bits of all.
    static func readiness(of token: UInt64, in bits: UInt64) -> Readiness {
        Readiness(rawValue: UInt8(truncatingIfNeeded: bits >> (4 * token)) & 0xf)
    }
}
