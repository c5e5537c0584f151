extension RecordKey {
    /// What Linux wants to know to seal records itself: `struct tls12_crypto_info_…` of linux/tls.h, which is the same for TLS 1.3. Its
    /// salt is the first four bytes of what numbers are mixed into, but for ChaCha20, which has none.
    mutating func kernelParameters() -> [UInt8] {
        let kind: UInt16 =
            switch suite {
            case .aes128: 51
            case .aes256: 52
            case .chaCha20: 54
            }
        let (key, start) = material
        let saltByteCount = suite == .chaCha20 ? 0 : 4
        var bytes = withUnsafeBytes(of: (UInt16(0x0304), kind)) { Array($0) }
        bytes += start[saltByteCount...]
        bytes += key
        bytes += start[..<saltByteCount]
        withUnsafeBytes(of: number.bigEndian) { bytes += $0 }
        return bytes
    }
}
