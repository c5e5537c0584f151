/// A publication's place in its channel: the id of its Redis stream entry, `<milliseconds>-<sequence>`.
///
/// Size: 16 bytes. Source: Redis stream entry ids.
public struct Position: Hashable, Sendable, Comparable {
    /// Milliseconds of the Redis clock when the publication was made.
    public var milliseconds: UInt64

    /// Tells apart the publications of one millisecond.
    public var sequence: UInt64

    /// Makes a position from its two numbers.
    public init(milliseconds: UInt64, sequence: UInt64) {
        self.milliseconds = milliseconds
        self.sequence = sequence
    }

    /// Bytes of the longest text: two numbers of 20 digits and a dash.
    public static let textBytesMax = 41

    /// Before every publication: the predecessor of a channel's first one.
    public static let start = Position(milliseconds: 0, sequence: 0)

    /// The next position that could follow this one within the same millisecond; the greatest of all is its own.
    public var successor: Position {
        let (next, overflow) = sequence.addingReportingOverflow(1)
        if !overflow { return Position(milliseconds: milliseconds, sequence: next) }
        return milliseconds == .max ? self : Position(milliseconds: milliseconds + 1, sequence: 0)
    }

    /// Orders by time, then by number.
    public static func < (left: Position, right: Position) -> Bool {
        (left.milliseconds, left.sequence) < (right.milliseconds, right.sequence)
    }
}

extension Position: CustomStringConvertible {
    /// The text form, at most 41 bytes.
    public var description: String { "\(milliseconds)-\(sequence)" }

    /// Reads `<milliseconds>-<sequence>`; `nil` unless both are plain decimals that fit 64 bits.
    public init?(_ text: some StringProtocol) {
        self.init(utf8: text.utf8)
    }

    /// Reads the text form from UTF-8 bytes.
    public init?(utf8 bytes: some Sequence<UInt8>) {
        var numbers: (UInt64, UInt64) = (0, 0)
        var digits = 0
        var afterDash = false
        for byte in bytes {
            if byte == UInt8(ascii: "-"), !afterDash, digits > 0 {
                afterDash = true
                digits = 0
                continue
            }
            guard byte >= 48, byte <= 57 else { return nil }
            let (product, overflow) = (afterDash ? numbers.1 : numbers.0).multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(byte - 48))
            guard !overflow, !carry else { return nil }
            if afterDash { numbers.1 = sum } else { numbers.0 = sum }
            digits += 1
        }
        guard afterDash, digits > 0 else { return nil }
        self.init(milliseconds: numbers.0, sequence: numbers.1)
    }
}
