/// What the body of an answer is compressed as: a content coding, RFC 9110 §8.4.1.
public enum ContentCoding: Hashable, Sendable, CaseIterable {
    /// The format of RFC 1952.
    case gzip
    /// The format of zlib, RFC 1950, around a stream of deflate; not that stream by itself, which some clients and servers once took it
    /// for. Those that are about today try zlib's format first.
    case deflate

    /// As `Content-Encoding` says it.
    public var name: StaticString {
        switch self {
        case .gzip: "gzip"
        case .deflate: "deflate"
        }
    }

    /// What a body begins with.
    public var header: [UInt8] {
        switch self {
        case .gzip: Self.gzipHeader
        case .deflate: Self.zlibHeader
        }
    }

    /// RFC 1952 §2.3: deflate, no flags, no time, system unknown.
    private static let gzipHeader: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]

    /// RFC 1950 §2.2: deflate, and how much a client must keep; how hard the compressor tried, which is as zlib does by default, and what
    /// makes both bytes a multiple of 31.
    private static let zlibHeader: [UInt8] = {
        let windowBits = Deflater.Window.wide.bits
        let unchecked = ((windowBits - 8) << 4 | 8) << 8 | 2 << 6
        let header = unchecked + 31 - unchecked % 31
        return [UInt8(truncatingIfNeeded: header >> 8), UInt8(truncatingIfNeeded: header)]
    }()

    /// What a client wants an answer's body to be compressed as that says so in these lines of `Accept-Encoding`, RFC 9110 §12.5.3; `nil`
    /// where it rather has it left alone.
    ///
    /// Where it likes both the same it is gzip, for on what that is all clients agree; and for the same reason `deflate` is only what
    /// names it: `*` stands for gzip.
    public static func wanted(by lines: [String]) -> ContentCoding? {
        var (gzip, deflate, others, identity): (Int?, Int?, Int?, Int?)
        for item in lines.flatMap({ $0.split(separator: ",") }) {
            let parts = item.split(separator: ";", omittingEmptySubsequences: false).map(trimmed)
            guard let weight = weight(parts.dropFirst()) else { continue }
            switch parts[0].lowercased() {
            case "gzip", "x-gzip": gzip = max(gzip ?? 0, weight)
            case "deflate": deflate = max(deflate ?? 0, weight)
            case "*": others = weight
            case "identity": identity = weight
            default: break
            }
        }
        let (gzipWeight, deflateWeight) = (gzip ?? others ?? 0, deflate ?? 0)
        let weight = max(gzipWeight, deflateWeight)
        guard weight > 0, weight >= identity ?? 0 else { return nil }
        return gzipWeight == weight ? .gzip : .deflate
    }

    /// In thousandths, RFC 9110 §12.4.2; `nil` where it is none.
    private static func weight(_ parameters: ArraySlice<Substring>) -> Int? {
        guard let parameter = parameters.first else { return 1_000 }
        let parts = parameter.split(separator: "=", maxSplits: 1).map(trimmed)
        guard parameters.count == 1, parts.count == 2, parts[0].lowercased() == "q" else { return nil }
        let digits = parts[1].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = digits.first, whole == "0" || whole == "1" else { return nil }
        let fraction = digits.count > 1 ? digits[1] : ""
        guard fraction.utf8.count <= 3, fraction.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let thousandths = Int(fraction + String(repeating: "0", count: 3 - fraction.utf8.count)) ?? 0
        if whole == "1" { return thousandths == 0 ? 1_000 : nil }
        return thousandths
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
