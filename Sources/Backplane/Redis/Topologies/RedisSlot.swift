/// One of the slots into which Redis Cluster divides the keys.
///
/// Source: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/, "Key distribution model" and its appendix A.
enum RedisSlot {
    static let count = 16_384

    /// The slot of a key: of what stands in its first braces, or else of all of it.
    static func of(_ key: String) -> Int {
        var key = key
        return key.withUTF8 { bytes in
            guard let open = bytes.firstIndex(of: UInt8(ascii: "{")),
                let close = bytes[(open + 1)...].firstIndex(of: UInt8(ascii: "}")), close > open + 1
            else { return slot(of: bytes[...]) }
            return slot(of: bytes[(open + 1)..<close])
        }
    }

    private static func slot(of bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Int {
        var remainder: UInt16 = 0
        for byte in bytes { remainder = (remainder << 8) ^ table[Int((remainder >> 8) ^ UInt16(byte))] }
        return Int(remainder) % count
    }

    /// CRC-16/XMODEM, polynomial 0x1021, a byte at a time.
    private static let table: [UInt16] = (0..<256).map { byte in
        (0..<8).reduce(UInt16(byte) << 8) { rest, _ in rest & 0x8000 == 0 ? rest << 1 : (rest << 1) ^ 0x1021 }
    }
}
