/// Which channels a client reads: one of each kind, which follow from its number among all clients.
struct Channels {
    /// How many there are of each kind.
    let counts: [UInt32]

    /// A channel within its kind.
    @inline(__always)
    func number(ofClient client: UInt32, kind: Int) -> UInt32 { client % counts[kind] }

    /// A channel among those of all kinds: its place on the board.
    func place(ofClient client: UInt32, kind: Int) -> Int {
        Int(counts[..<kind].reduce(0, +) + number(ofClient: client, kind: kind))
    }

    func name(ofClient client: UInt32, kind: Int) -> String {
        let number = number(ofClient: client, kind: kind)
        return kind == 0 ? "all" : kind == 1 ? "thousand/\(number)" : "ten/\(number)"
    }
}
