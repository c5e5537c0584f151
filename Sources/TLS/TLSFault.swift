internal import COpenSSL

/// Why a certificate cannot be used, or a connection not be made.
public struct TLSFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// In words. Nothing of a key stands in it, and nothing of what was sent.
    public let description: String

    /// Says it in words of ours.
    public init(_ description: String) { self.description = description }

    /// Says what OpenSSL says of its last failure, and forgets that.
    static func last(_ what: String) -> TLSFault {
        // The first is the cause; what follows are those who passed it on.
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0, let reason = ERR_reason_error_string(code) else { return TLSFault(what) }
        return TLSFault("\(what): \(String(cString: reason))")
    }
}
