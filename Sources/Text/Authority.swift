/// A host and perhaps a port, RFC 3986 §3.2, as in `Host` and in every address: the one place where they are told apart.
public struct Authority: Hashable, Sendable {
    /// A name or an address, an IPv6 one without its brackets; as it was written.
    public let host: String

    /// `nil` where none is written: a colon with nothing behind it is as good as none.
    public let port: UInt16?

    /// Whether the host stood in brackets, as IPv6 addresses do.
    public let isBracketed: Bool

    /// Reads `host`, `host:port` or `[address]:port`; `nil` where it is none of them.
    public init?(_ text: some StringProtocol) {
        let rest: Substring
        if text.hasPrefix("[") {
            guard let bracket = text.firstIndex(of: "]") else { return nil }
            host = String(text[..<bracket].dropFirst())
            rest = Substring(text[text.index(after: bracket)...])
            isBracketed = true
        } else {
            let name = text.prefix { $0 != ":" }
            host = String(name)
            rest = Substring(text[name.endIndex...])
            isBracketed = false
        }
        guard !host.isEmpty, !host.contains(where: { "/[]@?#".contains($0) }) else { return nil }
        guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
        let digits = rest.dropFirst()
        guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        port = UInt16(digits)  // bounded: reads text, and gives nil
        guard digits.isEmpty || port != nil else { return nil }
    }

    /// The host as an address has it: one with colons in brackets.
    public var hostText: String { isBracketed || host.contains(":") ? "[\(host)]" : host }

    /// Whether the host is an address and no name.
    public var isAddress: Bool {
        if isBracketed { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } && UInt8(part) != nil
            }
    }
}
