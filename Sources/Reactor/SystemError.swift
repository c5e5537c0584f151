internal import CReactor

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// A system call that failed.
///
/// Source: `errno(3)`; the C shim reports `-errno`, and this keeps the positive number with the call's name.
public struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The positive `errno`.
    public let code: Int32

    /// The system call, as its man page is called.
    public let call: String

    /// Names a failed call; `result` is what the shim returned.
    public init(call: String, result: Int) {
        self.code = Int32(truncatingIfNeeded: -result)
        self.call = call
    }

    /// Text for a log: `listen 127.0.0.1:8080: Address already in use (98)`.
    public var description: String {
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { room in
            // bounded: room for 128
            creactor_error_text(code, room.baseAddress!, room.count)
            // bounded: room for 128
            return String(cString: room.baseAddress!)
        }
        return "\(call): \(text) (\(code))"
    }

    /// Whether a time ran out in the kernel. Source: `tcp(7)`, ETIMEDOUT.
    public var isTimeout: Bool { code == ETIMEDOUT }

    /// The `errno` of a peer that does not keep to what is spoken. Source: `errno(3)`, EPROTO.
    public static var protocolErrorCode: Int32 { EPROTO }

    /// What is asked for cannot be had, for a reason that is no system call's.
    public static func unusable(_ what: String) -> SystemError { SystemError(call: what, result: -Int(EINVAL)) }

    /// Somebody listens on a port already.
    public static func portTaken(host: String, port: UInt16) -> SystemError {
        SystemError(call: "listen \(host):\(port)", result: -Int(EADDRINUSE))
    }
}
