/// How many batches a second somebody is sent of a channel, at most.
///
/// Size: 4 bytes. It counts thousandths, so that a rate below one is a whole number, too.
public struct MaxRate: Hashable, Sendable, Comparable {
    /// Batches in a thousand seconds.
    public let thousandths: UInt32

    /// The slowest and the fastest that may be asked for: a reader waits ten seconds at most, and what comes oftener than every fiftieth
    /// of a second is for the eye what comes at once.
    public static let slowest = MaxRate(thousandths: 100)
    public static let fastest = MaxRate(thousandths: 20_000)

    /// What it must be, for who got it wrong.
    public static let form: StaticString = "must be a number from 0.1 to 20"

    /// Takes a rate that is known to be one.
    init(thousandths: UInt32) { self.thousandths = thousandths }

    /// Reads a decimal number such as `2` or `0.5`, or says `nil` if it is none, or out of bounds. What is finer than a thousandth is
    /// left out: it is a maximum.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), (1...2).contains(parts[0].count), parts.last?.isEmpty == false,
            text.utf8.count <= Self.textBytesMax
        else { return nil }
        guard parts.joined().allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let fraction = parts.count == 2 ? Array(parts[1].prefix(3)) : []
        let zeros = Array(repeating: UInt8(ascii: "0"), count: 3 - fraction.count)
        let value = (Array(parts[0]) + fraction + zeros).reduce(0 as UInt32) {
            $0 * 10 + UInt32(clamping: Int($1) - 0x30)
        }
        guard (Self.slowest.thousandths...Self.fastest.thousandths).contains(value) else { return nil }
        thousandths = value
    }

    /// Longer than any number that means something.
    private static let textBytesMax = 32

    /// Time from one batch to the next: rounded up, so that there are never more.
    public var intervalMilliseconds: UInt64 { UInt64((1_000_000 + thousandths - 1) / thousandths) }

    /// As a decimal number.
    public var text: String {
        let (whole, fraction) = (thousandths / 1_000, thousandths % 1_000)
        guard fraction > 0 else { return "\(whole)" }
        var digits = "\(1_000 + fraction)".dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)"
    }

    /// The slower one is less.
    public static func < (one: MaxRate, other: MaxRate) -> Bool { one.thousandths < other.thousandths }
}
