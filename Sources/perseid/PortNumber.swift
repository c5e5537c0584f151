/// A TCP port as people write it: decimal digits, which `UInt16` alone would also take with a sign.
struct PortNumber {
    let number: UInt16

    init?(_ text: Substring) {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(text) else { return nil }
        self.number = number
    }
}
