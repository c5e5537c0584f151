/// How much a request may hold. Every one of these is a bound on memory or work per connection.
public struct HTTPLimits: Equatable, Sendable {
    /// Longest request target, path and query together. Default: 8 KiB. Unit: bytes. When hit: 414.
    public var targetBytes = 8 * 1024

    /// Longest request head, from the request line to the empty line. Default: 16 KiB. Unit: bytes. When hit: 431.
    public var headBytes = 16 * 1024

    /// Most header field lines. Default: 100. When hit: 431.
    public var fieldCount = 100

    /// Longest body after decoding. Default: 64 KiB. Unit: bytes. When hit: 413.
    public var bodyBytes = 64 * 1024

    /// All chunk extensions of one body together. Default: 1 KiB. Unit: bytes. When hit: 400.
    public var chunkExtensionBytes = 1024

    /// All trailer lines of one body together. Default: 4 KiB. Unit: bytes. When hit: 431.
    public var trailerBytes = 4 * 1024

    /// Makes the default limits.
    public init() {}

    /// Longest request line: the target, and room for a method, a version and two spaces. When hit: 414.
    var requestLineBytes: Int { targetBytes + 64 }
}
