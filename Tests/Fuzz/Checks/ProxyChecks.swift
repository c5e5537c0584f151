import Wire

/// What a proxy says in front of a connection: read again whenever more of it has come.
enum ProxyChecks {
    static func check(_ bytes: [UInt8]) throws {
        let whole = try read(bytes[...])
        // In pieces it is the same, as soon as it is there.
        var first: ProxyHeader.Reading = .incomplete
        for count in 0...min(bytes.count, ProxyHeader.byteCountMax) {
            first = try read(bytes.prefix(count))
            if first != .incomplete { break }
        }
        try requireSame(first, whole, "in pieces, and as a whole")
        guard case .complete(let header) = whole else { return }
        try require(
            (1...min(bytes.count, ProxyHeader.byteCountMax)).contains(header.byteCount),
            "\(header.byteCount) bytes of \(bytes.count)"
        )
        // What follows is the client's, and says nothing.
        try requireSame(read(bytes.prefix(header.byteCount)), whole, "it needs more than its own bytes")
        try requireSame(read(bytes.prefix(header.byteCount) + [0x50, 0x0d]), whole, "what follows changes it")
    }

    private static func read(_ bytes: ArraySlice<UInt8>) throws -> ProxyHeader.Reading {
        try withExactCopy(of: bytes) { ProxyHeader.read($0.octets.span) }
    }
}
