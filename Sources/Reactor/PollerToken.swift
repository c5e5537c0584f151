/// The tokens that reactors keep for themselves, at the end of the range.
enum PollerToken {
    /// From here on tokens are the reactor's own.
    static var first: UInt64 { shared(ReadySet.tokenCount - 1) }

    /// Its inbox was filled while it slept.
    static var wakeup: UInt64 { .max }

    /// Descriptors of a shared reactor.
    static func shared(_ token: UInt64) -> UInt64 { .max - 1 - token }

    /// The shared reactor's own token, or `nil` if this is not one.
    static func sharedToken(_ token: UInt64) -> UInt64? {
        let own = UInt64.max &- 1 &- token
        return own < ReadySet.tokenCount ? own : nil
    }
}
