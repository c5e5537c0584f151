/// What is ready of a shared reactor's descriptors: four bits for each of 128 tokens, which is 16 servers with eight links each.
///
/// With twice as many, 1,024 bits, which no processor here has a register for, a publication took 0.1 ms longer from node to node
/// (p50 1.16 × by `bench/run --case cross-node-latency --against`).
///
/// Size: 64 bytes, and nothing on the heap.
@usableFromInline
struct ReadySet: Sendable {
    /// Tokens are below this.
    @usableFromInline static var tokenCount: UInt64 { 128 }

    private static let tokensPerWord: UInt64 = 16

    private var words = SIMD8<UInt64>.zero

    init() {}

    /// Whether nothing is ready.
    @usableFromInline
    var isEmpty: Bool { words == .zero }

    /// Adds what one descriptor is ready for.
    mutating func insert(_ token: UInt64, _ readiness: Readiness) {
        assert(token < Self.tokenCount, "a token that was never given")
        words[Self.word(token)] |= UInt64(readiness.rawValue) << Self.shift(token)
    }

    /// Adds all of another set.
    mutating func formUnion(_ other: ReadySet) { words |= other.words }

    /// What one descriptor is ready for.
    subscript(token: UInt64) -> Readiness {
        Readiness(rawValue: UInt8(truncatingIfNeeded: words[Self.word(token)] >> Self.shift(token)) & 0xf)
    }

    /// Tells of all that is ready, in the order of their tokens.
    @usableFromInline
    func forEach(_ body: (_ token: UInt64, Readiness) -> Void) {
        for word in words.indices where words[word] != 0 {
            let first = UInt64(word) * Self.tokensPerWord
            for token in first..<(first + Self.tokensPerWord) {
                let readiness = self[token]
                if !readiness.isEmpty { body(token, readiness) }
            }
        }
    }

    private static func word(_ token: UInt64) -> Int { Int(token / tokensPerWord) }
    private static func shift(_ token: UInt64) -> UInt64 { token % tokensPerWord * 4 }
}
