/// Makes inputs out of others: a bit here, a token there, two halves of two. It sees no coverage; `deploy/fuzz` does.
struct Mutator {
    private var state: UInt64

    /// Inputs to begin with; what comes of them is not kept.
    let seeds: [[UInt8]]

    /// The same numbers for the same seed.
    init(seeds: [[UInt8]], seed: UInt64) {
        self.seeds = seeds
        state = seed &* 2 &+ 1
    }

    /// What parsers trip over: ends of lines and of nesting, signs, the edges of numbers, half a character.
    private static let tokens: [[UInt8]] =
        [
            "\r\n", "\r\n\r\n", "0", "-1", "18446744073709551616", "9223372036854775807", "1e999", "ffffffff", "%00",
            "%", "\"",
            "\\", "\\ud800", "{", "}", "[", "]", ",", ":", ";", "*", "**", "/", "=", "&", "+", "@", ".", "null",
            "\u{301}", "\u{600}",
            "\u{e9}", "$-1\r\n", "*-1\r\n",
        ].map { Array($0.utf8) } + [[0], [0x7f], [0x80], [0xc0], [0xc1], [0xe2, 0x82], [0xff], [0xff, 0xff]]

    private mutating func number(below limit: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(truncatingIfNeeded: state >> 1) % max(limit, 1)
    }

    /// The next input: a seed with one to four changes.
    mutating func next() -> [UInt8] {
        var bytes = seeds[number(below: seeds.count)]
        for _ in 0...number(below: 4) { change(&bytes) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let place = number(below: bytes.count + 1)
        let end = min(bytes.count, place + number(below: 16))
        switch number(below: 7) {
        case 0 where place < bytes.count: bytes[place] ^= UInt8(1 << number(below: 8))
        case 1 where place < bytes.count: bytes[place] = UInt8(number(below: 256))
        case 2: bytes.insert(contentsOf: Self.tokens[number(below: Self.tokens.count)], at: place)
        case 3: bytes.removeSubrange(place..<end)
        case 4: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 5: bytes.removeSubrange(place...)
        default:
            let other = seeds[number(below: seeds.count)]
            bytes.replaceSubrange(place..., with: other[number(below: other.count + 1)...])
        }
    }
}
