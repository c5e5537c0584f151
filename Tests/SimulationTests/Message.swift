import Broker

/// What an edge tells a client. A frame is some words of eight bytes: the first says what it is and how long, the last is
/// the sum of the others; so one that was cut or mixed with another is found out.
enum Message {
    case welcome(token: Int)
    case subscribed(channel: Int, Position, isRecovered: Bool?)
    case publication(channel: Int, Position, number: Int)
    case ephemeral(channel: Int, number: Int)
    case gap(channel: Int, from: Position, to: Position)
    case unsubscribed(channel: Int)
    case refused(channel: Int, code: Int)
    case ping(number: UInt32)
    case bye(code: Int)

    private static let mark: UInt64 = 0x5053_4400_0000_0000
    private static let contentWords = 5

    /// Words of the longest frame.
    static let wordsMax = 24

    private var content: (kind: UInt64, words: [UInt64]) {
        switch self {
        case .welcome(let token): (1, [UInt64(token), 0, 0, 0, 0])
        case .subscribed(let channel, let at, let isRecovered):
            (2, [UInt64(channel), at.milliseconds, at.sequence, isRecovered.map { $0 ? 2 : 1 } ?? 0, 0])
        case .publication(let channel, let at, let number):
            (3, [UInt64(channel), at.milliseconds, at.sequence, UInt64(number), 0])
        case .ephemeral(let channel, let number): (4, [UInt64(channel), UInt64(number), 0, 0, 0])
        case .gap(let channel, let from, let to):
            (5, [UInt64(channel), from.milliseconds, from.sequence, to.milliseconds, to.sequence])
        case .unsubscribed(let channel): (6, [UInt64(channel), 0, 0, 0, 0])
        case .refused(let channel, let code): (7, [UInt64(channel), UInt64(code), 0, 0, 0])
        case .ping(let number): (8, [UInt64(number), 0, 0, 0, 0])
        case .bye(let code): (9, [UInt64(code), 0, 0, 0, 0])
        }
    }

    /// The frame, longer by so many words.
    func frame(padding: Int = 0) -> [UInt64] {
        let (kind, words) = content
        let count = words.count + 2 + padding
        let header = Self.mark | kind << 16 | UInt64(count)
        var frame = [header] + words
        for place in 0..<padding { frame.append(UInt64(place)) }
        frame.append(frame.reduce(0, &+))
        return frame
    }

    /// Takes the first frame of some bytes; `nil` if it is not there as a whole yet.
    ///
    /// - Throws: if these are no bytes of a frame.
    init?(first bytes: UnsafeRawBufferPointer, byteCount: inout Int) throws(BrokenFrame) {
        guard bytes.count >= 8 else { return nil }
        let header = bytes.loadUnaligned(as: UInt64.self)
        guard header & ~0xFF_FFFF == Self.mark else { throw BrokenFrame() }
        let count = Int(header & 0xFFFF)
        guard count >= Self.contentWords + 2, count <= Self.wordsMax else { throw BrokenFrame() }
        guard bytes.count >= count * 8 else { return nil }
        let words = (0..<count).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) }
        guard words.dropLast().reduce(0, &+) == words[count - 1] else { throw BrokenFrame() }
        byteCount = count * 8
        self.init(kind: header >> 16 & 0xFF, words)
    }

    private init?(kind: UInt64, _ words: [UInt64]) {
        let first = Int(words[1])
        let position = Position(milliseconds: words[2], sequence: words[3])
        switch kind {
        case 1: self = .welcome(token: first)
        case 2: self = .subscribed(channel: first, position, isRecovered: words[4] == 0 ? nil : words[4] == 2)
        case 3: self = .publication(channel: first, position, number: Int(words[4]))
        case 4: self = .ephemeral(channel: first, number: Int(words[2]))
        case 5:
            self = .gap(channel: first, from: position, to: Position(milliseconds: words[4], sequence: words[5]))
        case 6: self = .unsubscribed(channel: first)
        case 7: self = .refused(channel: first, code: Int(words[2]))
        case 8: self = .ping(number: UInt32(words[1]))
        default: self = .bye(code: first)
        }
    }
}

/// Bytes that are not a frame.
struct BrokenFrame: Error {}
